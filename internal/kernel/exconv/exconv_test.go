package exconv

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

func random(seed byte, n int) []aes.Block {
	s := aes.NewStream(aes.Block{seed}, aes.Block{1})
	out := make([]aes.Block, n)
	for i := range out {
		s.Fill(out[i][:])
	}
	return out
}

// Every shape equals its dense matrices: whole groups and every remainder modulo 4, more and fewer rows than inputs.
func TestCodeIsItsMatrix(t *testing.T) {
	for _, s := range []Shape{{100, 7}, {101, 7}, {102, 7}, {103, 1}, {127, 21}, {128, 2}, {211, 7}} {
		for _, rows := range []int{1, s.Parity, s.Parity + 9} {
			seed := aes.Block{byte(s.Parity), byte(rows)}
			p := newPlain(t, seed, s.Parity, rows, s.Weight)
			x, sys := random(1, s.Parity), random(2, rows)
			want := times(p.b, times(p.a, x))
			for i := range want {
				for b := range want[i] {
					want[i][b] ^= sys[i][b]
				}
			}
			c := New(seed, s)
			c.Accumulate(x, 1)
			c.Expand(sys, x, 0)
			if !slices.Equal(sys, want) {
				t.Errorf("%+v, %d rows: not the matrix product", s, rows)
			}
		}
	}
}

// The taps are read in order over several refills: a long vector against the definition, entry by entry.
func TestAccumulateLong(t *testing.T) {
	const n = 2*batchEntries + period + 6
	seed := aes.Block{5}
	x := random(3, n)
	want := slices.Clone(x)
	for pass := range byte(2) {
		w := words(t, seed, 1+pass, n+25)
		for i := range n {
			for j := 1; j <= 25; j++ {
				if j == 25 || w[i+j]>>(j-1)&1 == 1 {
					for b := range want[i] {
						want[(i+j)%n][b] ^= want[i][b]
					}
				}
			}
		}
	}
	New(seed, Shape{n, 7}).Accumulate(x, 1)
	if !slices.Equal(x, want) {
		t.Error("differs from the definition")
	}
}

// Lanes do not mix, and two lanes expand as each alone.
func TestLanes(t *testing.T) {
	const n, rows = 1003, 700
	c := New(aes.Block{7}, Shape{n, 7})
	x := [2][]aes.Block{random(1, n), random(2, n)}
	both := make([]aes.Block, 2*n)
	for i := range n {
		both[2*i], both[2*i+1] = x[0][i], x[1][i]
	}
	var want, got [2][]aes.Block
	for l := range 2 {
		c.Accumulate(x[l], 1)
		want[l], got[l] = random(9, rows), random(9, rows)
		c.Expand(want[l], x[l], 0)
	}
	c.Accumulate(both, 2)
	c.ExpandTwo(got[0], got[1], both, 0)
	for l := range 2 {
		if !slices.Equal(got[l], want[l]) {
			t.Errorf("lane %d differs", l)
		}
	}
}

// A range of rows is the same whichever way it is cut.
func TestExpandRanges(t *testing.T) {
	const n, rows = 500, 3*rowsPerFill + 5
	for _, weight := range []int{7, 21} {
		c, x := New(aes.Block{8}, Shape{n, weight}), random(4, n)
		want := make([]aes.Block, rows)
		c.Expand(want, x, 0)
		got := make([]aes.Block, rows)
		for lo := 0; lo < rows; lo += 97 {
			c.Expand(got[lo:min(lo+97, rows)], x, lo)
		}
		if !slices.Equal(got, want) {
			t.Errorf("weight %d: depends on the cut", weight)
		}
	}
}

// Every parity input reaches nearly every output: each column of A has weight near n/2, the first and the last included.
// With n = 400 fair bits the weight is below 120 with probability 2^-51 per column.
func TestConvolutionWrapsAround(t *testing.T) {
	const n = 400
	c := New(aes.Block{6}, Shape{n, 7})
	for _, i := range []int{0, 1, n / 2, n - 26, n - 2, n - 1} {
		x := make([]aes.Block, n)
		x[i] = aes.Block{1}
		c.Accumulate(x, 1)
		weight := 0
		for _, b := range x {
			weight += int(b[0])
		}
		if weight < 120 || weight > 280 {
			t.Errorf("column %d has weight %d of %d", i, weight, n)
		}
	}
}

func TestBounds(t *testing.T) {
	refuses := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: accepted", name)
			}
		}()
		f()
	}
	for _, s := range []Shape{{MinParity - 1, 7}, {MaxParity + 1, 7}, {1000, 0}, {1000, MaxWeight + 1}} {
		refuses(fmt.Sprintf("%+v", s), func() { New(aes.Block{}, s) })
	}
	c := New(aes.Block{}, Shape{MinParity, 7})
	refuses("short vector", func() { c.Accumulate(make([]aes.Block, MinParity-1), 1) })
	refuses("three lanes", func() { c.Accumulate(make([]aes.Block, 3*MinParity), 3) })
	refuses("expand", func() { c.Expand(nil, make([]aes.Block, MinParity+1), 0) })
	refuses("unequal outputs", func() { c.ExpandTwo(make([]aes.Block, 1), nil, make([]aes.Block, 2*MinParity), 0) })
}
