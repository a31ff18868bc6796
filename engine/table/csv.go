package table

import (
	"compress/flate"
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// csvStream converts the rows of a text file to batches of a declared schema.
type csvStream struct {
	file   *os.File
	rows   *rows
	schema *arrow.Schema
	from   []int // per field, its place in a row
	mem    memory.Allocator
	like   extent
	err    error // sticky: after a failure or io.EOF nothing more is read
}

// openCSV owns f from here on, also when it fails.
func openCSV(f *os.File, format Format, gzipped bool, mem memory.Allocator, o Options) (engine.Stream, error) {
	s, err := newCSV(f, format, gzipped, mem, o)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func newCSV(f *os.File, format Format, gzipped bool, mem memory.Allocator, o Options) (*csvStream, error) {
	r, err := newRows(f, format, gzipped)
	if err != nil {
		return nil, err
	}
	if err := checkKeys(o.Keys, r.names); err != nil {
		return nil, err
	}
	from, err := positions(o.Schema, r.names)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, o.Schema.NumFields())
	for i, fd := range o.Schema.Fields() {
		fields[i] = Field(fd.Name, fd.Type)
	}
	return &csvStream{file: f, rows: r, schema: arrow.NewSchema(fields, nil), from: from, mem: mem}, nil
}

// Schema implements engine.Stream.
func (s *csvStream) Schema() *arrow.Schema { return s.schema }

// Close implements engine.Stream.
func (s *csvStream) Close() error {
	s.err = io.EOF
	s.file.Close() // read only: nothing can be lost
	return nil
}

// Next implements engine.Stream.
func (s *csvStream) Next(ctx context.Context) (arrow.Record, error) {
	if err := canceled(ctx, "table.Next"); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	b := array.NewRecordBuilder(s.mem, s.schema)
	defer b.Release()
	s.like.reserve(b)
	n, err := s.fill(ctx, b)
	if err != nil && !(errors.Is(err, io.EOF) && n > 0) {
		s.err = err
		return nil, err
	}
	s.err = err // nil, or io.EOF behind a last batch
	s.like = extentOf(b, n)
	return b.NewRecord(), nil
}

// extent is what a batch held. The next one is expected to hold the same, so that its buffers need not grow.
type extent struct {
	rows int
	text []int // bytes by field, 0 of numbers
}

func extentOf(b *array.RecordBuilder, rows int) extent {
	e := extent{rows: rows, text: make([]int, len(b.Fields()))}
	for i, f := range b.Fields() {
		if t, ok := f.(*array.StringBuilder); ok {
			e.text[i] = t.DataLen()
		}
	}
	return e
}

func (e extent) reserve(b *array.RecordBuilder) {
	if e.rows == 0 {
		return
	}
	b.Reserve(e.rows)
	for i, f := range b.Fields() {
		if t, ok := f.(*array.StringBuilder); ok {
			t.ReserveData(e.text[i] + e.text[i]/16) // lengths vary
		}
	}
}

// fill appends up to a batch of rows and returns their number.
func (s *csvStream) fill(ctx context.Context, b *array.RecordBuilder) (n int, err error) {
	held := 0
	for n < engine.MaxBatchRows && held < MaxBatchBytes {
		if n%4096 == 4095 {
			if err := canceled(ctx, "table.Next"); err != nil {
				return n, err
			}
		}
		cells, err := s.rows.next()
		if err != nil {
			return n, err
		}
		if len(cells) != len(s.rows.names) {
			return n, s.rows.ragged(1, s.rows.number)
		}
		for i, p := range s.from {
			if !appendCell(b.Field(i), cells[p]) {
				return n, cellFault(s.rows.number, s.schema.Field(i))
			}
			held += len(cells[p])
		}
		n++
	}
	return n, nil
}

// appendCell appends one cell, an empty one as null, and reports whether it converts.
func appendCell(b array.Builder, cell string) bool {
	if cell == "" {
		b.AppendNull()
		return true
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(cell)
		return true
	case *array.Int64Builder:
		v, ok := parseInt(cell)
		if !ok {
			return appendBlank(b, cell)
		}
		b.Append(v)
		return true
	case *array.Float64Builder:
		v, ok := parseFloat(cell)
		if !ok {
			return appendBlank(b, cell)
		}
		b.Append(v)
		return true
	}
	return false
}

// appendBlank appends a null for a cell of spaces only.
func appendBlank(b array.Builder, cell string) bool {
	if lookOf(cell) != blank {
		return false
	}
	b.AppendNull()
	return true
}

// cellFault names the place of a cell that does not convert; it never holds the cell.
func cellFault(row int64, f arrow.Field) error {
	what := "a number"
	if f.Type.ID() == arrow.INT64 {
		what = "an integer"
	}
	return fault.New(fault.Invalid, "table.Next", "row %d, column %q: not %s", row, f.Name, what)
}

func isFlate(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
