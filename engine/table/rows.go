package table

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
)

// rows reads the records of a CSV or TSV file. The slice of cells is valid until the next record.
type rows struct {
	csv    *csv.Reader // what plain does not read
	plain  plain
	bounds *meter
	names  []string
	number int64 // of the record read last, 1 is the first below the header
}

// meter bounds what one record may draw from its reader.
type meter struct {
	r    io.Reader
	left int
}

var errRowTooLong = errors.New("row too long")

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// newRows reads the header. r is borrowed.
func newRows(r io.Reader, f Format, gzipped bool) (*rows, error) {
	if gzipped {
		z, err := gzip.NewReader(r)
		if errors.Is(err, io.EOF) {
			return nil, errEmpty()
		}
		if err != nil {
			return nil, readFault(err, 0)
		}
		r = z
	}
	m := &meter{r: r, left: MaxRowBytes}
	buf := bufio.NewReaderSize(m, 64<<10)
	if head, err := buf.Peek(3); err == nil && string(head) == "\xef\xbb\xbf" {
		buf.Discard(3) // cannot fail: the bytes were peeked
	}
	c := csv.NewReader(buf)
	c.FieldsPerRecord = -1 // counted here, with the row's own number
	c.ReuseRecord = true
	if f == TSV {
		c.Comma = '\t'
	}
	out := &rows{csv: c, bounds: m, plain: plain{buf: buf, comma: byte(c.Comma)}}
	return out, out.header()
}

func (r *rows) header() error {
	cells, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return errEmpty()
	}
	if err != nil {
		return readFault(err, 0)
	}
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return fault.New(fault.Invalid, "table.Open", "the header is not UTF-8")
		}
		r.names = append(r.names, strings.Clone(strings.TrimSpace(c)))
	}
	return CheckNames(r.names)
}

func errEmpty() error {
	return fault.New(fault.Invalid, "table.Open", "the file is empty: a header with the column names is expected")
}

// next returns the cells of the next row, io.EOF after the last. A row with another number of cells than the header is
// returned as it is: the caller counts or refuses it.
func (r *rows) next() ([]string, error) {
	r.bounds.left = MaxRowBytes
	cells, text := r.plain.next()
	var err error
	if cells == nil {
		cells, err = r.csv.Read()
	}
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	r.number++
	if err != nil {
		return nil, readFault(err, r.number)
	}
	for i, c := range cells {
		if len(c) > MaxCellBytes {
			return nil, fault.New(fault.LimitExceeded, "table.Next", "MaxCellBytes: row %d, column %q: %d bytes, at most %d",
				r.number, r.name(i), len(c), MaxCellBytes)
		}
		if !text && !utf8.ValidString(c) {
			return nil, fault.New(fault.Invalid, "table.Next", "row %d, column %q: not UTF-8", r.number, r.name(i))
		}
	}
	return cells, nil
}

func (r *rows) name(i int) string {
	if i < len(r.names) {
		return r.names[i]
	}
	return "beyond the header"
}

// ragged is the fault of count rows whose cells differ in number from the header's; first is the first of them.
func (r *rows) ragged(count, first int64) error {
	return fault.New(fault.Invalid, "table.Next", "%d rows do not have the %d cells of the header, the first is row %d",
		count, len(r.names), first)
}

// readFault gives a failure of the CSV or gzip reader its code. row 0 is the header.
func readFault(err error, row int64) error {
	place := "the header"
	if row > 0 {
		place = "row " + itoa(row)
	}
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errRowTooLong):
		return fault.New(fault.LimitExceeded, "table.Next", "MaxRowBytes: %s is longer than %d bytes; is a quote left open?",
			place, MaxRowBytes)
	case errors.As(err, &parse):
		return fault.Wrap(fault.Invalid, "table.Next", parse.Err, "%s: a quote is out of place", place)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF),
		isFlate(err):
		return fault.Wrap(fault.Corrupt, "table.Next", err, "%s: the compressed file is damaged or cut short", place)
	}
	return fault.Wrap(fault.Unavailable, "table.Next", err, "%s: the data file cannot be read", place)
}
