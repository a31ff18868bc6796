package he

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// product returns the product of primes, by big integers.
func product(primes []uint64) *big.Int {
	out := big.NewInt(1)
	for _, q := range primes {
		out.Mul(out, new(big.Int).SetUint64(q))
	}
	return out
}

// rounded returns ⌊a·b/c⌉.
func rounded(a, b, c *big.Int) *big.Int {
	out := new(big.Int).Mul(a, b)
	out.Lsh(out, 1)
	out.Add(out, c)
	return out.Div(out, new(big.Int).Lsh(c, 1))
}

// edges are plaintexts near every corner of Z_2^64.
func edges(rng *rand.Rand, n int) []uint64 {
	out := []uint64{0, 1, 2, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 2, 1<<64 - 1, 1 << 32, 1<<32 - 1}
	for len(out) < n {
		out = append(out, rng.Uint64())
	}
	return out
}

// TestEncodeIsExact compares ⌊Q·m/T⌉ mod q_i with big integers.
func TestEncodeIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, id := range []ID{H1, H2} {
		p, _ := Lookup(id)
		q, m := product(p.t.lit.q), edges(rng, 400)
		mod := new(big.Int).Lsh(big.NewInt(1), p.t.lit.logT)
		for i, qi := range p.t.lit.q {
			got := make([]uint64, len(m))
			p.addEncoded(i, got, m)
			for j, v := range m {
				b := new(big.Int).Mod(new(big.Int).SetUint64(v), mod)
				want := rounded(q, b, mod)
				if want.Mod(want, new(big.Int).SetUint64(qi)).Uint64() != got[j] {
					t.Fatalf("%s limb %d value %d", id, i, j)
				}
			}
		}
	}
}

// TestDecodeIsExact compares ⌊T·x/Q'⌉ with big integers for uniform x (never within 2^-61 of a half: 10^-15 a run) and
// for encoded values with the largest noise that still decodes.
func TestDecodeIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, id := range []ID{H1, H2} {
		p, _ := Lookup(id)
		bases := []*crt{&p.t.whole}
		if p.Floods() {
			bases = append(bases, &p.t.sealed)
		}
		for _, c := range bases {
			primes := p.t.lit.q[:len(c.subs)]
			q, mod := product(primes), new(big.Int).Lsh(big.NewInt(1), p.t.lit.logT)
			const n = 400
			x, want := newPoly(len(primes), n), make([]uint64, n)
			m := edges(rng, n)
			limit := new(big.Int).Div(q, new(big.Int).Lsh(mod, 1))
			limit.Sub(limit, big.NewInt(2)).Sub(limit, new(big.Int).Rsh(limit, 59)) // 2^-60 of a plaintext unit
			for j := range n {
				v := new(big.Int)
				if j%2 == 0 {
					for range primes {
						v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(rng.Uint64()))
					}
				} else {
					v = rounded(q, new(big.Int).Mod(new(big.Int).SetUint64(m[j]), mod), mod)
					if j%4 == 1 {
						v.Add(v, limit)
					} else {
						v.Sub(v, limit)
					}
				}
				v.Mod(v, q)
				for i, qi := range primes {
					x[i][j] = new(big.Int).Mod(v, new(big.Int).SetUint64(qi)).Uint64()
				}
				w := rounded(v, mod, q)
				want[j] = w.Mod(w, mod).Uint64()
				if j%2 == 1 && want[j] != m[j]&(mod.Uint64()-1) {
					t.Fatal("the oracle loses a value within the noise bound")
				}
			}
			got := make([]uint64, n)
			p.decode(got, x, c)
			if !slices.Equal(got, want) {
				t.Errorf("%s over %d limbs: decoding differs", id, len(primes))
			}
		}
	}
}

// TestDropIsExact compares ⌊x/P⌉ with big integers, multiples of P and both sides of P/2 included.
func TestDropIsExact(t *testing.T) {
	p, _ := Lookup(H2)
	rng := rand.New(rand.NewPCG(3, 3))
	q, drop, keep := product(p.t.lit.q), product(p.t.lit.q[2:]), product(p.t.lit.q[:2])
	half := new(big.Int).Rsh(drop, 1)
	const n = 500
	x, got := newPoly(4, n), newPoly(2, n)
	want := make([]*big.Int, n)
	for j := range n {
		v := new(big.Int)
		for range 4 {
			v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(rng.Uint64()))
		}
		v.Mod(v, q)
		if r := new(big.Int).Mod(v, drop); j < 200 {
			v.Sub(v, r).Add(v, half).Add(v, big.NewInt(int64(j%4)-1)) // P/2 − 1 … P/2 + 2
			v.Mod(v, q)
		} else if j < 250 {
			v.Sub(v, r)
		}
		for i, qi := range p.t.lit.q {
			x[i][j] = new(big.Int).Mod(v, new(big.Int).SetUint64(qi)).Uint64()
		}
		want[j] = rounded(v, big.NewInt(1), drop)
		want[j].Mod(want[j], keep)
	}
	p.t.drop.round(got, x)
	for j := range n {
		for i, qi := range p.t.lit.q[:2] {
			if got[i][j] != new(big.Int).Mod(want[j], new(big.Int).SetUint64(qi)).Uint64() {
				t.Fatalf("coefficient %d limb %d", j, i)
			}
		}
	}
}

