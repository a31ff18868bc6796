package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tables are the constants in memory, one per 128-bit lane.
type tables struct {
	q        Mem // the modulus without x^128, in both words
	highWord Mem // ones in the high word
}

func newTables() tables {
	pattern := func(name string, lo, hi uint64) Mem {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 4 {
			DATA(16*i, U64(lo))
			DATA(16*i+8, U64(hi))
		}
		return m
	}
	return tables{q: pattern("modulus", 0x87, 0x87), highWord: pattern("highWord", 0, 1<<64-1)}
}

const groupRegs = 4

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

// width is one of the two instruction sets.
type width struct {
	zmm bool
	tables
}

// name is the function's name: a prefix for the instruction set, and the operation.
func (w width) name(op string) string {
	if w.zmm {
		return "wide" + op
	}
	return "narrow" + op
}

func (w width) vector() VecVirtual {
	if w.zmm {
		return ZMM()
	}
	return XMM()
}

func (w width) vectors(n int) []VecVirtual {
	out := make([]VecVirtual, n)
	for i := range out {
		out[i] = w.vector()
	}
	return out
}

func (w width) bytes() int {
	if w.zmm {
		return 64
	}
	return 16
}

// load reads one register, of 0 < n < 4 elements under a mask.
func (w width) load(m Mem, mask Op) VecVirtual {
	v := w.vector()
	switch {
	case mask != nil:
		VMOVDQU64_Z(m, mask, v)
	case w.zmm:
		VMOVDQU64(m, v)
	default:
		VMOVDQU(m, v)
	}
	return v
}

func (w width) store(v VecVirtual, m Mem, mask Op) {
	switch {
	case mask != nil:
		VMOVDQU64(v, mask, m)
	case w.zmm:
		VMOVDQU64(v, m)
	default:
		VMOVDQU(v, m)
	}
}

// broadcast copies a constant or an element in memory to all lanes.
func (w width) broadcast(m Mem) VecVirtual {
	v := w.vector()
	if w.zmm {
		VBROADCASTI32X4(m, v)
	} else {
		VMOVDQU(m, v)
	}
	return v
}

func (w width) clmul(imm uint8, a, b VecVirtual) VecVirtual {
	v := w.vector()
	VPCLMULQDQ(U8(imm), b, a, v)
	return v
}

// add sets d to d ⊕ a ⊕ …
func (w width) add(d VecVirtual, terms ...VecVirtual) {
	for len(terms) > 1 && w.zmm {
		VPTERNLOGQ(U8(xor3), terms[0], terms[1], d)
		terms = terms[2:]
	}
	for _, t := range terms {
		if w.zmm {
			VPXORQ(t, d, d)
		} else {
			VPXOR(t, d, d)
		}
	}
}

func (w width) move(from, to VecVirtual) {
	if w.zmm {
		VMOVDQA64(from, to)
	} else {
		VMOVDQA(from, to)
	}
}

func (w width) zero() VecVirtual {
	v := w.vector()
	if w.zmm {
		VPXORQ(v, v, v)
	} else {
		VPXOR(v, v, v)
	}
	return v
}

// raise returns the low words moved to the high ones, over zeros.
func (w width) raise(a VecVirtual) VecVirtual {
	v := w.vector()
	VPSLLDQ(U8(8), a, v)
	return v
}

// masks makes the four masks of a last group of 0 < n < 16 elements: two bits, of 64-bit words, per element. n is
// consumed.
func masks(n GPVirtual) []Op {
	m := GP64()
	ADDQ(n, n)
	MOVQ(I32(-1), m)
	BZHIQ(n, m, m)
	out := make([]Op, groupRegs)
	for i := range out {
		k := K()
		KMOVW(m.As32(), k)
		out[i] = k
		if i < groupRegs-1 {
			SHRQ(U8(8), m)
		}
	}
	return out
}

// forward emits the walk over n elements: whole groups, then a group under masks (zmm) or single elements (xmm). body
// is told the registers it may use and their masks; the pointers advance by themselves. after runs at the end.
func (w width) forward(n GPVirtual, pointers []Register, body func(regs int, mask []Op), after func()) {
	advance := func(bytes int) {
		for _, p := range pointers {
			ADDQ(U32(bytes), p)
		}
	}
	group := groupRegs * w.bytes() / 16
	Label("groups")
	SUBQ(U8(group), n)
	JB(LabelRef("rest"))
	body(groupRegs, make([]Op, groupRegs))
	advance(16 * group)
	JMP(LabelRef("groups"))
	Label("rest")
	ADDQ(U8(group), n)
	JZ(LabelRef("done"))
	if w.zmm {
		body(groupRegs, masks(n))
	} else {
		Label("single")
		body(1, make([]Op, 1))
		advance(16)
		DECQ(n)
		JNZ(LabelRef("single"))
	}
	Label("done")
	after()
	VZEROUPPER()
	RET()
}

// argument reads a named argument into a general register.
func argument(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }
