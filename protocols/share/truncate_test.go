package share

import (
	"math"
	"testing"
)

// runTruncate checks the exact cost and returns e = result − ⌊x/2^f⌋ of every element.
func runTruncate(t *testing.T, q *pair, seed uint64, x []int64, f int) []int64 {
	t.Helper()
	s := split(seeded(seed), x)
	var got [2][]uint64
	c := q.cost(func(i int, e *Engine) (err error) {
		got[i], err = e.Truncate(q.ctx, s[i], f)
		return err
	})
	if want := q.e[0].Params().TruncateCost(len(x), f); c != want {
		t.Fatalf("n %d, f %d: counted %+v, Cost %+v", len(x), f, c, want)
	}
	e := sum(got)
	for i := range e {
		e[i] -= x[i] >> f
		if e[i] != 0 && e[i] != 1 {
			t.Fatalf("f %d: element %d is off by %d", f, i, e[i])
		}
		if x[i]&(1<<f-1) == 0 && e[i] != 0 {
			t.Fatalf("f %d: a multiple is not exact", f)
		}
	}
	return e
}

func TestTruncateExhaustive8(t *testing.T) {
	q := newPair(t, Default(), 1)
	var x []int64
	for v := range int64(256) {
		for range 16 {
			x = append(x, v-128)
		}
	}
	for f := 1; f <= 8; f++ {
		runTruncate(t, q, uint64(f), x, f)
	}
}

func TestTruncate(t *testing.T) {
	q := newPair(t, Default(), 2)
	for _, f := range []int{1, 12, 28, 33, 61, 62} {
		for _, n := range lengths {
			x := randomValues(uint64(20+f), n)
			for i := range x {
				x[i] >>= 1 + i%40
				x[i] = max(-(1<<62 - 1), min(x[i], 1<<62-1))
			}
			copy(x, []int64{0, -1, 1<<62 - 1, -(1<<62 - 1), 1})
			runTruncate(t, q, 99, x, f)
		}
	}
	runTruncate(t, q, 98, make([]int64, BlockRows+1), 16)
}

// The mean of the error is the dropped fraction. With 2^16 elements of fraction ρ = 3/16 the standard deviation of the
// mean is below 0.0016; 6 of them fail a correct implementation with probability 2·10⁻⁹.
func TestTruncateUnbiased(t *testing.T) {
	q := newPair(t, Default(), 1)
	x := make([]int64, 1<<16)
	for i := range x {
		x[i] = -1000*16 + 3
	}
	total := int64(0)
	for _, e := range runTruncate(t, q, 21, x, 4) {
		total += e
	}
	if mean := float64(total) / float64(len(x)); math.Abs(mean-3.0/16) > 6*0.0016 {
		t.Fatalf("mean error %.4f, want %.4f", mean, 3.0/16)
	}
}
