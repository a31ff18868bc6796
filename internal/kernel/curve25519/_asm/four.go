package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The AVX2 tier: an element is ten limbs of alternately 26 and 25 bits in each of 4 lanes, 64 bits apart, because
// VPMULUDQ multiplies the low 32 bits of each. Limb i has weight 2^⌈25.5·i⌉: a product of two odd limbs counts twice, and
// one whose index reaches 10 counts 19 times.
//
// A limb has excess e if it is at most e·2^26 (even index) or e·2^25 (odd index).
//
//	settled     excess below 1.0001 (see carry)
//	sum         of two settled elements: below 2.0002
//	difference  settled + 2p − settled: no limb of 2p is below a settled one; below 3.0002
//
// A multiplicand's even limbs times 19, and its odd limbs times 38, stay below 2^32 as long as its excess is below
// 2^32/(19·2^26) = 3.36. A column sums products of at most (1 + 4·19)·2^52 of even limbs and 5·38·2^50 of odd ones, times
// both excesses: below 125·9.01·2^52 < 2^63. Column 9 has no factor: at most 10·2^51 times both excesses.
const (
	fourLimbBytes = 32
	fourLimbs     = 10
	fourBytes     = fourLimbs * fourLimbBytes
)

// fours is the register file of the AVX2 functions, and the memory in which a multiplication keeps multiples of one
// operand.
type fours struct {
	acc         [fourLimbs]reg.VecPhysical
	left, twice reg.VecPhysical // one limb of the left operand; masks while carrying
	tmp         [4]reg.VecPhysical
	next        int
	scratch     Mem
}

func newFours(f *frame) *fours {
	return &fours{
		acc: [fourLimbs]reg.VecPhysical{
			reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9,
		},
		left: reg.Y10, twice: reg.Y11,
		tmp:     [4]reg.VecPhysical{reg.Y12, reg.Y13, reg.Y14, reg.Y15},
		scratch: f.four(),
	}
}

// four is the next element of the frame.
func (f *frame) four() Mem {
	m := Mem{Base: f.head, Disp: f.at}
	f.at += fourBytes
	return m
}

// temporary takes the four registers in turn.
func (v *fours) temporary() reg.VecPhysical {
	v.next++
	return v.tmp[v.next%len(v.tmp)]
}

// fourOf is a constant in every lane, as an operand in memory.
func fourOf(c uint64) Mem {
	if m, ok := replicas[c]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("four%x", c), RODATA|NOPTR)
	for i := range 4 {
		DATA(8*i, U64(c))
	}
	replicas[c] = m
	return m
}

var replicas = map[uint64]Mem{}

func limbOfFour(m Mem, i int) Mem { return m.Offset(i * fourLimbBytes) }

func fourAt(head reg.Register, i int) Mem { return Mem{Base: head, Disp: i * fourBytes} }

// lift is limb i of 2p.
func lift(i int) Mem {
	switch {
	case i == 0:
		return fourOf(1<<27 - 38)
	case i%2 == 0:
		return fourOf(1<<27 - 2)
	}
	return fourOf(1<<26 - 2)
}

// addProduct adds the product of a limb in memory and a register to column k, or starts the column with it.
func (v *fours) addProduct(k int, m Mem, r reg.VecPhysical, begun *[fourLimbs]bool) {
	if !begun[k] {
		begun[k] = true
		VPMULUDQ(m, r, v.acc[k])
		return
	}
	t := v.temporary()
	VPMULUDQ(m, r, t)
	VPADDQ(t, v.acc[k], v.acc[k])
}

// mul leaves the product of two elements in acc, settled. The product of their excesses is at most 6.01, so that column
// 9, below 2^57, passes on less than 2^32.
func (v *fours) mul(a, b Mem) {
	VMOVDQU(fourOf(19), v.left)
	for j := fourLimbs - 1; j > 0; j-- {
		t := v.temporary()
		VPMULUDQ(limbOfFour(b, j), v.left, t)
		VMOVDQU(t, limbOfFour(v.scratch, j))
	}
	var begun [fourLimbs]bool
	for i := range fourLimbs {
		VMOVDQU(limbOfFour(a, i), v.left)
		if i%2 == 1 {
			VPADDQ(v.left, v.left, v.twice)
		}
		for j := range fourLimbs {
			right, r := limbOfFour(b, j), v.left
			if i+j >= fourLimbs {
				right = limbOfFour(v.scratch, j)
			}
			if i%2 == 1 && j%2 == 1 {
				r = v.twice
			}
			v.addProduct((i+j)%fourLimbs, right, r, &begun)
		}
	}
	v.carry(false)
}

