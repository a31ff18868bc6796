package feature

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// one refuses a step that is not given exactly one input.
func one(n int, op string) error {
	if n != 1 {
		return fault.New(fault.Invalid, op, "%d inputs, 1 wanted", n)
	}
	return nil
}

// find returns the places of the named columns, whose types must be among ids; a wrong type answers with code and why.
//
// Errors: fault.SchemaMismatch (absent or ambiguous), fault.Invalid (a name twice, none), fault.LimitExceeded.
func find(s *arrow.Schema, names []string, why string, code fault.Code, ids ...arrow.Type) ([]int, error) {
	const op = "feature.columns"
	if len(names) == 0 {
		return nil, fault.New(fault.Invalid, op, "no columns are named")
	}
	if len(names) > MaxColumns {
		return nil, fault.New(fault.LimitExceeded, op, "MaxColumns: %d columns, at most %d", len(names), MaxColumns)
	}
	out := make([]int, len(names))
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if seen[name] {
			return nil, fault.New(fault.Invalid, op, "column %q is named twice", name)
		}
		seen[name] = true
		at := s.FieldIndices(name)
		if len(at) != 1 {
			return nil, fault.New(fault.SchemaMismatch, op, "column %q: %d found, 1 wanted", name, len(at))
		}
		if t := s.Field(at[0]).Type; !slices.Contains(ids, t.ID()) {
			return nil, fault.New(code, op, "column %q is %s: %s", name, t, why)
		}
		out[i] = at[0]
	}
	return out, nil
}

// mapped is a stream that makes one batch of each batch of src, which it owns.
type mapped struct {
	src    engine.Stream
	schema *arrow.Schema
	f      func(arrow.Record) (arrow.Record, error) // borrows its argument
}

// Schema implements engine.Stream.
func (m *mapped) Schema() *arrow.Schema { return m.schema }

// Close implements engine.Stream.
func (m *mapped) Close() error { return m.src.Close() }

// Next implements engine.Stream.
func (m *mapped) Next(ctx context.Context) (arrow.Record, error) {
	rec, err := m.src.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	return m.f(rec)
}
