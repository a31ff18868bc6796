// Command _asm generates the convolution of package exconv. To regenerate, from the repository's root:
//
//	(cd internal/kernel/exconv/_asm && go run . -out ../convolve_amd64.s -stubs ../convolve_amd64.go -pkg exconv)
//
// The output is committed and depends on nothing but these files and the pinned avo.
//
// One entry is one block in an xmm register or, with two lanes, two in a ymm register: the instructions are the same. The
// ring of eight tables is unrolled, so that a table's place is part of the address. Per entry and tap nibble: one RORX,
// one AND and one VPXOR from memory. What bounds it is the way from an entry through its store to the table read of the
// next, about 6 cycles.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	group = 4
	slots = 8
	sums  = 16
	width = 24
)

func main() {
	ConstraintExpr("amd64,!purego")
	generate("avxConvolve", "one lane", 4, func() VecVirtual { return XMM() })
	generate("avxConvolveTwo", "two lanes", 5, func() VecVirtual { return YMM() })
	Generate()
}

// lanes is the width of an entry: 1<<shift bytes, in registers that vec makes.
type lanes struct {
	x, ring, taps Register
	shift         int
	vec           func() VecVirtual
}

func generate(name, doc string, shift int, vec func() VecVirtual) {
	TEXT(name, NOSPLIT, "func(x *byte, ring *uint64, taps *byte, n int)")
	Doc(name + " convolves n periods of 32 entries of " + doc + ", four bytes of taps each.")
	Pragma("noescape")
	l := lanes{Load(Param("x"), GP64()), Load(Param("ring"), GP64()), Load(Param("taps"), GP64()), shift, vec}
	n := Load(Param("n"), GP64())
	Label("period")
	for q := range slots {
		l.group(q)
	}
	ADDQ(U32(group*slots<<shift), l.x)
	ADDQ(U32(group*slots*4), l.taps)
	DECQ(n)
	JNZ(LabelRef("period"))
	VZEROUPPER()
	RET()
}

// sum is entry v of the table of group q, at the byte offset in index besides.
func (l lanes) sum(q, v int, index Register) Mem {
	m := Mem{Base: l.ring, Disp: ((q+slots)%slots*sums + v) << l.shift}
	if index != nil {
		m.Index, m.Scale = index, 1
	}
	return m
}

// entry loads the taps and the entry at place p of group q.
func (l lanes) entry(q, p int) (w GPVirtual, y VecVirtual) {
	w, y = GP32(), l.vec()
	MOVL(Mem{Base: l.taps, Disp: 4 * (group*q + p)}, w)
	if p > 0 {
		ANDL(U32(1<<width-1), w)
		ORL(U32(1<<width), w)
	}
	VMOVDQU(Mem{Base: l.x, Disp: (group*q + p) << l.shift}, y)
	return w, y
}

// add adds to y the sum of group q that the bits of w from bit at on select, count of them, as the highest bits of the
// table's index.
func (l lanes) add(y VecVirtual, w GPVirtual, q, at, count int) {
	i := GP32()
	RORXL(U8(uint(32+at-(group-count)-l.shift)%32), w, i)
	ANDL(U32(uint32(sums-1<<(group-count))<<l.shift), i)
	VPXOR(l.sum(q, 0, i.As64()), y, y)
}

func (l lanes) plus(a, b VecVirtual) VecVirtual {
	s := l.vec()
	VPXOR(a, b, s)
	return s
}

func (l lanes) set(q, v int, y VecVirtual) { VMOVDQU(y, l.sum(q, v, nil)) }

// group convolves group q. The table of the group grows meanwhile; see tables.run.
func (l lanes) group(q int) {
	var made []VecVirtual // the sums of the entries so far; the index of each is in at
	var at []int
	for p := range group {
		w, y := l.entry(q, p)
		if p == 0 {
			VPXOR(l.sum(q-7, 1, nil), y, y)
		}
		for k := 5; k >= 0; k-- {
			l.add(y, w, q-1-k, p+4*k, 4)
		}
		if p > 0 {
			l.add(y, w, q, 0, p)
		}
		bit := sums / 2 >> p
		l.set(q, bit, y)
		VMOVDQU(y, Mem{Base: l.x, Disp: (group*q + p) << l.shift})
		for i, m := range made[:len(made):len(made)] {
			s := l.plus(m, y)
			l.set(q, at[i]|bit, s)
			made, at = append(made, s), append(at, at[i]|bit)
		}
		made, at = append(made, y), append(at, bit)
	}
}
