package share

import (
	"testing"
)

func TestOpen(t *testing.T) {
	q := newPair(t, Default(), 1)
	for _, to := range []Receiver{ToBoth, ToFirst, ToSecond} {
		for _, n := range append(lengths, 200_000) {
			x, b := randomValues(40, n), randomBits(41, n)
			sx, sb := split(seeded(42), x), splitBits(seeded(43), b)
			var got [2][]uint64
			var bits [2]Bits
			c := q.cost(func(i int, e *Engine) (err error) {
				got[i], err = e.Open(q.ctx, sx[i], to)
				return err
			})
			if want := q.e[0].Params().OpenCost(n, to); c != want {
				t.Fatalf("n %d: counted %+v, Cost %+v", n, c, want)
			}
			c = q.cost(func(i int, e *Engine) (err error) {
				bits[i], err = e.OpenBits(q.ctx, sb[i], to)
				return err
			})
			if want := q.e[0].Params().OpenBitsCost(n, to); c != want {
				t.Fatalf("n %d bits: counted %+v, Cost %+v", n, c, want)
			}
			for i := range 2 {
				if receives := to == ToBoth || (to == ToFirst) == (i == 0); !receives {
					if got[i] != nil || bits[i].Len() != 0 {
						t.Fatalf("party %d learns what was opened to the other", i)
					}
					continue
				}
				checkOpened(t, x, b, got[i], bits[i])
			}
		}
	}
}

func checkOpened(t *testing.T, x []int64, b []bool, values []uint64, bits Bits) {
	t.Helper()
	if len(values) != len(x) || bits.Len() != len(b) {
		t.Fatalf("%d values and %d bits, want %d", len(values), bits.Len(), len(x))
	}
	for i := range x {
		if int64(values[i]) != x[i] || (bits.At(i) == 1) != b[i] {
			t.Fatalf("element %d", i)
		}
	}
}
