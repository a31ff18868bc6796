package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The key schedule of AES-128 (FIPS 197 §5.2) on columns (w0, w1, w2, w3): with g = SubWord(RotWord(w3)) ⊕ rcon in every
// column and P the prefix sum over columns, the next key is K' = P(K) ⊕ g. VAESENCLAST on a word repeated in all columns
// is SubWord, since ShiftRows then does nothing, and adds rcon as its round key.

func genExpandKey(tab tables) {
	TEXT("expandKey", NOSPLIT, "func(rk, key *byte)")
	Doc("expandKey writes the 11 round keys of the AES-128 key at key to rk.")
	Pragma("noescape")
	rk := argument("rk")
	k, g, t, last := XMM(), XMM(), XMM(), XMM()
	VMOVDQU(Mem{Base: argument("key")}, k)
	VMOVDQU(tab.rotateLast, last)
	VMOVDQU(k, Mem{Base: rk})
	for r := range 10 {
		VPSHUFB(last, k, g)
		VAESENCLAST(tab.roundConstants.Offset(16*r), g, g)
		VPSLLDQ(U8(8), k, t)
		VPXOR(t, k, k)
		VPSLLDQ(U8(4), k, t)
		VPXOR(t, k, k)
		VPXOR(g, k, k)
		VMOVDQU(k, Mem{Base: rk, Disp: 16 * (r + 1)})
	}
	RET()
}

// genKeyed expands a key per lane beside the encryption. Two rounds at a time, since P∘P(K) = K ⊕ K≪64 =: A and
// P(g, g, g, g) = (g, 0, g, 0): K' = A ⊕ A≪32 ⊕ g' and K” = A ⊕ (g', 0, g', 0) ⊕ g”, two shifts in place of four.
func (w width) genKeyed() {
	TEXT(w.name("Keyed"), NOSPLIT, "func(dst, key, src *byte, n int)")
	Doc(w.name("Keyed") + " sets dst[i] = E(key[i], src[i]) ⊕ src[i] for n blocks.")
	Pragma("noescape")
	dst, key, src, n := argument("dst"), argument("key"), argument("src"), argument("n")
	last, even := w.constant(w.rotateLast), w.constant(w.evenColumns)
	w.forward(n, 4, []Register{dst, key, src}, func(regs int, mask []Op) {
		k := w.load(key, regs, mask)
		s := w.load(src, regs, mask)
		for i := range s {
			w.xor(k[i], s[i], s[i])
		}
		for r := 0; r < 10; r += 2 {
			c1, c2 := w.roundConstant(r), w.roundConstant(r+1)
			for i := range s {
				w.keyedRounds(k[i], s[i], last, even, c1, c2, r == 8)
			}
		}
		for i, x := range w.again(src, regs, mask) {
			w.xor(x, s[i], s[i])
		}
		w.store(s, dst, mask)
	})
}

// roundConstant is rcon in every column, as an operand.
func (w width) roundConstant(r int) Op {
	m := w.roundConstants.Offset(16 * r)
	if !w.zmm {
		return m
	}
	z := ZMM()
	VBROADCASTI32X4(m, z)
	return z
}

func (w width) keyedRounds(k, s, last, even VecVirtual, c1, c2 Op, final bool) {
	a, g, t := w.vector(), w.vector(), w.vector()
	VPSHUFB(last, k, g)
	VAESENCLAST(c1, g, g)
	VPSLLDQ(U8(8), k, a)
	w.xor(k, a, a)
	VPSLLDQ(U8(4), a, k)
	w.addTwo(g, a, k)
	VAESENC(k, s, s)
	VPSHUFB(last, k, t)
	VAESENCLAST(c2, t, t)
	if w.zmm {
		VPANDQ(even, g, g)
	} else {
		VPAND(even, g, g)
	}
	w.addTwo(g, t, a)
	w.move(a, k)
	if final {
		VAESENCLAST(k, s, s)
	} else {
		VAESENC(k, s, s)
	}
}

// addTwo sets d to d ⊕ a ⊕ b.
func (w width) addTwo(a, b, d VecVirtual) {
	if w.zmm {
		VPTERNLOGQ(U8(xor3), a, b, d)
		return
	}
	VPXOR(a, d, d)
	VPXOR(b, d, d)
}
