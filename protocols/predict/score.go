package predict

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// Logistic applies the exact link: the probability that a row of score z has label 1.
func Logistic(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// decode returns opened scores as numbers.
//
// Errors: fault.Precision (a score beyond what columns within train.Clip and weights within train.WeightCap give).
func decode(opened []uint64) ([]float64, error) {
	const limit = share.SigmoidMax >> truncateBits
	z := make([]float64, len(opened))
	outside := false
	for i, v := range opened {
		x := int64(v)
		outside = outside || x > limit || x < -limit
		z[i] = math.Ldexp(float64(x), -FractionBits)
	}
	if outside {
		return nil, fault.New(fault.Precision, "predict.Score", "a score beyond the range of columns within ±%d: a wrong model or share", train.Clip)
	}
	return z, nil
}
