package dp

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
)

// Result is a noisy answer: it may be shown to whom the plan names.
type Result struct {
	Values []int64 // one per cell; negative values are ordinary
	Scale  float64 // b of the Laplace noise or σ of the Gaussian, in value units
}

// Release is the one door from exact to noisy: it consumes c, adds one independent draw to every cell and returns the
// noisy values with their charge.
//
// Errors: fault.Invalid or fault.LimitExceeded for s or n outside the bounds of the package, found before c is read, and
// then c remains; fault.Invalid when c was released before. Source: DP-SQL's exact part and noise, one AddNoiseInt64 per
// cell of google/differential-privacy.
func Release(c *Cells, s Sens, n Noise) (Result, Charge, error) {
	charge, err := Cost(s, n)
	if err != nil {
		return Result{}, Charge{}, err
	}
	values, ok := c.take()
	if !ok {
		return Result{}, Charge{}, fault.New(fault.Invalid, "dp.Release", "the cells were released before")
	}
	if err := addNoise(values, s, n); err != nil {
		return Result{}, Charge{}, err
	}
	return Result{Values: values, Scale: n.scale(s)}, charge, nil
}

// HalfWidth95 previews the error of a release without data: with probability 95 % the noise of one cell is at most this
// many value units. It is b·ln 20 for Laplace and 1.96·σ for Gaussian noise.
//
// Errors: as Release for s and n.
func HalfWidth95(s Sens, n Noise) (float64, error) {
	if err := n.check(s); err != nil {
		return 0, err
	}
	if n.Kind == Laplace {
		return n.scale(s) * math.Log(20), nil
	}
	return n.scale(s) * 1.959963984540054, nil // the 97.5 % point of the normal distribution
}
