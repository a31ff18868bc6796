package okvs

import "math"

// Small bins. The fit of RR22 is for large n; here the probability of failure is bounded by counting, and the vectors
// are so short that the price, some kilobytes, does not matter.
//
// Peeling stops at a stopping set: rows in which no column occurs exactly once. A stopping set of at most Dense + 1 rows
// is always solved, since its sparse part has rank at least 1 and the dense part, powers of different elements, gives
// Dense more. So Encode fails only where a stopping set of Dense + 2 or more rows exists, and the expected number of
// those bounds the probability: a union bound, not a fit.

// maxCounted is the largest bin that gets its parameters by counting. Above it the fit is the smaller vector by ever
// less, and the count takes more than a few milliseconds.
const maxCounted = 1 << 11

// maxDense is the most dense columns: an item costs a multiplication for each.
const maxDense = 32

// countedColumns returns columns for which n rows fail with probability at most 2^−bits.
//
// Up to maxDense rows need no sparse columns at all; they get the three that a row must have, in which all are equal, and
// a dense part of one column more than it takes to solve them. Without it nothing would be free, and equal values of all
// keys would be the value of every other key as well.
func countedColumns(n int, bits float64) (sparse, dense int) {
	if n <= maxDense {
		return 3, max(1, n)
	}
	for e := 1.6 + 120/float64(n); ; e *= 1.05 {
		sparse = int(math.Ceil(e * float64(n)))
		if dense = countedDense(n, sparse, bits); dense <= maxDense {
			return sparse, dense
		}
	}
}

// countedDense is the least d for which n rows over m columns have a stopping set of d + 2 or more rows with
// probability at most 2^−bits.
func countedDense(n, m int, bits float64) int {
	limit := math.Exp2(-bits)
	x, sum := 1.0, 0.0
	for k := n; k >= 2; k-- {
		var ln float64
		ln, x = lnStoppingSets(n, m, k, x)
		if sum += math.Exp(ln); sum > limit {
			return k - 1 // k + 1 = d + 2
		}
	}
	return 1
}

// lnStoppingSets bounds ln of the expected number of stopping sets of k rows among n over m columns.
//
// k rows are 3k balls in m boxes without a box of exactly one. By the generating function e^x − x of such a box the
// probability is (3k)!/m^3k · [x^3k](e^x − x)^m ≤ (3k)!/m^3k · (e^x − x)^m / x^3k for every x > 0. The columns of a row
// are distinct, which is a condition of probability (1 − 1/m)(1 − 2/m) per row on independent balls. The best x is
// returned as the start of the next search; any x gives a valid bound.
func lnStoppingSets(n, m, k int, x float64) (ln, best float64) {
	t, boxes := float64(3*k), float64(m)
	// Newton's method in ln x for m·x(e^x − 1)/(e^x − x) = t; the left side is nearly a power of x.
	for range 6 {
		ex := math.Exp(-x)
		f := boxes * x * (1 - ex) / (1 - x*ex)
		x *= math.Pow(t/f, 0.6)
	}
	ln = boxes*(x+math.Log1p(-x*math.Exp(-x))) - t*math.Log(x)
	factorial, _ := math.Lgamma(t + 1)
	ln += factorial - t*math.Log(boxes)
	ln += lnChoose(n, k) - float64(k)*(math.Log1p(-1/boxes)+math.Log1p(-2/boxes))
	return ln, x
}
