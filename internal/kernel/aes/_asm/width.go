package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// xor3 is the truth table of VPTERNLOG for a ⊕ b ⊕ c.
const xor3 = 0x96

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

// bytes of a register.
func (w width) bytes() int {
	if w.zmm {
		return 64
	}
	return 16
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

// constant reads one of the tables whose lanes are all of them written out.
func (w width) constant(m Mem) VecVirtual {
	v := w.vector()
	if w.zmm {
		VMOVDQU64(m, v)
	} else {
		VMOVDQU(m, v)
	}
	return v
}

// xor sets d to a ⊕ b; a may be in memory.
func (w width) xor(a Op, b, d VecVirtual) {
	if w.zmm {
		VPXORQ(a, b, d)
	} else {
		VPXOR(a, b, d)
	}
}

// move copies a register.
func (w width) move(from, to VecVirtual) {
	if w.zmm {
		VMOVDQA64(from, to)
	} else {
		VMOVDQA(from, to)
	}
}

// roundKeys returns the 11 round keys at rk as operands: in registers, all lanes equal, or in memory.
func (w width) roundKeys(rk Register) []Op {
	keys := make([]Op, 11)
	for r := range keys {
		keys[r] = Mem{Base: rk, Disp: 16 * r}
		if w.zmm {
			z := ZMM()
			VBROADCASTI32X4(keys[r], z)
			keys[r] = z
		}
	}
	return keys
}

// permute applies AES to registers that already hold block ⊕ keys[0].
func permute(state []VecVirtual, keys []Op) {
	for r := 1; r < 10; r++ {
		for _, s := range state {
			VAESENC(keys[r], s, s)
		}
	}
	for _, s := range state {
		VAESENCLAST(keys[10], s, s)
	}
}

// load reads consecutive registers, under masks if there are any.
func (w width) load(at Register, regs int, mask []Op) []VecVirtual {
	out := w.vectors(regs)
	for i, v := range out {
		m := Mem{Base: at, Disp: w.bytes() * i}
		switch {
		case mask != nil:
			VMOVDQU64_Z(m, mask[i], v)
		case w.zmm:
			VMOVDQU64(m, v)
		default:
			VMOVDQU(m, v)
		}
	}
	return out
}

// store writes what load reads.
func (w width) store(v []VecVirtual, at Register, mask []Op) {
	for i := range v {
		m := Mem{Base: at, Disp: w.bytes() * i}
		switch {
		case mask != nil:
			VMOVDQU64(v[i], mask[i], m)
		case w.zmm:
			VMOVDQU64(v[i], m)
		default:
			VMOVDQU(v[i], m)
		}
	}
}

// masks makes the four masks of a last group of 0 < n < 16 blocks: two bits, of 64-bit words, per block. n is consumed.
func masks(n GPVirtual) []Op {
	m := GP64()
	ADDQ(n, n)
	MOVQ(I32(-1), m)
	BZHIQ(n, m, m)
	out := make([]Op, 4)
	for i := range out {
		k := K()
		KMOVW(m.As32(), k)
		out[i] = k
		if i < len(out)-1 {
			SHRQ(U8(8), m)
		}
	}
	return out
}

// forward emits the walk over n blocks: groups of so many registers, then a group under masks (zmm) or single blocks
// (xmm). The pointers advance by themselves.
func (w width) forward(n GPVirtual, group int, pointers []Register, body func(regs int, mask []Op)) {
	advance := func(bytes int) {
		for _, p := range pointers {
			ADDQ(U32(bytes), p)
		}
	}
	blocks := group * w.bytes() / 16
	Label("groups")
	SUBQ(U8(blocks), n)
	JB(LabelRef("rest"))
	body(group, nil)
	advance(16 * blocks)
	JMP(LabelRef("groups"))
	Label("rest")
	ADDQ(U8(blocks), n)
	JZ(LabelRef("done"))
	if w.zmm {
		body(group, masks(n))
	} else {
		Label("single")
		body(1, nil)
		advance(16)
		DECQ(n)
		JNZ(LabelRef("single"))
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// group is the number of registers in flight: of zmm as many as masks, of xmm what hides the latency.
func (w width) group() int {
	if w.zmm {
		return 4
	}
	return 8
}

// argument reads a named argument into a general register.
func argument(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }
