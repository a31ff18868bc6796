package feature_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/contracttest"
)

var ctx = context.Background()

func TestLoad(t *testing.T) {
	mem := checked(t)
	tab := people([]any{"a", int64(30), 0.5, int64(1)}, []any{"b", nil, math.NaN(), int64(0)}, []any{"c", int64(50), nil, int64(1)})
	m, err := feature.Load(t.Context(), tab.Stream(mem), []string{"score", "age"}, feature.Index{Row: []int64{2, 0, -1, 1, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows != 5 || m.Cols != 2 || fmt.Sprint(m.Data) != "[NaN 0.5 NaN NaN 0.5 50 30 NaN NaN 30]" {
		t.Errorf("%d×%d %v", m.Rows, m.Cols, m.Data)
	}
	if got := fmt.Sprint(m.Null); got != "[true false true false false false false true true false]" {
		t.Errorf("null marks %s: a NaN in the data is not missing", got)
	}
	if err := feature.Check(m, feature.CheckOptions{}); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), `"score"`) {
		t.Errorf("Check: %v, want Invalid naming score", err)
	}
	values, null, err := feature.LoadStrings(t.Context(), tab.Stream(mem), "age", feature.Index{Row: []int64{1, 0, -1}})
	if err != nil || fmt.Sprint(values, null) != "[ 30 ] [true false true]" {
		t.Errorf("LoadStrings: %q %v (%v)", values, null, err)
	}
	y, err := feature.LoadLabel(t.Context(), tab.Stream(mem), "y", feature.All(3))
	if err != nil || fmt.Sprint(y) != "[1 0 1]" {
		t.Errorf("LoadLabel: %v (%v)", y, err)
	}
}

// A value never stops a noised sum: that refusal would tell of one row.
func TestLoadUnit(t *testing.T) {
	mem := checked(t)
	tab := people([]any{"a", int64(math.MaxInt64), math.Inf(1), int64(1)}, []any{"b", int64(math.MinInt64), math.NaN(), int64(0)},
		[]any{"c", nil, 1e300, int64(1)}, []any{"d", int64(1), 0.5, int64(0)}, []any{"e", int64(0), math.Inf(-1), int64(0)})
	ix := feature.Index{Row: []int64{0, 1, 2, 3, 4, -1}}
	for column, want := range map[string]string{
		"age":   "[1 0 0 1 0 0] [false false true false false true]",
		"score": "[1 0 1 0 0 0] [false true false false false true]",
	} {
		v, null, err := feature.LoadUnit(t.Context(), tab.Stream(mem), column, ix)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v {
			if null[i] {
				v[i] = 0 // a cell without a value has any
			}
		}
		if got := fmt.Sprint(v, null); got != want {
			t.Errorf("%s: %s, want %s", column, got, want)
		}
	}
	for column, want := range map[string]fault.Code{"id": fault.Invalid, "none": fault.SchemaMismatch} {
		if _, _, err := feature.LoadUnit(t.Context(), tab.Stream(mem), column, ix); fault.CodeOf(err) != want {
			t.Errorf("%s: %v, want %v", column, err, want)
		}
	}
	if _, _, err := feature.LoadUnit(t.Context(), tab.Stream(mem), "age", feature.Index{Row: []int64{9}}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a row beyond the table: %v", err)
	}
}

func TestLoadRefusals(t *testing.T) {
	mem := checked(t)
	tab := people([]any{"a", int64(2), 0.5, int64(1)}, []any{"b", int64(1<<53 + 1), 0.0, int64(1)}, []any{"c", nil, 0.5, nil})
	ix := feature.All(2)
	load := func(columns []string, ix feature.Index) error {
		_, err := feature.Load(t.Context(), tab.Stream(mem), columns, ix)
		return err
	}
	labels := func(column string, ix feature.Index) error {
		_, err := feature.LoadLabel(t.Context(), tab.Stream(mem), column, ix)
		return err
	}
	strs := func(column string, ix feature.Index) error {
		_, _, err := feature.LoadStrings(t.Context(), tab.Stream(mem), column, ix)
		return err
	}
	for _, c := range []struct {
		name   string
		err    error
		want   fault.Code
		reason string
	}{
		{"text", load([]string{"id"}, ix), fault.Invalid, `"id"`},
		{"absent", load([]string{"income"}, ix), fault.SchemaMismatch, `"income"`},
		{"twice", load([]string{"age", "age"}, ix), fault.Invalid, `"age"`},
		{"none", load(nil, ix), fault.Invalid, ""},
		{"beyond float64", load([]string{"age"}, ix), fault.Invalid, `"age"`},
		{"no rows", load([]string{"score"}, feature.Index{}), fault.Invalid, ""},
		{"below -1", load([]string{"score"}, feature.Index{Row: []int64{-2}}), fault.Invalid, ""},
		{"beyond the table", load([]string{"score"}, feature.Index{Row: []int64{0, 3}}), fault.Invalid, "1 positions name rows beyond the 3"},
		{"label missing", labels("y", feature.All(3)), fault.Invalid, `"y": of 3 rows 1 have no label`},
		{"label unmatched", labels("y", feature.Index{Row: []int64{0, -1}}), fault.Invalid, `"y": of 2 rows 1 have no label`},
		{"label other", labels("score", ix), fault.Invalid, `"score": of 2 rows 0 have no label and 1 one`},
		{"label one class", labels("y", ix), fault.Invalid, "all 2 labels are equal"},
		{"label text", labels("id", ix), fault.Invalid, `"id"`},
		{"category of floats", strs("score", ix), fault.Invalid, `"score"`},
		{"category without rows", strs("id", feature.Index{}), fault.Invalid, ""},
	} {
		if fault.CodeOf(c.err) != c.want || !strings.Contains(fault.ReasonOf(c.err), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, c.err, c.want, c.reason)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := feature.Load(stopped, tab.Stream(mem), []string{"score"}, ix); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
}

// TestTake compares the operator with picking rows by hand, over batch borders.
func TestTake(t *testing.T) {
	mem := checked(t)
	tab := contracttest.Counting(engine.MaxBatchRows + 100)
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.Int64Range(-1, int64(len(tab.Rows)-1)), 1, 200).Draw(rt, "rows")
		s, err := feature.Take{Index: feature.Index{Row: rows}}.Open(t.Context(), mem, []engine.Stream{tab.Stream(mem)})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		rec, err := s.Next(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		defer rec.Release()
		for i, r := range rows {
			for j, col := range rec.Columns() {
				if r < 0 {
					if !col.IsNull(i) {
						rt.Fatalf("position %d: not null", i)
					}
					continue
				}
				if got, want := col.ValueStr(i), fmt.Sprint(tab.Rows[r][j]); got != want {
					rt.Fatalf("position %d: %s, want %s", i, got, want)
				}
			}
		}
		if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
			rt.Fatalf("after the last batch: %v", err)
		}
	})
}

