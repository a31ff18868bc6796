// Command _asm generates the row kernels of package okvs. To regenerate, from the repository's root:
//
//	(cd internal/kernel/okvs/_asm && go run . -out ../rows_amd64.s -stubs ../rows_amd64.go -pkg okvs)
//
// The output is committed and depends on nothing but these files and the pinned avo.
//
// All kernels work on whole groups of 16 rows; the Go side pads the last one.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// groupRows is the number of rows of a group: four zmm registers of hashes.
const groupRows = 16

const groupRegs = 4

func main() {
	ConstraintExpr("amd64,!purego")
	genTriples()
	genDense()
	genGather()
	Generate()
}

// argument reads a named argument into a general register.
func argument(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }

// perGroup emits the loop over n rows, a multiple of groupRows, and the return. advance gives the bytes per group by
// which each pointer moves on.
func perGroup(n GPVirtual, advance map[GPVirtual]int, order []GPVirtual, body func()) {
	Label("group")
	SUBQ(U8(groupRows), n)
	JB(LabelRef("done"))
	body()
	for _, p := range order {
		ADDQ(U32(advance[p]), p)
	}
	JMP(LabelRef("group"))
	Label("done")
	VZEROUPPER()
	RET()
}

// pattern is a constant in memory, a 128-bit lane four times.
func pattern(name string, lo, hi uint64) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range groupRegs {
		DATA(16*i, U64(lo))
		DATA(16*i+8, U64(hi))
	}
	return m
}

func broadcast(m Mem) VecVirtual {
	v := ZMM()
	VBROADCASTI32X4(m, v)
	return v
}
