package dp

import (
	"math"
	"sort"

	"github.com/tacit-data/tacit/api/fault"
)

// goldenSteps narrows a range of e^20 around the optimum to below 1e-12: 0.618^72 · 20.
const goldenSteps = 72

// EpsilonFor returns the smallest ε, rounded up, for which a total loss of rho in zCDP is (ε,δ)-differentially private.
//
// Errors: fault.Invalid when rho is negative or δ is outside (0, 1).
//
// Source: Canonne, Kamath, Steinke, Proposition 12:
// δ = inf over a > 1 of exp((a−1)(aρ−ε))/(a−1)·(1−1/a)^a, solved for ε.
func EpsilonFor(rho, delta Pico) (Pico, error) {
	if rho < 0 || delta <= 0 || delta >= One {
		return 0, fault.New(fault.Invalid, "dp.EpsilonFor", "ρ must not be negative and δ must lie in (0, 1)")
	}
	return epsilonFor(rho, delta), nil
}

// RhoCap returns the largest ρ for which a total loss of ρ in zCDP still is (ε,δ)-differentially private. An owner who
// promises (ε,δ) over a lifetime gives half of δ to this conversion and leaves half for the mechanisms.
//
// Errors: fault.Invalid when ε is negative or δ is outside (0, 1).
func RhoCap(epsilon, delta Pico) (Pico, error) {
	if epsilon < 0 || delta <= 0 || delta >= One {
		return 0, fault.New(fault.Invalid, "dp.RhoCap", "ε must not be negative and δ must lie in (0, 1)")
	}
	// The predicate turns true once and stays: ε grows with ρ. Sixty-two bits of ρ, sixty-two steps.
	first := sort.Search(math.MaxInt64>>1, func(rho int) bool { return epsilonFor(Pico(rho), delta) > epsilon })
	return Pico(max(first-1, 0)), nil
}

// epsilonFor minimises over t = a−1. Every t gives a valid bound, so the search only affects tightness; float rounding
// is covered by one part in 1e12 and one pico.
func epsilonFor(rho, delta Pico) Pico {
	if rho == 0 {
		return 0
	}
	r, l := float64(rho)/float64(One), -math.Log(floatBelow(delta))
	bound := func(logT float64) float64 {
		t := math.Exp(logT)
		return (1+t)*r + l/t + logT - (1+t)/t*math.Log1p(t)
	}
	mid := math.Log(l/r) / 2 // the optimum without the last two terms
	best := max(golden(bound, mid-10, mid+10), 0)
	x := best * (1 + 1e-12) * float64(One)
	if x >= math.MaxInt64/2 {
		return MaxPico
	}
	return Pico(math.Ceil(x)) + 1
}

// golden returns the smallest value of f met by a golden-section search on [lo, hi].
func golden(f func(float64) float64, lo, hi float64) float64 {
	const ratio = 0.6180339887498949
	x, y := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fx, fy := f(x), f(y)
	for range goldenSteps {
		if fx < fy {
			hi, y, fy = y, x, fx
			x = hi - ratio*(hi-lo)
			fx = f(x)
			continue
		}
		lo, x, fx = x, y, fy
		y = lo + ratio*(hi-lo)
		fy = f(y)
	}
	return min(fx, fy)
}