// TestMulAccAddDecrypt checks c1 + c2·x against the negacyclic product modulo T, x at its bounds.
func TestMulAccAddDecrypt(t *testing.T) {
	for _, id := range []ID{H1, H2} {
		b := newBench(t, id, 1)
		k, n := b.kits[0], b.p.N()
		rng := rand.New(rand.NewPCG(4, uint64(id)))
		m1, m2 := edges(rng, n), edges(rng, n)
		x := map[int]int64{0: XMax, 1: -XMax, 7: 3, n - 1: -1, n / 2: XMax - 1}
		coeff := make([]int64, n)
		want := slices.Clone(m1)
		for i, v := range x {
			coeff[i] = v
			for j, m := range m2 {
				d, s := i+j, uint64(v)
				if d >= n {
					d, s = d-n, -s
				}
				want[d] += s * m
			}
		}
		acc, ct := newCiphertext(b.p), newCiphertext(b.p)
		pt := newPlain(b.p)
		for _, err := range []error{
			k.Encrypt(acc, b.key, m1), k.Encrypt(ct, b.key, m2), k.EncodeInt(pt, coeff), k.MulAcc(acc, ct, pt), k.Add(acc, newCiphertext(b.p)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		back, err := Decode(b.p, KindFull, acc.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]uint64, n)
		if err := k.Decrypt(got, b.key, back); err != nil {
			t.Fatal(err)
		}
		for j := range want {
			if got[j] != want[j]&(1<<b.p.PlainBits()-1) {
				t.Fatalf("%s coefficient %d", id, j)
			}
		}
		wantCode(t, k.MulAcc(newCiphertext(b.p), acc, pt), fault.Precision)
	}
}

func TestCipherContracts(t *testing.T) {
	b1, b2 := newBench(t, H1, 1), newBench(t, H2, 1)
	k, n := b2.kits[0], b2.p.N()
	ct, pt := newCiphertext(b2.p), newPlain(b2.p)
	wantCode(t, k.Encrypt(ct, b1.key, nil), fault.Invalid)
	wantCode(t, k.Encrypt(ct, Secret{}, nil), fault.Invalid)
	wantCode(t, k.Encrypt(nil, b2.key, nil), fault.Invalid)
	wantCode(t, k.Encrypt(&Ciphertext{}, b2.key, nil), fault.Invalid)
	wantCode(t, k.Encrypt(ct, b2.key, make([]uint64, n+1)), fault.Invalid)
	wantCode(t, k.Decrypt(make([]uint64, n+1), b2.key, ct), fault.Invalid)
	wantCode(t, k.Decrypt(nil, b1.key, ct), fault.Invalid)
	wantCode(t, k.EncodeInt(pt, make([]int64, n+1)), fault.Invalid)
	wantCode(t, k.EncodeInt(nil, nil), fault.Invalid)
	wantCode(t, k.EncodeInt(&Plain{}, nil), fault.Invalid)
	for _, v := range []int64{XMax + 1, -XMax - 1, 1<<63 - 1, -1 << 63} {
		wantCode(t, k.EncodeInt(pt, []int64{0, v}), fault.Precision)
	}
	for _, v := range []int64{XMax, -XMax, 0} {
		if err := k.EncodeInt(pt, []int64{v}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, k.MulAcc(ct, newCiphertext(b1.p), pt), fault.Invalid)
	wantCode(t, k.Add(ct, newCiphertext(b1.p)), fault.Invalid)
	_, err := k.PublicKey(b1.key, [32]byte{})
	wantCode(t, err, fault.Invalid)
	_, err = NewCiphertext(Params{})
	wantCode(t, err, fault.Invalid)
	_, err = NewPlain(Params{})
	wantCode(t, err, fault.Invalid)
}
