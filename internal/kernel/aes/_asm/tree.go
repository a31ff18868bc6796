package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Both forms walk from the last node to the first, so that src may be the beginning of dst: whoever reads nodes from g on
// writes children from 2g on, behind every node not yet read. Hence, too, nodes are read once and kept.

func levelHead(name string) (dst, src, n, rk GPVirtual) {
	TEXT(name, NOSPLIT, "func(dst, src *byte, n int, rk *byte)")
	Doc(
		name+" sets the n blocks of dst to the children of ⌈n/2⌉ nodes at src: dst[2i+b] = π_b(src[i]) ⊕ src[i].",
		"rk holds 11 pairs of round keys, left then right.",
	)
	Pragma("noescape")
	return argument("dst"), argument("src"), argument("n"), argument("rk")
}

// seek moves dst behind its first n blocks and src behind n/2.
func seek(dst, src, n GPVirtual) {
	bytes := GP64()
	MOVQ(n, bytes)
	SHLQ(U8(3), bytes)
	ADDQ(bytes, src)
	ADDQ(bytes, dst)
	ADDQ(bytes, dst)
}

// genWideLevel: the lanes of a round key alternate between the left and the right key, those of the state repeat each
// node, and four children come out in their places.
func genWideLevel() {
	w := width{zmm: true}
	dst, src, n, rk := levelHead(w.name("Level"))
	keys := make([]Op, 11)
	for r := range keys {
		z := ZMM()
		VBROADCASTI64X4(Mem{Base: rk, Disp: 32 * r}, z)
		keys[r] = z
	}

	Comment("The last group has n mod 16 children, of half as many nodes.")
	rest := GP64()
	MOVQ(n, rest)
	ANDQ(U8(15), rest)
	SUBQ(rest, n)
	seek(dst, src, n)
	TESTQ(rest, rest)
	JZ(LabelRef("groups"))
	nodes := GP64()
	LEAQ(Mem{Base: rest, Disp: 1}, nodes)
	SHRQ(U8(1), nodes)
	w.levelGroup(dst, src, keys, masks(nodes)[:2], masks(rest))

	Label("groups")
	SUBQ(U8(16), n)
	JB(LabelRef("done"))
	SUBQ(U32(16*16), dst)
	SUBQ(U32(8*16), src)
	w.levelGroup(dst, src, keys, nil, nil)
	JMP(LabelRef("groups"))
	Label("done")
	VZEROUPPER()
	RET()
}

func (w width) levelGroup(dst, src Register, keys, in, out []Op) {
	x := w.vectors(4)
	for i, z := range w.load(src, 2, in) {
		VSHUFI64X2(U8(0x50), z, z, x[2*i])   // lanes 0 0 1 1
		VSHUFI64X2(U8(0xfa), z, z, x[2*i+1]) // lanes 2 2 3 3
	}
	s := w.vectors(4)
	for i := range s {
		w.xor(keys[0], x[i], s[i])
	}
	permute(s, keys)
	for i := range s {
		w.xor(x[i], s[i], s[i])
	}
	w.store(s, dst, out)
}

// genNarrowLevel takes a left child without its sibling first, then nodes one by one, then four at a time.
func genNarrowLevel() {
	w := width{}
	dst, src, n, rk := levelHead(w.name("Level"))
	seek(dst, src, n)
	BTQ(U8(0), n)
	JCC(LabelRef("even"))
	Comment("8n bytes lie in the middle of the last node.")
	ADDQ(U8(8), src)
	w.narrowNodes(dst, src, n, rk, 1, 1)
	Label("even")
	TESTQ(U32(7), n)
	JZ(LabelRef("groups"))
	w.narrowNodes(dst, src, n, rk, 1, 2)
	JMP(LabelRef("even"))
	Label("groups")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	w.narrowNodes(dst, src, n, rk, 4, 2)
	JMP(LabelRef("groups"))
	Label("done")
	RET()
}

// narrowNodes steps back over some nodes and writes the first so many children of each.
func (w width) narrowNodes(dst, src, n, rk GPVirtual, nodes, children int) {
	SUBQ(U8(16*nodes), src)
	SUBQ(U8(16*nodes*children), dst)
	SUBQ(U8(nodes*children), n)
	x := w.load(src, nodes, nil)
	s := w.vectors(nodes * children)
	for i := range s {
		VPXOR(Mem{Base: rk, Disp: 16 * (i % children)}, x[i/children], s[i])
	}
	for r := 1; r < 11; r++ {
		for i := range s {
			key := Mem{Base: rk, Disp: 32*r + 16*(i%children)}
			if r < 10 {
				VAESENC(key, s[i], s[i])
			} else {
				VAESENCLAST(key, s[i], s[i])
			}
		}
	}
	for i := range s {
		VPXOR(x[i/children], s[i], s[i])
	}
	w.store(s, dst, nil)
}
