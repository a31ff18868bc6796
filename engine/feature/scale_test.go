package feature_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/label"
)

// matrix returns columns as a Matrix; NaN is missing.
func matrix(columns ...[]float64) feature.Matrix {
	m := feature.Matrix{Rows: len(columns[0]), Cols: len(columns)}
	for j, c := range columns {
		m.Names = append(m.Names, fmt.Sprint("c", j))
		for _, v := range c {
			m.Data = append(m.Data, v)
			m.Null = append(m.Null, math.IsNaN(v))
		}
	}
	return m
}

// TestScaler compares with scikit-learn's documentation of StandardScaler and SimpleImputer: [0 0 1 1] has mean 0.5 and
// sd 0.5; the mean of [7 · 10] is 8.5, and the sd of [7 8.5 10] is √1.5.
func TestScaler(t *testing.T) {
	m := matrix([]float64{0, 0, 1, 1}, []float64{7, math.NaN(), 10, 1e9})
	s, err := feature.Fit(m, []int32{0, 1, 2}, feature.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Fill[1] != 8.5 || s.Mean[1] != 8.5 || math.Abs(s.Sd[1]-math.Sqrt(1.5)) > 1e-15 {
		t.Errorf("fill %v, mean %v, sd %v, want 8.5, 8.5, √1.5", s.Fill[1], s.Mean[1], s.Sd[1])
	}
	out, err := s.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Column(1); got[1] != 0 || got[3] != feature.DefaultClip || math.Abs(got[0]+1.5/math.Sqrt(1.5)) > 1e-15 || out.Null != nil {
		t.Errorf("scaled %v", got)
	}
	if s, err = feature.Fit(m, nil, feature.FitOptions{}); err != nil || s.Mean[0] != 0.5 || s.Sd[0] != 0.5 {
		t.Errorf("mean %v, sd %v (%v), want 0.5", s.Mean[0], s.Sd[0], err)
	}
}

func TestFitRefusals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	raw := matrix([]float64{1, 2, 3})
	raw.Data[1], raw.Null = nan, nil
	for _, c := range []struct {
		name string
		m    feature.Matrix
		rows []int32
		want fault.Code
	}{
		{"constant", matrix([]float64{0.1, 0.1, 0.1}), nil, fault.Invalid},
		{"constant in training", matrix([]float64{1, 1, 2}), []int32{0, 1}, fault.Invalid},
		{"all missing", matrix([]float64{nan, nan}), nil, fault.Invalid},
		{"infinite", matrix([]float64{1, inf}), nil, fault.Invalid},
		{"NaN in the data", raw, nil, fault.Invalid},
		{"overflow", matrix([]float64{1e308, -1e308, 1e308}), nil, fault.Precision},
		{"empty", feature.Matrix{}, nil, fault.Invalid},
		{"no rows", matrix([]float64{1, 2}), []int32{}, fault.Invalid},
		{"row beyond", matrix([]float64{1, 2}), []int32{0, 2}, fault.Invalid},
		{"negative row", matrix([]float64{1, 2}), []int32{-1, 0}, fault.Invalid},
	} {
		if _, err := feature.Fit(c.m, c.rows, feature.FitOptions{}); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	s, err := feature.Fit(matrix([]float64{0.1, 0.1, 0.1}), nil, feature.FitOptions{Allow: []string{"c0"}})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Apply(matrix([]float64{0.1, nan, 1.1})); err != nil || out.Data[0] != 0 || out.Data[1] != 0 || out.Data[2] != 1 {
		t.Errorf("allowed constant: %v (%v), want 0 0 1", out.Data, err)
	}
	if _, err := s.Apply(matrix([]float64{1}, []float64{1})); fault.CodeOf(err) != fault.SchemaMismatch {
		t.Errorf("other columns: %v, want SchemaMismatch", err)
	}
	if _, err := s.Apply(matrix([]float64{inf})); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("infinite: %v, want Invalid", err)
	}
}

