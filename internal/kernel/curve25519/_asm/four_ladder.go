package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fourRung is the state of one ladder of 4 lanes: as rung, with a and c sums, b and d differences.
type fourRung struct {
	a, b, c, d                              Mem
	first, second, aa, bb, cb, e, f, x2, z2 Mem
	s, t, x3, x1                            Mem
}

const fourRungElements = 17

func newFourRung(f *frame) *fourRung {
	return &fourRung{
		a: f.four(), b: f.four(), c: f.four(), d: f.four(),
		first: f.four(), second: f.four(), aa: f.four(), bb: f.four(), cb: f.four(), e: f.four(), f: f.four(),
		x2: f.four(), z2: f.four(), s: f.four(), t: f.four(), x3: f.four(), x1: f.four(),
	}
}

// step is one step of RFC 7748 §5; see phases. Multiplications that do not depend on each other stand side by side.
func (r *fourRung) step(v *fours, choice reg.VecPhysical) {
	v.choose(r.first, r.a, r.c, choice)
	v.choose(r.second, r.b, r.d, choice)
	v.square(r.first, false)
	v.store(r.aa)
	v.mul(r.c, r.b)
	v.store(r.cb)
	v.square(r.second, true)
	v.store(r.bb)
	v.difference(r.e, r.aa)
	v.mul(r.d, r.a)
	v.crosswise(r.cb, r.s, r.t)
	v.scaled(r.bb, r.e)
	v.store(r.f)
	v.square(r.t, true)
	v.store(r.t)
	v.mul(r.aa, r.bb)
	v.store(r.x2)
	v.square(r.s, false)
	v.store(r.x3)
	v.mul(r.e, r.f)
	v.store(r.z2)
	v.crosswise(r.x2, r.a, r.b)
	v.mul(r.t, r.x1)
	v.crosswise(r.x3, r.c, r.d)
}

// double is the half of a step that makes a and b.
func (r *fourRung) double(v *fours, choice reg.VecPhysical) {
	v.choose(r.first, r.a, r.c, choice)
	v.choose(r.second, r.b, r.d, choice)
	v.square(r.first, false)
	v.store(r.aa)
	v.square(r.second, true)
	v.store(r.bb)
	v.difference(r.e, r.aa)
	v.scaled(r.bb, r.e)
	v.store(r.f)
	v.mul(r.aa, r.bb)
	v.store(r.x2)
	v.mul(r.e, r.f)
	v.store(r.z2)
	v.crosswise(r.x2, r.a, r.b)
}

// ladderFour has the same shape as ladder: step 0 and the last three are doublings.
func ladderFour() {
	TEXT("ladderFour", 0, "func(x, z, u *[10][4]uint64, choice *[255]uint8)")
	f := newFrame(fourRungElements + 1)
	v := newFours(f)
	r := newFourRung(f)
	u := Load(Param("u"), GP64())
	choice := Load(Param("choice"), GP64())
	r.begin(v, fourAt(u, 0))
	i := GP64()
	run := func(part func(*fours, reg.VecPhysical)) {
		VPBROADCASTB(Mem{Base: choice, Index: i, Scale: 1}, v.left)
		part(v, v.left)
		INCQ(i)
	}
	XORQ(i, i)
	Label("doubleFour")
	run(r.double)
	CMPQ(i, Imm(255))
	JEQ(LabelRef("doneFour"))
	CMPQ(i, Imm(1))
	JNE(LabelRef("doubleFour"))
	Label("stepFour")
	run(r.step)
	CMPQ(i, Imm(252))
	JNE(LabelRef("stepFour"))
	JMP(LabelRef("doubleFour"))
	Label("doneFour")
	x, z := Load(Param("x"), GP64()), Load(Param("z"), GP64())
	v.load(r.x2)
	v.store(fourAt(x, 0))
	v.load(r.z2)
	v.store(fourAt(z, 0))
	v.wipe(f)
	VZEROUPPER()
	RET()
}

// begin sets (x3 : z3) = (u : 1), which step 0 doubles; a and b are its result.
func (r *fourRung) begin(v *fours, u Mem) {
	v.load(u)
	v.store(r.x1)
	VPADDQ(fourOf(1), v.acc[0], v.acc[0])
	v.store(r.a)
	v.store(r.c)
	v.load(u)
	for i, x := range v.acc {
		VPADDQ(lift(i), x, x)
	}
	VMOVDQU(fourOf(1), v.left)
	VPSUBQ(v.left, v.acc[0], v.acc[0])
	v.store(r.b)
	v.store(r.d)
}

// choose sets dst to second where the mask is set and to first elsewhere.
func (v *fours) choose(dst, first, second Mem, mask reg.VecPhysical) {
	for i := range fourLimbs {
		t, u := v.temporary(), v.temporary()
		VMOVDQU(limbOfFour(first, i), t)
		VPXOR(limbOfFour(second, i), t, u)
		VPAND(mask, u, u)
		VPXOR(u, t, t)
		VMOVDQU(t, limbOfFour(dst, i))
	}
}

// crosswise stores the sum and the difference x − z of a settled element in memory and the settled one in acc.
func (v *fours) crosswise(x, sum, diff Mem) {
	for i, z := range v.acc {
		t, u := v.temporary(), v.temporary()
		VMOVDQU(limbOfFour(x, i), t)
		VPADDQ(z, t, u)
		VMOVDQU(u, limbOfFour(sum, i))
		VPADDQ(lift(i), t, t)
		VPSUBQ(z, t, t)
		VMOVDQU(t, limbOfFour(diff, i))
	}
}

// difference stores x − z of a settled element in memory and the settled one in acc.
func (v *fours) difference(dst, x Mem) {
	for i, z := range v.acc {
		t := v.temporary()
		VMOVDQU(limbOfFour(x, i), t)
		VPADDQ(lift(i), t, t)
		VPSUBQ(z, t, t)
		VMOVDQU(t, limbOfFour(dst, i))
	}
}

// scaled leaves bb + 121666·e in acc, settled; its columns are below 2^45.
func (v *fours) scaled(bb, e Mem) {
	VMOVDQU(fourOf(121666), v.left)
	for i, r := range v.acc {
		VPMULUDQ(limbOfFour(e, i), v.left, r)
		VPADDQ(limbOfFour(bb, i), r, r)
	}
	v.carry(false)
}
