package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The comparisons of VPCMPUQ.
const notLess = 5

// genTriples maps a lane's four words w to (a, b, c, bin), as Go's tripleOf does. In a register x has the lane's a and c,
// y its b and bin, each in a word of 64 bits.
func genTriples() {
	TEXT("wideTriples", NOSPLIT, "func(dst *uint64, hash *byte, n int, scale *[4]uint64)")
	Doc("wideTriples sets dst[i] to the columns and bin of hash[i], for n rows, a multiple of 16. scale has the number of",
		"columns, that less 2, that less 1, and the number of bins.")
	Pragma("noescape")
	dst, hash, n, scale := argument("dst"), argument("hash"), argument("n"), argument("scale")
	scaleX, scaleY := broadcast(Mem{Base: scale}), broadcast(Mem{Base: scale, Disp: 16})
	one := broadcast(pattern("one", 1, 1))
	even, odd := mask(0x55), mask(0xaa)
	perGroup(n, map[GPVirtual]int{dst: 8 * groupRows, hash: 16 * groupRows}, []GPVirtual{dst, hash}, func() {
		for i := range groupRegs {
			x, y := scaled(Mem{Base: hash, Disp: 64 * i}, scaleX, scaleY)
			bump(y, x, one, even) // b, past a
			small, large := ZMM(), ZMM()
			VPMINUQ(x, y, small)
			VPMAXUQ(x, y, large)
			VPSHUFD(U8(0x44), small, small)
			VPSHUFD(U8(0x44), large, large)
			bump(x, small, one, odd) // c, past the smaller of them, then the larger
			bump(x, large, one, odd)
			VPSLLQ(U8(16), y, y)
			VPORQ(y, x, x)
			packed := YMM()
			VPMOVQD(x, packed)
			VMOVDQU64(packed, Mem{Base: dst, Disp: 32 * i})
		}
	})
}

func mask(bits uint32) Register {
	r, k := GP32(), K()
	MOVL(U32(bits), r)
	KMOVW(r, k)
	return k
}

// scaled multiplies the words of four hashes and keeps the high halves: the even ones with x, the odd ones with y.
func scaled(hash Mem, scaleX, scaleY VecVirtual) (x, y VecVirtual) {
	x, y = ZMM(), ZMM()
	VMOVDQU64(hash, x)
	VPSRLQ(U8(32), x, y)
	VPMULUDQ(scaleX, x, x)
	VPMULUDQ(scaleY, y, y)
	VPSRLQ(U8(32), x, x)
	VPSRLQ(U8(32), y, y)
	return x, y
}

// bump adds one to v where it is not less than by, in the words of the mask.
func bump(v, by, one VecVirtual, words Register) {
	k := K()
	VPCMPUQ(U8(notLess), by, v, words, k)
	VPADDQ(one, v, k, v)
}
