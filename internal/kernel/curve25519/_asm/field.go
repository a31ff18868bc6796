package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A field element is five limbs of radix 2^52 in each of 8 lanes; 2^255 ≡ 19 and 2^260 ≡ 608. It occurs in two forms.
//
// Settled: what VPMADD52 may multiply. The low 52 bits of limbs 0 to 3 count (the instruction reads no others, so they
// are not masked away), and limb 4 is below 2^47 + 2^11 (settle leaves less: 2^47 + 2^6).
//
// Raw: five 64-bit columns, each below 37·2^52, all bits counting.
//
//	product    below 10·2^52 + 2^10   (see mul)
//	lifted     product + lift, below 26·2^52 + 2^10
//	sum        lifted + product, below 36·2^52 + 2^11
//	difference lifted − product: lift is at least 2^56 − 9728 > 10·2^52 + 2^10 per column, so no column goes below
//	           zero; below 26·2^52 + 2^10
//
// lift is 512·p spread over the columns: (2^56 − 9728) + (2^56 − 16)·(2^52 + 2^104 + 2^156 + 2^208) = 2^264 − 9728.
const (
	limbBytes = 64
	feBytes   = 5 * limbBytes

	liftLow  = 1<<56 - 9728
	liftHigh = 1<<56 - 16
	topMask  = 1<<47 - 1
	foldTop  = 19  // 2^255
	foldHigh = 608 // 2^260
)

// half is 16 of the 32 registers: enough for one multiplication. Two halves run as two interleaved streams of
// instructions, because one multiplication alone is bound by the 4-cycle latency of VPMADD52.
type half struct {
	acc [10]reg.VecPhysical // columns
	arg [5]reg.VecPhysical  // one operand while multiplying, constants afterwards
	tmp reg.VecPhysical
	ops []func()
}

func halves() (*half, *half) {
	z := registers()
	p, q := new(half), new(half)
	for i, h := range []*half{p, q} {
		copy(h.acc[:], z[16*i:])
		copy(h.arg[:], z[16*i+10:])
		h.tmp = z[16*i+15]
	}
	return p, q
}

func registers() []reg.VecPhysical {
	return []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
}

// emit writes the two streams, one instruction of each in turn, the longer one's rest at the end.
func emit(p, q *half) {
	for i := range max(len(p.ops), len(q.ops)) {
		if i < len(p.ops) {
			p.ops[i]()
		}
		if i < len(q.ops) {
			q.ops[i]()
		}
	}
	p.ops, q.ops = nil, nil
}

func (h *half) do(f func()) { h.ops = append(h.ops, f) }

func (h *half) load(dst reg.VecPhysical, m Mem)  { h.do(func() { VMOVDQU64(m, dst) }) }
func (h *half) store(m Mem, src reg.VecPhysical) { h.do(func() { VMOVDQU64(src, m) }) }
func (h *half) zero(r reg.VecPhysical)           { h.do(func() { VPXORQ(r, r, r) }) }
func (h *half) constant(dst reg.VecPhysical, v uint64) {
	h.do(func() { VPBROADCASTQ(word(v), dst) })
}
func (h *half) lo(acc, a, b reg.VecPhysical)        { h.do(func() { VPMADD52LUQ(a, b, acc) }) }
func (h *half) hi(acc, a, b reg.VecPhysical)        { h.do(func() { VPMADD52HUQ(a, b, acc) }) }
func (h *half) add(dst, a, b reg.VecPhysical)       { h.do(func() { VPADDQ(a, b, dst) }) }
func (h *half) sub(dst, a, b reg.VecPhysical)       { h.do(func() { VPSUBQ(b, a, dst) }) }
func (h *half) shift(dst, a reg.VecPhysical, n int) { h.do(func() { VPSRLQ(Imm(uint64(n)), a, dst) }) }

// word is a constant in memory; broadcasting it costs a load and no vector port.
func word(v uint64) Mem {
	if m, ok := words[v]; ok {
		return m
	}
	words[v] = ConstData(fmt.Sprintf("word%x", v), U64(v))
	return words[v]
}

var words = map[uint64]Mem{}

func limb(m Mem, i int) Mem { return m.Offset(i * limbBytes) }

