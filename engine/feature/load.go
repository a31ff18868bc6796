package feature

import (
	"context"
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// Load streams s once and gathers the numeric columns for the rows of ix, in index order. Null cells, and positions
// without a row, are missing. s is borrowed and read no further than the last row that ix names.
//
// Shape: ix.Len() × len(columns).
// Errors: fault.Invalid (a column of text, an integer that float64 does not hold: column named; an index beyond the
// table), fault.SchemaMismatch (a column is absent), fault.LimitExceeded (MaxCells, MaxColumns, MaxRows), those of s.
func Load(ctx context.Context, s engine.Stream, columns []string, ix Index) (Matrix, error) {
	at, err := find(s.Schema(), columns, "a feature is a number; encode a category first", fault.Invalid, arrow.INT64, arrow.FLOAT64)
	if err != nil {
		return Matrix{}, err
	}
	m, err := NewMatrix(columns, ix.Len())
	if err != nil {
		return Matrix{}, err
	}
	for i, r := range ix.Row {
		if r < 0 {
			for j := range m.Cols {
				m.miss(j, i)
			}
		}
	}
	err = gather(ctx, s, ix, func(rec arrow.Record, picks []pick) error {
		for j, c := range at {
			if err := m.load(j, rec.Column(c), picks); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Matrix{}, err
	}
	return m, nil
}

// miss marks a cell as missing.
func (m *Matrix) miss(j, i int) {
	if m.Null == nil {
		m.Null = make([]bool, len(m.Data))
	}
	m.Null[j*m.Rows+i] = true
	m.Data[j*m.Rows+i] = math.NaN()
}

// load puts the picked cells of src into column j.
func (m *Matrix) load(j int, src arrow.Array, picks []pick) error {
	dst := m.Column(j)
	switch a := src.(type) {
	case *array.Float64:
		values := a.Float64Values()
		for _, p := range picks {
			dst[p.position] = values[p.local]
		}
	case *array.Int64:
		values := a.Int64Values()
		for _, p := range picks {
			v := values[p.local]
			if (v > 1<<53 || v < -1<<53) && a.IsValid(int(p.local)) {
				return fault.New(fault.Invalid, "feature.Load", "column %q: an integer beyond 2^53, which float64 does not hold exactly", m.Names[j])
			}
			dst[p.position] = float64(v)
		}
	default:
		return fault.New(fault.SchemaMismatch, "feature.Load", "column %q: a batch differs from the schema", m.Names[j])
	}
	if src.NullN() == 0 {
		return nil
	}
	for _, p := range picks {
		if src.IsNull(int(p.local)) {
			m.miss(j, int(p.position))
		}
	}
	return nil
}

// LoadStrings gathers one categorical column, utf8 or int64, for the rows of ix. null marks cells without a value.
//
// Errors: those of Load; fault.Invalid for a float64 column, fault.LimitExceeded (MaxTextBytes).
func LoadStrings(ctx context.Context, s engine.Stream, column string, ix Index) (values []string, null []bool, err error) {
	at, err := find(s.Schema(), []string{column}, "a category is utf8 or int64", fault.Invalid, arrow.STRING, arrow.INT64)
	if err != nil {
		return nil, nil, err
	}
	if err := ix.Check(); err != nil {
		return nil, nil, err
	}
	values, null = make([]string, ix.Len()), make([]bool, ix.Len())
	for i, r := range ix.Row {
		null[i] = r < 0
	}
	intern := make(map[string]string) // categories repeat: each is kept once
	held := 0
	err = gather(ctx, s, ix, func(rec arrow.Record, picks []pick) error {
		text := textOf(rec.Column(at[0]))
		for _, p := range picks {
			v, ok := text(int(p.local))
			if null[p.position] = !ok; !ok {
				continue
			}
			kept, ok := intern[v]
			if !ok {
				kept = string([]byte(v)) // v borrows from the batch
				intern[kept] = kept
				held += len(kept)
			}
			values[p.position] = kept
		}
		if held > MaxTextBytes {
			return fault.New(fault.LimitExceeded, "feature.LoadStrings", "MaxTextBytes: column %q holds more than %d bytes", column, MaxTextBytes)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return values, null, nil
}

// textOf reads the cells of a utf8 or int64 column as text, borrowed; ok is false for null.
func textOf(a arrow.Array) func(int) (string, bool) {
	switch a := a.(type) {
	case *array.String:
		return func(i int) (string, bool) {
			if a.IsNull(i) {
				return "", false
			}
			return a.Value(i), true
		}
	case *array.Int64:
		return func(i int) (string, bool) {
			if a.IsNull(i) {
				return "", false
			}
			return strconv.FormatInt(a.Value(i), 10), true
		}
	}
	return func(int) (string, bool) { return "", false }
}

// LoadUnit gathers one column as 0 or 1 for the rows of ix: numbers are clamped to that range, a fraction counts as 0, no
// number is null. Unlike Load it refuses nothing because of a value: what noise protects may not stop a job.
//
// Errors: those of Load that no value causes.
func LoadUnit(ctx context.Context, s engine.Stream, column string, ix Index) (values []int64, null []bool, err error) {
	at, err := find(s.Schema(), []string{column}, "a 0/1 column is a number", fault.Invalid, arrow.INT64, arrow.FLOAT64)
	if err != nil {
		return nil, nil, err
	}
	if err := ix.Check(); err != nil {
		return nil, nil, err
	}
	values, null = make([]int64, ix.Len()), make([]bool, ix.Len())
	for i, r := range ix.Row {
		null[i] = r < 0
	}
	err = gather(ctx, s, ix, func(rec arrow.Record, picks []pick) error {
		unit := unitOf(rec.Column(at[0]))
		for _, p := range picks {
			v, ok := unit(int(p.local))
			values[p.position], null[p.position] = v, !ok
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return values, null, nil
}

// unitOf reads the cells of a numeric column, clamped to 0 or 1; ok is false for null and for what is no number.
func unitOf(a arrow.Array) func(int) (int64, bool) {
	switch a := a.(type) {
	case *array.Int64:
		return func(i int) (int64, bool) { return min(max(a.Value(i), 0), 1), a.IsValid(i) }
	case *array.Float64:
		return func(i int) (int64, bool) {
			v := a.Value(i)
			if a.IsNull(i) || math.IsNaN(v) {
				return 0, false
			}
			if v >= 1 {
				return 1, true
			}
			return 0, true
		}
	}
	return func(int) (int64, bool) { return 0, false }
}

// LoadLabel gathers the label column for the rows of ix: every value is 0 or 1 and both occur.
//
// Errors: those of Load; fault.Invalid when a label is missing, neither 0 nor 1 (with the counts), or all are equal.
func LoadLabel(ctx context.Context, s engine.Stream, column string, ix Index) ([]uint8, error) {
	m, err := Load(ctx, s, []string{column}, ix)
	if err != nil {
		return nil, err
	}
	out := make([]uint8, m.Rows)
	var missing, other, ones int
	for i, v := range m.Column(0) {
		switch {
		case m.Null != nil && m.Null[i]:
			missing++
		case v == 1:
			out[i] = 1
			ones++
		case v != 0:
			other++
		}
	}
	switch {
	case missing > 0 || other > 0:
		return nil, fault.New(fault.Invalid, "feature.LoadLabel", "label column %q: of %d rows %d have no label and %d one that is neither 0 nor 1",
			column, m.Rows, missing, other)
	case ones == 0 || ones == m.Rows:
		return nil, fault.New(fault.Invalid, "feature.LoadLabel", "label column %q: all %d labels are equal", column, m.Rows)
	}
	return out, nil
}
