package gf128

import (
	"math/bits"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The portable twins. They define what the assembly computes.

// holes leaves every fourth bit; an integer product of two such words has room for the carries of 15 terms.
const holes = 0x1111111111111111

// clmul is the carry-less product of two words.
//
// BearSSL's "multiplication with holes" (ghash_ctmul64.c), here on the double-width multiplication of the CPU. A column
// of the product sums at most one term per bit of y in its class: 16 would carry into the next column of the class, so
// the top nibble of y is taken apart and 15 remain. The CPU's multiplication is assumed to be constant-time.
func clmul(x, y uint64) (hi, lo uint64) {
	x0, x1, x2, x3 := x&holes, x&(holes<<1), x&(holes<<2), x&(holes<<3)
	low := y &^ (0xf << 60)
	y0, y1, y2, y3 := low&holes, low&(holes<<1), low&(holes<<2), low&(holes<<3)
	h0, l0 := column(x0, x1, x2, x3, y0, y3, y2, y1)
	h1, l1 := column(x0, x1, x2, x3, y1, y0, y3, y2)
	h2, l2 := column(x0, x1, x2, x3, y2, y1, y0, y3)
	h3, l3 := column(x0, x1, x2, x3, y3, y2, y1, y0)
	hi = h0&holes | h1&(holes<<1) | h2&(holes<<2) | h3&(holes<<3)
	lo = l0&holes | l1&(holes<<1) | l2&(holes<<2) | l3&(holes<<3)
	for i := range 4 {
		m := x & -(y >> (60 + i) & 1)
		hi ^= m >> (4 - i)
		lo ^= m << (60 + i)
	}
	return hi, lo
}

// column adds up the four products whose bits fall in one class; the bits of the other classes are carries.
func column(x0, x1, x2, x3, a, b, c, d uint64) (hi, lo uint64) {
	h0, l0 := bits.Mul64(x0, a)
	h1, l1 := bits.Mul64(x1, b)
	h2, l2 := bits.Mul64(x2, c)
	h3, l3 := bits.Mul64(x3, d)
	return h0 ^ h1 ^ h2 ^ h3, l0 ^ l1 ^ l2 ^ l3
}

// product is a sum of products before reduction, coefficients 0 to 255 in four words.
type product [4]uint64

// add adds a·b to p, unreduced (Karatsuba: three word products).
func (p *product) add(a, b element) {
	h0, l0 := clmul(a.lo, b.lo)
	h2, l2 := clmul(a.hi, b.hi)
	h1, l1 := clmul(a.lo^a.hi, b.lo^b.hi)
	p[0] ^= l0
	p[1] ^= h0 ^ l1 ^ l0 ^ l2
	p[2] ^= l2 ^ h1 ^ h0 ^ h2
	p[3] ^= h2
}

// reduce folds x^128 to x^7 + x^2 + x + 1, the top word first.
func (p *product) reduce() element {
	d := p[2] ^ p[3]>>63 ^ p[3]>>62 ^ p[3]>>57
	c := p[3]
	return element{
		lo: p[0] ^ d ^ d<<1 ^ d<<2 ^ d<<7,
		hi: p[1] ^ c ^ c<<1 ^ c<<2 ^ c<<7 ^ d>>63 ^ d>>62 ^ d>>57,
	}
}

func mul(a, b element) element {
	var p product
	p.add(a, b)
	return p.reduce()
}

func mulBatchTwin(dst, a, b []aes.Block) {
	for i := range dst {
		mul(load(&a[i]), load(&b[i])).store(&dst[i])
	}
}

func mulConstTwin(dst, src []aes.Block, c *aes.Block) {
	k := load(c)
	for i := range dst {
		mul(load(&src[i]), k).store(&dst[i])
	}
}

func mulConstAddTwin(dst, src []aes.Block, c *aes.Block) {
	k := load(c)
	for i := range dst {
		e, d := mul(load(&src[i]), k), load(&dst[i])
		element{e.lo ^ d.lo, e.hi ^ d.hi}.store(&dst[i])
	}
}

func hornerTwin(dst, x, c []aes.Block) {
	for i := range dst {
		var sum element
		point := load(&x[i])
		for d := len(c) - 1; d >= 0; d-- {
			k := load(&c[d])
			sum = mul(element{sum.lo ^ k.lo, sum.hi ^ k.hi}, point)
		}
		sum.store(&dst[i])
	}
}

func innerProductTwin(a, b []aes.Block) (out aes.Block) {
	var p product
	for i := range a {
		p.add(load(&a[i]), load(&b[i]))
	}
	p.reduce().store(&out)
	return out
}
