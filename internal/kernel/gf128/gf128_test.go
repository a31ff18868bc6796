package gf128

import (
	"encoding/hex"
	"math/big"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// maxLen covers four groups of the widest kernels and every last group.
const maxLen = 70

// one is the unit of the field.
var one = aes.Block{1}

func element128(t testing.TB, s string) (b aes.Block) {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(b) {
		t.Fatal("bad test element")
	}
	copy(b[:], raw)
	return b
}

// polynomial is an element as the integer Σ 2^i over its coefficients.
func polynomial(b aes.Block) *big.Int {
	p := new(big.Int)
	for i := range 128 {
		p.SetBit(p, i, uint(b[i/8]>>(i%8)&1))
	}
	return p
}

// oracle multiplies as on paper: shift, add, then divide by the modulus, bit by bit.
func oracle(a, b aes.Block) (out aes.Block) {
	x, y, p := polynomial(a), polynomial(b), new(big.Int)
	for i := range 128 {
		if y.Bit(i) == 1 {
			p.Xor(p, new(big.Int).Lsh(x, uint(i)))
		}
	}
	m := new(big.Int).SetBit(big.NewInt(0x87), 128, 1)
	for i := p.BitLen() - 1; i >= 128; i-- {
		if p.Bit(i) == 1 {
			p.Xor(p, new(big.Int).Lsh(m, uint(i-128)))
		}
	}
	for i := range 128 {
		out[i/8] |= byte(p.Bit(i)) << (i % 8)
	}
	return out
}

// random returns n elements that depend on the seed alone.
func random(seed byte, n int) []aes.Block {
	out := make([]aes.Block, n)
	s := aes.NewStream(aes.Block{seed}, aes.Block{})
	for i := range out {
		s.Fill(out[i][:])
	}
	return out
}

// edges are the elements at which a reduction goes wrong first.
func edges() []aes.Block {
	all := aes.Block{}
	for i := range all {
		all[i] = 0xff
	}
	low, high := all, all
	clear(low[8:])
	clear(high[:8])
	out := []aes.Block{{}, one, {2}, {0x87}, all, low, high, {15: 0xfe}, {0x80}, {0x0f, 7: 0xf0}}
	for _, i := range []int{6, 7, 56, 57, 60, 62, 63, 64, 65, 120, 121, 126, 127} {
		b := aes.Block{}
		b[i/8] = 1 << (i % 8)
		out = append(out, b)
	}
	return out
}

func sum(a, b aes.Block) (out aes.Block) {
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// TestEdges meets every pair of edge values with every kernel.
func TestEdges(t *testing.T) {
	for _, a := range edges() {
		for _, b := range edges() {
			want := oracle(a, b)
			if got := Mul(a, b); got != want {
				t.Errorf("Mul(%x, %x) = %x, want %x", a, b, got, want)
			}
			if got := mul(load(&a), load(&b)); got != load(&want) {
				t.Errorf("the twin's product of %x and %x is not %x", a, b, want)
			}
			// Enough copies for the widest kernel.
			x, y := make([]aes.Block, 20), make([]aes.Block, 20)
			for i := range x {
				x[i], y[i] = a, b
			}
			MulBatch(y, x, y)
			MulConst(x, x, &b)
			for i := range x {
				if x[i] != want || y[i] != want {
					t.Errorf("%x·%x: MulConst %x, MulBatch %x, want %x", a, b, x[i], y[i], want)
				}
			}
		}
	}
}

// TestOrder fails for a field with the bits of GCM: there the unit is 80 00 …, and x^127 is the last byte's lowest bit.
func TestOrder(t *testing.T) {
	b := random(1, 1)[0]
	if Mul(one, b) != b {
		t.Error("1·b is not b")
	}
	x, top := aes.Block{2}, aes.Block{15: 0x80}
	if got, want := Mul(x, top), (aes.Block{0x87}); got != want {
		t.Errorf("x·x^127 = %x, want %x", got, want)
	}
	if got, want := Mul(aes.Block{0x80}, x), (aes.Block{1: 1}); got != want {
		t.Errorf("x^7·x = %x, want %x", got, want)
	}
	if MulX(b) != Mul(x, b) || MulX(top) != (aes.Block{0x87}) {
		t.Error("MulX is not a product with x")
	}
}

// TestGCMVector is test case 2 of the GCM specification (McGrew, Viega), X_1 = C·H, with the bits of each byte reversed:
// the same polynomials in our order. Unreversed it must not hold.
func TestGCMVector(t *testing.T) {
	h := element128(t, "66e94bd4ef8a2c3b884cfa59ca342b2e")
	c := element128(t, "0388dace60b6a392f328c2b971b2fe78")
	want := element128(t, "5e2ec746917062882c85b0685353deb7")
	reversed := func(b aes.Block) aes.Block {
		for i := range b {
			b[i] = bits.Reverse8(b[i])
		}
		return b
	}
	if got := reversed(Mul(reversed(c), reversed(h))); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if Mul(c, h) == want {
		t.Error("the order of bits is GCM's")
	}
}

// TestLengths compares every kernel of this process with the oracle at all lengths, apart and in place.
func TestLengths(t *testing.T) {
	c := random(3, 1)[0]
	for n := range maxLen + 1 {
		a, b := random(1, n), random(2, n)
		product, scaled, added, inner := make([]aes.Block, n), make([]aes.Block, n), make([]aes.Block, n), aes.Block{}
		for i := range a {
			product[i], scaled[i] = oracle(a[i], b[i]), oracle(a[i], c)
			added[i], inner = sum(b[i], scaled[i]), sum(inner, product[i])
		}
		check := func(what string, want []aes.Block, f func(dst []aes.Block)) {
			t.Helper()
			buf := append(append([]aes.Block{{0xca}}, b...), aes.Block{0xfe})
			f(buf[1 : n+1 : n+1])
			if buf[0] != (aes.Block{0xca}) || buf[n+1] != (aes.Block{0xfe}) {
				t.Errorf("%s, n=%d: wrote outside dst", what, n)
			}
			for i := range want {
				if buf[i+1] != want[i] {
					t.Fatalf("%s, n=%d: element %d is %x, want %x", what, n, i, buf[i+1], want[i])
				}
			}
		}
		check("MulBatch", product, func(dst []aes.Block) { clear(dst); MulBatch(dst, a, b) })
		check("MulBatch over b", product, func(dst []aes.Block) { MulBatch(dst, a, dst) })
		check("MulBatch over a", product, func(dst []aes.Block) { copy(dst, a); MulBatch(dst, dst, b) })
		check("MulConst", scaled, func(dst []aes.Block) { MulConst(dst, a, &c) })
		check("MulConst in place", scaled, func(dst []aes.Block) { copy(dst, a); MulConst(dst, dst, &c) })
		check("MulConstAdd", added, func(dst []aes.Block) { MulConstAdd(dst, a, &c) })
		check("Add", b, func(dst []aes.Block) { Add(dst, dst, a); Add(dst, a, dst) })
		if got := InnerProduct(a, b); got != inner {
			t.Fatalf("InnerProduct, n=%d: %x, want %x", n, got, inner)
		}
	}
}

// TestMulConstAddInPlace: src + c·src.
func TestMulConstAddInPlace(t *testing.T) {
	for _, n := range []int{1, 3, 4, 16, 37} {
		c, src := random(9, 1)[0], random(8, n)
		want := make([]aes.Block, n)
		for i := range src {
			want[i] = oracle(src[i], sum(c, one))
		}
		MulConstAdd(src, src, &c)
		for i := range want {
			if src[i] != want[i] {
				t.Fatalf("n=%d: element %d differs", n, i)
			}
		}
	}
}

// drawn generates an element: any bytes, or an edge value.
func drawn() *rapid.Generator[aes.Block] {
	return rapid.OneOf(
		rapid.SampledFrom(edges()),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) aes.Block { return aes.Block(b) }),
	)
}

