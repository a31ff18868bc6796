package feature

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
)

// Take is the operator that puts the rows of its input in index order: output row i is input row Index.Row[i], or null in
// every column where that is −1. It holds the taken cells, at most MaxCells of them and MaxTextBytes of text; the input
// streams through.
type Take struct{ Index Index }

// Bind implements engine.Operator: the input's columns, nullable, with their labels.
//
// Errors: fault.Invalid (index or input count), fault.Unsupported (a column that is none of int64, float64, utf8,
// named), those of label.Local.
func (t Take) Bind(in []engine.Type) (engine.Type, error) {
	if err := one(len(in), "feature.Take"); err != nil {
		return engine.Type{}, err
	}
	schema, err := t.schema(in[0].Schema)
	if err != nil {
		return engine.Type{}, err
	}
	labels := make([]label.Label, len(in[0].Labels))
	for i, l := range in[0].Labels {
		if labels[i], err = label.Local(false, l); err != nil {
			return engine.Type{}, columnFault(err, schema.Field(i).Name)
		}
	}
	return engine.Type{Schema: schema, Labels: labels}, nil
}

// columnFault names the column of a refused label.
func columnFault(err error, column string) error {
	return fault.Wrap(fault.CodeOf(err), "feature.Bind", err, "column %q: %s", column, fault.ReasonOf(err))
}

func (t Take) schema(in *arrow.Schema) (*arrow.Schema, error) {
	if err := t.Index.Check(); err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, in.NumFields())
	for i, f := range in.Fields() {
		switch f.Type.ID() {
		case arrow.INT64, arrow.FLOAT64, arrow.STRING:
		default:
			return nil, fault.New(fault.Unsupported, "feature.Take", "column %q: type %s is none of int64, float64, utf8", f.Name, f.Type)
		}
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type, Nullable: true}
	}
	if len(fields) > 0 && t.Index.Len() > MaxCells/len(fields) {
		return nil, fault.New(fault.LimitExceeded, "feature.Take", "MaxCells: %d rows of %d columns, at most %d cells",
			t.Index.Len(), len(fields), MaxCells)
	}
	return arrow.NewSchema(fields, nil), nil
}

// Open implements engine.Operator. The input is read on the first Next.
func (t Take) Open(_ context.Context, mem memory.Allocator, in []engine.Stream) (engine.Stream, error) {
	if err := one(len(in), "feature.Take"); err != nil {
		return nil, err
	}
	schema, err := t.schema(in[0].Schema())
	if err != nil {
		return nil, err
	}
	return &taken{src: in[0], ix: t.Index, schema: schema, mem: mem}, nil
}

// taken is the stream of Take.
type taken struct {
	src    engine.Stream
	ix     Index
	schema *arrow.Schema
	mem    memory.Allocator
	cols   []cells // nil until the input has been read
	at     int
}

// cells is one taken column; one of the three slices is used.
type cells struct {
	valid  []bool
	ints   []int64
	floats []float64
	texts  []string
}

// Schema implements engine.Stream.
func (t *taken) Schema() *arrow.Schema { return t.schema }

// Close implements engine.Stream.
func (t *taken) Close() error {
	t.cols = nil
	t.at = t.ix.Len()
	return t.src.Close()
}

// Next implements engine.Stream.
func (t *taken) Next(ctx context.Context) (arrow.Record, error) {
	if t.at == t.ix.Len() {
		return nil, io.EOF
	}
	if t.cols == nil {
		if err := t.read(ctx); err != nil {
			return nil, err
		}
	}
	to := min(t.at+engine.MaxBatchRows, t.ix.Len())
	b := array.NewRecordBuilder(t.mem, t.schema)
	defer b.Release()
	for i := range t.cols {
		t.cols[i].emit(b.Field(i), t.at, to)
	}
	t.at = to
	return b.NewRecord(), nil
}

func (t *taken) read(ctx context.Context) error {
	n := t.ix.Len()
	cols := make([]cells, t.schema.NumFields())
	for i, f := range t.schema.Fields() {
		cols[i].valid = make([]bool, n)
		switch f.Type.ID() {
		case arrow.INT64:
			cols[i].ints = make([]int64, n)
		case arrow.FLOAT64:
			cols[i].floats = make([]float64, n)
		case arrow.STRING:
			cols[i].texts = make([]string, n)
		}
	}
	held := 0
	err := gather(ctx, t.src, t.ix, func(rec arrow.Record, picks []pick) error {
		for i := range cols {
			held += cols[i].take(rec.Column(i), picks)
		}
		if held > MaxTextBytes {
			return fault.New(fault.LimitExceeded, "feature.Take", "MaxTextBytes: more than %d bytes of text", MaxTextBytes)
		}
		return nil
	})
	if err == nil {
		t.cols = cols
	}
	return err
}

// take copies the picked cells and returns the bytes of text among them.
func (c *cells) take(src arrow.Array, picks []pick) (bytes int) {
	for _, p := range picks {
		c.valid[p.position] = src.IsValid(int(p.local))
	}
	switch a := src.(type) {
	case *array.Int64:
		for _, p := range picks {
			c.ints[p.position] = a.Value(int(p.local))
		}
	case *array.Float64:
		for _, p := range picks {
			c.floats[p.position] = a.Value(int(p.local))
		}
	case *array.String:
		for _, p := range picks {
			s := string([]byte(a.Value(int(p.local)))) // the batch will be released
			c.texts[p.position] = s
			bytes += len(s)
		}
	}
	return bytes
}

// emit appends rows from..to to b.
func (c *cells) emit(b array.Builder, from, to int) {
	switch b := b.(type) {
	case *array.Int64Builder:
		b.AppendValues(c.ints[from:to], c.valid[from:to])
	case *array.Float64Builder:
		b.AppendValues(c.floats[from:to], c.valid[from:to])
	case *array.StringBuilder:
		b.AppendValues(c.texts[from:to], c.valid[from:to])
	}
}