func TestScalerEncoding(t *testing.T) {
	s, err := feature.Fit(matrix([]float64{1, 2}, []float64{-3, 4}), nil, feature.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Encode()
	got, err := feature.DecodeScaler(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(s) {
		t.Errorf("%v (%v), want %v", got, err, s)
	}
	for i := range b {
		if _, err := feature.DecodeScaler(b[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	if _, err := feature.DecodeScaler(append([]byte{0, 2}, b[2:]...)); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("version 2: %v, want Unsupported", err)
	}
	if _, err := feature.DecodeScaler(append(slices.Clone(b), 0)); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("tail: %v, want Misbehaved", err)
	}
	s.Sd[0] = 0
	if _, err := feature.DecodeScaler(s.Encode()); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("zero sd: %v, want Misbehaved", err)
	}
	s.Sd[0], s.Clip = 1, -1
	if _, err := feature.DecodeScaler(s.Encode()); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("negative clip: %v, want Misbehaved", err)
	}
}

func FuzzDecodeScaler(f *testing.F) {
	s, err := feature.Fit(matrix([]float64{1, 2}), nil, feature.FitOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Encode())
	f.Add([]byte{0, 1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := feature.DecodeScaler(b)
		if err == nil && string(s.Encode()) != string(b) {
			t.Fatal("one value with two encodings")
		}
	})
}

// TestScaleOperator shows that the operator and Apply are one code path.
func TestScaleOperator(t *testing.T) {
	mem := checked(t)
	tab := people([]any{"a", int64(30), 0.5, nil}, []any{"b", nil, 1.5, nil}, []any{"c", int64(50), nil, nil})
	columns := []string{"score", "age"}
	m, err := feature.Load(t.Context(), tab.Stream(mem), columns, feature.All(3))
	if err != nil {
		t.Fatal(err)
	}
	s, err := feature.Fit(m, nil, feature.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	op := feature.Scale{Columns: columns, Scaler: s}
	typ, err := op.Bind([]engine.Type{engine.NewType(tab.Schema, label.PrivateTo("bank"))})
	if err != nil {
		t.Fatal(err)
	}
	out, err := op.Open(t.Context(), mem, []engine.Stream{tab.Stream(mem)})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	rec, err := out.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if !rec.Schema().Equal(typ.Schema) {
		t.Errorf("schema %v, bound %v", rec.Schema(), typ.Schema)
	}
	for j := range columns {
		if got := rec.Column(j).(*array.Float64).Float64Values(); !slices.Equal(got, want.Column(j)) {
			t.Errorf("column %s: %v, want %v", columns[j], got, want.Column(j))
		}
	}
	if _, err := (feature.Scale{Columns: columns[:1], Scaler: s}).Open(t.Context(), mem, []engine.Stream{tab.Stream(mem)}); fault.CodeOf(err) != fault.SchemaMismatch {
		t.Errorf("another scaler: %v, want SchemaMismatch", err)
	}
}

func TestQuantize(t *testing.T) {
	got, err := feature.Quantize(matrix([]float64{0.5, 1.5, -0.5, -1.25, 8}), 0)
	if err != nil || fmt.Sprint(got) != "[0 2 0 -1 8]" {
		t.Errorf("%v (%v), want halves to even", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.IntRange(0, 40).Draw(t, "f")
		x := rapid.Float64Range(-8, 8).Draw(t, "x")
		q, err := feature.Quantize(matrix([]float64{x}), f)
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(math.Ldexp(float64(q[0]), -f) - x); d > math.Ldexp(1, -f-1) {
			t.Fatalf("off by %g at %d bits", d, f)
		}
	})
	for _, c := range []struct {
		x    float64
		f    int
		want fault.Code
	}{
		{1, -1, fault.Invalid},
		{1, 53, fault.Invalid},
		{math.NaN(), 8, fault.Invalid},
		{math.Inf(1), 8, fault.Invalid},
		{2, 52, fault.Precision},
		{1e300, 0, fault.Precision},
	} {
		if _, err := feature.Quantize(matrix([]float64{c.x}), c.f); fault.CodeOf(err) != c.want {
			t.Errorf("%v at %d bits: %v, want %v", c.x, c.f, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	const n = 200
	nan := math.NaN()
	// Two columns of no pattern, a label, and one column for each finding.
	wave := func(f float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Sin(f * float64(i+1))
		}
		return out
	}
	change := func(x []float64, f func(i int, v float64) float64) []float64 {
		for i := range x {
			x[i] = f(i, x[i])
		}
		return x
	}
	y := make([]uint8, n)
	for i := range y {
		y[i] = uint8(i * i % 7 % 2)
	}
	for _, c := range []struct {
		name   string
		column []float64
		want   fault.Code // Internal: none
		reason string
	}{
		{"fine", wave(3), fault.Internal, ""},
		{"constant", change(wave(3), func(int, float64) float64 { return 2 }), fault.Invalid, `"c1" is constant`},
		{"repeat", change(wave(1), func(_ int, v float64) float64 { return v }), fault.Invalid, `"c1" repeats column "c0"`},
		{"label", change(wave(3), func(i int, v float64) float64 { return float64(y[i])*-5 + v/100 }), fault.Invalid, `"c1" is the label`},
		{"infinite", change(wave(3), func(i int, v float64) float64 { return v / float64(i) }), fault.Invalid, `"c1": 1 of 200`},
		{"rare", change(wave(3), func(i int, _ float64) float64 { return float64((i + 191) / n) }), fault.Invalid, feature.TooFewRows},
		{"rare enough", change(wave(3), func(i int, _ float64) float64 { return float64((i + 10) / n) }), fault.Internal, ""},
		{"missing", change(wave(3), func(i int, v float64) float64 {
			if i < 191 {
				return nan
			}
			return v
		}), fault.LimitExceeded, `"c1": 191 of 200`},
		{"mostly missing", change(wave(3), func(i int, v float64) float64 {
			if i < 190 {
				return nan
			}
			return v
		}), fault.Internal, ""},
	} {
		m := matrix(wave(1), c.column)
		for i, v := range m.Data {
			m.Null[i] = math.IsNaN(v)
		}
		err := feature.Check(m, feature.CheckOptions{Label: y})
		if c.want == fault.Internal {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if fault.CodeOf(err) != c.want || !strings.Contains(fault.ReasonOf(err), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.reason)
		}
		err = feature.Check(m, feature.CheckOptions{Label: y, Allow: []string{"c1"}})
		if accepted := c.name != "infinite" && c.name != "missing"; (err == nil) != accepted {
			t.Errorf("%s, allowed: %v", c.name, err)
		}
	}
	m := matrix(wave(1))
	if err := feature.Check(m, feature.CheckOptions{TotalColumns: 40}); err != nil {
		t.Errorf("200 rows for 40 columns: %v", err)
	}
	for name, err := range map[string]error{
		"41 columns": feature.Check(m, feature.CheckOptions{TotalColumns: 41}),
		"99 rows":    feature.CheckRows(99, 1),
		"labels":     feature.Check(m, feature.CheckOptions{Label: y[1:]}),
		"empty":      feature.Check(feature.Matrix{}, feature.CheckOptions{}),
	} {
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

// TestCheckZeros: −0 is 0, and so a column of them repeats one of zeros.
func TestCheckZeros(t *testing.T) {
	a, b := make([]float64, 100), make([]float64, 100)
	for i := range a {
		a[i] = float64(i % 5)
		b[i] = a[i]
		if b[i] == 0 {
			b[i] = math.Copysign(0, -1)
		}
	}
	if err := feature.Check(matrix(a, b), feature.CheckOptions{}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("%v, want Invalid", err)
	}
}

func TestMatrixLimits(t *testing.T) {
	if _, err := feature.NewMatrix([]string{"a"}, feature.MaxCells+1); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("%v, want LimitExceeded", err)
	}
	if _, err := feature.NewMatrix(make([]string, feature.MaxColumns+1), 1); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("%v, want LimitExceeded", err)
	}
}