// start gives a column its first value: nothing, or its part of lift (half of it where the column will be doubled).
func (h *half) start(k int, lift, doubled bool) {
	switch {
	case !lift || k > 4:
		h.zero(h.acc[k])
	case k == 0:
		h.constant(h.acc[k], liftLow)
	case doubled:
		h.constant(h.acc[k], liftHigh/2)
	default:
		h.constant(h.acc[k], liftHigh)
	}
}

// mul leaves the raw product of two settled elements in acc[0:5].
//
// Column k of the ten sums at most nine terms below 2^52 (five low halves and four high ones). Column 9 is the high half
// of limb 4 times limb 4, at most 2^42 + 2^8, and a carry.
func (h *half) mul(a, b Mem, lift bool) {
	for j := range 5 {
		h.load(h.arg[j], limb(b, j))
	}
	for k := range 5 {
		h.start(k, lift, false)
	}
	for i := range 5 {
		h.load(h.tmp, limb(a, i))
		for j := range 5 {
			h.lo(h.acc[i+j], h.tmp, h.arg[j])
		}
		h.zero(h.acc[i+5])
		for j := range 5 {
			h.hi(h.acc[i+j+1], h.tmp, h.arg[j])
		}
	}
	h.fold()
}

// square leaves the raw square of the settled element in arg in acc[0:5].
func (h *half) square(lift bool) {
	a := h.arg
	for k := range 5 {
		h.start(k, lift, true)
	}
	h.zero(h.acc[5])
	h.zero(h.acc[6])
	for _, p := range [][2]int{{0, 1}, {0, 2}, {0, 3}, {1, 3}, {2, 3}, {1, 2}} {
		i, j := p[0], p[1]
		h.lo(h.acc[i+j], a[i], a[j])
		h.hi(h.acc[i+j+1], a[i], a[j])
	}
	h.add(h.tmp, a[4], a[4]) // below 2^48 + 2^12
	for k := 1; k <= 6; k++ {
		h.add(h.acc[k], h.acc[k], h.acc[k])
	}
	h.zero(h.acc[7])
	h.zero(h.acc[8])
	h.zero(h.acc[9])
	for i := range 4 {
		h.lo(h.acc[4+i], a[i], h.tmp)
	}
	for i := range 4 {
		h.hi(h.acc[5+i], a[i], h.tmp)
	}
	for i := range 5 {
		h.lo(h.acc[2*i], a[i], a[i])
		h.hi(h.acc[2*i+1], a[i], a[i])
	}
	h.fold()
}

// fold adds columns 5 to 9 times 608 to columns 0 to 4. What column k ≥ 5 has above 2^52 goes to column k+1 first.
// Column 9 times 608 is below 608·(2^42 + 2^9) < 2^52: it has no high half. Each result is below
// 9·2^52 + 2^52 + 608.
func (h *half) fold() {
	c := h.arg[0]
	h.constant(c, foldHigh)
	for k := 5; k < 9; k++ {
		h.shift(h.tmp, h.acc[k], 52)
		h.lo(h.acc[k-5], h.acc[k], c)
		h.add(h.acc[k+1], h.acc[k+1], h.tmp)
		h.hi(h.acc[k-4], h.acc[k], c)
	}
	h.lo(h.acc[4], h.acc[9], c)
}

// settle turns a raw element into a settled one, in place: bits from 2^255 on return times 19, then each limb passes on
// what it has from bit 52 on. Raw columns below 37·2^52 pass on less than 2^10·19 to limb 0, at most 37 to the others:
// limb 4 stays below 2^47 + 2^6.
func (h *half) settle(r []reg.VecPhysical) {
	mask, c := h.arg[1], h.arg[2]
	h.constant(mask, topMask)
	h.constant(c, foldTop)
	h.shift(h.tmp, r[4], 47)
	h.do(func() { VPANDQ(mask, r[4], r[4]) })
	h.lo(r[0], h.tmp, c)
	for k := range 4 {
		h.shift(h.tmp, r[k], 52)
		h.add(r[k+1], r[k+1], h.tmp)
	}
}

func (h *half) storeAll(m Mem, r []reg.VecPhysical) {
	for i := range 5 {
		h.store(limb(m, i), r[i])
	}
}

func (h *half) loadArg(m Mem) {
	for i := range 5 {
		h.load(h.arg[i], limb(m, i))
	}
}
