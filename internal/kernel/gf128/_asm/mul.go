package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// reduce returns z0 + z1·x^64 + z2·x^128 modulo the field polynomial; z1, z2 are consumed. First the top word, whose
// multiple of q falls on z1; then the two words of x^128 and x^192 that are left make one, u, since q is short.
func (w width) reduce(z0, z1, z2, q, high VecVirtual) VecVirtual {
	w.add(z1, w.clmul(hiLo, z2, q))
	if !w.zmm {
		s := w.vector()
		VPSRLDQ(U8(8), z1, s)
		w.add(s, z2)
		w.add(z0, w.raise(z1), w.clmul(loLo, s, q))
		return z0
	}
	s := w.vector()
	VPSHUFD(U8(0x4e), z1, s)
	w.add(z2, s)
	VPTERNLOGQ(U8(xorAnd), high, s, z0)
	w.add(z0, w.clmul(loLo, z2, q))
	return z0
}

// genMul: four word products and a reduction. Karatsuba's three cost two shuffles, on Intel on the same port.
func (w width) genMul() {
	TEXT(w.name("Mul"), NOSPLIT, "func(dst, a, b *byte, n int)")
	Doc(w.name("Mul") + " sets dst[i] = a[i]·b[i] for n elements.")
	Pragma("noescape")
	dst, a, b, n := argument("dst"), argument("a"), argument("b"), argument("n")
	q := w.broadcast(w.q)
	high := w.broadcast(w.highWord)
	w.forward(n, []Register{dst, a, b}, func(regs int, mask []Op) {
		for i := range regs {
			at := w.bytes() * i
			x, y := w.load(Mem{Base: a, Disp: at}, mask[i]), w.load(Mem{Base: b, Disp: at}, mask[i])
			z0, z1, z2 := w.clmul(loLo, x, y), w.clmul(loHi, x, y), w.clmul(hiHi, x, y)
			w.add(z1, w.clmul(hiLo, x, y))
			w.store(w.reduce(z0, z1, z2, q, high), Mem{Base: dst, Disp: at}, mask[i])
		}
	}, func() {})
}

// genMulConst uses that c' = c·x^64 is known: a·c = a.lo·c + a.hi·c' has three words, of which only the top one is to be
// reduced. Five word products and one shuffle, against six and one.
func (w width) genMulConst(add bool) {
	op, doc := "MulConst", " sets dst[i] = c·src[i] for n elements."
	if add {
		op, doc = "MulConstAdd", " adds c·src[i] to dst[i] for n elements."
	}
	TEXT(w.name(op), NOSPLIT, "func(dst, src *byte, n int, c *byte)")
	Doc(w.name(op) + doc)
	Pragma("noescape")
	dst, src, n := argument("dst"), argument("src"), argument("n")
	q := w.broadcast(w.q)
	c := w.broadcast(Mem{Base: argument("c")})
	raised := w.raise(c)
	w.add(raised, w.clmul(hiLo, c, q))
	w.forward(n, []Register{dst, src}, func(regs int, mask []Op) {
		for i := range regs {
			at := w.bytes() * i
			a := w.load(Mem{Base: src, Disp: at}, mask[i])
			z1 := w.clmul(loHi, a, c)
			w.add(z1, w.clmul(hiHi, a, raised))
			z0 := w.clmul(loLo, a, c)
			w.add(z0, w.clmul(hiLo, a, raised), w.raise(z1))
			if add {
				w.add(z0, w.clmul(hiLo, z1, q), w.load(Mem{Base: dst, Disp: at}, mask[i]))
			} else {
				w.add(z0, w.clmul(hiLo, z1, q))
			}
			w.store(z0, Mem{Base: dst, Disp: at}, mask[i])
		}
	}, func() {})
}

// genHorner keeps a group's accumulators in registers over all coefficients, highest first.
func (w width) genHorner() {
	TEXT(w.name("Horner"), NOSPLIT, "func(dst, x *byte, n int, c *byte, terms int)")
	Doc(w.name("Horner") + " sets dst[i] = c[0]·x[i] + c[1]·x[i]² + … with 0 < terms for n elements.")
	Pragma("noescape")
	dst, x, n, c, end := argument("dst"), argument("x"), argument("n"), argument("c"), argument("terms")
	SHLQ(U8(4), end)
	ADDQ(c, end)
	q := w.broadcast(w.q)
	high := w.broadcast(w.highWord)
	loop := 0
	w.forward(n, []Register{dst, x}, func(regs int, mask []Op) {
		acc, point := make([]VecVirtual, regs), make([]VecVirtual, regs)
		for i := range regs {
			acc[i] = w.zero()
			point[i] = w.load(Mem{Base: x, Disp: w.bytes() * i}, mask[i])
		}
		at := GP64()
		MOVQ(end, at)
		loop++
		label := fmt.Sprintf("terms%d", loop)
		Label(label)
		SUBQ(U8(16), at)
		k := w.broadcast(Mem{Base: at})
		for i := range regs {
			w.add(acc[i], k)
			z0, z1, z2 := w.clmul(loLo, acc[i], point[i]), w.clmul(loHi, acc[i], point[i]), w.clmul(hiHi, acc[i], point[i])
			w.add(z1, w.clmul(hiLo, acc[i], point[i]))
			w.move(w.reduce(z0, z1, z2, q, high), acc[i])
		}
		CMPQ(at, c)
		JNE(LabelRef(label))
		for i := range regs {
			w.store(acc[i], Mem{Base: dst, Disp: w.bytes() * i}, mask[i])
		}
	}, func() {})
}

// genInner adds up unreduced products and reduces once.
func (w width) genInner() {
	TEXT(w.name("Inner"), NOSPLIT, "func(out, a, b *byte, n int)")
	Doc(w.name("Inner") + " sets out = Σ a[i]·b[i] over n elements.")
	Pragma("noescape")
	a, b, n := argument("a"), argument("b"), argument("n")
	z0, z1, z2 := w.zero(), w.zero(), w.zero()
	w.forward(n, []Register{a, b}, func(regs int, mask []Op) {
		for i := range regs {
			at := w.bytes() * i
			x, y := w.load(Mem{Base: a, Disp: at}, mask[i]), w.load(Mem{Base: b, Disp: at}, mask[i])
			w.add(z0, w.clmul(loLo, x, y))
			w.add(z1, w.clmul(loHi, x, y), w.clmul(hiLo, x, y))
			w.add(z2, w.clmul(hiHi, x, y))
		}
	}, func() {
		x := width{tables: w.tables}
		if w.zmm {
			for _, z := range []VecVirtual{z0, z1, z2} {
				foldLanes(z)
			}
		}
		q := x.broadcast(w.q)
		x.store(x.reduce(z0.AsX().(VecVirtual), z1.AsX().(VecVirtual), z2.AsX().(VecVirtual), q, nil), Mem{Base: argument("out")}, nil)
	})
}

// foldLanes adds the lanes of z into its lowest.
func foldLanes(z VecVirtual) {
	t := ZMM()
	VSHUFI64X2(U8(0x4e), z, z, t)
	VPXORQ(t, z, z)
	VSHUFI64X2(U8(0xb1), z, z, t)
	VPXORQ(t, z, z)
}
