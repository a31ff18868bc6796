package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The immediates of VPCLMULQDQ: which word of the first and of the second factor.
const (
	loLo = 0x00
	hiLo = 0x01
	loHi = 0x10
	hiHi = 0x11
)

// The truth tables of VPTERNLOG, destination first.
const (
	xor3   = 0x96 // d ⊕ b ⊕ a
	xorAnd = 0x78 // d ⊕ (b ∧ a)
)

// genDense is Horner's rule for four registers of rows at once, in registers throughout.
func genDense() {
	TEXT("wideDense", NOSPLIT, "func(dst, hash *byte, n int, dense *byte, columns int)")
	Doc("wideDense sets dst[i] = Σ dense[d]·hash[i]^(d+1) over the dense columns, at least one, for n rows, a multiple",
		"of 16. dst may be hash.")
	Pragma("noescape")
	dst, hash, n := argument("dst"), argument("hash"), argument("n")
	first, last := argument("dense"), argument("columns")
	q := broadcast(pattern("modulus", 0x87, 0x87))
	high := broadcast(pattern("highWord", 0, 1<<64-1))
	DECQ(last)
	SHLQ(U8(4), last)
	ADDQ(first, last)
	var h, acc [groupRegs]VecVirtual
	perGroup(n, map[GPVirtual]int{dst: 16 * groupRows, hash: 16 * groupRows}, []GPVirtual{dst, hash}, func() {
		for i := range groupRegs {
			h[i], acc[i] = ZMM(), ZMM()
			VMOVDQU64(Mem{Base: hash, Disp: 64 * i}, h[i])
			VBROADCASTI32X4(Mem{Base: last}, acc[i])
		}
		at := GP64()
		MOVQ(last, at)
		Label("column")
		for i := range groupRegs {
			multiply(acc[i], h[i], q, high)
		}
		SUBQ(U8(16), at)
		CMPQ(at, first)
		JB(LabelRef("store"))
		c := broadcast(Mem{Base: at})
		for i := range groupRegs {
			VPXORQ(c, acc[i], acc[i])
		}
		JMP(LabelRef("column"))
		Label("store")
		for i := range groupRegs {
			VMOVDQU64(acc[i], Mem{Base: dst, Disp: 64 * i})
		}
	})
}

// multiply sets x = x·y modulo x^128 + q. The product is z0 + z1·x^64 + z2·x^128; reduction folds its top word onto z1,
// then what is left above x^128 onto z0, as in package gf128.
func multiply(x, y, q, high VecVirtual) {
	z0, z1, t, z2 := ZMM(), ZMM(), ZMM(), ZMM()
	VPCLMULQDQ(U8(loLo), y, x, z0)
	VPCLMULQDQ(U8(loHi), y, x, z1)
	VPCLMULQDQ(U8(hiLo), y, x, t)
	VPCLMULQDQ(U8(hiHi), y, x, z2)
	VPXORQ(t, z1, z1)
	VPCLMULQDQ(U8(hiLo), q, z2, t)
	VPXORQ(t, z1, z1)
	VPSHUFD(U8(0x4e), z1, t)
	VPXORQ(t, z2, z2)
	VPTERNLOGQ(U8(xorAnd), high, t, z0)
	VPCLMULQDQ(U8(loLo), q, z2, t)
	VPXORQ(t, z0, x)
}
