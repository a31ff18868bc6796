package main

import (
	"math/big"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// roundConstants is K of FIPS 180-4 §4.2.3: the first 64 fractional bits of the cube roots of the first 80 primes.
func roundConstants() (k [80]uint64) {
	n := 0
	for p := int64(2); n < len(k); p++ {
		if big.NewInt(p).ProbablyPrime(10) {
			k[n] = cubeRootBits(p)
			n++
		}
	}
	return k
}

// cubeRootBits is the cube root of p·2^192, rounded down, mod 2^64; by bisection.
func cubeRootBits(p int64) uint64 {
	target := new(big.Int).Lsh(big.NewInt(p), 192)
	root := new(big.Int)
	for bit := 72; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, big.NewInt(3), nil).Cmp(target) > 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return new(big.Int).And(root, new(big.Int).SetUint64(1<<64-1)).Uint64()
}

// sha512 compresses one block per lane. State and message words stay in registers; the last 16 rounds need no new words.
func sha512() {
	table := GLOBL("sha512K", RODATA|NOPTR)
	for i, k := range roundConstants() {
		DATA(8*i, U64(k))
	}
	TEXT("sha512Lanes", NOSPLIT, "func(state *[8][8]uint64, words *[16][8]uint64)")
	state, words := Load(Param("state"), GP64()), Load(Param("words"), GP64())
	var s [8]reg.VecPhysical
	var w [16]reg.VecPhysical
	z := registers()
	copy(s[:], z)
	copy(w[:], z[8:])
	for i := range s {
		VMOVDQU64(Mem{Base: state, Disp: i * 64}, s[i])
	}
	for i := range w {
		VMOVDQU64(Mem{Base: words, Disp: i * 64}, w[i])
	}
	k, n := GP64(), GP64()
	LEAQ(table, k)
	MOVQ(U32(4), n)
	Label("rounds")
	for t := range 16 {
		round(s, t, w[t], Mem{Base: k, Disp: 8 * t}, z[24:])
		extend(w, t, z[24:])
	}
	ADDQ(U32(128), k)
	DECQ(n)
	JNZ(LabelRef("rounds"))
	for t := range 16 {
		round(s, t, w[t], Mem{Base: k, Disp: 8 * t}, z[24:])
	}
	for i := range s {
		m := Mem{Base: state, Disp: i * 64}
		VPADDQ(m, s[i], s[i])
		VMOVDQU64(s[i], m)
	}
	VZEROUPPER()
	RET()
}

// round is FIPS 180-4 §6.4.2, step 3. In round t the register of variable a is s[−t mod 8].
func round(s [8]reg.VecPhysical, t int, w reg.VecPhysical, constant Mem, tmp []reg.VecPhysical) {
	v := func(i int) reg.VecPhysical { return s[(i-t+16)%8] }
	a, b, c, d, e, f, g, h := v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)
	VPADDQ_BCST(constant, w, tmp[0])
	VPADDQ(tmp[0], h, h)
	VMOVDQA64(e, tmp[1])
	VPTERNLOGQ(Imm(0xca), g, f, tmp[1]) // e ? f : g
	rotations(e, tmp[2:], 14, 18, 41)
	VPADDQ(tmp[1], h, h)
	VPADDQ(tmp[2], h, h)
	VPADDQ(h, d, d)
	VMOVDQA64(a, tmp[5])
	VPTERNLOGQ(Imm(0xe8), c, b, tmp[5]) // majority
	rotations(a, tmp[2:], 28, 34, 39)
	VPADDQ(tmp[5], h, h)
	VPADDQ(tmp[2], h, h)
}

// rotations leaves the XOR of three rotations in tmp[0].
func rotations(x reg.VecPhysical, tmp []reg.VecPhysical, i, j, k uint64) {
	VPRORQ(Imm(i), x, tmp[0])
	VPRORQ(Imm(j), x, tmp[1])
	VPRORQ(Imm(k), x, tmp[2])
	VPTERNLOGQ(Imm(0x96), tmp[1], tmp[2], tmp[0])
}

// extend replaces message word t by word t+16.
func extend(w [16]reg.VecPhysical, t int, tmp []reg.VecPhysical) {
	sigma := func(x reg.VecPhysical, i, j, shift uint64) {
		VPRORQ(Imm(i), x, tmp[0])
		VPRORQ(Imm(j), x, tmp[1])
		VPSRLQ(Imm(shift), x, tmp[2])
		VPTERNLOGQ(Imm(0x96), tmp[1], tmp[2], tmp[0])
		VPADDQ(tmp[0], w[t], w[t])
	}
	sigma(w[(t+1)%16], 1, 8, 7)
	VPADDQ(w[(t+9)%16], w[t], w[t])
	sigma(w[(t+14)%16], 19, 61, 6)
}
