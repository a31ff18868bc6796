package he

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// noises returns, as floats, the centred differences between the phase x and the encoding of m.
func noises(p Params, x poly, m []uint64) []float64 {
	primes := p.t.lit.q[:len(x)]
	q, mod := product(primes), new(big.Int).Lsh(big.NewInt(1), p.t.lit.logT)
	half := new(big.Int).Rsh(q, 1)
	out := make([]float64, len(m))
	for j := range m {
		v := new(big.Int)
		for i, qi := range primes { // Chinese remainders
			bq := new(big.Int).SetUint64(qi)
			rest := new(big.Int).Div(q, bq)
			y := new(big.Int).ModInverse(rest, bq)
			y.Mul(y, new(big.Int).SetUint64(x[i][j])).Mod(y, bq)
			v.Add(v, y.Mul(y, rest))
		}
		v.Sub(v, rounded(q, new(big.Int).SetUint64(m[j]), mod)).Mod(v, q)
		if v.Cmp(half) > 0 {
			v.Sub(v, q)
		}
		out[j], _ = new(big.Float).SetInt(v).Float64()
	}
	return out
}

func largestNoise(p Params, x poly, m []uint64) (largest float64) {
	for _, v := range noises(p, x, m) {
		largest = max(largest, math.Abs(v))
	}
	return largest
}

// accumulate returns Σ over polys fresh encryptions of m times x.
func accumulate(t *testing.T, b bench, m []uint64, x []int64) *Ciphertext {
	t.Helper()
	k := b.kits[0]
	acc, ct, pt := newCiphertext(b.p), newCiphertext(b.p), newPlain(b.p)
	for _, err := range []error{k.Encrypt(ct, b.key, m), k.EncodeInt(pt, x), k.MulAcc(acc, ct, pt)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return acc
}

func sealNoise(t *testing.T, b bench, kept int) Noise {
	t.Helper()
	n, err := NoiseBound(b.p, Load{Polys: 1, XMax: XMax, Kept: kept, Sealed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSealOpensToValuePlusMask(t *testing.T) {
	b := newBench(t, H2, 1)
	k, n := b.kits[0], b.p.N()
	for _, kept := range []Kept{{1, 0, n}, {n, n - 1, 1}, {8, 7, n / 8}, {3, 1, 5}, {1, n - 1, 1}} {
		m, mask := make([]uint64, n), make([]uint64, kept.Count)
		k.s.rng.words(m)
		k.s.rng.words(mask)
		acc := accumulate(t, b, m, []int64{-XMax})
		sealed, err := k.Seal(acc, b.pk, mask, kept, sealNoise(t, b, kept.Count))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]uint64, kept.Count)
		if err := k.Open(got, b.key, sealed); err != nil {
			t.Fatal(err)
		}
		if sealed.Kept() != kept || len(sealed.c0[0]) != kept.Count {
			t.Errorf("%v: other coefficients travel", kept)
		}
		for i, v := range got {
			if c := kept.Offset + i*kept.Stride; v != mask[i]-m[c]*XMax {
				t.Fatalf("%v: value %d", kept, i)
			}
		}
	}
}

// TestSealFloods measures the noise the key holder sees after the drop. Flooding makes it uniform in
// [−2^128/P, 2^128/P), P = 2^98: of 8192 values the largest is below 2^29.9 with probability 2^-560. Without flooding
// (the same steps, one left out) it is at most N/2 + 1 = 2^12: the measurement tells the two apart.
func TestSealFloods(t *testing.T) {
	b := newBench(t, H2, 1)
	k, n := b.kits[0], b.p.N()
	kept := Kept{1, 0, n}
	m, zero := make([]uint64, n), make([]uint64, n)
	k.s.rng.words(m)
	flooded := func(x []int64) []float64 {
		sealed, err := k.Seal(accumulate(t, b, m, x), b.pk, zero, kept, sealNoise(t, b, n))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]uint64, n)
		for i := range want {
			want[i] = m[i] * uint64(x[0])
		}
		return noises(b.p, k.s.phase(b.key.open(), sealed), want)
	}
	with, without := flooded([]int64{XMax}), flooded([]int64{0})
	largest := 0.0
	for _, v := range with {
		largest = max(largest, math.Abs(v))
	}
	if lo, hi := math.Exp2(29.9), math.Exp2(30)+float64(n)/2+1; largest < lo || largest > hi {
		t.Errorf("noise 2^%.2f, want 2^29.9 … 2^30", math.Log2(largest))
	}
	// Two-sample Kolmogorov–Smirnov on the noise with X = 2^19 and with X = 0, and one-sample against the uniform
	// distribution: critical values for a false alarm of 10^-6 each, c = √(−ln(α/2)/2) = 2.69.
	if d := ksTwo(with, without); d > 2.69*math.Sqrt(2/float64(n)) {
		t.Errorf("the noise depends on X: KS distance %.4f", d)
	}
	if d := ksUniform(with, math.Exp2(128)/(float64(b.p.t.lit.q[2])*float64(b.p.t.lit.q[3]))); d > 2.69/math.Sqrt(float64(n)) {
		t.Errorf("the noise is not uniform: KS distance %.4f", d)
	}

	acc := accumulate(t, b, m, []int64{1})
	c0 := k.s.addPublicZero(acc, b.pk, kept)
	unflooded := largestNoise(b.p, k.s.phase(b.key.open(), b.p.drop(c0, acc.c1, kept)), m)
	if unflooded > float64(n)/2+1 {
		t.Errorf("unflooded noise 2^%.1f: the measurement cannot tell", math.Log2(unflooded))
	}
}

