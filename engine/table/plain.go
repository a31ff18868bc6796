package table

import (
	"bufio"
	"bytes"
	"strings"
	"unicode/utf8"
)

// plain reads the lines without quotes that are whole in the read-ahead of a file, many at a time: most lines of most
// files. It reads them as encoding/csv does, which gets all others.
type plain struct {
	buf   *bufio.Reader // shared with the csv.Reader, which a bufio.Reader of 4 KiB or more is not wrapped in another by
	comma byte
	lines string // taken from buf and not handed out yet; ends with a newline
	text  bool   // lines is valid UTF-8
	cells []string
}

// next returns the cells of the next row, and whether they are known to be valid UTF-8; nil cells where the row is not
// one for plain. The cells stay valid, the slice does not.
func (p *plain) next() (cells []string, text bool) {
	for {
		if p.lines == "" && !p.take() {
			return nil, false
		}
		line, rest, _ := strings.Cut(p.lines, "\n")
		p.lines = rest
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue // as encoding/csv does
		}
		return p.split(line), p.text
	}
}

// take moves the lines ahead of the first with a quote from the buffer, and reports whether there are any.
func (p *plain) take() bool {
	ahead, _ := p.buf.Peek(p.buf.Buffered()) // cannot fail: they are buffered
	if quote := bytes.IndexByte(ahead, '"'); quote >= 0 {
		ahead = ahead[:quote]
	}
	ahead = ahead[:bytes.LastIndexByte(ahead, '\n')+1]
	if len(ahead) == 0 {
		return false
	}
	p.lines, p.text = string(ahead), utf8.Valid(ahead)
	_, _ = p.buf.Discard(len(ahead)) // cannot fail: they are buffered
	return true
}

func (p *plain) split(line string) []string {
	p.cells = p.cells[:0]
	for {
		at := strings.IndexByte(line, p.comma)
		if at < 0 {
			p.cells = append(p.cells, line)
			return p.cells
		}
		p.cells = append(p.cells, line[:at])
		line = line[at+1:]
	}
}
