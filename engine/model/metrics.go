package model

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
)

// Report is the evaluation of probabilities against labels.
type Report struct {
	Rows      int       `json:"rows"`
	Positives int       `json:"positives"`
	AUC       float64   `json:"auc"`
	KS        float64   `json:"ks"`
	LogLoss   float64   `json:"log_loss"`
	Brier     float64   `json:"brier"`
	Threshold float64   `json:"threshold"`
	Confusion Confusion `json:"confusion"`
	Accuracy  float64   `json:"accuracy"`
	Lift      []LiftBin `json:"lift"`
	Points    []Point   `json:"points"` // at most MaxPoints: the ROC curve and the KS chart
}

// Evaluate computes every metric of p, the probabilities of a 1.
//
// Errors: those of MinClass, NewCurve and LogLoss; fault.Invalid for a NaN threshold.
func Evaluate(p []float64, label []uint8, threshold float64) (Report, error) {
	if math.IsNaN(threshold) {
		return Report{}, fault.New(fault.Invalid, "model.Evaluate", "the threshold is NaN")
	}
	if err := MinClass(label); err != nil {
		return Report{}, err
	}
	c, err := NewCurve(p, label)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Rows: len(label), Positives: c.pos, AUC: c.AUC(), KS: c.KS(), Threshold: threshold,
		Confusion: c.At(threshold), Lift: c.Lift(), Points: c.Points(MaxPoints),
	}
	r.Accuracy = r.Confusion.Accuracy()
	if r.LogLoss, err = LogLoss(p, label); err != nil {
		return Report{}, err
	}
	r.Brier, err = Brier(p, label)
	return r, err
}

// AUC is Curve.AUC of the scores.
//
// Errors: those of NewCurve.
func AUC(score []float64, label []uint8) (float64, error) {
	c, err := NewCurve(score, label)
	if err != nil {
		return 0, err
	}
	return c.AUC(), nil
}

// KS is Curve.KS of the scores.
//
// Errors: those of NewCurve.
func KS(score []float64, label []uint8) (float64, error) {
	c, err := NewCurve(score, label)
	if err != nil {
		return 0, err
	}
	return c.KS(), nil
}

// probabilityFloor keeps the logarithm of a certain and wrong prediction finite; it is the spacing of float64 at 1, as
// scikit-learn clips.
const probabilityFloor = 0x1p-52

// LogLoss is the mean of −log of the probability given to the label, in nats.
//
// Errors: fault.Invalid (lengths, none, a probability outside [0, 1] or NaN, a label that is neither 0 nor 1).
func LogLoss(p []float64, label []uint8) (float64, error) {
	return mean(p, label, "model.LogLoss", func(p, y float64) float64 {
		p = min(max(p, probabilityFloor), 1-probabilityFloor)
		if y == 1 {
			return -math.Log(p)
		}
		return -math.Log1p(-p)
	})
}

// Brier is the mean of (p − y)².
//
// Errors: as LogLoss.
func Brier(p []float64, label []uint8) (float64, error) {
	return mean(p, label, "model.Brier", func(p, y float64) float64 { return (p - y) * (p - y) })
}

func mean(p []float64, label []uint8, op string, loss func(p, y float64) float64) (float64, error) {
	if len(p) != len(label) || len(p) == 0 {
		return 0, fault.New(fault.Invalid, op, "%d probabilities for %d labels", len(p), len(label))
	}
	sum := 0.0
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return 0, fault.New(fault.Invalid, op, "a score is not a probability")
		}
		if label[i] > 1 {
			return 0, fault.New(fault.Invalid, op, "a label is neither 0 nor 1")
		}
		sum += loss(v, float64(label[i]))
	}
	return sum / float64(len(p)), nil
}
