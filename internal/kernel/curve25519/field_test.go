package curve25519

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// The oracle of every field test is math/big.
func prime() *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19)) }

// encode is v mod 2^256, little endian.
func encode(v *big.Int) (b [32]byte) {
	v.FillBytes(b[:])
	for i := range 16 {
		b[i], b[31-i] = b[31-i], b[i]
	}
	return b
}

func decode(b [32]byte) *big.Int {
	for i := range 16 {
		b[i], b[31-i] = b[31-i], b[i]
	}
	return new(big.Int).SetBytes(b[:])
}

// edges are values around which carries and reductions change their course.
func edges() []*big.Int {
	p, one := prime(), big.NewInt(1)
	out := []*big.Int{big.NewInt(0), one, big.NewInt(2), big.NewInt(18), big.NewInt(19), big.NewInt(20), big.NewInt(9)}
	for _, d := range []int64{-2, -1, 0, 1, 18} {
		out = append(out, new(big.Int).Add(p, big.NewInt(d)))
	}
	for _, n := range []uint{51, 52, 102, 104, 153, 156, 204, 208, 247, 254} {
		out = append(out, new(big.Int).Lsh(one, n), new(big.Int).Sub(new(big.Int).Lsh(one, n), one))
	}
	return append(out, new(big.Int).Rsh(p, 1))
}

// sample is edges and n random values below 2^255.
func sample(n int) []*big.Int {
	r := rand.NewChaCha8([32]byte{25, 51, 9})
	out := edges()
	for range n {
		var b [32]byte
		_, _ = r.Read(b[:])
		b[31] &= 127
		out = append(out, decode(b))
	}
	return out
}

// value is the integer that the limbs stand for, mod p.
func (v *fe) value() *big.Int {
	sum := new(big.Int)
	for i := 4; i >= 0; i-- {
		sum.Lsh(sum, 51).Add(sum, new(big.Int).SetUint64(v[i]))
	}
	return sum.Mod(sum, prime())
}

// operands is the sample as field elements, and elements with every limb at its bound.
func operands(n int) (out []fe) {
	for _, v := range sample(n) {
		b := encode(v)
		var e fe
		e.setBytes(&b)
		out = append(out, e)
	}
	const top = 1<<52 - 1
	return append(out, fe{top, top, top, top, top}, fe{top}, fe{0, 0, 0, 0, top}, fe{top, 0, top, 0, top})
}

func TestFieldAgainstBig(t *testing.T) {
	p := prime()
	ops := operands(30)
	check := func(name string, got *fe, want *big.Int) {
		t.Helper()
		if got.value().Cmp(want.Mod(want, p)) != 0 {
			t.Fatalf("%s: got %x, want %x", name, got.value(), want)
		}
		for i, l := range got {
			if l >= 1<<52 {
				t.Fatalf("%s: limb %d is %#x, not below 2^52", name, i, l)
			}
		}
	}
	for i := range ops {
		a := &ops[i]
		x := a.value()
		var r fe
		r.square(a)
		check("square", &r, new(big.Int).Mul(x, x))
		r.mulSmall(a, curveA)
		check("mulSmall", &r, new(big.Int).Mul(x, big.NewInt(curveA)))
		for j := range ops {
			b := &ops[j]
			y := b.value()
			r.mul(a, b)
			check("mul", &r, new(big.Int).Mul(x, y))
			r.add(a, b)
			check("add", &r, new(big.Int).Add(x, y))
			r.sub(a, b)
			check("sub", &r, new(big.Int).Sub(x, y))
		}
	}
}

// TestFieldUncarried: sums and differences go into multiplications as they are.
func TestFieldUncarried(t *testing.T) {
	p := prime()
	ops := operands(10)
	for i := range ops {
		for j := range ops {
			a, b := &ops[i], &ops[j]
			x, y := a.value(), b.value()
			var sum, difference, product, power fe
			sum.sum(a, b)
			difference.difference(a, b)
			product.mul(&difference, &difference)
			power.square(&difference)
			want := new(big.Int).Sub(x, y)
			want.Mul(want, want).Mod(want, p)
			if product.value().Cmp(want) != 0 || power.value().Cmp(want) != 0 {
				t.Fatalf("(%x − %x)² is %x and %x", x, y, product.value(), power.value())
			}
			product.mul(&difference, &sum)
			want.Sub(want.Mul(x, x), new(big.Int).Mul(y, y)).Mod(want, p)
			if product.value().Cmp(want) != 0 {
				t.Fatalf("(%x − %x)(%x + %x) is %x", x, y, x, y, product.value())
			}
			product.mulSmall(&difference, a24)
			want.Sub(x, y).Mul(want, big.NewInt(a24)).Mod(want, p)
			if product.value().Cmp(want) != 0 {
				t.Fatalf("121666(%x − %x) is %x", x, y, product.value())
			}
		}
	}
}

func TestFieldPowers(t *testing.T) {
	p := prime()
	for _, a := range operands(10) {
		x := a.value()
		var inv, chi fe
		inv.invert(&a)
		want := new(big.Int)
		if x.Sign() != 0 {
			want.ModInverse(x, p)
		}
		if inv.value().Cmp(want) != 0 {
			t.Errorf("1/%x is wrong", x)
		}
		chi.euler(&a)
		symbol := big.NewInt(int64(big.Jacobi(x, p)))
		if chi.value().Cmp(symbol.Mod(symbol, p)) != 0 {
			t.Errorf("euler(%x) is wrong", x)
		}
		if got := a.nonSquareMask() == ^uint64(0); got != (big.Jacobi(x, p) == -1) {
			t.Errorf("nonSquareMask(%x) is %v", x, got)
		}
	}
}

func TestFieldEncoding(t *testing.T) {
	for _, a := range operands(20) {
		var b [32]byte
		a.bytes(&b)
		if decode(b).Cmp(a.value()) != 0 {
			t.Errorf("encoding of %x is %x", a.value(), b)
		}
		if zero := a.zeroMask() != 0; zero != (a.value().Sign() == 0) {
			t.Errorf("zeroMask(%x) is %v", a.value(), zero)
		}
	}
}
