package curve25519

import (
	"encoding/binary"
	"math/bits"
)

// fe is an element of GF(2^255−19) in radix 2^51. Limbs are below 2^52 between calls, except after sum and
// difference; the value is not canonical.
type fe [5]uint64

const limbMask = 1<<51 - 1

// curveA is the coefficient A of v² = u³ + A·u² + u; a24 is (A+2)/4 as the ladder below needs it.
const (
	curveA = 486662
	a24    = 121666
)

// setBytes reads 255 bits, little endian; bit 255 is ignored (RFC 7748 §5) and the value may reach 2^255−1.
func (v *fe) setBytes(b *[32]byte) {
	w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
	w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	v[0] = w0 & limbMask
	v[1] = (w0>>51 | w1<<13) & limbMask
	v[2] = (w1>>38 | w2<<26) & limbMask
	v[3] = (w2>>25 | w3<<39) & limbMask
	v[4] = (w3 >> 12) & limbMask
}

// freeze reduces v to its canonical value in [0, p).
func (v *fe) freeze() {
	v.carry()
	// v < 2^255 + 2^13·19 < 2p, so one conditional subtraction is enough: q = 1 exactly if v + 19 reaches 2^255.
	q := (v[0] + 19) >> 51
	q = (v[1] + q) >> 51
	q = (v[2] + q) >> 51
	q = (v[3] + q) >> 51
	q = (v[4] + q) >> 51
	v[0] += 19 * q
	v[1] += v[0] >> 51
	v[2] += v[1] >> 51
	v[3] += v[2] >> 51
	v[4] += v[3] >> 51
	for i := range v {
		v[i] &= limbMask
	}
}

// bytes writes the canonical little-endian encoding.
func (v *fe) bytes(b *[32]byte) {
	t := *v
	t.freeze()
	binary.LittleEndian.PutUint64(b[0:], t[0]|t[1]<<51)
	binary.LittleEndian.PutUint64(b[8:], t[1]>>13|t[2]<<38)
	binary.LittleEndian.PutUint64(b[16:], t[2]>>26|t[3]<<25)
	binary.LittleEndian.PutUint64(b[24:], t[3]>>39|t[4]<<12)
}

// zeroMask is all ones if v ≡ 0 mod p and zero otherwise.
func (v *fe) zeroMask() uint64 {
	t := *v
	t.freeze()
	return isZero(t[0] | t[1] | t[2] | t[3] | t[4])
}

// isZero is all ones if x = 0 and zero otherwise.
func isZero(x uint64) uint64 { return ((x | -x) >> 63) - 1 }

// carry propagates every limb once: limbs below 2^64 become limbs below 2^51 + 2^13·19.
func (v *fe) carry() {
	c0, c1, c2, c3, c4 := v[0]>>51, v[1]>>51, v[2]>>51, v[3]>>51, v[4]>>51
	v[0] = v[0]&limbMask + 19*c4
	v[1] = v[1]&limbMask + c0
	v[2] = v[2]&limbMask + c1
	v[3] = v[3]&limbMask + c2
	v[4] = v[4]&limbMask + c3
}

func (v *fe) add(a, b *fe) {
	v.sum(a, b)
	v.carry()
}

func (v *fe) sub(a, b *fe) {
	v.difference(a, b)
	v.carry()
}

// sum is add without the carry: limbs below 2^53, which the multiplications take and nothing else does.
func (v *fe) sum(a, b *fe) {
	v[0], v[1], v[2], v[3], v[4] = a[0]+b[0], a[1]+b[1], a[2]+b[2], a[3]+b[3], a[4]+b[4]
}

// difference is sub without the carry: 4p is added, so that no limb goes below zero; limbs below 2^53 + 2^52.
func (v *fe) difference(a, b *fe) {
	v[0] = a[0] + 4*(limbMask-18) - b[0]
	v[1] = a[1] + 4*limbMask - b[1]
	v[2] = a[2] + 4*limbMask - b[2]
	v[3] = a[3] + 4*limbMask - b[3]
	v[4] = a[4] + 4*limbMask - b[4]
}

// choose sets v to a where mask is all ones and to b where it is zero.
func (v *fe) choose(a, b *fe, mask uint64) {
	v[0] = b[0] ^ mask&(a[0]^b[0])
	v[1] = b[1] ^ mask&(a[1]^b[1])
	v[2] = b[2] ^ mask&(a[2]^b[2])
	v[3] = b[3] ^ mask&(a[3]^b[3])
	v[4] = b[4] ^ mask&(a[4]^b[4])
}

// wide is a 128-bit sum of limb products.
type wide struct{ lo, hi uint64 }

func product(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{lo, hi}
}

func (w wide) plus(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	lo, c := bits.Add64(lo, w.lo, 0)
	hi, _ = bits.Add64(hi, w.hi, c)
	return wide{lo, hi}
}

// high is w >> 51; every sum below stays under 2^115, so it fits.
func (w wide) high() uint64 { return w.hi<<13 | w.lo>>51 }

