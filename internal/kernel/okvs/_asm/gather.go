package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// genGather is scalar addressing and 16-byte loads: the instruction set has no gather of 128-bit words.
func genGather() {
	TEXT("wideGather", NOSPLIT, "func(dst *byte, place *uint16, row *uint64, dense *byte, n int, sparse *byte)")
	Doc("wideGather sets dst[place[i]] to dense[i] plus the three slots of row[i], for n rows, a multiple of 16. It trusts",
		"places and columns.")
	Pragma("noescape")
	dst, place, row := argument("dst"), argument("place"), argument("row")
	dense, n, sparse := argument("dense"), argument("n"), argument("sparse")
	perGroup(n, map[GPVirtual]int{place: 2 * groupRows, row: 8 * groupRows, dense: 16 * groupRows},
		[]GPVirtual{place, row, dense}, func() {
			for i := range groupRows {
				v := XMM()
				VMOVDQU(Mem{Base: dense, Disp: 16 * i}, v)
				for c := range 3 {
					at := GP64()
					MOVWLZX(Mem{Base: row, Disp: 8*i + 2*c}, at.As32())
					SHLQ(U8(4), at)
					VPXOR(Mem{Base: sparse, Index: at, Scale: 1}, v, v)
				}
				at := GP64()
				MOVWLZX(Mem{Base: place, Disp: 2 * i}, at.As32())
				SHLQ(U8(4), at)
				VMOVDQU(v, Mem{Base: dst, Index: at, Scale: 1})
			}
		})
}
