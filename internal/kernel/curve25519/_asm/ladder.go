package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// frame hands out 64-byte aligned field elements in the stack frame: a vector load that straddles two cache lines costs
// twice.
type frame struct {
	head reg.GPVirtual
	at   int
}

func newFrame(elements int) *frame {
	local := AllocLocal(elements*feBytes + 64)
	f := &frame{head: GP64()}
	LEAQ(local.Offset(63), f.head)
	ANDQ(I8(-64), f.head)
	return f
}

func (f *frame) element() Mem {
	m := Mem{Base: f.head, Disp: f.at}
	f.at += feBytes
	return m
}

// rung is the state of one ladder of 8 lanes. It lives on sums and differences of the two points: a = x2+z2, b = x2−z2,
// c = x3+z3, d = x3−z3.
type rung struct {
	a, b, c, d                      Mem // settled
	s, t, aa, bb, e, f, x1          Mem // settled
	aaLifted, bbRaw, x2Lift, x3Lift Mem // lifted or raw
}

const rungElements = 15

func newRung(f *frame) *rung {
	return &rung{
		a: f.element(), b: f.element(), c: f.element(), d: f.element(),
		s: f.element(), t: f.element(), aa: f.element(), bb: f.element(), e: f.element(), f: f.element(), x1: f.element(),
		aaLifted: f.element(), bbRaw: f.element(), x2Lift: f.element(), x3Lift: f.element(),
	}
}

// phase is a piece of a step, in two streams.
type phase func(r *rung, p, q *half)

// phases is one step of RFC 7748 §5. The differential addition depends on the order of its inputs only by the sign of
// da−cb, which is squared, so only the doubling chooses its input, by a mask register that all lanes share. A result is
// used one phase later at the earliest.
var phases = []phase{
	func(r *rung, p, q *half) { // s = da + cb, t = da − cb
		p.mul(r.c, r.b, false)
		q.mul(r.d, r.a, true)
		emit(p, q)
		for k := range 5 {
			p.add(p.acc[5+k], q.acc[k], p.acc[k])
			q.sub(q.acc[5+k], q.acc[k], p.acc[k])
		}
		p.settle(p.acc[5:])
		p.storeAll(r.s, p.acc[5:])
		q.settle(q.acc[5:])
		q.storeAll(r.t, q.acc[5:])
	},
	squares,
	func(r *rung, p, q *half) { // t = t², x3 = s²
		p.loadArg(r.t)
		p.square(false)
		p.settle(p.acc[:5])
		p.storeAll(r.t, p.acc[:5])
		q.loadArg(r.s)
		q.square(true)
		q.storeAll(r.x3Lift, q.acc[:5])
	},
	products,
	func(r *rung, p, q *half) { // z3 = x1·t, z2 = e·f, and the next a, b, c, d
		p.mul(r.t, r.x1, false)
		p.crosswise(r.x3Lift, r.c, r.d)
		q.mul(r.e, r.f, false)
		q.crosswise(r.x2Lift, r.a, r.b)
	},
}

// doubling is the half of a step that makes a and b.
var doubling = []phase{
	squares,
	products,
	func(r *rung, p, _ *half) { // z2 = e·f
		p.mul(r.e, r.f, false)
		p.crosswise(r.x2Lift, r.a, r.b)
	},
}

// squares sets aa = (a or c)², bb = (b or d)².
func squares(r *rung, p, q *half) {
	p.choose(r.a, r.c)
	p.square(true)
	p.storeAll(r.aaLifted, p.acc[:5])
	p.settle(p.acc[:5])
	p.storeAll(r.aa, p.acc[:5])
	q.choose(r.b, r.d)
	q.square(false)
	q.storeAll(r.bbRaw, q.acc[:5])
	q.settle(q.acc[:5])
	q.storeAll(r.bb, q.acc[:5])
}

// products sets x2 = aa·bb, e = aa − bb, f = bb + a24·e.
func products(r *rung, p, q *half) {
	p.mul(r.aa, r.bb, true)
	p.storeAll(r.x2Lift, p.acc[:5])
	q.difference(r.aaLifted, r.bbRaw, r.e)
	q.scaled(r.bbRaw, r.f)
}

// ladder runs two ladders, phase by phase in turn, so that every phase has an independent one before and after it. A
// clamped scalar fixes bit 254, which makes step 0 the doubling of u, and bits 2 to 0, after which only a and b matter:
// those four steps are doublings.
func ladder() {
	TEXT("ladderPair", 0, "func(x, z, u *[2][5][8]uint64, choice *[255]uint8)")
	f := newFrame(2 * rungElements)
	rungs := []*rung{newRung(f), newRung(f)}
	p, q := halves()

	u := Load(Param("u"), GP64())
	choice := Load(Param("choice"), GP64())
	for i, h := range []*half{p, q} {
		h.begin(at(u, i), rungs[i])
	}
	emit(p, q)

	i, bit := GP64(), GP32()
	run := func(phases []phase) {
		MOVBLZX(Mem{Base: choice, Index: i, Scale: 1}, bit)
		KMOVB(bit, reg.K1)
		for _, part := range phases {
			for _, r := range rungs {
				part(r, p, q)
				emit(p, q)
			}
		}
		INCQ(i)
	}
	XORQ(i, i)
	Label("double")
	run(doubling)
	CMPQ(i, Imm(255))
	JEQ(LabelRef("done"))
	CMPQ(i, Imm(1))
	JNE(LabelRef("double"))
	Label("step")
	run(phases)
	CMPQ(i, Imm(252))
	JNE(LabelRef("step"))
	JMP(LabelRef("double"))
	Label("done")

	x, z := Load(Param("x"), GP64()), Load(Param("z"), GP64())
	for i, h := range []*half{p, q} {
		h.finish(rungs[i], at(x, i), at(z, i))
	}
	emit(p, q)
	wipe(p, f)
	VZEROUPPER()
	RET()
}

