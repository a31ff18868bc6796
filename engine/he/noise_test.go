package he

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// TestNoiseNumbers pins B_p and the distance to figures computed by hand from the formula.
func TestNoiseNumbers(t *testing.T) {
	p, _ := Lookup(H2)
	// n = 2^24 rows, k = 1: b = 2^24/2^13 = 2048 polynomials. B_p = 2^11·2^13·2^19·21.5 + 2·2^13·21 + 22, and one value
	// of one ciphertext is off by B_p/2^129.
	n, err := NoiseBound(p, Load{Polys: 2048, XMax: XMax, Kept: 1, Sealed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(2048)*8192*XMax*43/2 + 2*8192*21 + 22; n.product != want {
		t.Errorf("B_p = %d, want %d", n.product, want)
	}
	if got, want := n.DistanceBits(), n.ProductBits()-129; math.Abs(got-want) > 1e-9 || math.Abs(got+81.57) > 0.01 {
		t.Errorf("distance 2^%.2f, want 2^%.2f", got, want)
	}
	// K = 2^13 values in each of 2^20 ciphertexts: 33 bits more.
	if n, err = NoiseBound(p, Load{Polys: 2048, XMax: XMax, Kept: 8192, Sealed: 1 << 20}); err != nil || math.Abs(n.DistanceBits()+48.57) > 0.01 {
		t.Errorf("distance 2^%.2f, %v", n.DistanceBits(), err)
	}
}

func TestNoiseBoundRefuses(t *testing.T) {
	h1, _ := Lookup(H1)
	h2, _ := Lookup(H2)
	ok := Load{Polys: 1, XMax: XMax, Kept: 1, Sealed: 1}
	with := func(f func(*Load)) Load {
		l := ok
		f(&l)
		return l
	}
	for name, c := range map[string]struct {
		p    Params
		l    Load
		code fault.Code
	}{
		"no polynomials": {h2, with(func(l *Load) { l.Polys = 0 }), fault.Invalid},
		"no bound":       {h2, with(func(l *Load) { l.XMax = 0 }), fault.Invalid},
		"negative kept":  {h2, with(func(l *Load) { l.Kept = -1 }), fault.Invalid},
		"kept over N":    {h2, with(func(l *Load) { l.Kept = 8193 }), fault.Invalid},
		"nothing sealed": {h2, with(func(l *Load) { l.Sealed = 0 }), fault.Invalid},
		"zero params":    {Params{}, ok, fault.Invalid},
		"over XMax":      {h2, with(func(l *Load) { l.XMax = XMax + 1 }), fault.Precision},
		"sealing at H1":  {h1, ok, fault.Unsupported},
		// 2^-81.57 for 2048 polynomials: 2^41 values and more are too many, and so is an accumulation of 2^62.
		"distance":       {h2, Load{Polys: 2048, XMax: XMax, Kept: 8192, Sealed: 1 << 29}, fault.Precision},
		"overflow":       {h2, with(func(l *Load) { l.Polys = 1 << 62 }), fault.Precision},
		"unsealed at H1": {h1, Load{Polys: 1 << 33, XMax: XMax}, fault.Precision},
	} {
		n, err := NoiseBound(c.p, c.l)
		if err == nil || fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if n.p.ID() != 0 || n.load != (Load{}) {
			t.Errorf("%s: a refused load leaves a proof", name)
		}
	}
	for _, l := range []Load{ok, {Polys: 2048, XMax: XMax, Kept: 8192, Sealed: 1 << 28}, {Polys: 1, XMax: 1}} {
		if _, err := NoiseBound(h2, l); err != nil {
			t.Error(err)
		}
	}
	if n, err := NoiseBound(h1, Load{Polys: 1 << 20, XMax: XMax}); err != nil || !math.IsInf(n.DistanceBits(), -1) {
		t.Errorf("sums at H1: %v", err)
	}
}

// TestNoiseWithinBound: products with X = 2^19 at every coefficient of every polynomial, v at its extreme, are exact and
// have noise below B_p before sealing.
func TestNoiseWithinBound(t *testing.T) {
	b := newBench(t, H2, 1)
	k, n := b.kits[0], b.p.N()
	const polys = 8
	acc, ct, pt := newCiphertext(b.p), newCiphertext(b.p), newPlain(b.p)
	x, m, want := make([]int64, n), make([]uint64, n), make([]uint64, n)
	for i := range x {
		x[i] = XMax
		m[i] = 1<<64 - 1
	}
	// m·x with every coefficient −1 and 2^19: coefficient d is −2^19·((d+1) − (n−1−d)).
	for d := range want {
		want[d] = uint64(-polys * XMax * (2*d + 2 - n))
	}
	for range polys {
		for _, err := range []error{k.Encrypt(ct, b.key, m), k.EncodeInt(pt, x), k.MulAcc(acc, ct, pt)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	got := make([]uint64, n)
	if err := k.Decrypt(got, b.key, acc); err != nil {
		t.Fatal(err)
	}
	for d := range want {
		if got[d] != want[d] {
			t.Fatalf("coefficient %d", d)
		}
	}
	bound, err := NoiseBound(b.p, Load{Polys: polys, XMax: XMax, Kept: n, Sealed: 1})
	if err != nil {
		t.Fatal(err)
	}
	// k.s.t still holds the phase; its distance to the encoding of the result is the noise.
	largest := largestNoise(b.p, k.s.t, want)
	if largest > math.Exp2(bound.ProductBits()) {
		t.Errorf("noise 2^%.1f exceeds the bound 2^%.1f", math.Log2(largest), bound.ProductBits())
	}
	if largest < 1<<20 {
		t.Errorf("noise 2^%.1f: the measurement sees nothing", math.Log2(largest))
	}
}

// TestFreshNoise: a fresh ciphertext and a public key carry errors, and no larger ones than B_e. The largest of 8192 is
// below 10 with probability 10^-14.
func TestFreshNoise(t *testing.T) {
	b := newBench(t, H2, 1)
	k, n := b.kits[0], b.p.N()
	ct := newCiphertext(b.p)
	m := edges(rand.New(rand.NewPCG(8, 8)), n)
	if err := k.Encrypt(ct, b.key, m); err != nil {
		t.Fatal(err)
	}
	pk := newCiphertext(b.p)
	for i, sub := range b.p.t.subs {
		sub.IMForm(b.pk.c0[i], pk.c0[i])
		sub.IMForm(b.pk.c1[i], pk.c1[i])
	}
	for name, c := range map[string]struct {
		ct *Ciphertext
		m  []uint64
	}{"ciphertext": {ct, m}, "public key": {pk, make([]uint64, n)}} {
		if err := k.Decrypt(make([]uint64, n), b.key, c.ct); err != nil {
			t.Fatal(err)
		}
		if v := largestNoise(b.p, k.s.t, c.m); v < 10 || v > errorBound {
			t.Errorf("%s: largest error %.0f, want 10 … %d", name, v, errorBound)
		}
	}
	again := newCiphertext(b.p)
	if err := k.Encrypt(again, b.key, m); err != nil {
		t.Fatal(err)
	}
	if again.seed == ct.seed {
		t.Error("two encryptions share c1")
	}
}
