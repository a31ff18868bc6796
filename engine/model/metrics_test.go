package model_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/model"
)

// The expected values of this table are those of scikit-learn's documentation, and hand counts.
func TestMetrics(t *testing.T) {
	near := func(name string, got float64, err error, want, tolerance float64) {
		t.Helper()
		if err != nil || math.Abs(got-want) > tolerance {
			t.Errorf("%s = %v (%v), want %v", name, got, err, want)
		}
	}
	s, y := []float64{0.1, 0.4, 0.35, 0.8}, []uint8{0, 0, 1, 1}
	auc, err := model.AUC(s, y)
	near("AUC", auc, err, 0.75, 0)
	ks, err := model.KS(s, y)
	near("KS", ks, err, 0.5, 0)
	auc, err = model.AUC([]float64{1, 1, 1, 1}, y)
	near("AUC of ties", auc, err, 0.5, 0)
	auc, err = model.AUC([]float64{math.Inf(-1), 0, 0, math.Inf(1)}, y)
	near("AUC with a tie", auc, err, 0.875, 0)
	loss, err := model.LogLoss([]float64{0.9, 0.1, 0.2, 0.65}, []uint8{1, 0, 0, 1})
	near("LogLoss", loss, err, 0.21616, 5e-6)
	loss, err = model.LogLoss([]float64{0, 1}, []uint8{1, 0})
	near("LogLoss of certain errors", loss, err, 52*math.Ln2, 1e-9)
	brier, err := model.Brier([]float64{0.1, 0.9, 0.8, 0.3}, []uint8{0, 1, 1, 0})
	near("Brier", brier, err, 0.0375, 1e-15)
}

func TestConfusion(t *testing.T) {
	c, err := model.NewCurve([]float64{0.1, 0.4, 0.4, 0.8, 0.9}, []uint8{0, 0, 1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		threshold float64
		want      model.Confusion
	}{
		{0, model.Confusion{TP: 2, FP: 3}},
		{0.1, model.Confusion{TP: 2, FP: 3}},
		{0.4, model.Confusion{TP: 2, FP: 2, TN: 1}},
		{0.5, model.Confusion{TP: 1, FP: 1, TN: 2, FN: 1}},
		{0.9, model.Confusion{TP: 1, TN: 3, FN: 1}},
		{1, model.Confusion{TN: 3, FN: 2}},
	} {
		if got := c.At(k.threshold); got != k.want {
			t.Errorf("at %v: %+v, want %+v", k.threshold, got, k.want)
		}
	}
	half := c.At(0.5)
	if half.Accuracy() != 0.6 || half.Precision() != 0.5 || half.Recall() != 0.5 || half.F1() != 0.5 {
		t.Errorf("accuracy %v, precision %v, recall %v, F1 %v", half.Accuracy(), half.Precision(), half.Recall(), half.F1())
	}
	if none := c.At(1); none.Precision() != 0 || none.F1() != 0 {
		t.Errorf("nothing called positive: precision %v, F1 %v, want 0", none.Precision(), none.F1())
	}
}

func TestLift(t *testing.T) {
	// 20 rows, the 4 positives on top: the first two bins of two rows hold them all.
	score, y := make([]float64, 20), make([]uint8, 20)
	for i := range score {
		score[i] = float64(i)
		if i >= 16 {
			y[i] = 1
		}
	}
	c, err := model.NewCurve(score, y)
	if err != nil {
		t.Fatal(err)
	}
	lift := c.Lift()
	if len(lift) != model.LiftBins {
		t.Fatalf("%d bins, want %d", len(lift), model.LiftBins)
	}
	for i, want := range []model.LiftBin{
		{Rows: 2, Positives: 2, Rate: 1, Lift: 5, CumulativeGain: 0.5},
		{Rows: 2, Positives: 2, Rate: 1, Lift: 5, CumulativeGain: 1},
		{Rows: 2, CumulativeGain: 1},
	} {
		if lift[i] != want {
			t.Errorf("bin %d: %+v, want %+v", i, lift[i], want)
		}
	}
	// All scores equal: every bin has the average rate, whatever the order of the rows.
	if c, err = model.NewCurve(make([]float64, 20), y); err != nil {
		t.Fatal(err)
	}
	for i, b := range c.Lift() {
		if math.Abs(b.Lift-1) > 1e-12 {
			t.Errorf("ties, bin %d: lift %v, want 1", i, b.Lift)
		}
	}
}

// TestCurveAgainstPairs compares with counting all pairs and all thresholds.
func TestCurveAgainstPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 80).Draw(t, "n")
		score := rapid.SliceOfN(rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) }), n, n).Draw(t, "score")
		y := rapid.SliceOfN(rapid.Uint8Range(0, 1), n, n).Draw(t, "y")
		y[0], y[1] = 0, 1
		var won, pairs, pos, ks float64
		for i := range y {
			pos += float64(y[i])
			for j := range y {
				if y[i] == 1 && y[j] == 0 {
					pairs++
					switch {
					case score[i] > score[j]:
						won++
					case score[i] == score[j]:
						won += 0.5
					}
				}
			}
		}
		for _, threshold := range score {
			var tp, fp float64
			for i := range y {
				if score[i] >= threshold {
					tp += float64(y[i])
					fp += 1 - float64(y[i])
				}
			}
			ks = max(ks, math.Abs(tp/pos-fp/(float64(n)-pos)))
		}
		c, err := model.NewCurve(score, y)
		if err != nil {
			t.Fatal(err)
		}
		if c.AUC() != won/pairs || c.KS() != ks {
			t.Fatalf("AUC %v, KS %v, want %v, %v", c.AUC(), c.KS(), won/pairs, ks)
		}
		var positives float64
		rows := 0
		for _, b := range c.Lift() {
			positives += b.Positives
			rows += b.Rows
		}
		if rows != n || math.Abs(positives-pos) > 1e-9 {
			t.Fatalf("lift bins hold %d rows and %v positives, want %d and %v", rows, positives, n, pos)
		}
		points := c.Points(7)
		last := points[len(points)-1]
		if len(points) > 7 || points[0] != (model.Point{}) || last != (model.Point{Share: 1, TPR: 1, FPR: 1}) {
			t.Fatalf("%d points from %v to %v", len(points), points[0], last)
		}
		if !slices.IsSortedFunc(points, func(a, b model.Point) int {
			if a.Share < b.Share && a.TPR <= b.TPR && a.FPR <= b.FPR {
				return -1
			}
			return 1
		}) {
			t.Fatal("points go back")
		}
	})
}

