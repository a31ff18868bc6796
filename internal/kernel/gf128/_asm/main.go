// Command _asm generates the carry-less multiplication kernels of package gf128. To regenerate, from the repository's
// root:
//
//	(cd internal/kernel/gf128/_asm && go run . -out ../clmul_amd64.s -stubs ../clmul_amd64.go -pkg gf128)
//
// The output is committed and depends on nothing but these files and the pinned avo.
//
// Each kernel exists twice: for zmm registers of four elements (VPCLMULQDQ, AVX-512) and for xmm registers of one
// (PCLMULQDQ, AVX). A group is four registers. Below, a word is 64 coefficients, z0 + z1·x^64 + z2·x^128 a product before
// reduction, and q = x^7 + x^2 + x + 1 what x^128 reduces to.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64,!purego")
	tab := newTables()
	for _, w := range []width{{zmm: true, tables: tab}, {zmm: false, tables: tab}} {
		w.genMul()
		w.genMulConst(false)
		w.genMulConst(true)
		w.genHorner()
		w.genInner()
	}
	Generate()
}
