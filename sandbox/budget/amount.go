package budget

import "github.com/tacit-data/tacit/api/fault"

// MaxAmount bounds every amount, cap and counter, so that sums of two never wrap.
const MaxAmount = 1 << 62

// Unlimited is the cap of a dimension that an account counts but does not limit.
const Unlimited int64 = -1

// Dim is what is counted. The list is closed and its order is part of the encoding.
type Dim uint8

// The dimensions and their units.
const (
	Uses    Dim = iota // runs of a step
	Rows               // rows read
	Fuel               // instructions of a guest
	Money              // minor currency units of the account's agreement
	DPRho              // zCDP ρ in 1e-12
	DPDelta            // δ in 1e-12
	DimCount
)

// String returns the dimension's name in terms, logs and denials.
func (d Dim) String() string {
	if d < DimCount {
		return dimNames[d]
	}
	return "Dim(?)"
}

var dimNames = [DimCount]string{"uses", "rows", "fuel", "money", "dp.rho", "dp.delta"}

// ParseDim returns the dimension called name.
//
// Errors: fault.Invalid when there is none.
func ParseDim(name string) (Dim, error) {
	for d, n := range dimNames {
		if n == name {
			return Dim(d), nil
		}
	}
	return 0, fault.New(fault.Invalid, "budget.ParseDim", "a dimension is uses, rows, fuel, money, dp.rho or dp.delta")
}

// Amounts is one integer per dimension. The zero value is nothing.
type Amounts [DimCount]int64

// check verifies that every amount is from 0 to MaxAmount.
func (a Amounts) check(op string) error {
	for d, v := range a {
		if v < 0 || v > MaxAmount {
			return fault.New(fault.Invalid, op, "%s must be from 0 to 2^62", Dim(d))
		}
	}
	return nil
}

// within reports whether a ≤ o in every dimension.
func (a Amounts) within(o Amounts) bool {
	for d := range a {
		if a[d] > o[d] {
			return false
		}
	}
	return true
}

// minus returns a − o.
func (a Amounts) minus(o Amounts) Amounts {
	for d := range a {
		a[d] -= o[d]
	}
	return a
}

// ChargeOnAbort returns what a step that ended without its answer pays in dimension d: nothing when it was never used;
// else the held uses, ε and δ, the metered rows and fuel (all that was held when no reading is known), and no money,
// which stays open until receipts or a dispute decide.
func ChargeOnAbort(d Dim, used bool, held int64, reading int64, metered bool) int64 {
	switch {
	case !used || d == Money:
		return 0
	case (d == Rows || d == Fuel) && metered:
		return min(max(reading, 0), held)
	}
	return held
}