func TestMetricRefusals(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		s    []float64
		y    []uint8
	}{
		{"empty", nil, nil},
		{"lengths", []float64{1}, []uint8{0, 1}},
		{"NaN", []float64{nan, 1}, []uint8{0, 1}},
		{"label 2", []float64{0, 1}, []uint8{0, 2}},
		{"zeros", []float64{0, 1}, []uint8{0, 0}},
		{"ones", []float64{0, 1}, []uint8{1, 1}},
	} {
		if _, err := model.AUC(c.s, c.y); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: AUC: %v, want Invalid", c.name, err)
		}
		if _, err := model.KS(c.s, c.y); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: KS: %v, want Invalid", c.name, err)
		}
	}
	for _, p := range []float64{-0.1, 1.1, nan} {
		if _, err := model.LogLoss([]float64{p}, []uint8{1}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("LogLoss of %v: %v, want Invalid", p, err)
		}
	}
	if _, err := model.Brier([]float64{0.5}, []uint8{2}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Brier of label 2: %v, want Invalid", err)
	}
	if _, err := model.Brier(nil, nil); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Brier of nothing: %v, want Invalid", err)
	}
}

func TestMinClass(t *testing.T) {
	labels := func(zeros, ones int) []uint8 {
		y := make([]uint8, zeros+ones)
		for i := range ones {
			y[i] = 1
		}
		return y
	}
	for _, c := range []struct {
		zeros, ones int
		ok          bool
	}{{90, 10, true}, {10, 90, true}, {91, 9, false}, {9, 91, false}, {49, 50, false}, {100, 0, false}, {0, 0, false}} {
		err := model.MinClass(labels(c.zeros, c.ones))
		if (err == nil) != c.ok || (!c.ok && fault.CodeOf(err) != fault.Invalid) {
			t.Errorf("%d zeros, %d ones: %v", c.zeros, c.ones, err)
		}
	}
	y := labels(90, 10)
	p := make([]float64, 100)
	r, err := model.Evaluate(p, y, 0.5)
	if err != nil || r.Rows != 100 || r.Positives != 10 || r.AUC != 0.5 || r.Accuracy != 0.9 || len(r.Lift) != 10 {
		t.Errorf("Evaluate: %+v (%v)", r, err)
	}
	if _, err := model.Evaluate(p, labels(91, 9), 0.5); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Evaluate of 9 positives: %v, want Invalid", err)
	}
	if _, err := model.Evaluate(p, y, math.NaN()); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Evaluate at NaN: %v, want Invalid", err)
	}
	p[0] = 2
	if _, err := model.Evaluate(p, y, 0.5); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Evaluate of 2: %v, want Invalid", err)
	}
}

func BenchmarkCurve(b *testing.B) {
	score, y := make([]float64, 100_000), make([]uint8, 100_000)
	for i := range score {
		score[i] = math.Mod(float64(i)*0.618033988749895, 1)
		y[i] = uint8(i % 2)
	}
	for b.Loop() {
		if _, err := model.NewCurve(score, y); err != nil {
			b.Fatal(err)
		}
	}
}
