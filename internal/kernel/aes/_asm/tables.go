package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// tables are the constants in memory.
type tables struct {
	lanes          Mem // the integers 0 to 3, one per 128-bit lane
	one, four      Mem // the integers 1 and 4 in every lane
	reverse        Mem // VPSHUFB: the bytes of each lane in reverse
	rotateLast     Mem // VPSHUFB: RotWord(w3) in every column
	evenColumns    Mem // ones in columns 0 and 2 of each lane
	roundConstants Mem // the ten rcon of FIPS 197 §5.2, 16 bytes each: one in every column
}

func newTables() tables {
	pattern := func(name string, lo, hi func(lane int) uint64) Mem {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 4 {
			DATA(16*i, U64(lo(i)))
			DATA(16*i+8, U64(hi(i)))
		}
		return m
	}
	same := func(v uint64) func(int) uint64 { return func(int) uint64 { return v } }
	t := tables{
		lanes:       pattern("lanes", func(i int) uint64 { return uint64(i) }, same(0)),
		one:         pattern("one", same(1), same(0)),
		four:        pattern("four", same(4), same(0)),
		reverse:     pattern("reverse", same(0x08090a0b0c0d0e0f), same(0x0001020304050607)),
		rotateLast:  pattern("rotateLast", same(0x0c0f0e0d0c0f0e0d), same(0x0c0f0e0d0c0f0e0d)),
		evenColumns: pattern("evenColumns", same(0xffffffff), same(0xffffffff)),
	}
	t.roundConstants = GLOBL("roundConstants", RODATA|NOPTR)
	for i, c := range []uint64{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36} {
		DATA(16*i, U64(c<<32|c))
		DATA(16*i+8, U64(c<<32|c))
	}
	return t
}
