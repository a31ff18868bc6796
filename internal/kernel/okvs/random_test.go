package okvs

import (
	"flag"
	"fmt"
	"math"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The statistical tests have fixed seeds, so they do not flake: a change of code that changes the stream fails a correct
// test with the stated probability, once.

var long = flag.Bool("long", false, "a million instances in the test of the failure probability")

// chiSquare returns the statistic of the bytes of b, all equally likely: mean 255, deviation √510 = 22.6.
func chiSquare(b []aes.Block) float64 {
	var count [256]float64
	for i := range b {
		for _, v := range b[i] {
			count[v]++
		}
	}
	expect, x := float64(len(b)*16)/256, 0.0
	for _, c := range count {
		x += (c - expect) * (c - expect) / expect
	}
	return x
}

// False alarm: below 10^−6 per comparison (255 degrees of freedom: 374 is the 10^−6 quantile; on the other side 165).
func looksUniform(t *testing.T, what string, b []aes.Block) {
	t.Helper()
	if x := chiSquare(b); x < 160 || x > 380 {
		t.Errorf("%s: chi-square %.1f over 255 degrees of freedom", what, x)
	}
	// Bits of all blocks at each of the 128 places: 6 deviations, 10^−6.6 for all places together.
	for bit := range 128 {
		ones := 0
		for i := range b {
			ones += int(b[i][bit/8] >> (bit % 8) & 1)
		}
		if d := math.Abs(float64(ones)-float64(len(b))/2) / math.Sqrt(float64(len(b))/4); d > 6 {
			t.Errorf("%s: bit %d is one in %d of %d", what, bit, ones, len(b))
		}
	}
}

// All encoded values are zero, the worst case: whatever is visible then comes from the structure.
func TestAbsentKeysLookUniform(t *testing.T) {
	for _, n := range []int{0, 1, 3, 32, 500, 20000} {
		p, seed := mustParams(t, n, testSSP), aes.Block{5}
		vector := mustEncode(t, sequential(n, 0), make([]aes.Block, n), seed, p, randomness(1))
		got := make([]aes.Block, 20000)
		Decode(got, sequential(len(got), uint64(n)), vector, seed, p)
		distinct := make(map[aes.Block]bool)
		for _, g := range got {
			distinct[g] = true
		}
		if len(distinct) != len(got) {
			t.Errorf("n=%d: %d of %d values are distinct", n, len(distinct), len(got))
		}
		looksUniform(t, fmt.Sprintf("absent of n=%d", n), got)
	}
}

// The vector itself is uniform when the values are, and no slot is left at a constant.
func TestVectorLooksUniform(t *testing.T) {
	for _, n := range []int{1000, 20000} {
		p := mustParams(t, n, testSSP)
		vector := mustEncode(t, blocks(n, 1), blocks(n, 2), aes.Block{6}, p, randomness(3))
		looksUniform(t, fmt.Sprintf("vector of n=%d", n), vector)
	}
}

func TestFreeSlotsAreRandom(t *testing.T) {
	const n = 20000
	p := mustParams(t, n, testSSP)
	key, val := blocks(n, 1), blocks(n, 2)
	one := mustEncode(t, key, val, aes.Block{7}, p, randomness(1))
	two := mustEncode(t, key, val, aes.Block{7}, p, randomness(2))
	differ := 0
	diff := make([]aes.Block, 0, len(one))
	for i := range one {
		var d aes.Block
		if sum(&d, &one[i], &two[i]); d != (aes.Block{}) {
			differ++
			diff = append(diff, d)
		}
	}
	// Every slot depends on a free one unless its whole chain of substitution ends in pivots: all rows have the dense part.
	if differ < len(one)-p.Bins {
		t.Errorf("%d of %d slots change with the randomness", differ, len(one))
	}
	looksUniform(t, "difference", diff)
	if again := mustEncode(t, key, val, aes.Block{7}, p, randomness(1)); again[0] != one[0] || again[len(again)-1] != one[len(one)-1] {
		t.Error("the same randomness gives another vector")
	}
}

// The bound 2^−ssp on the probability of failure, at ssp so small that failures may occur. Of N instances at most
// Np + 5√(Np) + 5 may fail: the false alarm at a true probability of p is below 10^−5 per line.
func TestFailureProbability(t *testing.T) {
	rows := 9_000_000 // over all instances of a line
	if testing.Short() {
		rows = 400_000
	}
	for _, n := range []int{33, 60, 250, 1000, maxCounted, maxCounted + 1, 4000, targetRows} {
		for _, ssp := range []int{8, 12, 16} {
			instances := rows / 3 / n
			if *long {
				instances = 1_000_000 * 60 / max(60, n)
			}
			failed := failures(t, mustParams(t, n, ssp), instances)
			expect := float64(instances) * math.Exp2(-float64(ssp))
			if limit := expect + 5*math.Sqrt(expect) + 5; float64(failed) > limit {
				t.Errorf("n=%d ssp=%d: %d of %d failed, at most %.1f", n, ssp, failed, instances, limit)
			} else {
				t.Logf("n=%d ssp=%d: %d of %d failed, bound %.2f", n, ssp, failed, instances, expect)
			}
		}
	}
}

// failures counts the seeds that have no solution, without computing one: an instance is as good as a whole encoding.
func failures(t *testing.T, p Params, instances int) (failed int) {
	t.Helper()
	key, dst := sequential(p.Items, 0), make([]aes.Block, p.Slots())
	s := newSolver(p)
	for i, seed := range blocks(instances, uint64(p.Slots())) {
		rows := NewRows(p.Items, seed, p)
		rows.HashChunks(key, 0, rows.Chunks())
		e, err := NewEncoder(rows, randomness(uint64(i)))
		if err != nil {
			failed++ // a bin overflows
			continue
		}
		n := s.load(rows, 0)
		s.peeler.start(p.Sparse)
		s.run()
		if len(s.order) == n {
			continue
		}
		if err := e.EncodeBins(dst, key, 0, 1); err != nil {
			if fault.CodeOf(err) != fault.Internal {
				t.Fatal(err)
			}
			failed++
		}
	}
	return failed
}
