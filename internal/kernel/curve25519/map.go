package curve25519

import (
	"crypto/sha512"
	"encoding/binary"
)

// fieldBytes is L of RFC 9380 §5.1 for this field: ⌈(255 + 128)/8⌉.
const fieldBytes = 48

// maxDST is the longest domain separation tag; longer ones would have to be hashed (RFC 9380 §5.3.3), which nobody here
// needs.
const maxDST = 255

// xmd is expand_message_xmd with SHA-512 (RFC 9380 §5.3.1) for len_in_bytes = 48 and messages of 32 bytes: the two hash
// inputs are laid out once and patched per message.
type xmd struct {
	first  [sha512.BlockSize + 32 + 3 + maxDST + 1]byte // Z_pad ‖ msg ‖ I2OSP(48, 2) ‖ 0 ‖ DST_prime
	second [sha512.Size + 1 + maxDST + 1]byte           // b_0 ‖ 1 ‖ DST_prime
	tag    int                                          // len(DST_prime)
}

func (x *xmd) setup(dst9380 []byte) {
	if len(dst9380) == 0 || len(dst9380) > maxDST {
		panic("kernel/curve25519: domain separation tag must have 1 to 255 bytes")
	}
	const fixed = sha512.BlockSize + 32
	binary.BigEndian.PutUint16(x.first[fixed:], fieldBytes)
	x.tag = copy(x.first[fixed+3:], dst9380) + 1
	x.first[fixed+3+len(dst9380)] = byte(len(dst9380))
	x.second[sha512.Size] = 1
	copy(x.second[sha512.Size+1:], x.first[fixed+3:][:x.tag])
}

// field sets r = hash_to_field(item), RFC 9380 §5.2 with count = 1.
func (x *xmd) field(r *fe, item *[32]byte) {
	copy(x.first[sha512.BlockSize:], item[:])
	b0 := sha512.Sum512(x.first[:sha512.BlockSize+32+3+x.tag])
	copy(x.second[:], b0[:])
	b1 := sha512.Sum512(x.second[:sha512.Size+1+x.tag])
	r.setBigEndian((*[fieldBytes]byte)(b1[:fieldBytes]))
}

// setBigEndian sets v to a 384-bit big-endian integer mod p.
func (v *fe) setBigEndian(b *[fieldBytes]byte) {
	var lo, hi [32]byte
	for i := range 32 {
		lo[i] = b[fieldBytes-1-i]
	}
	for i := range 16 {
		hi[i] = b[15-i]
	}
	var h fe
	v.setBytes(&lo)
	h.setBytes(&hi)
	h.mulSmall(&h, 38) // 2^256 ≡ 38
	v.add(v, &h)
	v[0] += 19 * uint64(lo[31]>>7) // 2^255 ≡ 19
	v.carry()
}

// fractions sets w = 1 + 2r² and choice = all ones where the map takes −A−u₁ instead of u₁ = −A/w: where g(u₁) is not a
// square.
func fractions(w *fe, r *fe) (choice uint64) {
	g := w.denominator(r)
	return g.nonSquareMask()
}

// denominator sets w = 1 + 2r² and returns g(u₁)·w⁴ = −A·w·(w² − A²·w + A²), which is a square exactly if g(u₁) is. w is
// never zero: −1/2 is not a square.
func (w *fe) denominator(r *fe) (g fe) {
	w.square(r)
	w.add(w, w)
	w.add(w, &fe{1})
	var t fe
	t.sub(w, &fe{1})
	t.mulSmall(&t, curveA)
	t.mulSmall(&t, curveA)
	g.square(w)
	g.sub(&g, &t)
	g.mul(&g, w)
	g.mulSmall(&g, curveA) // −1 is a square, so the sign of −A does not matter
	return g
}

// elligator sets u = −A/w, or −A+A/w where choice says so; inverse is 1/w. RFC 9380 §6.7.1.
func (v *fe) elligator(inverse *fe, choice uint64) {
	var t, first, second fe
	t.mulSmall(inverse, curveA)
	first.sub(&fe{}, &t)
	second.sub(&t, &fe{curveA})
	v.choose(&second, &first, choice)
}

// mapPortable maps at most one block of items to u coordinates.
func mapPortable(u []fe, item [][32]byte, x *xmd) {
	var w [block]fe
	var choice [block]uint64
	for i := range item {
		var r fe
		x.field(&r, &item[i])
		choice[i] = fractions(&w[i], &r)
	}
	elligatorAll(u, w[:len(item)], choice[:])
}

// elligatorAll sets u[i] from w[i] with one inversion; w is overwritten.
func elligatorAll(u, w []fe, choice []uint64) {
	invertAll(w)
	for i := range w {
		u[i].elligator(&w[i], choice[i])
	}
}

// writeAll encodes u.
func writeAll(dst []U, u []fe) {
	for i := range dst {
		u[i].bytes((*[32]byte)(&dst[i]))
	}
}

func mapBlockPortable(dst []U, item [][32]byte, x *xmd) {
	var u [block]fe
	mapPortable(u[:], item, x)
	writeAll(dst, u[:])
}

func mapMulBlockPortable(dst []U, item [][32]byte, x *xmd, k *[32]byte) {
	var u, px, pz [block]fe
	mapPortable(u[:], item, x)
	for i := range item {
		ladder(&px[i], &pz[i], &u[i], k)
	}
	divide(dst, px[:len(dst)], pz[:len(dst)])
}
