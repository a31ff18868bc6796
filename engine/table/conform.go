package table

import (
	"context"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// Conform brings a stream of any Arrow types to the three types of a table and to batches of at most
// engine.MaxBatchRows rows. Integers of any width and booleans become int64, floats float64, strings and days utf8
// (2006-01-02); under a declared schema each of the three converts to each other where nothing is lost. It copies.
//
// The result owns src, also when Conform fails.
//
// Errors: fault.Unsupported (a type beyond those, column named), fault.SchemaMismatch (a declared column or key is
// absent), fault.Invalid (a name twice; from Next, a cell that does not convert, row and column named), fault.Corrupt.
func Conform(src engine.Stream, mem memory.Allocator, o Options) (engine.Stream, error) {
	s, err := newConform(src, mem, o)
	if err != nil {
		src.Close()
		return nil, err
	}
	return s, nil
}

// conform is the stream of Conform.
type conform struct {
	src    engine.Stream
	schema *arrow.Schema
	from   []int
	mem    memory.Allocator
	rec    arrow.Record // what is left of it begins at off
	off    int
	row    int64 // rows handed out
	err    error
}

func newConform(src engine.Stream, mem memory.Allocator, o Options) (*conform, error) {
	names := make([]string, src.Schema().NumFields())
	for i, f := range src.Schema().Fields() {
		names[i] = f.Name
	}
	if err := CheckNames(names); err != nil {
		return nil, err
	}
	if err := checkKeys(o.Keys, names); err != nil {
		return nil, err
	}
	want, err := wanted(src.Schema(), o)
	if err != nil {
		return nil, err
	}
	from, err := positions(want, names)
	if err != nil {
		return nil, err
	}
	for _, p := range from {
		if f := src.Schema().Field(p); kindOf(f.Type) == unknown {
			return nil, fault.New(fault.Unsupported, "table.Conform", "column %q: type %s is not read", f.Name, f.Type)
		}
	}
	return &conform{src: src, schema: want, from: from, mem: mem}, nil
}

// wanted returns the schema of the result: as declared, or every column in its natural type, keys as utf8.
func wanted(have *arrow.Schema, o Options) (*arrow.Schema, error) {
	from := have.Fields()
	if o.Schema != nil {
		from = o.Schema.Fields()
	}
	fields := make([]arrow.Field, len(from))
	for i, f := range from {
		t := f.Type
		if o.Schema == nil {
			t = natural(kindOf(f.Type))
			if t == nil {
				return nil, fault.New(fault.Unsupported, "table.Conform", "column %q: type %s is not read", f.Name, f.Type)
			}
			if slices.Contains(o.Keys, f.Name) {
				t = arrow.BinaryTypes.String
			}
		}
		fields[i] = Field(f.Name, t)
	}
	return arrow.NewSchema(fields, nil), nil
}

// Schema implements engine.Stream.
func (s *conform) Schema() *arrow.Schema { return s.schema }

// Close implements engine.Stream.
func (s *conform) Close() error {
	s.drop()
	s.err = io.EOF
	return s.src.Close()
}

func (s *conform) drop() {
	if s.rec != nil {
		s.rec.Release()
		s.rec = nil
	}
}

// Next implements engine.Stream.
func (s *conform) Next(ctx context.Context) (arrow.Record, error) {
	if err := canceled(ctx, "table.Next"); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	var out arrow.Record
	err := Guard("table.Next", func() (err error) {
		out, err = s.batch(ctx)
		return err
	})
	if err != nil {
		s.drop()
		s.err = err
		return nil, err
	}
	return out, nil
}

func (s *conform) batch(ctx context.Context) (arrow.Record, error) {
	for s.rec == nil {
		rec, err := s.src.Next(ctx)
		if err != nil {
			return nil, err
		}
		if rec.NumRows() == 0 {
			rec.Release()
			continue
		}
		s.rec, s.off = rec, 0
	}
	to := min(s.off+engine.MaxBatchRows, int(s.rec.NumRows()))
	b := array.NewRecordBuilder(s.mem, s.schema)
	defer b.Release()
	for i, p := range s.from {
		if bad, why := convert(b.Field(i), s.rec.Column(p), s.off, to); bad >= 0 {
			return nil, fault.New(fault.Invalid, "table.Next", "row %d, column %q: %s",
				s.row+int64(bad-s.off)+1, s.schema.Field(i).Name, why)
		}
	}
	s.row += int64(to - s.off)
	if s.off = to; to == int(s.rec.NumRows()) {
		s.drop()
	}
	return b.NewRecord(), nil
}
