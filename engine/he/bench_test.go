package he

import (
	"context"
	"math/rand/v2"
	"testing"
)

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, err := Lookup(H2); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKit(b *testing.B) {
	s := newBench(b, H2, 1)
	k, n := s.kits[0], s.p.N()
	m, x := make([]uint64, n), make([]int64, n)
	k.s.rng.words(m)
	for i := range x {
		x[i] = int64(m[i]>>45) - 1<<18
	}
	ct, acc, pt := newCiphertext(s.p), newCiphertext(s.p), newPlain(s.p)
	do := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	do(k.Encrypt(ct, s.key, m))
	do(k.EncodeInt(pt, x))
	seeded := ct.Append(nil)
	buf := make([]byte, 0, len(seeded)+8)
	b.Run("op=encrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do(k.Encrypt(ct, s.key, m))
		}
	})
	b.Run("op=append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ct.Append(buf)
		}
	})
	b.Run("op=decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := Decode(s.p, KindSeeded, seeded)
			do(err)
		}
	})
	b.Run("op=encodeint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do(k.EncodeInt(pt, x))
		}
	})
	b.Run("op=mulacc", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do(k.MulAcc(acc, ct, pt))
		}
	})
	for _, kept := range []Kept{{n, n - 1, 1}, {1, 0, n}} {
		name := map[int]string{1: "/kept=1", n: "/kept=8192"}[kept.Count]
		noise, err := NoiseBound(s.p, Load{Polys: 1 << 20, XMax: XMax, Kept: n, Sealed: 1 << 10})
		do(err)
		mask := make([]uint64, kept.Count)
		var sealed *Sealed
		b.Run("op=seal"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				acc.polys = 1
				sealed, err = k.Seal(acc, s.pk, mask, kept, noise)
				do(err)
			}
		})
		b.Run("op=open"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do(k.Open(mask, s.key, sealed))
			}
		})
	}
}

// BenchmarkMul is the evaluator's step of both products at 100k × 50, X encoded anew and cached.
func BenchmarkMul(b *testing.B) {
	const rows, cols = 100_000, 50
	t := newBench(b, H2, 1)
	ctx := context.Background()
	x := randomMatrix(rand.New(rand.NewPCG(7, 7)), rows, cols, false)
	for name, transposed := range map[string]bool{"matvec": false, "mattvec": true} {
		s := shapeOf(b, t.p, rows, cols, transposed, 0)
		noise, err := s.Noise(XMax, 1<<16)
		if err != nil {
			b.Fatal(err)
		}
		in, err := s.Encrypt(ctx, t.kits, t.key, make([]uint64, s.InputLen()))
		if err != nil {
			b.Fatal(err)
		}
		for mode, limit := range map[string]int64{"anew": 0, "cached": 1 << 40} {
			enc, err := s.Encode(ctx, t.kits, x, limit)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("op="+name+"/x="+mode, func(b *testing.B) {
				for b.Loop() {
					if _, _, err := s.Mul(ctx, t.kits, enc, in, t.pk, noise); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(s.InputBytes()+s.OutputBytes())/rows, "B/row")
			})
		}
	}
}
