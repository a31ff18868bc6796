// Command _asm generates the kernels of package aes. To regenerate, from the repository's root:
//
//	(cd internal/kernel/aes/_asm && go run . -out ../rounds_amd64.s -stubs ../rounds_amd64.go -pkg aes)
//
// The output is committed and depends on nothing but these files and the pinned avo.
//
// Each kernel exists twice. The wide one has four blocks in a zmm register (VAES, AVX-512) and round keys in registers; a
// group of four registers is 16 blocks in flight, which hides the latency of VAESENC (4 cycles on Zen 4, 5 on Sapphire
// Rapids; one per cycle). Its lower bound is 10 rounds × 4 registers = 40 cycles per group. A last group with fewer
// blocks runs under masks, which suppress faults beyond the slices. The narrow one (AES-NI, AVX) has a block in an xmm
// register, eight in flight, and round keys as memory operands; what is left over goes a block at a time.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64,!purego")
	tab := newTables()
	genExpandKey(tab)
	for _, w := range []width{{zmm: true, tables: tab}, {zmm: false, tables: tab}} {
		w.genMMO()
		w.genTMMO()
		w.genKeyed()
		w.genCounter(false)
		w.genCounter(true)
	}
	genWideLevel()
	genNarrowLevel()
	Generate()
}
