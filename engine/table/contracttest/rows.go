package contracttest

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
)

// Table is a small table in memory: cells are int64, float64, string or nil.
type Table struct {
	Schema *arrow.Schema
	Rows   [][]any
}

// Sample returns a table with the awkward values of each type: columns count, number and name.
func Sample(emptyIsNull bool) Table {
	empty := any("")
	if emptyIsNull {
		empty = nil
	}
	return Table{
		Schema: arrow.NewSchema([]arrow.Field{
			table.Field("count", arrow.PrimitiveTypes.Int64),
			table.Field("number", arrow.PrimitiveTypes.Float64),
			table.Field("name", arrow.BinaryTypes.String),
		}, nil),
		Rows: [][]any{
			{int64(0), 0.5, "first"},
			{nil, nil, nil},
			{int64(-999_999_999_999_999), -1.5e-300, "with, comma"},
			{int64(999_999_999_999_999), math.MaxFloat64, "with \"quotes\""},
			{int64(7), 5e-324, "two\nlines"},
			{int64(8), 0.1 + 0.2, "'; DROP TABLE x; --"},
			{int64(9), nil, "数据元件 é \U0001F512"},
			{nil, 1e15, empty},
			{int64(10), math.Inf(1), " spaces "},
			{int64(11), math.Inf(-1), "00123456789012345X"},
			{int64(12), 1.0, "tab\there"},
		},
	}
}

// Counting returns a table of the given number of rows whose cells tell their row.
func Counting(rows int) Table {
	t := Table{Schema: Sample(false).Schema, Rows: make([][]any, rows)}
	for i := range t.Rows {
		t.Rows[i] = []any{int64(i), float64(i) / 4, fmt.Sprint("row ", i)}
	}
	return t
}

// Nulls returns the nulls of each column.
func (t Table) Nulls() []int64 {
	out := make([]int64, t.Schema.NumFields())
	for _, row := range t.Rows {
		for i, c := range row {
			if c == nil {
				out[i]++
			}
		}
	}
	return out
}

// Diff tells the first difference between t and got, or nothing.
func (t Table) Diff(got Table) string {
	if !t.Schema.Equal(got.Schema) {
		return fmt.Sprintf("schema %v, want %v", got.Schema, t.Schema)
	}
	if len(got.Rows) != len(t.Rows) {
		return fmt.Sprintf("%d rows, want %d", len(got.Rows), len(t.Rows))
	}
	for i, row := range t.Rows {
		for j := range row {
			if got.Rows[i][j] != row[j] {
				return fmt.Sprintf("row %d, column %q: %v, want %v", i+1, t.Schema.Field(j).Name, got.Rows[i][j], row[j])
			}
		}
	}
	return ""
}

// Stream returns t as a stream of full batches.
func (t Table) Stream(mem memory.Allocator) *Stream { return &Stream{tab: t, mem: mem} }

// Stream is a Table as an engine.Stream. It is not safe for concurrent use.
type Stream struct {
	tab  Table
	mem  memory.Allocator
	at   int
	fail error // returned after the first batch
}

// Schema implements engine.Stream.
func (s *Stream) Schema() *arrow.Schema { return s.tab.Schema }

// Close implements engine.Stream.
func (s *Stream) Close() error { return nil }

// Next implements engine.Stream.
func (s *Stream) Next(ctx context.Context) (arrow.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.at > 0 && s.fail != nil {
		return nil, s.fail
	}
	n := min(engine.MaxBatchRows, len(s.tab.Rows)-s.at)
	if n == 0 {
		return nil, io.EOF
	}
	b := array.NewRecordBuilder(s.mem, s.tab.Schema)
	defer b.Release()
	for _, row := range s.tab.Rows[s.at : s.at+n] {
		for j, c := range row {
			put(b.Field(j), c)
		}
	}
	s.at += n
	return b.NewRecord(), nil
}

func put(b array.Builder, cell any) {
	switch b := b.(type) {
	case *array.Int64Builder:
		if v, ok := cell.(int64); ok {
			b.Append(v)
			return
		}
	case *array.Float64Builder:
		if v, ok := cell.(float64); ok {
			b.Append(v)
			return
		}
	case *array.StringBuilder:
		if v, ok := cell.(string); ok {
			b.Append(v)
			return
		}
	}
	b.AppendNull()
}

// rowsOf returns the cells of a batch.
func rowsOf(rec arrow.Record) [][]any {
	out := make([][]any, rec.NumRows())
	for i := range out {
		out[i] = make([]any, rec.NumCols())
		for j, col := range rec.Columns() {
			if col.IsNull(i) {
				continue
			}
			switch a := col.(type) {
			case *array.Int64:
				out[i][j] = a.Value(i)
			case *array.Float64:
				out[i][j] = a.Value(i)
			case *array.String:
				out[i][j] = string([]byte(a.Value(i)))
			}
		}
	}
	return out
}
