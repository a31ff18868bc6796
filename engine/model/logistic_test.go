package model_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/model"
)

// matrix returns columns as a Matrix with names c0, c1, ….
func matrix(columns ...[]float64) feature.Matrix {
	m := feature.Matrix{Rows: len(columns[0]), Cols: len(columns)}
	for j, c := range columns {
		m.Names = append(m.Names, fmt.Sprint("c", j))
		m.Data = append(m.Data, c...)
	}
	return m
}

// TestLogisticTwoByTwo has a closed form: without a penalty a 2×2 table gives its log odds and log odds ratio.
func TestLogisticTwoByTwo(t *testing.T) {
	var x []float64
	var y []uint8
	for _, c := range []struct {
		x    float64
		y    uint8
		rows int
	}{{0, 0, 30}, {0, 1, 10}, {1, 0, 5}, {1, 1, 20}} {
		for range c.rows {
			x, y = append(x, c.x), append(y, c.y)
		}
	}
	l, err := model.FitLogistic(matrix(x), y, model.LogisticOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantB, wantW := math.Log(10.0/30), math.Log((20.0/5)/(10.0/30))
	if math.Abs(l.Intercept-wantB) > 1e-9 || math.Abs(l.Coef[0]-wantW) > 1e-9 {
		t.Errorf("intercept %v, coefficient %v, want %v, %v", l.Intercept, l.Coef[0], wantB, wantW)
	}
	p, err := l.Predict(matrix([]float64{0, 1}))
	if err != nil || math.Abs(p[0]-0.25) > 1e-9 || math.Abs(p[1]-0.8) > 1e-9 {
		t.Errorf("probabilities %v (%v), want the observed rates 0.25 and 0.8", p, err)
	}
}

// TestLogisticOptimal checks the first-order conditions of the penalised loss, which is strictly convex: they hold at its
// one optimum and nowhere else. |gradient| ≤ 1e−7 with a curvature of at least λ bounds the error of w by 1e−7/λ.
func TestLogisticOptimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(4, 60).Draw(t, "n"), rapid.IntRange(1, 5).Draw(t, "d")
		columns := make([][]float64, d)
		for j := range columns {
			columns[j] = rapid.SliceOfN(rapid.Float64Range(-8, 8), n, n).Draw(t, "x")
		}
		y := rapid.SliceOfN(rapid.Uint8Range(0, 1), n, n).Draw(t, "y")
		y[0], y[1] = 0, 1
		const l2 = 1
		l, err := model.FitLogistic(matrix(columns...), y, model.LogisticOptions{L2: l2})
		if err != nil {
			t.Fatal(err)
		}
		grad := make([]float64, d+1)
		for i := range n {
			z := l.Intercept
			for j := range d {
				z += l.Coef[j] * columns[j][i]
			}
			r := 1/(1+math.Exp(-z)) - float64(y[i])
			for j := range d {
				grad[j] += r * columns[j][i]
			}
			grad[d] += r
		}
		for j := range grad {
			if j < d {
				grad[j] += l2 * l.Coef[j]
			}
			if math.Abs(grad[j]) > 1e-7 {
				t.Fatalf("gradient %d is %g at the optimum", j, grad[j])
			}
		}
	})
}

func TestLogisticRefusals(t *testing.T) {
	x, y := matrix([]float64{0, 1, 2, 3}), []uint8{0, 1, 0, 1}
	separable := []uint8{0, 0, 1, 1}
	twins := matrix([]float64{0, 1, 2, 3}, []float64{0, 1, 2, 3})
	short := x
	short.Data = short.Data[:3]
	for _, c := range []struct {
		name string
		x    feature.Matrix
		y    []uint8
		o    model.LogisticOptions
		want fault.Code
	}{
		{"empty", feature.Matrix{}, nil, model.LogisticOptions{}, fault.Invalid},
		{"short", short, y, model.LogisticOptions{}, fault.Invalid},
		{"labels", x, y[:3], model.LogisticOptions{}, fault.Invalid},
		{"label 2", x, []uint8{0, 1, 2, 1}, model.LogisticOptions{}, fault.Invalid},
		{"one class", x, []uint8{1, 1, 1, 1}, model.LogisticOptions{}, fault.Invalid},
		{"NaN", matrix([]float64{0, math.NaN(), 2, 3}), y, model.LogisticOptions{}, fault.Invalid},
		{"infinite", matrix([]float64{0, math.Inf(1), 2, 3}), y, model.LogisticOptions{}, fault.Invalid},
		{"negative penalty", x, y, model.LogisticOptions{L2: -1}, fault.Invalid},
		{"NaN penalty", x, y, model.LogisticOptions{L2: math.NaN()}, fault.Invalid},
		{"separable", x, separable, model.LogisticOptions{}, fault.Precision},
		{"twins", twins, y, model.LogisticOptions{}, fault.Precision},
		{"one step", x, y, model.LogisticOptions{MaxIterations: 1}, fault.Precision},
	} {
		if _, err := model.FitLogistic(c.x, c.y, c.o); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	l, err := model.FitLogistic(x, separable, model.LogisticOptions{L2: 1})
	if err != nil {
		t.Fatalf("separable with a penalty: %v", err)
	}
	other := x
	other.Names = []string{"other"}
	if _, err := l.Predict(other); fault.CodeOf(err) != fault.SchemaMismatch {
		t.Errorf("other columns: %v, want SchemaMismatch", err)
	}
	if _, err := l.Predict(matrix([]float64{math.NaN()})); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("NaN: %v, want Invalid", err)
	}
	if p, err := l.Predict(matrix([]float64{-1e300, 1e300})); err != nil || p[0] != 0 || p[1] != 1 {
		t.Errorf("extremes: %v (%v), want 0 and 1", p, err)
	}
}

func ExampleFitLogistic() {
	x := matrix([]float64{-2, -1, 0, 1, 2, -1, 1, 0})
	y := []uint8{0, 0, 0, 1, 1, 0, 1, 1}
	l, err := model.FitLogistic(x, y, model.LogisticOptions{L2: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, _ := l.Predict(x)
	auc, _ := model.AUC(p, y)
	fmt.Printf("w = %.3f, b = %.3f, AUC = %.5f\n", l.Coef[0], l.Intercept, auc)
	// Output:
	// w = 1.225, b = 0.000, AUC = 0.96875
}
