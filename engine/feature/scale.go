package feature

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
)

// Scale is the operator that imputes and standardises a table batch by batch with a fitted Scaler. A plan binds it with
// Columns alone, before anything is fitted.
type Scale struct {
	Columns []string
	Scaler  Scaler // of Columns, in their order; used by Open
}

// Bind implements engine.Operator: Columns as float64, each with its own label.
//
// Errors: fault.Invalid (a column of text, named; input count), fault.SchemaMismatch (absent), those of label.Local.
func (s Scale) Bind(in []engine.Type) (engine.Type, error) {
	if err := one(len(in), "feature.Scale"); err != nil {
		return engine.Type{}, err
	}
	at, err := s.columns(in[0].Schema)
	if err != nil {
		return engine.Type{}, err
	}
	labels := make([]label.Label, len(at))
	for i, c := range at {
		if labels[i], err = label.Local(false, in[0].Labels[c]); err != nil {
			return engine.Type{}, columnFault(err, s.Columns[i])
		}
	}
	return engine.Type{Schema: s.schema(), Labels: labels}, nil
}

func (s Scale) columns(in *arrow.Schema) ([]int, error) {
	return find(in, s.Columns, "a feature is a number; encode a category first", fault.Invalid, arrow.INT64, arrow.FLOAT64)
}

func (s Scale) schema() *arrow.Schema {
	fields := make([]arrow.Field, len(s.Columns))
	for i, name := range s.Columns {
		fields[i] = arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64}
	}
	return arrow.NewSchema(fields, nil)
}

// Open implements engine.Operator.
//
// Errors: those of Bind, fault.SchemaMismatch when the Scaler was fitted on other columns; from Next those of
// Scaler.Apply.
func (s Scale) Open(_ context.Context, mem memory.Allocator, in []engine.Stream) (engine.Stream, error) {
	if err := one(len(in), "feature.Scale"); err != nil {
		return nil, err
	}
	at, err := s.columns(in[0].Schema())
	if err != nil {
		return nil, err
	}
	if !slices.Equal(s.Columns, s.Scaler.Names) {
		return nil, fault.New(fault.SchemaMismatch, "feature.Scale", "the scaler was fitted on other columns than the %d of the step", len(s.Columns))
	}
	schema := s.schema()
	return &mapped{src: in[0], schema: schema, f: func(rec arrow.Record) (arrow.Record, error) {
		return s.batch(mem, schema, rec, at)
	}}, nil
}

// batch scales one batch.
func (s Scale) batch(mem memory.Allocator, schema *arrow.Schema, rec arrow.Record, at []int) (arrow.Record, error) {
	m, err := NewMatrix(s.Columns, int(rec.NumRows()))
	if err != nil {
		return nil, err
	}
	picks := make([]pick, m.Rows)
	for i := range picks {
		picks[i] = pick{local: int32(i), position: int32(i)}
	}
	for j, c := range at {
		if err := m.load(j, rec.Column(c), picks); err != nil {
			return nil, err
		}
	}
	out, err := s.Scaler.Apply(m)
	if err != nil {
		return nil, err
	}
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for j := range out.Cols {
		if f, ok := b.Field(j).(*array.Float64Builder); ok {
			f.AppendValues(out.Column(j), nil)
		}
	}
	return b.NewRecord(), nil
}
