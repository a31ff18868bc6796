package psi

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2/sm2ec"
	"github.com/emmansun/gmsm/sm3"
	"pgregory.net/rapid"
)

func ellipticP256() elliptic.Curve { return elliptic.P256() }

// offCurve returns an x that no point of c has.
func offCurve(c elliptic.Curve) *big.Int {
	for x := big.NewInt(1); ; x.Add(x, big.NewInt(1)) {
		if big.Jacobi(rhs(c, x), c.Params().P) == -1 {
			return x
		}
	}
}

// rhs returns x³ − 3x + b.
func rhs(c elliptic.Curve, x *big.Int) *big.Int {
	p := c.Params()
	y := new(big.Int).Mul(x, x)
	y.Sub(y, big.NewInt(3)).Mul(y, x).Add(y, p.B)
	return y.Mod(y, p.P)
}

func mapFor(c elliptic.Curve, z int64, tag string) *sswu {
	if c == elliptic.P256() {
		return newSSWU(c, z, tag, sha256.Sum256)
	}
	return newSSWU(c, z, tag, sm3.Sum)
}

// RFC 9380 Appendix J.1.1, P256_XMD:SHA-256_SSWU_RO_.
func TestHashToP256(t *testing.T) {
	m := mapFor(elliptic.P256(), p256Z, "QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_")
	vectors := lines(t, "rfc9380-p256.txt")
	if len(vectors) != 5 {
		t.Fatalf("%d vectors, want 5", len(vectors))
	}
	halves := make([]affine, 2*len(vectors))
	m.points(halves, func(i int) []byte { return hexBytes(t, vectors[i][0][1:]) })
	for i, v := range vectors {
		var g curveGroup = elliptic.P256()
		x, y := g.Add(addends(&halves[2*i], &halves[2*i+1]))
		if x.Text(16) != trim(v[1]) || y.Text(16) != trim(v[2]) {
			t.Errorf("message %s: (%x, %x), want (%s, %s)", v[0], x, y, v[1], v[2])
		}
		for h := range 2 {
			if got := hex.EncodeToString(halves[2*i+h].x[:]); got != v[3+2*h] {
				t.Errorf("message %s: Q%d.x is %s, want %s", v[0], h, got, v[3+2*h])
			}
			if got := hex.EncodeToString(halves[2*i+h].y[:]); got != v[4+2*h] {
				t.Errorf("message %s: Q%d.y is %s, want %s", v[0], h, got, v[4+2*h])
			}
		}
	}
}

func trim(s string) string {
	v, _ := new(big.Int).SetString(s, 16)
	return v.Text(16)
}

