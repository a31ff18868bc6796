package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// Curve is the ranking of rows by score, from high to low, equal scores as one step: everything that does not depend on
// the scores' scale is read from it. It is immutable.
type Curve struct {
	steps    []step // the rows of one score
	pos, neg int
}

// step is where the curve stands after the rows of one score: how many positives and negatives score at least that.
type step struct {
	score  float64
	tp, fp int
}

// NewCurve ranks the rows.
//
// Errors: fault.Invalid (lengths differ, a NaN score, a label that is neither 0 nor 1, one class only).
func NewCurve(score []float64, label []uint8) (Curve, error) {
	const op = "model.Curve"
	if len(score) != len(label) {
		return Curve{}, fault.New(fault.Invalid, op, "%d scores for %d labels", len(score), len(label))
	}
	for _, s := range score {
		if math.IsNaN(s) {
			return Curve{}, fault.New(fault.Invalid, op, "a score is NaN")
		}
	}
	neg, pos, err := classes(label, op)
	if err != nil {
		return Curve{}, err
	}
	order := make([]int32, len(score))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(score[b], score[a]) })
	c := Curve{pos: pos, neg: neg}
	var at step
	for k, i := range order {
		if label[i] == 1 {
			at.tp++
		} else {
			at.fp++
		}
		if k+1 == len(order) || score[order[k+1]] != score[i] {
			at.score = score[i]
			c.steps = append(c.steps, at)
		}
	}
	return c, nil
}

// classes counts the labels.
//
// Errors: fault.Invalid (none, a label that is neither 0 nor 1, one class only).
func classes(label []uint8, op string) (zeros, ones int, err error) {
	other := 0
	for _, y := range label {
		switch y {
		case 0:
			zeros++
		case 1:
			ones++
		default:
			other++
		}
	}
	switch {
	case other > 0:
		return 0, 0, fault.New(fault.Invalid, op, "%d of %d labels are neither 0 nor 1", other, len(label))
	case zeros == 0 || ones == 0:
		return 0, 0, fault.New(fault.Invalid, op, "one class only in %d labels", len(label))
	}
	return zeros, ones, nil
}

// MinClass refuses labels on which a metric would tell about single rows.
//
// Errors: fault.Invalid, reason too-few-rows: fewer than MinRows rows or MinOfEach of a class; as classes.
func MinClass(label []uint8) error {
	const op = "model.MinClass"
	neg, pos, err := classes(label, op)
	if err != nil {
		return err
	}
	if len(label) < MinRows || min(neg, pos) < MinOfEach {
		return fault.New(fault.Invalid, op, "too-few-rows: %d rows with %d of the smaller class, at least %d with %d are evaluated",
			len(label), min(neg, pos), MinRows, MinOfEach)
	}
	return nil
}

// AUC is the chance that a positive scores above a negative, ties counted half (Mann–Whitney). It is exact up to 2^30
// rows: the pairs are counted in integers.
func (c Curve) AUC() float64 {
	var twice uint64 // pairs won, in halves
	var last step
	for _, s := range c.steps {
		twice += uint64(s.fp-last.fp) * uint64(last.tp+s.tp)
		last = s
	}
	return float64(twice) / 2 / (float64(c.pos) * float64(c.neg))
}

// KS is the largest distance between the shares of positives and of negatives above a score (Kolmogorov–Smirnov).
func (c Curve) KS() float64 {
	out := 0.0
	for _, s := range c.steps {
		out = max(out, math.Abs(c.tpr(s)-c.fpr(s)))
	}
	return out
}

func (c Curve) tpr(s step) float64 { return float64(s.tp) / float64(c.pos) }
func (c Curve) fpr(s step) float64 { return float64(s.fp) / float64(c.neg) }

// Point is one point of a drawn curve. All are shares in [0, 1].
type Point struct {
	Share float64 `json:"share"` // of all rows that score at least so high
	TPR   float64 `json:"tpr"`   // of the positives among them
	FPR   float64 `json:"fpr"`   // of the negatives among them
}

