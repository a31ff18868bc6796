package share

import (
	"testing"

	"pgregory.net/rapid"
)

// runMSB runs MSB and checks its exact cost.
func runMSB(t *testing.T, q *pair, s [2][]uint64, ring int) []bool {
	t.Helper()
	var got [2]Bits
	c := q.cost(func(i int, e *Engine) (err error) {
		got[i], err = e.MSB(q.ctx, s[i], ring)
		return err
	})
	if want := q.e[0].Params().MSBCost(len(s[0]), ring); c != want {
		t.Fatalf("ring %d, n %d: counted %+v, Cost %+v", ring, len(s[0]), c, want)
	}
	return xor(t, got)
}

func checkMSB(t *testing.T, q *pair, x []int64, ring int) {
	t.Helper()
	for i, b := range runMSB(t, q, split(seeded(uint64(ring)), x), ring) {
		if b != (x[i] < 0) {
			t.Fatalf("ring %d, n %d: sign of element %d is %v", ring, len(x), i, b)
		}
	}
}

func TestMSB(t *testing.T) {
	q := newPair(t, Default(), 2)
	r := seeded(1)
	for _, ring := range []int{2, 3, 4, 5, 6, 9, 17, 33, 48, 63, 64} {
		for _, n := range lengths {
			x := make([]int64, n)
			for i := range x {
				x[i] = int64(r.Uint64()) >> (64 - ring)
			}
			copy(x, []int64{0, -1, 1, 1<<(ring-1) - 1, -1 << (ring - 1)})
			checkMSB(t, q, x, ring)
		}
	}
}

// Every pair of shares of an 8-bit ring: the definition itself is the oracle.
func TestMSBExhaustive8(t *testing.T) {
	q := newPair(t, Default(), 1)
	var s [2][]uint64
	for a := range uint64(256) {
		for b := range uint64(256) {
			s[0], s[1] = append(s[0], a), append(s[1], b)
		}
	}
	for i, got := range runMSB(t, q, s, 8) {
		if want := uint8(s[0][i]+s[1][i]) >= 128; got != want {
			t.Fatalf("shares %d and %d: %v", s[0][i], s[1][i], got)
		}
	}
}

func TestMSBBlockEdges(t *testing.T) {
	q := newPair(t, Default(), 2)
	for _, n := range []int{BlockRows - 1, BlockRows, BlockRows + 1} {
		x := make([]int64, n)
		for i := range x {
			x[i] = -int64(i % 2)
		}
		checkMSB(t, q, x, 3)
	}
}

func TestMSBOtherK(t *testing.T) {
	for _, k := range []int{2, 8} {
		p, err := NewParams(Literal{K: k})
		if err != nil {
			t.Fatal(err)
		}
		checkMSB(t, newPair(t, p, 1), []int64{0, -1, 1 << 46, -1 << 47, 12345}, 48)
	}
}

// Every pair of 8-bit numbers in a ring of 9 bits.
func TestLessExhaustive8(t *testing.T) {
	q := newPair(t, Default(), 1)
	var x, y []int64
	for a := range int64(256) {
		for b := range int64(256) {
			x, y = append(x, a-128), append(y, b-128)
		}
	}
	sx, sy := split(seeded(2), x), split(seeded(3), y)
	var less, below, atLeast [2]Bits
	q.both(func(i int, e *Engine) (err error) {
		if less[i], err = e.Less(q.ctx, sx[i], sy[i], 9); err != nil {
			return err
		}
		if below[i], err = e.LessConst(q.ctx, sx[i][:4096], -120, 9); err != nil {
			return err
		}
		atLeast[i], err = e.AtLeastConst(q.ctx, sx[i][:4096], -120, 9)
		return err
	})
	for i, got := range xor(t, less) {
		if got != (x[i] < y[i]) {
			t.Fatalf("%d < %d: %v", x[i], y[i], got)
		}
	}
	ge := xor(t, atLeast)
	for i, got := range xor(t, below) {
		if got != (x[i] < -120) || ge[i] == got {
			t.Fatalf("%d < −120: %v", x[i], got)
		}
	}
}

func TestPackValues(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := rapid.IntRange(1, 63).Draw(rt, "m")
		v := rapid.SliceOfN(rapid.Uint64Range(0, 1<<m-1), 0, 40).Draw(rt, "v")
		dst := make([]uint64, words(len(v)*m))
		packValues(dst, v, m)
		for i := range len(v) * m {
			if dst[i/64]>>(i%64)&1 != v[i/m]>>(i%m)&1 {
				rt.Fatalf("bit %d", i)
			}
		}
	})
}

// The table of a digit is what its words say, slot by slot, and survives its encoding.
func TestDigitTable(t *testing.T) {
	for width := 1; width <= digitBits; width++ {
		for y := range uint32(1) << width {
			for share := range uint32(4) {
				buf := make([]byte, digitBytes(width))
				putDigit(buf, width, digitTable(y, share))
				got := readDigit(buf, width)
				for v := range uint32(1) << width {
					slot := got >> (2 * v) & 3
					want := share
					if v < y {
						want ^= 1
					}
					if v == y {
						want ^= 2
					}
					if slot != want {
						t.Fatalf("width %d, y %d, v %d: slot %d, want %d", width, y, v, slot, want)
					}
				}
			}
		}
	}
}
