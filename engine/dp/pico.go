package dp

import (
	"math"
	"math/big"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/label"
)

// Pico is 1e-12, the unit of ε, δ and ρ.
type Pico = label.Pico

// MaxPico is where conversions and sums saturate: more than any account holds, so a saturated charge is unaffordable.
const MaxPico Pico = math.MaxInt64

// One is ε, δ or ρ = 1.
const One Pico = 1_000_000_000_000

// maxDecimalBytes bounds a decimal literal, and with the exponent's three digits the memory its value takes.
const maxDecimalBytes = 64

// ParsePico reads a non-negative decimal such as "0.5" or "1e-6" exactly. What does not fit 12 places is rounded up, so
// that nothing positive becomes free: "1e-15" is one pico. A value beyond MaxPico saturates.
//
// Errors: fault.Invalid when s is not a decimal of at most 64 bytes with an exponent of at most three digits.
func ParsePico(s string) (Pico, error) {
	if len(s) > maxDecimalBytes || !decimal(s) {
		return 0, fault.New(fault.Invalid, "dp.ParsePico", "not a non-negative decimal number")
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, fault.New(fault.Invalid, "dp.ParsePico", "not a non-negative decimal number")
	}
	return picoUp(r), nil
}

// PicoFromFloat converts x upwards: 0 < x < 1e-12 is one pico, an overflow saturates. The binary float is taken at its
// exact value, so 0.1 becomes 0.100000000001: enter decimals with ParsePico.
//
// Errors: fault.Invalid when x is negative, NaN or infinite.
func PicoFromFloat(x float64) (Pico, error) {
	if !(x >= 0) || math.IsInf(x, 0) {
		return 0, fault.New(fault.Invalid, "dp.PicoFromFloat", "not a non-negative finite number")
	}
	return picoUp(new(big.Rat).SetFloat64(x)), nil
}

// decimal reports whether s matches digits[.digits][e[±]d{1,3}].
func decimal(s string) bool {
	i, whole := digits(s, 0)
	frac := 0
	if i < len(s) && s[i] == '.' {
		i, frac = digits(s, i+1)
		if frac == 0 {
			return false
		}
	}
	if whole == 0 {
		return false
	}
	if i == len(s) {
		return true
	}
	if s[i] != 'e' && s[i] != 'E' {
		return false
	}
	if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	i, n := digits(s, i)
	return i == len(s) && n >= 1 && n <= 3
}

// digits returns the index after the digits that start at i, and how many there are.
func digits(s string, i int) (end, n int) {
	for end = i; end < len(s) && s[end] >= '0' && s[end] <= '9'; end++ {
	}
	return end, end - i
}

// picoUp returns ⌈r·1e12⌉ for r ≥ 0, saturated.
func picoUp(r *big.Rat) Pico {
	num := new(big.Int).Mul(r.Num(), big.NewInt(int64(One)))
	q, rem := new(big.Int).QuoRem(num, r.Denom(), new(big.Int))
	if rem.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return MaxPico
	}
	return Pico(q.Int64())
}

// floatBelow returns a float64 strictly below p·1e-12 for 0 < p ≤ 2^53, by at most two units in the last place: what the
// sampler is told is never more than what is charged. ε and δ stay below 2^45.
func floatBelow(p Pico) float64 {
	return math.Nextafter(float64(p)/float64(One), 0)
}
