package dp

import (
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	// MaxProduct bounds l0·lInf (doubled under ReplaceOne). Up to 2^53 the product is exact in int64 and in float64; the
	// library multiplies unchecked.
	MaxProduct = 1 << 53
	// MaxEpsilon bounds ε: beyond 20 the promise is empty.
	MaxEpsilon = 20 * One
	// minEpsilon is 2^-30 rounded up: below, the sampler's binary search loses precision.
	minEpsilon Pico = 932
	// maxScaleLog2: the noise scale l1/ε or σ stays at or below 2^50, so that noise never meets the ±2^62 of the inputs.
	maxScaleLog2 = 50
)

// Neighbour says which two tables must look alike. The zero value is AddRemove.
type Neighbour uint8

// The neighbour relations.
const (
	AddRemove  Neighbour = iota // one unit more or less
	ReplaceOne                  // one unit changed: L1 and L2 sensitivity double
)

// Sens is what one unit can change: at most L0 cells, each by at most LInf value units. Use NewSens; Release checks
// literals again.
type Sens struct {
	L0, LInf int64
	Rel      Neighbour
}

// NewSens returns a checked Sens.
//
// Errors: fault.Invalid when l0 or lInf is below 1 or rel is unknown; fault.LimitExceeded when l0·lInf, doubled under
// ReplaceOne, exceeds MaxProduct.
func NewSens(l0, lInf int64, rel Neighbour) (Sens, error) {
	s := Sens{L0: l0, LInf: lInf, Rel: rel}
	return s, s.check()
}

func (s Sens) check() error {
	if s.L0 < 1 || s.LInf < 1 {
		return fault.New(fault.Invalid, "dp.NewSens", "l0 and lInf must be at least 1")
	}
	if s.Rel > ReplaceOne {
		return fault.New(fault.Invalid, "dp.NewSens", "unknown neighbour relation %d", s.Rel)
	}
	hi, lo := bits.Mul64(uint64(s.L0), uint64(s.LInf))
	if hi != 0 || lo > MaxProduct>>s.Rel {
		return fault.New(fault.LimitExceeded, "dp.NewSens", "l0·lInf exceeds 2^53 (l0 %d, lInf %d)", s.L0, s.LInf)
	}
	return nil
}

// perCell is the change of one cell between neighbours. Under ReplaceOne a unit may leave one end of its range and
// arrive at the other.
func (s Sens) perCell() int64 { return s.LInf << s.Rel }

// l1 is the L1 sensitivity; check has bounded it by MaxProduct.
func (s Sens) l1() int64 { return s.L0 * s.perCell() }

// Kind is the distribution of the noise. The zero value is none, which is refused.
type Kind uint8

// The kinds of noise.
const (
	Laplace Kind = iota + 1 // pure ε
	Gauss                   // (ε,δ)
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case Laplace:
		return "laplace"
	case Gauss:
		return "gauss"
	}
	return "Kind(?)"
}

// ParseKind reads the name a job uses, "laplace" or "gauss".
//
// Errors: fault.Invalid for any other name.
func ParseKind(s string) (Kind, error) {
	switch s {
	case "laplace":
		return Laplace, nil
	case "gauss":
		return Gauss, nil
	}
	return 0, fault.New(fault.Invalid, "dp.ParseKind", "noise is laplace or gauss")
}

// Noise is the promise one release keeps: Epsilon, and for Gauss Delta, in 1e-12.
type Noise struct {
	Kind           Kind
	Epsilon, Delta Pico
}

// check verifies n by itself and together with s.
//
// Errors: fault.Invalid when the kind is unknown, ε is outside [2^-30, 20], δ ≠ 0 under Laplace or δ outside (0, 1/2)
// under Gauss; fault.LimitExceeded when the noise scale exceeds 2^50.
func (n Noise) check(s Sens) error {
	const op = "dp.Noise"
	if err := s.check(); err != nil {
		return err
	}
	if n.Epsilon < minEpsilon || n.Epsilon > MaxEpsilon {
		return fault.New(fault.Invalid, op, "ε must be from 2^-30 to 20, it is %s", n.Epsilon)
	}
	switch n.Kind {
	case Laplace:
		if n.Delta != 0 {
			return fault.New(fault.Invalid, op, "Laplace noise takes no δ")
		}
	case Gauss:
		if n.Delta <= 0 || n.Delta >= One/2 {
			return fault.New(fault.Invalid, op, "Gaussian noise needs 0 < δ < 1/2, it is %s", n.Delta)
		}
	default:
		return fault.New(fault.Invalid, op, "noise is laplace or gauss")
	}
	// l1/ε ≤ 2^50 as l1·1e12 ≤ ε_pico·2^50, in 128 bits.
	hi, lo := bits.Mul64(uint64(s.l1()), uint64(One))
	maxHi, maxLo := bits.Mul64(uint64(n.Epsilon), 1<<maxScaleLog2)
	wide := hi > maxHi || hi == maxHi && lo > maxLo
	if wide || n.Kind == Gauss && n.scale(s) > 1<<maxScaleLog2 {
		return fault.New(fault.LimitExceeded, op, "noise scale exceeds 2^50")
	}
	return nil
}
