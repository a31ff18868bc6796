package psi

import (
	"crypto/elliptic"
	"math/big"
)

// sswu maps byte strings to the points of a curve y² = x³ − 3x + b over a field with p ≡ 3 mod 4: RFC 9380, random
// oracle variant, simplified SWU. Its time does not depend on what it maps.
type sswu struct {
	f         field
	a, b, z   fe
	minusZSqr fe       // a root of −Z
	quarter   *big.Int // (p−3)/4
	inverse   *big.Int // p−2
	tag       []byte   // DST_prime: the domain separation tag and its length
	hash      func([]byte) [32]byte
}

// newSSWU returns the map to the curve with the given Z, tag, and hash function, whose input block is 64 bytes long.
func newSSWU(curve elliptic.Curve, z int64, tag string, hash func([]byte) [32]byte) *sswu {
	p := curve.Params().P
	m := &sswu{f: newField(p), hash: hash, tag: append([]byte(tag), byte(len(tag)))}
	m.a, m.b, m.z = m.f.constant(big.NewInt(-3)), m.f.constant(curve.Params().B), m.f.constant(big.NewInt(z))
	m.minusZSqr = m.f.constant(new(big.Int).ModSqrt(new(big.Int).Mod(big.NewInt(-z), p), p))
	m.quarter = new(big.Int).Rsh(p, 2)
	m.inverse = new(big.Int).Sub(p, big.NewInt(2))
	return m
}

// affine is a point by its coordinates, big-endian.
type affine struct{ x, y [32]byte }

// points maps messages to two points each, the sum of which is the hash of the message: RFC 9380 §3, hash_to_curve,
// steps 1 to 3. dst has room for two points per message.
func (m *sswu) points(dst []affine, message func(int) []byte) {
	xn, xd, y := make([]fe, len(dst)), make([]fe, len(dst)), make([]fe, len(dst))
	for k := 0; k < len(dst); k += 2 {
		wide := m.expand(message(k / 2))
		for h := range 2 {
			u := m.f.fromWide(wide[48*h : 48*h+48])
			xn[k+h], xd[k+h], y[k+h] = m.fraction(&u)
		}
	}
	m.invert(xd)
	for k := range dst {
		m.f.mul(&xn[k], &xn[k], &xd[k])
		x, y := m.f.canonical(&xn[k]), m.f.canonical(&y[k])
		copy(dst[k].x[:], x.bytes())
		copy(dst[k].y[:], y.bytes())
	}
}

// expand is RFC 9380 §5.3.1, expand_message_xmd, to 96 bytes.
func (m *sswu) expand(msg []byte) [96]byte {
	const blockBytes = 64
	var out [96]byte
	in := make([]byte, blockBytes, blockBytes+len(msg)+3+len(m.tag))
	in = append(in, msg...)
	in = append(in, 0, byte(len(out)), 0)
	b0 := m.hash(append(in, m.tag...))
	var b [32]byte
	for k := range len(out) / len(b) {
		for i := range b {
			b[i] ^= b0[i]
		}
		in = append(append(in[:0], b[:]...), byte(k+1))
		b = m.hash(append(in, m.tag...))
		copy(out[k*len(b):], b[:])
	}
	return out
}

// fraction is RFC 9380 Appendix F.2, map_to_curve_simple_swu without its last division: x is xn/xd. xd is never zero.
func (m *sswu) fraction(u *fe) (xn, xd, y fe) {
	f := &m.f
	var t1, t2, t3, t4, t5, t6, neg fe
	f.mul(&t1, u, u)
	f.mul(&t1, &m.z, &t1)
	f.mul(&t2, &t1, &t1)
	f.add(&t2, &t2, &t1)
	f.add(&t3, &t2, &f.one)
	f.mul(&t3, &m.b, &t3)
	f.neg(&neg, &t2)
	t4.pick(isZeroLimbs(&t2), &m.z, &neg)
	f.mul(&t4, &m.a, &t4)
	f.mul(&t2, &t3, &t3)
	f.mul(&t6, &t4, &t4)
	f.mul(&t5, &m.a, &t6)
	f.add(&t2, &t2, &t5)
	f.mul(&t2, &t2, &t3)
	f.mul(&t6, &t6, &t4)
	f.mul(&t5, &m.b, &t6)
	f.add(&t2, &t2, &t5)
	f.mul(&xn, &t1, &t3)
	square, root := m.sqrtRatio(&t2, &t6)
	f.mul(&y, &t1, u)
	f.mul(&y, &y, &root)
	xn.pick(square, &t3, &xn)
	y.pick(square, &root, &y)
	f.neg(&neg, &y)
	y.pick(m.sign(u)^m.sign(&y), &neg, &y)
	return xn, t4, y
}

// sqrtRatio is RFC 9380 Appendix F.2.1.2, sqrt_ratio_3mod4: whether u/v is a square, and a root of u/v or of Z·u/v.
func (m *sswu) sqrtRatio(u, v *fe) (square uint64, root fe) {
	f := &m.f
	var t1, t2, t3, y1, y2 fe
	f.mul(&t1, v, v)
	f.mul(&t2, u, v)
	f.mul(&t1, &t1, &t2)
	f.pow(&y1, &t1, m.quarter)
	f.mul(&y1, &y1, &t2)
	f.mul(&y2, &y1, &m.minusZSqr)
	f.mul(&t3, &y1, &y1)
	f.mul(&t3, &t3, v)
	square = t3.equal(u)
	root.pick(square, &y1, &y2)
	return square, root
}

// sign is sgn0 of RFC 9380 §4.1.
func (m *sswu) sign(x *fe) uint64 {
	c := m.f.canonical(x)
	return c[0] & 1
}

// invert replaces every element by its inverse, with one exponentiation for all. None may be zero.
func (m *sswu) invert(x []fe) {
	if len(x) == 0 {
		return
	}
	before := make([]fe, len(x)) // products of the elements before each
	acc := m.f.one
	for k := range x {
		before[k] = acc
		m.f.mul(&acc, &acc, &x[k])
	}
	m.f.pow(&acc, &acc, m.inverse)
	for k := len(x) - 1; k >= 0; k-- {
		var inv fe
		m.f.mul(&inv, &acc, &before[k])
		m.f.mul(&acc, &acc, &x[k])
		x[k] = inv
	}
}