// plainMap is RFC 9380 §6.6.2, the simplified SWU map as the text gives it, over math/big.
func plainMap(c elliptic.Curve, z int64, u *big.Int) (x, y *big.Int) {
	p := c.Params().P
	mod := func(v *big.Int) *big.Int { return v.Mod(v, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	a, b, zz := big.NewInt(-3), c.Params().B, big.NewInt(z)
	zu2 := mul(zz, mul(u, u))
	tv1 := mod(new(big.Int).Add(mul(zu2, zu2), zu2))
	ratio := mul(new(big.Int).Neg(b), new(big.Int).ModInverse(mod(new(big.Int).Set(a)), p)) // −B/A
	if tv1.Sign() == 0 {
		x = mul(b, new(big.Int).ModInverse(mul(zz, a), p))
	} else {
		inv := new(big.Int).ModInverse(tv1, p)
		x = mul(ratio, mod(inv.Add(inv, big.NewInt(1))))
	}
	if big.Jacobi(rhs(c, x), p) == -1 {
		x = mul(zu2, x)
	}
	y = new(big.Int).ModSqrt(rhs(c, x), p)
	if y.Bit(0) != u.Bit(0) {
		y.Sub(p, y)
	}
	return x, y
}

func TestMapAgainstText(t *testing.T) {
	for _, c := range []struct {
		curve elliptic.Curve
		z     int64
	}{{elliptic.P256(), p256Z}, {sm2ec.P256(), sm2Z}} {
		m := mapFor(c.curve, c.z, "test")
		p := c.curve.Params().P
		check := func(u *big.Int) {
			e := m.f.constant(u)
			xn, xd, y := m.fraction(&e)
			den := []fe{xd}
			m.invert(den)
			m.f.mul(&xn, &xn, &den[0])
			gx, gy := m.f.canonical(&xn), m.f.canonical(&y)
			wx, wy := plainMap(c.curve, c.z, u)
			if new(big.Int).SetBytes(gx.bytes()).Cmp(wx) != 0 || new(big.Int).SetBytes(gy.bytes()).Cmp(wy) != 0 {
				t.Errorf("%s: u = %x maps elsewhere than the text says", c.curve.Params().Name, u)
			}
		}
		// u = 0 and u² = −1/Z are the exceptional cases; −1/Z is a square, since Z is none and neither is −1.
		check(new(big.Int))
		root := new(big.Int).ModInverse(big.NewInt(-c.z), p)
		check(root.ModSqrt(root, p))
		for range 200 {
			u, err := rand.Int(rand.Reader, p)
			if err != nil {
				t.Fatal(err)
			}
			check(u)
		}
	}
}

// RFC 9380 §6.6.2 wants: Z no square; Z ≠ −1; g(x) − Z irreducible; g(B/(Z·A)) a square. Appendix H.2 takes the Z of
// smallest magnitude, positive before negative.
func TestZ(t *testing.T) {
	for _, c := range []struct {
		curve elliptic.Curve
		z     int64
	}{{elliptic.P256(), p256Z}, {sm2ec.P256(), sm2Z}} {
		found := int64(0)
		for k := int64(1); found == 0; k++ {
			for _, z := range []int64{k, -k} {
				if found == 0 && zIsFit(c.curve, z) {
					found = z
				}
			}
		}
		if found != c.z {
			t.Errorf("%s: Z is %d, want %d", c.curve.Params().Name, c.z, found)
		}
	}
}

func zIsFit(c elliptic.Curve, z int64) bool {
	p := c.Params().P
	zz := new(big.Int).Mod(big.NewInt(z), p)
	if big.Jacobi(zz, p) != -1 || z == -1 {
		return false
	}
	inv := new(big.Int).ModInverse(new(big.Int).Mod(big.NewInt(-3*z), p), p)
	x := inv.Mul(inv, c.Params().B)
	if big.Jacobi(rhs(c, x.Mod(x, p)), p) == -1 {
		return false
	}
	return !hasRoot(p, new(big.Int).Sub(c.Params().B, zz))
}

// hasRoot reports whether x³ − 3x + d has a root modulo p, which for a cubic is to be reducible: x^p − x and the cubic
// have a common factor.
func hasRoot(p, d *big.Int) bool {
	// Polynomials of degree ≤ 2 modulo the cubic; x³ = 3x − d.
	type poly [3]*big.Int
	mul := func(a, b poly) poly {
		var w [5]*big.Int
		for k := range w {
			w[k] = new(big.Int)
		}
		for i := range a {
			for j := range b {
				w[i+j].Add(w[i+j], new(big.Int).Mul(a[i], b[j]))
			}
		}
		for k := 4; k >= 3; k-- {
			w[k-2].Add(w[k-2], new(big.Int).Mul(big.NewInt(3), w[k]))
			w[k-3].Sub(w[k-3], new(big.Int).Mul(d, w[k]))
		}
		return poly{w[0].Mod(w[0], p), w[1].Mod(w[1], p), w[2].Mod(w[2], p)}
	}
	r, x := poly{big.NewInt(1), new(big.Int), new(big.Int)}, poly{new(big.Int), big.NewInt(1), new(big.Int)}
	for k := p.BitLen() - 1; k >= 0; k-- {
		if r = mul(r, r); p.Bit(k) == 1 {
			r = mul(r, x)
		}
	}
	r[1].Sub(r[1], big.NewInt(1)).Mod(r[1], p) // x^p − x modulo the cubic
	return commonFactor(p, []*big.Int{d, big.NewInt(-3), new(big.Int), big.NewInt(1)}, r[:])
}

// commonFactor reports whether the greatest common divisor of two polynomials, lowest coefficient first, has a degree
// above 0.
func commonFactor(p *big.Int, a, b []*big.Int) bool {
	trimmed := func(v []*big.Int) []*big.Int {
		for len(v) > 0 && new(big.Int).Mod(v[len(v)-1], p).Sign() == 0 {
			v = v[:len(v)-1]
		}
		return v
	}
	for a, b = trimmed(a), trimmed(b); len(b) > 0; a, b = b, a {
		inv := new(big.Int).ModInverse(new(big.Int).Mod(b[len(b)-1], p), p)
		for len(a) >= len(b) {
			q := new(big.Int).Mul(a[len(a)-1], inv)
			next := make([]*big.Int, len(a))
			for k := range a {
				next[k] = new(big.Int).Set(a[k])
				if j := k - (len(a) - len(b)); j >= 0 {
					next[k].Sub(next[k], new(big.Int).Mul(q, b[j])).Mod(next[k], p)
				}
			}
			a = trimmed(next)
		}
	}
	return len(a) > 1
}

// The field against math/big, at its edges and at random.
func TestFieldAgainstBig(t *testing.T) {
	for _, p := range []*big.Int{elliptic.P256().Params().P, sm2ec.P256().Params().P} {
		f := newField(p)
		rapid.Check(t, func(t *rapid.T) {
			draw := func(name string) *big.Int {
				switch v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name)); rapid.IntRange(0, 3).Draw(t, name+" edge") {
				case 0:
					return v.SetInt64(v.Int64() & 3)
				case 1:
					return v.Sub(p, big.NewInt(1+v.Int64()&3))
				default:
					return v.Mod(v, p)
				}
			}
			a, b := draw("a"), draw("b")
			x, y := f.constant(a), f.constant(b)
			check := func(name string, got *fe, want *big.Int) {
				c := f.canonical(got)
				if new(big.Int).SetBytes(c.bytes()).Cmp(want.Mod(want, p)) != 0 {
					t.Fatalf("%s of %x and %x", name, a, b)
				}
			}
			var z fe
			f.mul(&z, &x, &y)
			check("mul", &z, new(big.Int).Mul(a, b))
			f.add(&z, &x, &y)
			check("add", &z, new(big.Int).Add(a, b))
			f.neg(&z, &x)
			check("neg", &z, new(big.Int).Neg(a))
			f.pow(&z, &x, b)
			check("pow", &z, new(big.Int).Exp(a, b, p))
			wide := append(append([]byte{}, a.FillBytes(make([]byte, 32))[16:]...), b.FillBytes(make([]byte, 32))...)
			z = f.fromWide(wide)
			check("fromWide", &z, new(big.Int).SetBytes(wide))
			if eq := x.equal(&y) == 1; eq != (a.Cmp(b) == 0) {
				t.Fatal("equal")
			}
			la, lb := limbs(a), limbs(b)
			if less := la.less(&lb) == 1; less != (a.Cmp(b) < 0) {
				t.Fatal("less")
			}
		})
	}
}

// 48 bytes of ones is the largest number that fromWide reduces.
func TestFieldWidest(t *testing.T) {
	for _, p := range []*big.Int{elliptic.P256().Params().P, sm2ec.P256().Params().P} {
		f := newField(p)
		wide := make([]byte, 48)
		for k := range wide {
			wide[k] = 0xff
		}
		z := f.fromWide(wide)
		c := f.canonical(&z)
		want := new(big.Int).SetBytes(wide)
		if new(big.Int).SetBytes(c.bytes()).Cmp(want.Mod(want, p)) != 0 {
			t.Error("the largest number is reduced wrongly")
		}
	}
}

func BenchmarkMask(b *testing.B) {
	for _, s := range suites() {
		b.Run(string(s), func(b *testing.B) {
			const n = 1024
			key := mustKey(b, s, false)
			items, enc := set([32]byte{}, 0, n), make([]byte, n*s.group().pointBytes)
			b.Run("mask", func(b *testing.B) {
				for b.Loop() {
					if err := key.mask(enc, items); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
			})
			b.Run("raise", func(b *testing.B) {
				for b.Loop() {
					if err := key.raise(enc, enc); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
			})
		})
	}
}
