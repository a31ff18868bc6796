package exconv

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The portable twin. It defines what the assembly computes.

// runTwin convolves whole periods of entries, one lane after the other, each with its own tables.
func runTwin(x []aes.Block, ring []pair, taps []byte, lanes int) {
	for lane := range lanes {
		(*tables)(ring[lane*slots*sums:]).run(x[lane:], lanes, taps)
	}
}

// tables holds the subset sums of the last eight groups: entry 16·(q mod 8) + v is the sum of the entries of group q that
// v selects, bit 0 being the last entry of the group, the nearest to its successors.
type tables [slots * sums]pair

// run convolves one group for each 16 bytes of taps. A group's table grows while the group is convolved, so that the taps
// inside the group are table reads like all others: in entry p they are the p lowest bits.
func (t *tables) run(x []aes.Block, stride int, taps []byte) {
	for q := uint32(0); len(taps) >= 4*group; q++ {
		w0, w1 := binary.LittleEndian.Uint32(taps[0:])&tapMask, binary.LittleEndian.Uint32(taps[4:])&tapMask|tapLast
		w2, w3 := binary.LittleEndian.Uint32(taps[8:])&tapMask|tapLast, binary.LittleEndian.Uint32(taps[12:])&tapMask|tapLast
		own := (*[sums]pair)(t[slot(q):])

		// The tap at distance 25 of the group's first entry lies one group further than its other taps.
		y0 := t.older(load(&x[0]), w0, q).add(t[slot(q-7)|1])
		own[8] = y0
		y1 := t.older(load(&x[stride]), w1>>1, q).add(own[w1&1<<3])
		y01 := y0.add(y1)
		own[4], own[12] = y1, y01
		y2 := t.older(load(&x[2*stride]), w2>>2, q).add(own[w2&3<<2])
		y12, y02, y012 := y1.add(y2), y0.add(y2), y01.add(y2)
		own[2], own[6], own[10], own[14] = y2, y12, y02, y012
		y3 := t.older(load(&x[3*stride]), w3>>3, q).add(own[w3&7<<1])
		own[1], own[3], own[5], own[7] = y3, y2.add(y3), y1.add(y3), y12.add(y3)
		own[9], own[11], own[13], own[15] = y0.add(y3), y02.add(y3), y01.add(y3), y012.add(y3)

		y0.store(&x[0])
		y1.store(&x[stride])
		y2.store(&x[2*stride])
		y3.store(&x[3*stride])
		taps = taps[4*group:]
		if len(taps) > 0 {
			x = x[group*stride:]
		}
	}
}

// older adds to e what the taps s select in the six groups before group q, the nearest first.
func (t *tables) older(e pair, s, q uint32) pair {
	t0, t1, t2 := &t[slot(q-1)|s&15], &t[slot(q-2)|s>>4&15], &t[slot(q-3)|s>>8&15]
	t3, t4, t5 := &t[slot(q-4)|s>>12&15], &t[slot(q-5)|s>>16&15], &t[slot(q-6)|s>>20&15]
	return pair{
		e.lo ^ t0.lo ^ t1.lo ^ t2.lo ^ t3.lo ^ t4.lo ^ t5.lo,
		e.hi ^ t0.hi ^ t1.hi ^ t2.hi ^ t3.hi ^ t4.hi ^ t5.hi,
	}
}

// slot is the first entry of group q's table.
func slot(q uint32) uint32 { return q % slots * sums }
