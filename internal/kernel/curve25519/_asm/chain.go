package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// at is the i-th group of lanes behind a pointer.
func at(head reg.Register, i int) Mem { return Mem{Base: head, Disp: i * feBytes} }

// mulQuad multiplies four groups of lanes, two at a time.
func mulQuad() {
	TEXT("mulQuad", NOSPLIT, "func(dst, a, b *[4][5][8]uint64)")
	dst, a, b := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	p, q := halves()
	for i := 0; i < 4; i += 2 {
		for j, h := range []*half{p, q} {
			h.mul(at(a, i+j), at(b, i+j), false)
			h.settle(h.acc[:5])
			h.storeAll(at(dst, i+j), h.acc[:5])
		}
		emit(p, q)
	}
	VZEROUPPER()
	RET()
}

// squareQuad squares four groups n times. Two at a time are bound by latency; the other two fill the gaps, and memory
// keeps what the registers cannot.
func squareQuad() {
	TEXT("squareQuad", 0, "func(dst, a *[4][5][8]uint64, n int)")
	f := newFrame(4)
	dst, a, n := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("n"), GP64())
	p, q := halves()
	x := []Mem{f.element(), f.element(), f.element(), f.element()}
	copyQuad(p, q, x, []Mem{at(a, 0), at(a, 1), at(a, 2), at(a, 3)})
	Label("square")
	for i := 0; i < 4; i += 2 {
		for j, h := range []*half{p, q} {
			h.loadArg(x[i+j])
			h.square(false)
			h.settle(h.acc[:5])
			h.storeAll(x[i+j], h.acc[:5])
		}
		emit(p, q)
	}
	DECQ(n)
	JNZ(LabelRef("square"))
	copyQuad(p, q, []Mem{at(dst, 0), at(dst, 1), at(dst, 2), at(dst, 3)}, x)
	wipe(p, f)
	VZEROUPPER()
	RET()
}

func copyQuad(p, q *half, dst, src []Mem) {
	for i := range dst {
		h := []*half{p, q}[i%2]
		h.loadArg(src[i])
		h.storeAll(dst[i], h.arg[:])
	}
	emit(p, q)
}
