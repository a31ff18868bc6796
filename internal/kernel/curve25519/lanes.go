//go:build amd64 && !purego

package curve25519

import "encoding/binary"

// lanes is eight field elements in radix 2^52, limb by limb. Settled (see _asm/field.go): of limbs 0 to 3 the low 52 bits
// count, limb 4 is below 2^47 + 2^11.
type lanes [5][8]uint64

// quad is four groups of lanes, the unit of field arithmetic; pair is two, the unit of the ladder.
type (
	quad [4]lanes
	pair [2]lanes
)

const (
	width     = 8 // items per lanes
	quads     = block / quadItems
	limb52    = 1<<52 - 1
	topBits   = 47
	topLimb   = 1<<topBits - 1
	quadItems = 4 * width
)

// set puts a 255-bit integer, little endian, in one lane; bit 255 is ignored.
func (v *lanes) set(lane int, b *[32]byte) {
	w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
	w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	lane &= 7
	v[0][lane] = w0 & limb52
	v[1][lane] = (w0>>52 | w1<<12) & limb52
	v[2][lane] = (w1>>40 | w2<<24) & limb52
	v[3][lane] = (w2>>28 | w3<<36) & limb52
	v[4][lane] = (w3 >> 16) & topLimb
}

// canonical is the value of one lane in [0, p), as limbs. A settled value is below 2^255 + 2^220 < 2p.
func (v *lanes) canonical(lane int) (r [5]uint64) {
	lane &= 7
	r = [5]uint64{v[0][lane] & limb52, v[1][lane] & limb52, v[2][lane] & limb52, v[3][lane] & limb52, v[4][lane]}
	q := (r[0] + 19) >> 52
	q = (r[1] + q) >> 52
	q = (r[2] + q) >> 52
	q = (r[3] + q) >> 52
	q = (r[4] + q) >> topBits
	r[0] += 19 * q
	r[1] += r[0] >> 52
	r[2] += r[1] >> 52
	r[3] += r[2] >> 52
	r[4] += r[3] >> 52
	r[0] &= limb52
	r[1] &= limb52
	r[2] &= limb52
	r[3] &= limb52
	r[4] &= topLimb
	return r
}

// bytes writes the canonical encoding of one lane.
func (v *lanes) bytes(lane int, b *[32]byte) {
	r := v.canonical(lane)
	binary.LittleEndian.PutUint64(b[0:], r[0]|r[1]<<52)
	binary.LittleEndian.PutUint64(b[8:], r[1]>>12|r[2]<<40)
	binary.LittleEndian.PutUint64(b[16:], r[2]>>24|r[3]<<28)
	binary.LittleEndian.PutUint64(b[24:], r[3]>>36|r[4]<<16)
}

// zeroMask is all ones if the lane is 0 mod p and zero otherwise.
func (v *lanes) zeroMask(lane int) uint64 {
	r := v.canonical(lane)
	return isZero(r[0] | r[1] | r[2] | r[3] | r[4])
}

// put overwrites one lane with a small constant where mask is all ones.
func (v *lanes) put(lane int, c, mask uint64) {
	lane &= 7
	v[0][lane] ^= mask & (v[0][lane] ^ c)
	for i := 1; i < 5; i++ {
		v[i][lane] &^= mask
	}
}

// fill sets every lane to a small constant.
func (v *quad) fill(c uint64) {
	*v = quad{}
	for g := range v {
		for lane := range width {
			v[g][0][lane] = c
		}
	}
}

// combine sets v = m·a + n·b + c for small m, n < 2^9 and c < 2^50, or with −n·b if minus is set; v may be a or b.
func (v *quad) combine(m uint64, a *quad, n uint64, b *quad, c uint64, minus bool) {
	for g := range v {
		for lane := range width {
			v[g].combineLane(lane, m, &a[g], n, &b[g], c, minus)
		}
	}
}

// combineLane subtracts below 2^10·p, which has limbs of 2^62 − 2^10·19 and 2^62 − 2^10.
func (v *lanes) combineLane(lane int, m uint64, a *lanes, n uint64, b *lanes, c uint64, minus bool) {
	lane &= 7
	var r [5]uint64
	for i := range 5 {
		bits := uint64(limb52)
		lift := uint64(limb52) << 10
		if i == 4 {
			bits, lift = 1<<63-1, topLimb<<10
		}
		x, y := m*(a[i][lane]&bits), n*(b[i][lane]&bits)
		if minus {
			r[i] = x + lift - y
		} else {
			r[i] = x + y
		}
	}
	if minus {
		r[0] -= 18 << 10
	}
	r[0] += c + 19*(r[4]>>topBits)
	r[4] &= topLimb
	for i := range 4 {
		r[i+1] += r[i] >> 52
		v[i][lane] = r[i] & limb52
	}
	v[4][lane] = r[4]
}

// quadChain250 is chain250 on a quad.
func quadChain250(a *quad) (t250, t11 quad) {
	var t, x5, x10, x20, x50, x100 quad
	squareQuad(&t, a, 1)
	squareQuad(&t11, &t, 2)
	mulQuad(&t11, &t11, a)
	mulQuad(&x5, &t11, &t) // 11, kept in t below
	t = x5
	squareQuad(&x5, &x5, 1) // 22
	mulQuad(&x5, &x5, &t11) // 31
	t11 = t
	squareQuad(&x10, &x5, 5)
	mulQuad(&x10, &x10, &x5)
	squareQuad(&x20, &x10, 10)
	mulQuad(&x20, &x20, &x10)
	squareQuad(&t, &x20, 20)
	mulQuad(&t, &t, &x20)
	squareQuad(&x50, &t, 10)
	mulQuad(&x50, &x50, &x10)
	squareQuad(&x100, &x50, 50)
	mulQuad(&x100, &x100, &x50)
	squareQuad(&t, &x100, 100)
	mulQuad(&t, &t, &x100)
	squareQuad(&t250, &t, 50)
	mulQuad(&t250, &t250, &x50)
	return t250, t11
}

// invert sets v = 1/a, or 0 for 0; see fe.invert.
func (v *quad) invert(a *quad) {
	t250, t11 := quadChain250(a)
	squareQuad(v, &t250, 5)
	mulQuad(v, v, &t11)
}

// euler sets v = a^((p−1)/2); see fe.euler.
func (v *quad) euler(a *quad) {
	t250, _ := quadChain250(a)
	var t, six quad
	squareQuad(&t, a, 1)
	squareQuad(&six, &t, 1)
	mulQuad(&six, &six, &t)
	squareQuad(v, &t250, 4)
	mulQuad(v, v, &six)
}

// nonSquareMasks is all ones where a is a non-square and zero where it is a square or zero.
func (a *quad) nonSquareMasks() (mask [quadItems]uint64) {
	var t quad
	t.euler(a)
	for i := range mask {
		r := t[i/width].canonical(i % width)
		// −1 is 2^255 − 20.
		mask[i] = isZero(r[0] ^ (limb52 - 19) | r[1] ^ limb52 | r[2] ^ limb52 | r[3] ^ limb52 | r[4] ^ topLimb)
	}
	return mask
}
