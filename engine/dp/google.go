package dp

import (
	"github.com/google/differential-privacy/go/v3/noise"

	"github.com/tacit-data/tacit/api/fault"
)

// Rules of this file, each for a reproduced defect of the library: an explicit Laplace or Gaussian, never nil (a nil one
// skips the overflow check); l0, lInf and their product checked before (the library multiplies unchecked, and then adds
// noise of the wrong scale or never returns); integers only; one draw per cell; no library object is kept or serialised;
// no library aggregator ever holds a row.

// addNoise replaces every value by a noisy one. s and n were checked.
func addNoise(values []int64, s Sens, n Noise) error {
	mechanism, epsilon, delta := noise.Laplace(), floatBelow(n.Epsilon), 0.0
	if n.Kind == Gauss {
		mechanism, delta = noise.Gaussian(), floatBelow(n.Delta)
	}
	for i, v := range values {
		noisy, err := mechanism.AddNoiseInt64(v, s.L0, s.perCell(), epsilon, delta)
		if err != nil {
			// The library's text names parameters; they were checked, so this is our bug.
			return fault.Wrap(fault.Internal, "dp.Release", err, "the library refused checked parameters")
		}
		values[i] = noisy
	}
	return nil
}

// scale returns b of the Laplace or σ of the Gaussian noise in value units.
func (n Noise) scale(s Sens) float64 {
	if n.Kind == Laplace {
		return float64(s.l1()) / floatBelow(n.Epsilon)
	}
	return noise.SigmaForGaussian(s.L0, float64(s.perCell()), floatBelow(n.Epsilon), floatBelow(n.Delta))
}