func ksTwo(a, b []float64) (d float64) {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if a[i] <= b[j] {
			i++
		} else {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return d
}

func ksUniform(a []float64, bound float64) (d float64) {
	a = slices.Sorted(slices.Values(a))
	for i, v := range a {
		d = max(d, math.Abs(float64(i)/float64(len(a))-(v+bound)/(2*bound)))
	}
	return d
}

// TestSealHidesFactor: for a fixed X and a fixed input ciphertext, c1 of the sealed result is uniform in 16 buckets per
// limb (χ² with 15 degrees of freedom, 60.0 has a false alarm of 2·10^-7), differs between two seals, and the attack
// that recovers X without sealing (divide c1' by c1) recovers nothing.
func TestSealHidesFactor(t *testing.T) {
	b := newBench(t, H2, 1)
	k, n := b.kits[0], b.p.N()
	ct, pt := newCiphertext(b.p), newPlain(b.p)
	for _, err := range []error{k.Encrypt(ct, b.key, nil), k.EncodeInt(pt, []int64{7, -3})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var seen []*Sealed
	for range 2 {
		acc := newCiphertext(b.p)
		if err := k.MulAcc(acc, ct, pt); err != nil {
			t.Fatal(err)
		}
		if !divides(b.p, acc.c1, ct.c1) {
			t.Fatal("the attack does not work on an unsealed product: the test proves nothing")
		}
		sealed, err := k.Seal(acc, b.pk, []uint64{0}, Kept{n, n - 1, 1}, sealNoise(t, b, 1))
		if err != nil {
			t.Fatal(err)
		}
		for i, limb := range sealed.c1 {
			var count [16]float64
			for _, v := range limb {
				count[v*16/b.p.t.lit.q[i]]++
			}
			chi := 0.0
			for _, c := range count {
				chi += (c - float64(n)/16) * (c - float64(n)/16) / (float64(n) / 16)
			}
			if chi > 60 {
				t.Errorf("limb %d: χ² = %.1f", i, chi)
			}
			b.p.t.subs[i].NTT(limb, limb)
		}
		if divides(b.p, sealed.c1, ct.c1[:sealedLimbs]) {
			t.Error("c1 of a sealed result reveals X")
		}
		seen = append(seen, sealed)
	}
	equal := 0
	for j, v := range seen[0].c1[0] {
		if v == seen[1].c1[0][j] {
			equal++
		}
	}
	if equal > 1 {
		t.Errorf("two seals agree in %d of %d residues", equal, n)
	}
}

// divides reports whether num/den, limb by limb in NTT form, is the small polynomial 7 − 3x.
func divides(p Params, num, den poly) bool {
	for i, sub := range p.t.subs[:len(num)] {
		q := sub.Modulus
		x := make([]uint64, p.N())
		for j := range x {
			x[j] = mulMont(sub, num[i][j], montgomery(sub, inverse(sub, den[i][j])))
		}
		sub.INTT(x, x)
		if x[0] != 7 || x[1] != q-3 || x[2] != 0 {
			return false
		}
	}
	return true
}

func TestSealContracts(t *testing.T) {
	b, h1 := newBench(t, H2, 1), newBench(t, H1, 1)
	k, n := b.kits[0], b.p.N()
	one := Kept{1, 0, 1}
	proof := sealNoise(t, b, 1)
	acc := accumulate(t, b, nil, []int64{1})
	two := newCiphertext(b.p)
	for range 2 {
		if err := k.Add(two, acc); err != nil {
			t.Fatal(err)
		}
	}
	small, err := NoiseBound(b.p, Load{Polys: 9, XMax: 5, Kept: 1, Sealed: 1})
	if err != nil {
		t.Fatal(err)
	}
	large := accumulate(t, b, nil, []int64{6})
	for name, c := range map[string]struct {
		acc  *Ciphertext
		to   *PublicKey
		mask int
		kept Kept
		n    Noise
		code fault.Code
	}{
		"other set":        {newCiphertext(h1.p), b.pk, 1, one, proof, fault.Invalid},
		"other key":        {acc, h1.pk, 1, one, proof, fault.Invalid},
		"no key":           {acc, nil, 1, one, proof, fault.Invalid},
		"no ciphertext":    {nil, b.pk, 1, one, proof, fault.Invalid},
		"mask short":       {acc, b.pk, 0, one, proof, fault.Invalid},
		"mask long":        {acc, b.pk, 2, one, proof, fault.Invalid},
		"nothing kept":     {acc, b.pk, 0, Kept{1, 0, 0}, proof, fault.Invalid},
		"zero stride":      {acc, b.pk, 1, Kept{0, 0, 1}, proof, fault.Invalid},
		"past the end":     {acc, b.pk, 2, Kept{n - 1, 2, 2}, proof, fault.Invalid},
		"offset N":         {acc, b.pk, 1, Kept{1, n, 1}, proof, fault.Invalid},
		"no proof":         {acc, b.pk, 1, one, Noise{}, fault.Precision},
		"kept over proof":  {acc, b.pk, 2, Kept{1, 0, 2}, proof, fault.Precision},
		"polys over proof": {two, b.pk, 1, one, proof, fault.Precision},
		"xmax over proof":  {large, b.pk, 1, one, small, fault.Precision},
	} {
		_, err := k.Seal(c.acc, c.to, make([]uint64, c.mask), c.kept, c.n)
		if err == nil || fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	_, err = h1.kits[0].Seal(newCiphertext(h1.p), h1.pk, make([]uint64, 1), one, proof)
	wantCode(t, err, fault.Unsupported)
	sealed, err := k.Seal(acc, b.pk, make([]uint64, 1), one, proof)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, k.Open(make([]uint64, 2), b.key, sealed), fault.Invalid)
	wantCode(t, k.Open(make([]uint64, 1), h1.key, sealed), fault.Invalid)
	wantCode(t, k.Open(make([]uint64, 1), b.key, nil), fault.Invalid)
}
