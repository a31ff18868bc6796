package okvs

import (
	"math"
	"math/big"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// The published shapes, at ssp 40. The page that they come from gives m = slots/n for Dense rounded down, as volepsi
// does; one column more, rounded up as here, adds Bins slots.
func TestParamsTable(t *testing.T) {
	for _, c := range []struct {
		n, bins, cap, dense int
		e, floored, m, mb   float64
	}{
		{1 << 16, 4, 17201, 3, 1.2691, 1.3325, 1.3326, 1.40},
		{1 << 20, 64, 17371, 4, 1.2724, 1.3492, 1.3493, 22.6},
		{1 << 24, 1024, 17423, 4, 1.2758, 1.3569, 1.3570, 364.3},
		{1 << 28, 16384, 17467, 4, 1.2792, 1.3640, 1.3641, 5858.7},
	} {
		p := mustParams(t, c.n, testSSP)
		if p.Items != c.n || p.Bins != c.bins || p.BinCap != c.cap || p.Dense != c.dense {
			t.Errorf("n=%d: %+v", c.n, p)
		}
		per := func(slots int) float64 { return float64(slots) / float64(c.n) }
		near(t, "e", float64(p.Sparse)/float64(p.BinCap), c.e, 0.00005+1/float64(p.BinCap))
		near(t, "m", per(p.Slots()), c.m, 0.00005)
		near(t, "m of floor", per(p.Slots()-p.Bins), c.floored, 0.00005)
		near(t, "MB", float64(p.Slots())*16/1e6, c.mb, 0.05)
	}
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %g, want %g ± %g", what, got, want, within)
	}
}

func TestParamsErrors(t *testing.T) {
	for _, c := range []struct {
		n, ssp int
		want   fault.Code
	}{
		{-1, 40, fault.Invalid},
		{10, 0, fault.Invalid},
		{MaxItems + 1, 40, fault.LimitExceeded},
		{10, MaxSSP + 1, fault.LimitExceeded},
	} {
		if _, err := NewParams(c.n, c.ssp); err == nil || fault.CodeOf(err) != c.want {
			t.Errorf("NewParams(%d, %d): %v, want %v", c.n, c.ssp, err, c.want)
		}
	}
}

// Every shape has room: for the rows' three columns, for all items, in 16-bit indices, at any security.
func TestParamsAreConsistent(t *testing.T) {
	var all []int
	for n := range 300 {
		all = append(all, n)
	}
	for n := 300; n < MaxItems; n += n + 1 {
		all = append(all, n-1, n)
	}
	all = append(all, maxCounted-1, maxCounted, maxCounted+1, targetRows, targetRows+1, MaxItems)
	for _, n := range all {
		for _, ssp := range []int{1, 8, 40, 64, MaxSSP} {
			if testing.Short() && ssp != 40 {
				continue
			}
			p := mustParams(t, n, ssp)
			if p.Items != n || p.Bins < 1 || p.BinCap > n || p.Bins*p.BinCap < n ||
				p.Sparse < 3 || p.Sparse > maxSparse || p.Dense < 1 || p.Sparse+p.Dense < p.BinCap {
				t.Fatalf("NewParams(%d, %d) = %+v", n, ssp, p)
			}
		}
	}
}

// The tail against exact rational arithmetic, and BinCap against its definition.
func TestBinCapIsLeast(t *testing.T) {
	for _, c := range []struct{ n, bins, bits int }{{100, 3, 10}, {1000, 7, 20}, {700, 16, 41}} {
		got := binCap(c.n, c.bins, float64(c.bits))
		limit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), uint(c.bits)))
		union := func(cap int) *big.Rat {
			return new(big.Rat).Mul(exactTail(c.n, c.bins, cap), big.NewRat(int64(c.bins), 1))
		}
		if union(got).Cmp(limit) > 0 || union(got-1).Cmp(limit) <= 0 {
			t.Errorf("binCap(%d, %d, %d) = %d is not the least", c.n, c.bins, c.bits, got)
		}
		want, _ := exactTail(c.n, c.bins, got).Float64()
		near(t, "ln tail", lnBinomialTail(c.n, 1/float64(c.bins), got), math.Log(want), 1e-9)
	}
}

// exactTail is Pr[Binomial(n, 1/bins) > c].
func exactTail(n, bins, c int) *big.Rat {
	sum := new(big.Int)
	for i := c + 1; i <= n; i++ {
		ways := new(big.Int).Binomial(int64(n), int64(i))
		sum.Add(sum, ways.Mul(ways, new(big.Int).Exp(big.NewInt(int64(bins-1)), big.NewInt(int64(n-i)), nil)))
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Exp(big.NewInt(int64(bins)), big.NewInt(int64(n)), nil))
}

// The bound on stopping sets against their exact expected number, for k rows of three distinct columns: by inclusion and
// exclusion over the columns hit exactly once, counted here by enumeration of all rows.
func TestStoppingSetsAreBounded(t *testing.T) {
	for m := 3; m <= 6; m++ {
		for k := 2; k <= 3; k++ {
			exact := float64(stoppingTuples(m, k)) / math.Pow(float64(m*(m-1)*(m-2)/6), float64(k))
			ln, _ := lnStoppingSets(k, m, k, 1)
			// The correction for distinct columns alone is (m²/((m−1)(m−2)))^k, too much where all rows are equal.
			if got := math.Exp(ln); got < exact || m > 4 && exact > 0 && got > 100*exact {
				t.Errorf("m=%d k=%d: bound %g, exact %g", m, k, got, exact)
			}
		}
	}
}

// stoppingTuples counts the k-tuples of 3-subsets of m columns in which no column occurs exactly once.
func stoppingTuples(m, k int) int {
	var rows [][3]int
	for a := range m {
		for b := range a {
			for c := range b {
				rows = append(rows, [3]int{a, b, c})
			}
		}
	}
	degree := make([]int, m)
	var count func(left int) int
	count = func(left int) (n int) {
		if left == 0 {
			for _, d := range degree {
				if d == 1 {
					return 0
				}
			}
			return 1
		}
		for _, r := range rows {
			for _, c := range r {
				degree[c]++
			}
			n += count(left - 1)
			for _, c := range r {
				degree[c]--
			}
		}
		return n
	}
	return count(k)
}

// What countedColumns promises: the sum of the bounds over all sets too large for the dense part, term by term at the
// best of many x.
func TestCountedColumnsMeetTheirBound(t *testing.T) {
	for _, n := range []int{maxDense + 1, 40, 64, 100, 256, 700, 1024, maxCounted} {
		const bits = 41
		sparse, dense := countedColumns(n, bits)
		sum := 0.0
		for k := dense + 2; k <= n; k++ {
			ln, _ := lnStoppingSets(n, sparse, k, 2)
			sum += math.Exp(ln)
		}
		if sum > math.Exp2(-bits) {
			t.Errorf("n=%d sparse=%d dense=%d: bound 2^%.1f", n, sparse, dense, math.Log2(sum))
		}
		if dense > maxDense || sparse > 6*n {
			t.Errorf("n=%d: %d sparse and %d dense columns", n, sparse, dense)
		}
	}
}
