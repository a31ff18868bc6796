// Package gf128 is arithmetic in GF(2^128) with the modulus x^128 + x^7 + x^2 + x + 1, batch-first.
//
// An element is an aes.Block in natural bit order: the coefficient of x^i is bit i mod 8 of byte i div 8. That is not
// the order of GCM, whose bits run from the most significant one of each byte; vectors of GHASH do not apply here.
//
// Every kernel has assembly for CPUs with VPCLMULQDQ (AVX-512) or PCLMULQDQ and a portable twin with equal results. The
// choice is made once, at start; TACIT_KERNEL=portable in the environment or the build tag purego forces the twin. All
// forms are constant-time: no branch, index or table depends on an element.
package gf128

import (
	"crypto/subtle"
	"encoding/binary"
	"unsafe"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// modulus is x^7 + x^2 + x + 1: what x^128 reduces to.
const modulus = 0x87

// Accelerated reports whether a carry-less multiplication of the CPU is used in this process.
func Accelerated() bool { return accelerated }

// element is an aes.Block as two words: coefficients 0 to 63 and 64 to 127.
type element struct{ lo, hi uint64 }

func load(b *aes.Block) element {
	return element{binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])}
}

func (e element) store(b *aes.Block) {
	binary.LittleEndian.PutUint64(b[0:], e.lo)
	binary.LittleEndian.PutUint64(b[8:], e.hi)
}

// sameLength asserts the shape that every map over elements requires.
func sameLength(a, b []aes.Block) {
	if len(a) != len(b) {
		panic("kernel/gf128: operands differ in length")
	}
}

// Mul returns a·b.
func Mul(a, b aes.Block) (out aes.Block) {
	mulOne(&out, &a, &b)
	return out
}

// MulX returns a·x: a shift by one place.
func MulX(a aes.Block) (out aes.Block) {
	e := load(&a)
	element{e.lo<<1 ^ modulus&-(e.hi>>63), e.hi<<1 | e.lo>>63}.store(&out)
	return out
}

// Add sets dst[i] = a[i] + b[i], which is also the difference. dst may be a or b; the lengths must be equal.
func Add(dst, a, b []aes.Block) {
	sameLength(dst, a)
	sameLength(a, b)
	if n := len(dst); n > 0 {
		subtle.XORBytes(unsafe.Slice(&dst[0][0], 16*n), unsafe.Slice(&a[0][0], 16*n), unsafe.Slice(&b[0][0], 16*n))
	}
}

// MulBatch sets dst[i] = a[i]·b[i]. dst may be a or b; the lengths must be equal.
func MulBatch(dst, a, b []aes.Block) {
	sameLength(dst, a)
	sameLength(a, b)
	mulBatch(dst, a, b)
}

// MulConst sets dst[i] = c·src[i]. dst may be src; the lengths must be equal.
func MulConst(dst, src []aes.Block, c *aes.Block) {
	sameLength(dst, src)
	mulConst(dst, src, c)
}

// MulConstAdd adds c·src[i] to dst[i]. dst may be src; the lengths must be equal.
func MulConstAdd(dst, src []aes.Block, c *aes.Block) {
	sameLength(dst, src)
	mulConstAdd(dst, src, c)
}

// InnerProduct returns Σ a[i]·b[i], and zero for no terms. The lengths must be equal.
func InnerProduct(a, b []aes.Block) aes.Block {
	sameLength(a, b)
	return innerProduct(a, b)
}

// Horner sets dst[i] = c[0]·x[i] + c[1]·x[i]² + … + c[len(c)−1]·x[i]^len(c): the inner product of c with the Powers of
// x[i], and zero for an empty c. dst may be x; their lengths must be equal.
func Horner(dst, x, c []aes.Block) {
	sameLength(dst, x)
	if len(c) == 0 {
		clear(dst)
		return
	}
	horner(dst, x, c)
}

// Powers sets dst[i] = a^(i+1).
func Powers(dst []aes.Block, a aes.Block) {
	if len(dst) == 0 {
		return
	}
	dst[0] = a
	// Doubling: a^(n+1) … a^(2n) are a^n times the powers so far, so that the whole is batched.
	for n := 1; n < len(dst); n *= 2 {
		m := min(n, len(dst)-n)
		top := dst[n-1]
		MulConst(dst[n:n+m], dst[:m], &top)
	}
}

// Invert returns 1/a, and zero for zero, by Fermat: a^(2^128 − 2).
func Invert(a aes.Block) aes.Block {
	// With e(k) = a^(2^k − 1): e(2k) = e(k)^(2^k)·e(k) and e(k+1) = e(k)²·a lead from 1 over 3, 7, 15, … to 127, all of
	// whose binary digits are one (Itoh and Tsujii). The result is e(127)².
	e := a
	for k := 1; k < 127; k = 2*k + 1 {
		p := e
		for range k {
			p = Mul(p, p)
		}
		e = Mul(p, e)
		e = Mul(Mul(e, e), a)
	}
	return Mul(e, e)
}
