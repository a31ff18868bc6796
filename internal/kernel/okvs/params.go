package okvs

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
)

// Bounds of NewParams.
const (
	MaxItems  = 1 << 28 // a vector of 5.9 GB; bin numbers and positions are 32-bit
	MaxSSP    = 100     // bits; beyond it the fit of RR22 is nowhere supported
	maxSparse = 1 << 16 // columns and rows of a bin are 16-bit
)

// targetRows is the mean number of rows per bin: its columns and slots stay within 1 MiB of second-level cache.
const targetRows = 1 << 14

// Params is the shape of a vector, the same at both parties. It is derived from the number of items and the statistical
// security parameter by NewParams, never chosen; the zero value is no valid shape. It is comparable, and parties on
// different processors should compare it: it comes from floating-point formulas.
type Params struct {
	Items  int // keys that are encoded
	Bins   int // independent systems
	BinCap int // most rows of a bin
	Sparse int // columns of a bin that rows hit in three places
	Dense  int // columns of a bin that hold powers of the row's field element
}

// NewParams derives the shape for n distinct keys, so that Encode fails with probability at most 2^−ssp.
//
// Errors: fault.Invalid (n < 0, ssp < 1), fault.LimitExceeded (n > MaxItems, ssp > MaxSSP).
func NewParams(n, ssp int) (Params, error) {
	const op = "okvs.NewParams"
	if n < 0 || ssp < 1 {
		return Params{}, fault.New(fault.Invalid, op, "%d items at ssp %d: want at least 0 and 1", n, ssp)
	}
	if n > MaxItems || ssp > MaxSSP {
		return Params{}, fault.New(fault.LimitExceeded, op, "%d items at ssp %d: at most %d and %d",
			n, ssp, MaxItems, MaxSSP)
	}
	p := Params{Items: n, Bins: max(1, (n+targetRows-1)/targetRows)}
	p.BinCap = binCap(n, p.Bins, float64(ssp+1))
	bits := float64(ssp+1) + math.Log2(float64(p.Bins))
	if p.BinCap <= maxCounted {
		p.Sparse, p.Dense = countedColumns(p.BinCap, bits)
	} else {
		p.Sparse, p.Dense = fittedColumns(p.BinCap, bits)
	}
	if p.Sparse > maxSparse {
		return Params{}, fault.New(fault.LimitExceeded, op, "%d columns per bin at ssp %d, at most %d",
			p.Sparse, ssp, maxSparse)
	}
	return p, nil
}

// valid reports whether every row fits the vector, and the values of a bin its slots.
func (p Params) valid() bool {
	return p.Bins > 0 && p.Bins <= 1<<16 && p.Sparse >= 3 && p.Sparse <= maxSparse && p.Dense > 0 &&
		p.BinCap >= 0 && p.BinCap <= min(p.stride(), maxSparse)
}

// Slots is the length of the vector.
func (p Params) Slots() int { return p.Bins * p.stride() }

// stride is the number of slots of one bin: its sparse columns, then its dense ones.
func (p Params) stride() int { return p.Sparse + p.Dense }

// fittedColumns is the fit of RR22 for weight 3, as in PaxosParam::init of the authors' volepsi, and empirical: the
// exponent of the failure probability of n rows grows linearly in the expansion e = columns/n, and every further row
// that peeling leaves over is less likely by a factor of e·n.
func fittedColumns(n int, bits float64) (sparse, dense int) {
	w := math.Log2(3)
	slope := math.Exp2(0.555*math.Log2(float64(n)) + 0.093*w*w*w - 1.01*w*w + 2.925*w - 0.133)
	e := 1.223 + (bits+9.2)/slope
	columns := e * float64(n)
	return int(math.Ceil(columns)), int(math.Ceil(bits / math.Log2(columns)))
}

// binCap is the least c with bins·Pr[Binomial(n, 1/bins) > c] ≤ 2^−bits.
func binCap(n, bins int, bits float64) int {
	if bins == 1 {
		return n
	}
	limit := -bits*math.Ln2 - math.Log(float64(bins))
	lo, hi := n/bins, n
	for lo < hi {
		mid := (lo + hi) / 2
		if lnBinomialTail(n, 1/float64(bins), mid) <= limit {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// lnBinomialTail is ln Pr[Binomial(n, p) > c] for c of at least the mean: the first term from the logarithms of
// factorials, the others from it by their ratios, which fall.
func lnBinomialTail(n int, p float64, c int) float64 {
	if c >= n {
		return math.Inf(-1)
	}
	k := float64(c + 1)
	first := lnChoose(n, c+1) + k*math.Log(p) + (float64(n)-k)*math.Log1p(-p)
	sum, term := 1.0, 1.0
	for i := c + 1; i < n && term > 1e-18*sum; i++ {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
	}
	return first + math.Log(sum)
}

// lnChoose is ln of the binomial coefficient n over k.
func lnChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
