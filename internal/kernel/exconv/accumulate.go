package exconv

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// tapMask keeps the random taps of a 32-bit word: bit j−1 is the tap at distance j. tapLast is the one always set.
const (
	tapMask = 1<<Width - 1
	tapLast = 1 << Width
)

const (
	group  = 4  // entries whose subset sums make one table
	slots  = 8  // tables in the ring: the six or seven that an entry reads, and the one that is being made
	period = 32 // entries after which the ring is where it was: group·slots
	sums   = 16 // entries of a table, 2^group
)

// batchEntries is how many entries one refill of the tap generator serves: 16 KiB.
const batchEntries = 128 * period

// pair is a block as two words. (A struct: Go keeps no arrays in registers.)
type pair struct{ lo, hi uint64 }

func load(b *aes.Block) pair {
	return pair{binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])}
}

func (p pair) store(b *aes.Block) {
	binary.LittleEndian.PutUint64(b[0:], p.lo)
	binary.LittleEndian.PutUint64(b[8:], p.hi)
}

func (p pair) add(q pair) pair { return pair{p.lo ^ q.lo, p.hi ^ q.hi} }

// Accumulate applies the convolution twice, in place. Vectors that share the code may be interleaved: with two lanes,
// entry i of vector l is x[2·i + l]. Lanes are 1 or 2.
func (c *Code) Accumulate(x []aes.Block, lanes int) {
	c.checkVector(x, lanes)
	for pass := range byte(2) {
		c.convolve(x, lanes, c.stream(usePass+pass, 0))
	}
}

// convolve is one pass.
//
// Four Russians: the sums of every subset of four finished entries are kept in a table, eight tables in a ring, so that
// the 24 taps of an entry cost six or seven table reads instead of 24 conditional additions.
func (c *Code) convolve(x []aes.Block, lanes int, taps *aes.Stream) {
	ring := make([]pair, slots*sums*lanes) // zero: there is nothing before the first entry
	var buf [4 * batchEntries]byte
	n := c.shape.Parity
	whole := n / period * period
	for i := 0; i < whole; i += batchEntries {
		m := min(batchEntries, whole-i)
		taps.Fill(buf[:4*m])
		run(x[i*lanes:(i+m)*lanes], ring, buf[:4*m], lanes)
	}
	rest := buf[:4*(n-whole+Width+1)]
	taps.Fill(rest)
	for lane := range lanes {
		finish(x[lane:], lanes, whole, n, rest)
	}
}

// finish convolves the entries from the last whole period to n, and then the Width+1 positions beyond the end, which wrap
// around to the beginning.
func finish(x []aes.Block, stride, from, n int, taps []byte) {
	for i := from; i < n+Width+1; i++ {
		w := binary.LittleEndian.Uint32(taps)&tapMask | tapLast
		taps = taps[4:]
		y := load(&x[i%n*stride])
		for j := max(1, i-n+1); j <= min(i, Width+1); j++ {
			m, e := -uint64(w>>(j-1)&1), load(&x[(i-j)*stride])
			y = y.add(pair{e.lo & m, e.hi & m})
		}
		y.store(&x[i%n*stride])
	}
}