// begin sets (x3 : z3) = (u : 1), which step 0 doubles; a and b are its result. Limbs 0 to 3 of u are masked, because
// they are added to.
func (h *half) begin(u Mem, r *rung) {
	one, low, high := h.acc[0], h.acc[1], h.acc[2]
	v, w := h.acc[5:], append(append([]reg.VecPhysical{}, h.arg[3:]...), h.acc[3], h.acc[4], h.arg[0])
	h.constant(one, 1)
	h.constant(low, liftLow)
	h.constant(high, liftHigh)
	h.loadMasked(v, u)
	h.storeAll(r.x1, v)
	for i := range 5 {
		h.add(w[i], v[i], []reg.VecPhysical{low, high, high, high, high}[i])
	}
	h.sub(w[0], w[0], one)
	h.add(v[0], v[0], one)
	h.settle(v)
	h.storeAll(r.c, v)
	h.storeAll(r.a, v)
	h.settle(w)
	h.storeAll(r.d, w)
	h.storeAll(r.b, w)
}

// finish writes x = a+b and z = a−b, which are twice the coordinates.
func (h *half) finish(r *rung, x, z Mem) {
	low, high, b := h.arg[3], h.arg[4], h.tmp
	h.loadMasked(h.acc[:5], r.a)
	h.loadMasked(h.acc[5:], r.b)
	h.constant(low, liftLow)
	h.constant(high, liftHigh)
	for i := range 5 {
		h.do(func() { VMOVDQA64(h.acc[5+i], b) })
		h.sub(h.acc[5+i], h.acc[i], b)
		h.add(h.acc[5+i], h.acc[5+i], []reg.VecPhysical{low, high, high, high, high}[i])
		h.add(h.acc[i], h.acc[i], b)
	}
	h.settle(h.acc[:5])
	h.storeAll(x, h.acc[:5])
	h.settle(h.acc[5:])
	h.storeAll(z, h.acc[5:])
}

// loadMasked loads a settled element with the bits that do not count cleared.
func (h *half) loadMasked(r []reg.VecPhysical, m Mem) {
	h.constant(h.arg[2], 1<<52-1)
	for i := range 5 {
		h.load(r[i], limb(m, i))
		if i < 4 {
			h.do(func() { VPANDQ(h.arg[2], r[i], r[i]) })
		}
	}
}

// wipe clears the frame: every intermediate point is as secret as the scalar.
func wipe(h *half, f *frame) {
	h.zero(h.tmp)
	for at := 0; at < f.at; at += limbBytes {
		h.store(Mem{Base: f.head, Disp: at}, h.tmp)
	}
	emit(h, new(half))
}

// choose loads arg with second where the mask is set and with first elsewhere.
func (h *half) choose(first, second Mem) {
	h.loadArg(first)
	for i := range 5 {
		h.do(func() { VPBLENDMQ(limb(second, i), h.arg[i], reg.K1, h.arg[i]) })
	}
}

// crosswise settles sum and difference of a lifted element in memory and the raw product in acc.
func (h *half) crosswise(lifted, sum, diff Mem) {
	for i := range 5 {
		h.load(h.tmp, limb(lifted, i))
		h.sub(h.acc[5+i], h.tmp, h.acc[i])
		h.add(h.acc[i], h.tmp, h.acc[i])
	}
	h.settle(h.acc[:5])
	h.storeAll(sum, h.acc[:5])
	h.settle(h.acc[5:])
	h.storeAll(diff, h.acc[5:])
}

// difference settles lifted − raw into acc[0:5] and dst.
func (h *half) difference(lifted, raw, dst Mem) {
	for i := range 5 {
		h.load(h.acc[i], limb(lifted, i))
		h.do(func() { VPSUBQ(limb(raw, i), h.acc[i], h.acc[i]) })
	}
	h.settle(h.acc[:5])
	h.storeAll(dst, h.acc[:5])
}

// scaled settles raw + 121666·e, with e in acc[0:5]. Limb 4 of e times 121666 is below 2^64: its high half is below
// 2^12, and times 608 below 2^22. The columns are below 10·2^52 + 2·2^52 + 2^23.
func (h *half) scaled(raw, dst Mem) {
	fold, c, top := h.arg[0], h.arg[3], h.arg[4]
	e, r := h.acc[:5], h.acc[5:]
	h.constant(c, 121666)
	h.constant(fold, foldHigh)
	for i := range 5 {
		h.load(r[i], limb(raw, i))
	}
	h.zero(top)
	h.hi(top, e[4], c)
	for i := range 5 {
		h.lo(r[i], e[i], c)
	}
	for i := range 4 {
		h.hi(r[i+1], e[i], c)
	}
	h.lo(r[0], top, fold)
	h.settle(r)
	h.storeAll(dst, r)
}