// Points returns at most limit points of the curve, from (0, 0, 0) to (1, 1, 1): TPR over FPR is the ROC curve, TPR and
// FPR over Share are the two lines of a KS chart. A limit outside 2..MaxPoints is brought into it.
func (c Curve) Points(limit int) []Point {
	limit = min(max(limit, 2), MaxPoints)
	out := []Point{{}}
	gaps := limit - 1
	n := len(c.steps)
	for k := 1; k <= min(gaps, n); k++ {
		s := c.steps[(k*n+min(gaps, n)-1)/min(gaps, n)-1]
		out = append(out, Point{Share: float64(s.tp+s.fp) / float64(c.pos+c.neg), TPR: c.tpr(s), FPR: c.fpr(s)})
	}
	return out
}

// LiftBin is one tenth of the rows, from the highest scores down.
type LiftBin struct {
	Rows           int     `json:"rows"`
	Positives      float64 `json:"positives"`       // rows of one score that straddle two bins are dealt to both in proportion
	Rate           float64 `json:"rate"`            // Positives / Rows
	Lift           float64 `json:"lift"`            // Rate / the rate of all rows
	CumulativeGain float64 `json:"cumulative_gain"` // share of all positives in this bin and those above
}

// Lift returns the LiftBins bins; bins differ by at most one row. There are fewer where there are fewer rows.
func (c Curve) Lift() []LiftBin {
	n := c.pos + c.neg
	bins := min(LiftBins, n)
	out := make([]LiftBin, bins)
	above := 0.0
	for b := range bins {
		from, to := b*n/bins, (b+1)*n/bins
		upTo := c.positivesIn(to)
		positives := upTo - above
		above = upTo
		rate := positives / float64(to-from)
		out[b] = LiftBin{
			Rows: to - from, Positives: positives, Rate: rate,
			Lift: rate * float64(n) / float64(c.pos), CumulativeGain: upTo / float64(c.pos),
		}
	}
	return out
}

// positivesIn is the expected number of positives among the k highest rows.
func (c Curve) positivesIn(k int) float64 {
	i, _ := slices.BinarySearchFunc(c.steps, k, func(s step, k int) int { return cmp.Compare(s.tp+s.fp, k) })
	var last step
	if i > 0 {
		last = c.steps[i-1]
	}
	s := c.steps[i]
	part := float64(k-last.tp-last.fp) / float64(s.tp+s.fp-last.tp-last.fp)
	return float64(last.tp) + part*float64(s.tp-last.tp)
}

// Confusion counts the rows by label and by whether they score at least threshold.
type Confusion struct {
	TP int `json:"tp"`
	FP int `json:"fp"`
	TN int `json:"tn"`
	FN int `json:"fn"`
}

// At returns the confusion matrix at threshold.
func (c Curve) At(threshold float64) Confusion {
	i, _ := slices.BinarySearchFunc(c.steps, threshold, func(s step, t float64) int {
		if s.score >= t {
			return -1
		}
		return 1
	})
	var s step
	if i > 0 {
		s = c.steps[i-1]
	}
	return Confusion{TP: s.tp, FP: s.fp, TN: c.neg - s.fp, FN: c.pos - s.tp}
}

// Accuracy is the share of rows on the right side.
func (c Confusion) Accuracy() float64 {
	return ratio(c.TP+c.TN, c.TP+c.TN+c.FP+c.FN)
}

// Precision is the share of positives among the rows called positive, 0 when none is.
func (c Confusion) Precision() float64 { return ratio(c.TP, c.TP+c.FP) }

// Recall is the share of the positives that are called so, 0 when there are none.
func (c Confusion) Recall() float64 { return ratio(c.TP, c.TP+c.FN) }

// F1 is the harmonic mean of Precision and Recall, 0 when both are.
func (c Confusion) F1() float64 { return ratio(2*c.TP, 2*c.TP+c.FP+c.FN) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