// mul is schoolbook; products above 2^255 come back multiplied by 19. Operands below 2^53 + 2^52 give sums below
// (1+4·19)·9·2^104 < 2^114.
func (v *fe) mul(a, b *fe) {
	a1, a2, a3, a4 := 19*a[1], 19*a[2], 19*a[3], 19*a[4]
	v.settle(
		product(a[0], b[0]).plus(a1, b[4]).plus(a2, b[3]).plus(a3, b[2]).plus(a4, b[1]),
		product(a[0], b[1]).plus(a[1], b[0]).plus(a2, b[4]).plus(a3, b[3]).plus(a4, b[2]),
		product(a[0], b[2]).plus(a[1], b[1]).plus(a[2], b[0]).plus(a3, b[4]).plus(a4, b[3]),
		product(a[0], b[3]).plus(a[1], b[2]).plus(a[2], b[1]).plus(a[3], b[0]).plus(a4, b[4]),
		product(a[0], b[4]).plus(a[1], b[3]).plus(a[2], b[2]).plus(a[3], b[1]).plus(a[4], b[0]),
	)
}

func (v *fe) square(a *fe) {
	d0, d1 := 2*a[0], 2*a[1]
	t3, t4 := 19*a[3], 19*a[4]
	v.settle(
		product(a[0], a[0]).plus(2*t4, a[1]).plus(2*t3, a[2]),
		product(d0, a[1]).plus(2*t4, a[2]).plus(t3, a[3]),
		product(d0, a[2]).plus(a[1], a[1]).plus(2*t4, a[3]),
		product(d0, a[3]).plus(d1, a[2]).plus(t4, a[4]),
		product(d0, a[4]).plus(d1, a[3]).plus(a[2], a[2]),
	)
}

// settle brings five column sums below 2^114 back to limbs below 2^52: each carry is below 2^63. Column 4 has no factor
// 19, so it is below 45·2^104 and its carry times 19 below 2^63.
func (v *fe) settle(w0, w1, w2, w3, w4 wide) {
	v[0] = w0.lo&limbMask + 19*w4.high()
	v[1] = w1.lo&limbMask + w0.high()
	v[2] = w2.lo&limbMask + w1.high()
	v[3] = w3.lo&limbMask + w2.high()
	v[4] = w4.lo&limbMask + w3.high()
	v.carry()
}

// mulSmall multiplies by a public constant below 2^20.
func (v *fe) mulSmall(a *fe, c uint64) {
	v.settle(product(a[0], c), product(a[1], c), product(a[2], c), product(a[3], c), product(a[4], c))
}

// squareTimes squares a n ≥ 1 times.
func (v *fe) squareTimes(a *fe, n int) {
	v.square(a)
	for range n - 1 {
		v.square(v)
	}
}

// chain250 returns a^(2^250−1) and a^11, where the chains of inverse and euler part.
func chain250(a *fe) (t250, t11 fe) {
	var t, x5, x10, x20, x50, x100 fe
	t.square(a)                // 2
	t11.squareTimes(&t, 2)     // 8
	t11.mul(&t11, a)           // 9
	t11.mul(&t11, &t)          // 11
	t.squareTimes(&t11, 1)     // 22
	x5.squareTimes(&t11, 1)    // 22
	t.squareTimes(a, 3)        // 8
	t.mul(&t, a)               // 9
	x5.mul(&x5, &t)            // 31 = 2^5−1
	x10.squareTimes(&x5, 5)    // 2^10−2^5
	x10.mul(&x10, &x5)         // 2^10−1
	x20.squareTimes(&x10, 10)  //
	x20.mul(&x20, &x10)        // 2^20−1
	t.squareTimes(&x20, 20)    //
	t.mul(&t, &x20)            // 2^40−1
	x50.squareTimes(&t, 10)    //
	x50.mul(&x50, &x10)        // 2^50−1
	x100.squareTimes(&x50, 50) //
	x100.mul(&x100, &x50)      // 2^100−1
	t.squareTimes(&x100, 100)  //
	t.mul(&t, &x100)           // 2^200−1
	t250.squareTimes(&t, 50)   //
	t250.mul(&t250, &x50)      // 2^250−1
	return t250, t11
}

// invert sets v = a^(p−2), which is 1/a, or 0 for a = 0: p−2 = 2^5·(2^250−1) + 11.
func (v *fe) invert(a *fe) {
	t250, t11 := chain250(a)
	v.squareTimes(&t250, 5)
	v.mul(v, &t11)
}

// euler sets v = a^((p−1)/2), which is 1 for a square, −1 for a non-square, 0 for 0: (p−1)/2 = 2^4·(2^250−1) + 6.
func (v *fe) euler(a *fe) {
	t250, _ := chain250(a)
	var t, six fe
	t.square(a)
	six.square(&t)
	six.mul(&six, &t)
	v.squareTimes(&t250, 4)
	v.mul(v, &six)
}

// nonSquareMask is all ones if a is a non-square, zero if it is a square or zero.
func (a *fe) nonSquareMask() uint64 {
	var t fe
	t.euler(a)
	return t.isMinusOne()
}

// isMinusOne is all ones if v ≡ −1 mod p and zero otherwise.
func (v *fe) isMinusOne() uint64 {
	t := *v
	t[0]++
	return t.zeroMask()
}