func TestField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawn().Draw(t, "a"), drawn().Draw(t, "b"), drawn().Draw(t, "c")
		if got, want := Mul(a, b), oracle(a, b); got != want {
			t.Fatalf("product %x, want %x", got, want)
		}
		if Mul(a, b) != Mul(b, a) {
			t.Fatal("not commutative")
		}
		if Mul(a, Mul(b, c)) != Mul(Mul(a, b), c) {
			t.Fatal("not associative")
		}
		if Mul(a, sum(b, c)) != sum(Mul(a, b), Mul(a, c)) {
			t.Fatal("not distributive")
		}
		if Mul(sum(a, b), sum(a, b)) != sum(Mul(a, a), Mul(b, b)) {
			t.Fatal("squaring is not linear")
		}
		if a != (aes.Block{}) && Mul(a, Invert(a)) != one {
			t.Fatal("no inverse")
		}
	})
}

func TestInvert(t *testing.T) {
	if Invert(aes.Block{}) != (aes.Block{}) || Invert(one) != one {
		t.Error("0 and 1 are not their own inverses")
	}
}

// TestModulusIsIrreducible is Rabin's test for degree 128, whose one prime factor is 2: x^(2^128) = x, and x^(2^64) − x
// shares no factor with the modulus, hence has an inverse.
func TestModulusIsIrreducible(t *testing.T) {
	x := aes.Block{2}
	p := x
	for range 64 {
		p = Mul(p, p)
	}
	d := sum(p, x)
	if Mul(d, Invert(d)) != one {
		t.Error("x^(2^64) − x has no inverse")
	}
	for range 64 {
		p = Mul(p, p)
	}
	if p != x {
		t.Error("x^(2^128) is not x")
	}
}

