// Package curve25519 multiplies many points of Curve25519 by one secret scalar, on u coordinates only, and maps byte
// strings to such points. It is the arithmetic of private set intersection over Diffie–Hellman: mask = k·H(item).
//
// # What it computes
//
// MulBatch is X25519 of RFC 7748 for many points and one scalar. MapBatch is encode_to_curve of RFC 9380 for the suite
// curve25519_XMD:SHA-512_ELL2_NU_, the u coordinate, without the last step that clears the cofactor: a Scalar is a
// multiple of 8, so multiplying by it does that. MapMulBatch is the two in one. CanonicalBatch and OnCurveBatch check what
// came from outside.
//
// # Who should not use it
//
// Key agreement with one peer belongs to crypto/ecdh: a batch of one costs as much as a batch of 16. Signatures, point
// addition and anything that needs the v coordinate cannot be had from u alone. The image of the map is about half of the
// curve, and it is recognisable: a protocol whose proof needs a random oracle into the group needs the RO suite, not this
// one. MulBatch accepts points of the twist and of low order, as RFC 7748 does; see its result and OnCurveBatch.
//
// # Constant time
//
// No branch, address or instruction depends on a scalar, an item or a point, with three exceptions that concern values
// the caller is about to publish or reject: which output is the first zero, which input is not canonical, and which is
// the first on the twist. This assumes that VPMADD52, VPMULUDQ and, in the twin, the 64-bit multiplication take the same
// time for all operands, as they do on current x86-64 and arm64 server CPUs. The assembly's intermediate points are
// cleared when a block is done; copies that the Go runtime makes when it grows a stack are not.
//
// # Implementation
//
// There are three tiers. The twin in pure Go has five limbs of 51 bits. With AVX-512 IFMA, five limbs of 52 bits in 8
// lanes; the ladder runs on two times 8 lanes, so that one hides the latency of the other, and the field chains on four
// times 8. With AVX2, ten limbs of 25.5 bits in 4 lanes for the ladder and for Euler's criterion, and the twin's field for
// the rest. A block of 512 items shares one inversion. The generator in _asm says why no limb overflows.
//
// The best tier that the CPU has is chosen once, at start. TACIT_KERNEL in the environment lowers it: portable (or avx2)
// to AVX2, so that no AVX-512 instruction runs, and scalar to the twin, as the build tag purego does. The first of these
// differs from the other kernels, where portable is the twin: it keeps what nearly every x86-64 server has.
//
// # Figures
//
// Per item on one core of a shared Intel Xeon, family 6, model 207 (Emerald Rapids), 3.2 to 3.35 GHz effective, Go 1.26.8,
// in quiet minutes; neighbours on the host add up to a third:
//
//	              AVX-512 IFMA        AVX2      twin
//	MulBatch      3.6 µs, 279 k/s     14.4 µs   47 µs
//	MapMulBatch   4.2 µs, 238 k/s     17 µs     51 µs
//	MapBatch      0.61 µs             2.0 µs    4.7 µs
//	OnCurveBatch  0.40 µs             1.3 µs    4.0 µs
//
// That CPU starts two 512-bit instructions per cycle, VPMADD52 included (one of them may be a shift). A ladder step of 8
// lanes is 728 of them, hence at least 364 cycles; 251 steps and 4 doublings come to 3.5 µs per item, and take 1.5 % more.
// Hashing to the field is 0.08 µs of MapBatch in 8 lanes, 0.72 µs through crypto/sha512. A batch of one costs as much as
// one of 16. An AVX2 step of 4 lanes is about 2040 instructions for the three vector ports, hence at least 680 cycles or
// 13 µs per item.
package curve25519

// U is a u coordinate, little endian. Outputs are canonical (below p = 2^255−19). Inputs are read as RFC 7748 §5 says:
// bit 255 is ignored and values from p on are reduced; a caller that must refuse those calls CanonicalBatch.
type U [32]byte

// MulBatch sets dst[i] = k·src[i]: X25519 of RFC 7748 §5. It returns the index of the first zero result, or −1 if there
// is none. A zero result means that src[i] has low order: it carries no secret and must be refused.
//
// dst and src have the same length, any; they may be the same slice, but not overlap otherwise. Nothing is allocated and
// no goroutine started: callers shard. Safe for concurrent use with one k.
func MulBatch(dst, src []U, k *Scalar) (firstZero int) {
	if len(dst) != len(src) {
		panic("kernel/curve25519: dst and src differ in length")
	}
	b := k.bytes()
	firstZero = -1
	for at := 0; at < len(src); at += block {
		end := min(at+block, len(src))
		if zero := mulBlock(dst[at:end], src[at:end], b); zero >= 0 && firstZero < 0 {
			firstZero = at + zero
		}
	}
	return firstZero
}

// MapBatch sets dst[i] to the u coordinate that item[i] maps to: RFC 9380 §3, encode_to_curve without clear_cofactor,
// suite curve25519_XMD:SHA-512_ELL2_NU_ under the domain separation tag dst9380 of 1 to 255 bytes. The result lies on the
// curve, not on the twist. Lengths and concurrency as for MulBatch.
func MapBatch(dst []U, item [][32]byte, dst9380 []byte) {
	if len(dst) != len(item) {
		panic("kernel/curve25519: dst and item differ in length")
	}
	var x xmd
	x.setup(dst9380)
	for at := 0; at < len(item); at += block {
		end := min(at+block, len(item))
		mapBlock(dst[at:end], item[at:end], &x)
	}
}

// MapMulBatch is MapBatch followed by MulBatch, fused per block. k is a multiple of 8, so dst[i] is encode_to_curve of
// item[i] times k/8. An item whose result is zero cannot be found except by chance 2^−250, so zeros are not reported.
func MapMulBatch(dst []U, item [][32]byte, dst9380 []byte, k *Scalar) {
	if len(dst) != len(item) {
		panic("kernel/curve25519: dst and item differ in length")
	}
	var x xmd
	x.setup(dst9380)
	b := k.bytes()
	for at := 0; at < len(item); at += block {
		end := min(at+block, len(item))
		mapMulBlock(dst[at:end], item[at:end], &x, b)
	}
}

// CanonicalBatch returns the index of the first src[i] that has bit 255 set or is p or more, or −1 if there is none.
func CanonicalBatch(src []U) (bad int) {
	for i := range src {
		if !canonical(&src[i]) {
			return i
		}
	}
	return -1
}

// canonical reports u < p; p = 2^255−19 is ED FF … FF 7F.
func canonical(u *U) bool {
	if u[31] != 127 {
		return u[31] < 127
	}
	for i := 30; i > 0; i-- {
		if u[i] != 255 {
			return true
		}
	}
	return u[0] < 237
}

// OnCurveBatch returns the index of the first src[i] that lies on the quadratic twist, or −1 if there is none: Euler's
// criterion of u³ + A·u² + u, so v is not needed. u = 0, the point of order 2 that curve and twist share, counts as on the
// curve; MulBatch reports it. Points are read as by MulBatch.
func OnCurveBatch(src []U) (bad int) {
	for at := 0; at < len(src); at += block {
		end := min(at+block, len(src))
		if i := onCurveBlock(src[at:end]); i >= 0 {
			return at + i
		}
	}
	return -1
}

// Accelerated reports whether assembly is in use, of 8 lanes or of 4.
func Accelerated() bool { return accelerated() }
