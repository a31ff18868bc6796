package dp

import (
	"math/big"
)

// Charge is what a release costs in approximate zCDP, in 1e-12. Charges add.
type Charge struct{ Rho, Delta Pico }

// Plus returns the cost of both, saturated at MaxPico: the order of adding never matters and nothing wraps.
func (c Charge) Plus(o Charge) Charge {
	return Charge{Rho: plus(c.Rho, o.Rho), Delta: plus(c.Delta, o.Delta)}
}

func plus(a, b Pico) Pico {
	if a > MaxPico-b {
		return MaxPico
	}
	return a + b
}

// Cost returns the charge of a release of any cells under s and n, before any row is read. It is what Release returns.
//
// Errors: as Release for s and n.
func Cost(s Sens, n Noise) (Charge, error) {
	if err := n.check(s); err != nil {
		return Charge{}, err
	}
	if n.Kind == Laplace {
		return Charge{Rho: pureRho(n.Epsilon)}, nil
	}
	return Charge{Rho: gaussRho(s, n.scale(s)), Delta: samplerTail(s)}, nil
}

// pureRho is ε²/2: pure ε-DP implies it (Bun, Steinke, Proposition 1.4).
func pureRho(epsilon Pico) Pico {
	e := big.NewRat(int64(epsilon), int64(One))
	e.Mul(e, e)
	return picoUp(e.Quo(e, big.NewRat(2, 1)))
}

// gaussRho is Δ₂²/2σ² with Δ₂² = l0·perCell² (Bun, Steinke, Proposition 1.6), exact in σ and rounded up.
func gaussRho(s Sens, sigma float64) Pico {
	num := new(big.Int).SetInt64(s.perCell())
	num.Mul(num, num)
	num.Mul(num, big.NewInt(s.L0))
	den := new(big.Rat).SetFloat64(sigma)
	den.Mul(den, den)
	den.Mul(den, big.NewRat(2, 1))
	return picoUp(new(big.Rat).Quo(new(big.Rat).SetInt(num), den))
}

// samplerTail charges the library's binomial sampler, which truncates with probability about 2^-45 per draw: conditioned
// on no truncation in the l0 cells that neighbours differ in, the loss is that of the Gaussian.
func samplerTail(s Sens) Pico {
	return picoUp(new(big.Rat).SetFrac(big.NewInt(s.L0), new(big.Int).Lsh(big.NewInt(1), 45)))
}