// square leaves the square of an element in acc, settled. difference says that its excess may reach
// 3.0002, which makes column 9 wide.
func (v *fours) square(a Mem, difference bool) {
	double := func(j int) Mem { return limbOfFour(v.scratch, j/2-1) } // j = 3, 5, 7
	folded := func(j int) Mem { return limbOfFour(v.scratch, j) }     // j = 5 … 9
	for j := 9; j >= 5; j-- {
		t := v.temporary()
		VMOVDQU(limbOfFour(a, j), t)
		VPMULUDQ(fourOf([]uint64{19, 38}[j%2]), t, t)
		VMOVDQU(t, folded(j))
	}
	for j := 3; j <= 7; j += 2 {
		t := v.temporary()
		VMOVDQU(limbOfFour(a, j), t)
		VPADDQ(t, t, t)
		VMOVDQU(t, double(j))
	}
	var begun [fourLimbs]bool
	for i := range fourLimbs {
		VMOVDQU(limbOfFour(a, i), v.left)
		switch {
		case i >= 8: // not used
		case i == 3, i == 5, i == 7:
			VMOVDQU(double(i), v.twice)
		default:
			VPADDQ(v.left, v.left, v.twice)
		}
		for j := i; j < fourLimbs; j++ {
			odd, wraps := i%2 == 1 && j%2 == 1, i+j >= fourLimbs
			// The factor is 1 or 2 (i < j), times 2 (odd), times 19 (wraps); folded has 2·19 for odd j.
			right, r := limbOfFour(a, j), v.twice
			switch {
			case wraps:
				right = folded(j)
				if i == j || i%2 == 0 && j%2 == 1 {
					r = v.left
				}
			case odd && i < j:
				right = double(j)
			case i == j && !odd:
				r = v.left
			}
			v.addProduct((i+j)%fourLimbs, right, r, &begun)
		}
	}
	v.carry(difference)
}

// carry settles acc. Columns below 2^63 pass on less than 2^38; the second round then passes on at most 2^12 to limb 5,
// and, if column 9 is below 2^58, at most 19·2^7 + 1 to limb 1. All other limbs end below 2^26 or 2^25. What column 9
// passes on is below 2^32, and multiplied by 19 at once, unless wide is set.
func (v *fours) carry(wide bool) {
	mask := []reg.VecPhysical{v.left, v.twice}
	VMOVDQU(fourOf(1<<26-1), mask[0])
	VMOVDQU(fourOf(1<<25-1), mask[1])
	pass := func(i int) reg.VecPhysical {
		t := v.temporary()
		VPSRLQ(Imm(uint64(26-i%2)), v.acc[i], t)
		VPAND(mask[i%2], v.acc[i], v.acc[i])
		return t
	}
	for _, i := range []int{0, 4, 1, 5, 2, 6, 3, 7, 4, 8} {
		VPADDQ(pass(i), v.acc[i+1], v.acc[i+1])
	}
	v.foldTop(pass(9), wide)
	VPADDQ(pass(0), v.acc[1], v.acc[1])
}

// foldTop adds 19·t to limb 0.
func (v *fours) foldTop(t reg.VecPhysical, wide bool) {
	if !wide {
		VPMULUDQ(fourOf(19), t, t)
		VPADDQ(t, v.acc[0], v.acc[0])
		return
	}
	u := v.temporary()
	VPADDQ(t, v.acc[0], v.acc[0])
	VPSLLQ(Imm(1), t, u)
	VPSLLQ(Imm(4), t, t)
	VPADDQ(t, u, u)
	VPADDQ(u, v.acc[0], v.acc[0])
}

func (v *fours) store(m Mem) {
	for i, r := range v.acc {
		VMOVDQU(r, limbOfFour(m, i))
	}
}

func (v *fours) load(m Mem) {
	for i, r := range v.acc {
		VMOVDQU(limbOfFour(m, i), r)
	}
}

// mulFours multiplies two groups of four lanes.
func mulFours() {
	TEXT("mulFours", 0, "func(dst, a, b *[2][10][4]uint64)")
	f := newFrame(1)
	v := newFours(f)
	dst, a, b := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	for i := range 2 {
		v.mul(fourAt(a, i), fourAt(b, i))
		v.store(fourAt(dst, i))
	}
	v.wipe(f)
	VZEROUPPER()
	RET()
}

// squareFours squares two groups n times: one fills the gaps that the other's carries leave.
func squareFours() {
	TEXT("squareFours", 0, "func(dst, a *[2][10][4]uint64, n int)")
	f := newFrame(3)
	v := newFours(f)
	dst, a, n := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("n"), GP64())
	x := []Mem{f.four(), f.four()}
	for i := range x {
		v.load(fourAt(a, i))
		v.store(x[i])
	}
	Label("squareFour")
	for i := range x {
		v.square(x[i], false)
		v.store(x[i])
	}
	DECQ(n)
	JNZ(LabelRef("squareFour"))
	for i := range x {
		v.load(x[i])
		v.store(fourAt(dst, i))
	}
	v.wipe(f)
	VZEROUPPER()
	RET()
}

func (v *fours) wipe(f *frame) {
	VPXOR(v.left, v.left, v.left)
	for at := 0; at < f.at; at += fourLimbBytes {
		VMOVDQU(v.left, Mem{Base: f.head, Disp: at})
	}
}
