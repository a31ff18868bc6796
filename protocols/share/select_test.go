package share

import (
	"testing"
)

func randomBits(seed uint64, n int) []bool {
	r := seeded(seed)
	out := make([]bool, n)
	for i := range out {
		out[i] = r.Uint64()&1 == 1
	}
	return out
}

func randomValues(seed uint64, n int) []int64 {
	r := seeded(seed)
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(r.Uint64())
	}
	copy(out, []int64{0, -1, 1, 1<<63 - 1, -1 << 63})
	return out
}

func TestMux(t *testing.T) {
	q := newPair(t, Default(), 2)
	for _, n := range append(lengths, BlockRows-1, BlockRows+1) {
		x, b := randomValues(4, n), randomBits(5, n)
		sx, sb := split(seeded(6), x), splitBits(seeded(7), b)
		var got [2][]uint64
		c := q.cost(func(i int, e *Engine) (err error) {
			got[i], err = e.Mux(q.ctx, sb[i], sx[i])
			return err
		})
		if want := q.e[0].Params().MuxCost(n); c != want {
			t.Fatalf("n %d: counted %+v, Cost %+v", n, c, want)
		}
		for i, v := range sum(got) {
			want := int64(0)
			if b[i] {
				want = x[i]
			}
			if v != want {
				t.Fatalf("n %d: element %d", n, i)
			}
		}
	}
}

// Every 8-bit value with every pair of bit shares.
func TestMuxExhaustive8(t *testing.T) {
	q := newPair(t, Default(), 1)
	var x []int64
	for v := range int64(256) {
		x = append(x, v-128, v-128, v-128, v-128)
	}
	s := split(seeded(8), x)
	b := [2]Bits{NewBits(len(x)), NewBits(len(x))}
	for i := range x {
		b[0].Set(i, uint64(i))
		b[1].Set(i, uint64(i/2))
	}
	var got [2][]uint64
	q.both(func(i int, e *Engine) (err error) {
		got[i], err = e.Mux(q.ctx, b[i], s[i])
		return err
	})
	for i, v := range sum(got) {
		if want := x[i] * int64(i&1^i>>1&1); v != want {
			t.Fatalf("value %d, bits %d and %d: %d", x[i], i&1, i>>1&1, v)
		}
	}
}

func TestB2A(t *testing.T) {
	q := newPair(t, Default(), 1)
	for _, n := range append(lengths, BlockRows+1) {
		b := randomBits(9, n)
		s := splitBits(seeded(10), b)
		var got [2][]uint64
		c := q.cost(func(i int, e *Engine) (err error) {
			got[i], err = e.B2A(q.ctx, s[i])
			return err
		})
		if want := q.e[0].Params().B2ACost(n); c != want {
			t.Fatalf("n %d: counted %+v, Cost %+v", n, c, want)
		}
		for i, v := range sum(got) {
			if (v == 1) != b[i] || v&^1 != 0 {
				t.Fatalf("n %d: bit %d became %d", n, i, v)
			}
		}
	}
}

func TestAnd(t *testing.T) {
	q := newPair(t, Default(), 2)
	for _, n := range append(lengths, BlockRows-1, BlockRows+1) {
		a, b := randomBits(11, n), randomBits(12, n)
		sa, sb := splitBits(seeded(13), a), splitBits(seeded(14), b)
		var got [2]Bits
		c := q.cost(func(i int, e *Engine) (err error) {
			got[i], err = e.And(q.ctx, sa[i], sb[i])
			return err
		})
		if want := q.e[0].Params().AndCost(n); c != want {
			t.Fatalf("n %d: counted %+v, Cost %+v", n, c, want)
		}
		for i, v := range xor(t, got) {
			if v != (a[i] && b[i]) {
				t.Fatalf("n %d: bit %d", n, i)
			}
		}
	}
}

func TestAndTree(t *testing.T) {
	q := newPair(t, Default(), 1)
	for _, n := range []int{0, 1, 2, 3, 5, 63, 64, 65, 127, 129, 1000} {
		for _, zero := range []int{-1, 0, n / 2, n - 1} {
			b := make([]bool, n)
			want := true
			for i := range b {
				b[i] = i != zero
				want = want && b[i]
			}
			s := splitBits(seeded(15), b)
			var got [2]Bits
			c := q.cost(func(i int, e *Engine) (err error) {
				got[i], err = e.AndTree(q.ctx, s[i])
				return err
			})
			if want := q.e[0].Params().AndTreeCost(n); c != want {
				t.Fatalf("n %d: counted %+v, Cost %+v", n, c, want)
			}
			if v := xor(t, got); len(v) != 1 || v[0] != want {
				t.Fatalf("n %d with a zero at %d: %v", n, zero, v)
			}
		}
	}
}

func TestLocal(t *testing.T) {
	q := newPair(t, Default(), 1)
	b, x := randomBits(16, 130), randomValues(17, 130)
	sb, sx := splitBits(seeded(18), b), split(seeded(19), x)
	not := [2]Bits{q.e[0].Not(sb[0]), q.e[1].Not(sb[1])}
	for i, v := range xor(t, not) {
		if v == b[i] {
			t.Fatalf("bit %d is not complemented", i)
		}
	}
	for i, v := range sum([2][]uint64{q.e[0].AddConst(sx[0], 41), q.e[1].AddConst(sx[1], 41)}) {
		if v != x[i]+41 {
			t.Fatalf("value %d + 41", i)
		}
	}
	if !q.e[0].First() || q.e[1].First() {
		t.Fatal("roles")
	}
}
