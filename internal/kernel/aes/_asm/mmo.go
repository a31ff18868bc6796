package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func (w width) genMMO() {
	TEXT(w.name("MMO"), NOSPLIT, "func(dst, src *byte, n int, rk *byte)")
	Doc(w.name("MMO") + " sets dst = π(src) ⊕ src for n blocks under the 11 round keys at rk.")
	Pragma("noescape")
	dst, src, n := argument("dst"), argument("src"), argument("n")
	keys := w.roundKeys(argument("rk"))
	w.forward(n, w.group(), []Register{dst, src}, func(regs int, mask []Op) {
		s := w.load(src, regs, mask)
		for _, v := range s {
			w.xor(keys[0], v, v)
		}
		permute(s, keys)
		for i, x := range w.again(src, regs, mask) {
			w.xor(x, s[i], s[i])
		}
		w.store(s, dst, mask)
	})
}

// again is what load has read, as operands: in memory, or in registers if there are masks. It costs no instruction
// and holds no register meanwhile.
func (w width) again(at Register, regs int, mask []Op) []Op {
	out := make([]Op, regs)
	for i := range out {
		out[i] = Mem{Base: at, Disp: w.bytes() * i}
	}
	if mask != nil {
		for i, v := range w.load(at, regs, mask) {
			out[i] = v
		}
	}
	return out
}

// genTMMO parks π(x) in dst, where the second pass finds it again.
func (w width) genTMMO() {
	TEXT(w.name("TMMO"), NOSPLIT, "func(dst, src *byte, n int, rk *byte, first uint64)")
	Doc(w.name("TMMO") + " sets dst[i] = π(π(src[i]) ⊕ (first+i)) ⊕ π(src[i]) for n blocks under the 11 round keys at rk.")
	Pragma("noescape")
	dst, src, n := argument("dst"), argument("src"), argument("n")
	keys := w.roundKeys(argument("rk"))
	tweak, step := w.counters(argument("first"), nil)
	w.forward(n, w.group(), []Register{dst, src}, func(regs int, mask []Op) {
		s := w.load(src, regs, mask)
		for _, v := range s {
			w.xor(keys[0], v, v)
		}
		permute(s, keys)
		w.store(s, dst, mask)
		for _, v := range s {
			w.xor(keys[0], v, v)
			w.xor(tweak, v, v)
			VPADDQ(step, tweak, tweak)
		}
		permute(s, keys)
		for i, p := range w.again(dst, regs, mask) {
			w.xor(p, s[i], s[i])
		}
		w.store(s, dst, mask)
	})
}

// counters returns consecutive 128-bit integers from hi·2^64 + lo, one per lane, and what advances the low words to the
// next register. A nil hi is zero. The low words wrap at 2^64 without a carry.
func (w width) counters(lo, hi Register) (at, step VecVirtual) {
	x := XMM()
	VMOVQ(lo, x)
	if hi != nil {
		VPINSRQ(U8(1), hi, x, x)
	}
	if !w.zmm {
		return x, w.constant(w.one)
	}
	at = ZMM()
	VSHUFI64X2(U8(0), x.AsZ(), x.AsZ(), at)
	VPADDQ(w.lanes, at, at)
	return at, w.constant(w.four)
}

// genCounter emits AES-CTR: the bare key stream, or its sum with src.
func (w width) genCounter(add bool) {
	op, args, doc := "Counter", "func(dst *byte, n int, rk *byte, hi, lo uint64)", " sets dst[i] = π(hi·2^64 + lo + i)"
	if add {
		op, args, doc = "CounterXOR", "func(dst, src *byte, n int, rk *byte, hi, lo uint64)", " sets dst[i] = src[i] ⊕ π(hi·2^64 + lo + i)"
	}
	TEXT(w.name(op), NOSPLIT, args)
	Doc(w.name(op) + doc + " for n blocks. The counter is big-endian; lo + n may reach 2^64, not pass it.")
	Pragma("noescape")
	dst, n := argument("dst"), argument("n")
	pointers := []Register{dst}
	var src GPVirtual
	if add {
		src = argument("src")
		pointers = append(pointers, src)
	}
	keys := w.roundKeys(argument("rk"))
	at, step := w.counters(argument("lo"), argument("hi"))
	order := w.constant(w.reverse)
	w.forward(n, w.group(), pointers, func(regs int, mask []Op) {
		s := w.vectors(regs)
		for _, v := range s {
			VPSHUFB(order, at, v)
			w.xor(keys[0], v, v)
			VPADDQ(step, at, at)
		}
		permute(s, keys)
		if add {
			for i, x := range w.again(src, regs, mask) {
				w.xor(x, s[i], s[i])
			}
		}
		w.store(s, dst, mask)
	})
}