func TestTakeBatches(t *testing.T) {
	mem := checked(t)
	n := engine.MaxBatchRows + 1
	s, err := feature.Take{Index: feature.All(n)}.Open(t.Context(), mem, []engine.Stream{contracttest.Counting(n).Stream(mem)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := table.Each(t.Context(), s, func(rec arrow.Record) error {
		if rec.NumRows() > engine.MaxBatchRows {
			t.Errorf("a batch of %d rows", rec.NumRows())
		}
		return nil
	})
	if err != nil || rows != int64(n) {
		t.Errorf("%d rows (%v), want %d", rows, err, n)
	}
}

func TestBind(t *testing.T) {
	schema := people().Schema
	bank, power := label.PrivateTo("bank"), label.PrivateTo("power")
	in := engine.Type{Schema: schema, Labels: []label.Label{bank, power, label.Open(), bank}}
	out, err := feature.Take{Index: feature.All(1)}.Bind([]engine.Type{in})
	if err != nil {
		t.Fatal(err)
	}
	for i := range in.Labels {
		if !out.Labels[i].Equal(in.Labels[i]) {
			t.Errorf("Take: label %d is %v, want %v", i, out.Labels[i], in.Labels[i])
		}
	}
	out, err = feature.Scale{Columns: []string{"score", "age"}}.Bind([]engine.Type{in})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Labels[0].Equal(label.Open()) || !out.Labels[1].Equal(power) || out.Schema.Field(1).Type.ID() != arrow.FLOAT64 {
		t.Errorf("Scale: %v", out)
	}
	odd := arrow.NewSchema([]arrow.Field{{Name: "flag", Type: arrow.FixedWidthTypes.Boolean}}, nil)
	shared := engine.NewType(schema, label.SharedBy("a", "b"))
	for _, c := range []struct {
		name   string
		op     engine.Operator
		in     []engine.Type
		want   fault.Code
		reason string
	}{
		{"text feature", feature.Scale{Columns: []string{"age", "id"}}, []engine.Type{in}, fault.Invalid, `"id"`},
		{"absent feature", feature.Scale{Columns: []string{"income"}}, []engine.Type{in}, fault.SchemaMismatch, `"income"`},
		{"shared feature", feature.Scale{Columns: []string{"age"}}, []engine.Type{shared}, fault.Invalid, `"age"`},
		{"unlabelled", feature.Take{Index: feature.All(1)}, []engine.Type{engine.NewType(schema, label.Label{})}, fault.Invalid, `"id"`},
		{"odd type", feature.Take{Index: feature.All(1)}, []engine.Type{engine.NewType(odd, bank)}, fault.Unsupported, `"flag"`},
		{"empty index", feature.Take{}, []engine.Type{in}, fault.Invalid, ""},
		{"two inputs", feature.Take{Index: feature.All(1)}, []engine.Type{in, in}, fault.Invalid, "2 inputs"},
		{"no input", feature.Scale{Columns: []string{"age"}}, nil, fault.Invalid, "0 inputs"},
	} {
		if _, err := c.op.Bind(c.in); fault.CodeOf(err) != c.want || !strings.Contains(fault.ReasonOf(err), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.reason)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	tab := contracttest.Counting(100_000)
	for b.Loop() {
		b.StopTimer()
		s := tab.Stream(memory.DefaultAllocator)
		b.StartTimer()
		if _, err := feature.Load(b.Context(), s, []string{"number", "count"}, feature.All(100_000)); err != nil {
			b.Fatal(err)
		}
	}
}
