package table

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// WriteCSV writes s as CSV or TSV with a header and returns the rows. Numbers are in their shortest exact form, null is
// an empty cell, an empty text is "".
//
// Errors: fault.Unsupported (a column that is none of int64, float64, utf8, named), fault.Unavailable (w fails), those
// of s.
func WriteCSV(ctx context.Context, w io.Writer, format Format, s engine.Stream) (rows int64, err error) {
	out := &csvWriter{w: bufio.NewWriterSize(w, 256<<10), comma: ','}
	if format == TSV {
		out.comma = '\t'
	}
	for i, f := range s.Schema().Fields() {
		if !canonical(f.Type) {
			return 0, fault.New(fault.Unsupported, "table.WriteCSV", "column %q: type %s is none of int64, float64, utf8", f.Name, f.Type)
		}
		out.separate(i)
		out.text(f.Name)
	}
	out.line = append(out.line, '\n')
	rows, err = Each(ctx, s, out.batch)
	if err != nil {
		return 0, err
	}
	out.flush()
	return rows, unwritable(out.w.Flush())
}

// csvWriter builds one row at a time in line.
type csvWriter struct {
	w     *bufio.Writer
	comma byte
	line  []byte
}

func (c *csvWriter) separate(column int) {
	if column > 0 {
		c.line = append(c.line, c.comma)
	}
}

// flush passes the line on; the buffered writer keeps the first error for Flush.
func (c *csvWriter) flush() {
	c.w.Write(c.line)
	c.line = c.line[:0]
}

func (c *csvWriter) batch(rec arrow.Record) error {
	c.flush()
	for row := range int(rec.NumRows()) {
		for i, col := range rec.Columns() {
			c.separate(i)
			c.cell(col, row)
		}
		if len(c.line) == 0 {
			c.line = append(c.line, `""`...) // a null alone in its row: an empty line would not be a row
		}
		c.line = append(c.line, '\n')
		c.flush()
	}
	_, err := c.w.Write(nil)
	return unwritable(err)
}

func (c *csvWriter) cell(col arrow.Array, row int) {
	if col.IsNull(row) {
		return
	}
	switch a := col.(type) {
	case *array.Int64:
		c.line = strconv.AppendInt(c.line, a.Value(row), 10)
	case *array.Float64:
		c.line = appendFloat(c.line, a.Value(row))
	case *array.String:
		c.text(a.Value(row))
	}
}

// text appends s, in quotes where RFC 4180 §2 wants them or a reader could take it for something else.
func (c *csvWriter) text(s string) {
	if s != "" && s[0] != ' ' && strings.IndexByte(s, c.comma) < 0 && !strings.ContainsAny(s, "\"\r\n") {
		c.line = append(c.line, s...)
		return
	}
	c.line = append(c.line, '"')
	c.line = append(c.line, strings.ReplaceAll(s, `"`, `""`)...)
	c.line = append(c.line, '"')
}
