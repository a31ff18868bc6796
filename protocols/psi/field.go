package psi

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// fe is an element of a prime field in Montgomery form, x·2^256 mod p, least significant limb first, below p.
type fe [4]uint64

// field is the field of a prime p with 2^255 < p < 2^256 and p ≡ −1 mod 2^64, as those of P-256 and SM2 are: then
// −p⁻¹ mod 2^64 is 1. Its operations take the same time for all elements.
type field struct {
	p   fe // the prime itself
	one fe
	rr  fe // 2^512 mod p
}

func newField(p *big.Int) field {
	var f field
	f.p = limbs(p)
	r := new(big.Int).Lsh(big.NewInt(1), 256)
	f.one = limbs(new(big.Int).Mod(r, p))
	f.rr = limbs(new(big.Int).Mod(r.Mul(r, r), p))
	return f
}

// limbs returns v < 2^256 as it is, not in Montgomery form.
func limbs(v *big.Int) fe {
	var b [32]byte
	v.FillBytes(b[:])
	return load(b[:])
}

// load reads 32 bytes, most significant first.
func load(b []byte) fe {
	return fe{
		binary.BigEndian.Uint64(b[24:32]), binary.BigEndian.Uint64(b[16:24]),
		binary.BigEndian.Uint64(b[8:16]), binary.BigEndian.Uint64(b[0:8]),
	}
}

// constant returns the element of a public integer.
func (f *field) constant(v *big.Int) fe {
	p := new(big.Int).SetBytes(f.p.bytes())
	x := limbs(new(big.Int).Mod(v, p))
	f.mul(&x, &x, &f.rr)
	return x
}

// bytes writes the limbs, most significant first.
func (x *fe) bytes() []byte {
	var b [32]byte
	for k, v := range x {
		binary.BigEndian.PutUint64(b[24-8*k:], v)
	}
	return b[:]
}

// canonical returns the integer that x stands for.
func (f *field) canonical(x *fe) fe {
	var r fe
	f.mul(&r, x, &fe{1})
	return r
}

// fromWide reduces 48 bytes, most significant first, to an element: RFC 9380 §5.2 with L = 48.
func (f *field) fromWide(b []byte) fe {
	var hi [32]byte
	copy(hi[16:], b[:16])
	h, l := load(hi[:]), load(b[16:48])
	f.mul(&h, &h, &f.rr)
	f.mul(&h, &h, &f.rr) // hi·2^256 in Montgomery form
	f.mul(&l, &l, &f.rr)
	f.add(&h, &h, &l)
	return h
}

// mul sets z to x·y. One factor may be any number below 2^256. Operands may be the same.
func (f *field) mul(z, x, y *fe) {
	var t0, t1, t2, t3, t4 uint64
	for _, d := range y {
		var c, hi uint64
		c, t0 = mulAdd(x[0], d, t0, 0)
		c, t1 = mulAdd(x[1], d, t1, c)
		c, t2 = mulAdd(x[2], d, t2, c)
		c, t3 = mulAdd(x[3], d, t3, c)
		t4, hi = bits.Add64(t4, c, 0)
		m := t0 // ·1 = −p⁻¹ mod 2^64
		c, _ = mulAdd(m, f.p[0], t0, 0)
		c, t0 = mulAdd(m, f.p[1], t1, c)
		c, t1 = mulAdd(m, f.p[2], t2, c)
		c, t2 = mulAdd(m, f.p[3], t3, c)
		t3, c = bits.Add64(t4, c, 0)
		t4 = hi + c
	}
	f.reduce(z, &fe{t0, t1, t2, t3}, t4)
}

// mulAdd returns a·b + c + d.
func mulAdd(a, b, c, d uint64) (hi, lo uint64) {
	var carry uint64
	hi, lo = bits.Mul64(a, b)
	lo, carry = bits.Add64(lo, c, 0)
	hi += carry
	lo, carry = bits.Add64(lo, d, 0)
	return hi + carry, lo
}

// reduce sets z to x + carry·2^256, which is below 2p, modulo p.
func (f *field) reduce(z, x *fe, carry uint64) {
	var r fe
	var b uint64
	r[0], b = bits.Sub64(x[0], f.p[0], 0)
	r[1], b = bits.Sub64(x[1], f.p[1], b)
	r[2], b = bits.Sub64(x[2], f.p[2], b)
	r[3], b = bits.Sub64(x[3], f.p[3], b)
	_, b = bits.Sub64(carry, 0, b)
	z.pick(b, x, &r)
}

// add sets z to x + y.
func (f *field) add(z, x, y *fe) {
	var r fe
	var c uint64
	r[0], c = bits.Add64(x[0], y[0], 0)
	r[1], c = bits.Add64(x[1], y[1], c)
	r[2], c = bits.Add64(x[2], y[2], c)
	r[3], c = bits.Add64(x[3], y[3], c)
	f.reduce(z, &r, c)
}

// neg sets z to −x.
func (f *field) neg(z, x *fe) {
	var r fe
	var b uint64
	zero := isZeroLimbs(x)
	r[0], b = bits.Sub64(f.p[0], x[0], 0)
	r[1], b = bits.Sub64(f.p[1], x[1], b)
	r[2], b = bits.Sub64(f.p[2], x[2], b)
	r[3], _ = bits.Sub64(f.p[3], x[3], b)
	z.pick(zero, &fe{}, &r)
}

// pow sets z to x^e for a public exponent, four bits at a time.
func (f *field) pow(z, x *fe, e *big.Int) {
	var table [16]fe
	table[0] = f.one
	for k := 1; k < len(table); k++ {
		f.mul(&table[k], &table[k-1], x)
	}
	r := f.one
	for shift := (e.BitLen() + 3) / 4 * 4; shift > 0; shift -= 4 {
		for range 4 {
			f.mul(&r, &r, &r)
		}
		digit := e.Bit(shift-1)<<3 | e.Bit(shift-2)<<2 | e.Bit(shift-3)<<1 | e.Bit(shift-4)
		f.mul(&r, &r, &table[digit])
	}
	*z = r
}

// pick sets z to a when which is 1 and to b when it is 0.
func (z *fe) pick(which uint64, a, b *fe) {
	mask := -which
	for k := range z {
		z[k] = a[k]&mask | b[k]&^mask
	}
}

// isZeroLimbs returns 1 when x is 0 and 0 otherwise.
func isZeroLimbs(x *fe) uint64 {
	or := x[0] | x[1] | x[2] | x[3]
	return 1 ^ (or|-or)>>63
}

// equal returns 1 when x is y and 0 otherwise.
func (x *fe) equal(y *fe) uint64 {
	return isZeroLimbs(&fe{x[0] ^ y[0], x[1] ^ y[1], x[2] ^ y[2], x[3] ^ y[3]})
}

// less returns 1 when x is below y, both plain integers, and 0 otherwise.
func (x *fe) less(y *fe) uint64 {
	var b uint64
	for k := range x {
		_, b = bits.Sub64(x[k], y[k], b)
	}
	return b
}
