package psi

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sort"

	"github.com/tacit-data/tacit/api/fault"
)

// targetBits is log₂ of the items that a bucket holds on average at most: one OKVS and VOLE of this size still live in
// the outer cache, and a lost bucket costs seconds.
const targetBits = 20

// MaxBucketBits bounds k: 2¹² buckets of 2²⁰ items are more than any one machine reads in a day.
const MaxBucketBits = 12

// BytesPerItem is the memory that a party plans for each item of a bucket, in bytes: the item twice, the OKVS or the
// tags, the sort entries.
const BytesPerItem = 192

// Buckets is how two sets are cut into 2^Bits independent runs, each with fresh secrets, so that memory is bounded and
// an interruption costs one bucket. Both parties derive the same cut, with CapSelf and CapPeer swapped.
type Buckets struct {
	Bits int // k; 0 is one run over the whole sets
	// CapSelf and CapPeer are the items that every bucket of this party and of the peer is padded to. Unpadded buckets
	// would publish a histogram of the hashes. For k = 0 they are the sizes themselves.
	CapSelf, CapPeer int
	// SSP is the statistical security of each run in bits, MinSSP + k: the union over the buckets keeps 2^−MinSSP.
	SSP int
}

// PlanBuckets cuts sets of nSelf and nPeer distinct items for parties that each have mem bytes. Buckets hold 2²⁰ items
// on average at most, fewer where mem demands it.
//
// The caps are the least c with 2^k·Pr[Binomial(n, 2^−k) > c] ≤ 2^−(MinSSP+1), by the exact tail: items are hashes bound
// to the step, so that nobody can aim at a bucket.
//
// Errors: fault.Invalid (a negative size, no memory), fault.LimitExceeded (MaxBucketBits).
func PlanBuckets(nSelf, nPeer, mem int64) (Buckets, error) {
	const op = "psi.PlanBuckets"
	if nSelf < 0 || nPeer < 0 || mem <= 0 {
		return Buckets{}, fault.New(fault.Invalid, op, "sizes of %d and %d items in %d bytes", nSelf, nPeer, mem)
	}
	n := max(nSelf, nPeer)
	k := 0
	if n > 1<<targetBits {
		k = bits.Len64(uint64(n-1)) - targetBits
	}
	for ; k <= MaxBucketBits; k++ {
		b, err := CutBuckets(nSelf, nPeer, k)
		if err != nil {
			return Buckets{}, err
		}
		if int64(max(b.CapSelf, b.CapPeer))*BytesPerItem <= mem {
			return b, nil
		}
	}
	return Buckets{}, fault.New(fault.LimitExceeded, op, "MaxBucketBits: %d items do not fit %d bytes a bucket in 2^%d buckets",
		n, mem, MaxBucketBits)
}

// CutBuckets is PlanBuckets with k given: for the party that follows the other's plan.
//
// Errors: fault.Invalid (a negative size, k out of range), fault.LimitExceeded (a bucket above MaxItems).
func CutBuckets(nSelf, nPeer int64, k int) (Buckets, error) {
	const op = "psi.CutBuckets"
	if nSelf < 0 || nPeer < 0 || k < 0 || k > MaxBucketBits {
		return Buckets{}, fault.New(fault.Invalid, op, "sizes of %d and %d items in 2^%d buckets", nSelf, nPeer, k)
	}
	own, peer := bucketCap(nSelf, k), bucketCap(nPeer, k)
	if n := max(own, peer); n > MaxItems {
		return Buckets{}, fault.New(fault.LimitExceeded, op, "MaxItems: buckets of %d items, at most %d", n, MaxItems)
	}
	return Buckets{Bits: k, CapSelf: int(own), CapPeer: int(peer), SSP: MinSSP + k}, nil
}

// Count is the number of buckets, 2^Bits.
func (b Buckets) Count() int { return 1 << b.Bits }

// Of returns the bucket of an item, 0 ≤ Of < Count: the top Bits bits of its last eight bytes, which no method uses for
// anything else. The item is bound to the step, not to an attempt, so that after a crash the finished buckets still fit.
func (b Buckets) Of(item Item) int {
	return int(binary.BigEndian.Uint64(item[24:]) >> (64 - b.Bits))
}

// bucketCap returns the least c with 2^k·Pr[Binomial(n, 2^−k) > c] ≤ 2^−(MinSSP+1).
func bucketCap(n int64, k int) int64 {
	if k == 0 || n == 0 {
		return n
	}
	limit := -float64(MinSSP + 1 + k)
	mean := n >> k
	return mean + int64(sort.Search(int(n-mean), func(d int) bool { return log2Tail(n, k, mean+int64(d)) <= limit }))
}

// log2Tail returns log₂ Pr[X > c] for X ~ Binomial(n, 2^−k), for c at or above ⌊mean⌋: the first term by its logarithm,
// the others by their ratios, which fall.
func log2Tail(n int64, k int, c int64) float64 {
	if c >= n {
		return math.Inf(-1)
	}
	odds := 1 / (math.Exp2(float64(k)) - 1) // p/(1−p)
	sum, term := 1.0, 1.0
	for j := c + 1; j < n && term > sum*0x1p-53; j++ {
		term *= float64(n-j) / float64(j+1) * odds
		sum += term
	}
	return (logChoose(n, k, c+1) + math.Log(sum)) / math.Ln2
}

// logChoose returns ln Pr[X = x] for X ~ Binomial(n, 2^−k) and 0 < x ≤ n by the saddle-point expansion, whose error does
// not grow with n as that of three log-gammas does. Source: C. Loader, Fast and Accurate Computation of Binomial
// Probabilities, 2000, §3.
func logChoose(n int64, k int, x int64) float64 {
	p := math.Exp2(-float64(k))
	if x == n {
		return float64(n) * math.Log(p)
	}
	nf, xf := float64(n), float64(x)
	yf := float64(n - x)
	e := stirlingError(n) - stirlingError(x) - stirlingError(n-x) - deviance(xf, nf*p) - deviance(yf, nf*(1-p))
	return e + 0.5*math.Log(nf/(2*math.Pi*xf*yf))
}

// stirlingError is ln n! − ln(√(2πn)·(n/e)^n), n ≥ 1.
func stirlingError(n int64) float64 {
	x := float64(n)
	if n <= 16 {
		lg, _ := math.Lgamma(x + 1)
		return lg - (x+0.5)*math.Log(x) + x - 0.5*math.Log(2*math.Pi)
	}
	xx := x * x
	return (1.0/12 - (1.0/360-(1.0/1260-(1.0/1680-1.0/1188/xx)/xx)/xx)/xx) / x
}

// deviance is x·ln(x/m) + m − x without cancellation where x is near m.
func deviance(x, m float64) float64 {
	d := x - m
	if math.Abs(d) >= 0.1*(x+m) {
		return x*math.Log(x/m) - d
	}
	v := d / (x + m)
	s := d * v
	ej := 2 * x * v
	for j := 1; j < 1000; j++ {
		ej *= v * v
		next := s + ej/float64(2*j+1)
		if next == s {
			break
		}
		s = next
	}
	return s
}