// TestHorner compares with sums of powers, apart and in place.
func TestHorner(t *testing.T) {
	for n := range maxLen + 1 {
		x, c := random(1, n), random(2, n%6)
		want := make([]aes.Block, n)
		for i := range x {
			power := one
			for d := range c {
				power = oracle(power, x[i])
				want[i] = sum(want[i], oracle(power, c[d]))
			}
		}
		got := make([]aes.Block, n)
		Horner(got, x, c)
		Horner(x, x, c)
		for i := range want {
			if got[i] != want[i] || x[i] != want[i] {
				t.Fatalf("%d points, %d terms: value %d is %x and in place %x, want %x", n, len(c), i, got[i], x[i], want[i])
			}
		}
	}
}

func TestPowers(t *testing.T) {
	a := random(5, 1)[0]
	for n := range maxLen {
		got, want := make([]aes.Block, n), one
		Powers(got, a)
		for i := range got {
			if want = oracle(want, a); got[i] != want {
				t.Fatalf("n=%d: power %d differs", n, i+1)
			}
		}
	}
}

// TestClmul compares the portable carry-less product with shifts and sums.
func TestClmul(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1 << 63, 1<<64 - 1, holes, holes << 3, 0xf << 60}))
		x, y := word.Draw(t, "x"), word.Draw(t, "y")
		var hi, lo uint64
		for i := range 64 {
			if y>>i&1 == 1 {
				lo ^= x << i
				hi ^= x >> (64 - i)
			}
		}
		if h, l := clmul(x, y); h != hi || l != lo {
			t.Fatalf("%x·%x = %x %x, want %x %x", x, y, h, l, hi, lo)
		}
	})
}

func TestShapes(t *testing.T) {
	two, three := make([]aes.Block, 2), make([]aes.Block, 3)
	for name, f := range map[string]func(){
		"MulBatch a":   func() { MulBatch(two, three, two) },
		"MulBatch b":   func() { MulBatch(two, two, three) },
		"MulConst":     func() { MulConst(three, two, &one) },
		"MulConstAdd":  func() { MulConstAdd(two, three, &one) },
		"InnerProduct": func() { InnerProduct(two, three) },
		"Horner":       func() { Horner(two, three, two) },
		"Add":          func() { Add(two, two, three) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			f()
		})
	}
}
