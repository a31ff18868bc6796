package exconv

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// rowsPerFill is how many rows one refill of the index generator serves: at most 24 KiB.
const rowsPerFill = 256

// rowBytes is the generator's output per row: 4 bytes a pick, in whole AES blocks so that a range of rows can start
// anywhere.
func (c *Code) rowBytes() int { return (4*c.shape.Weight + 15) / 16 * 16 }

// region is where one pick of a row falls: lo ≤ index < lo + size.
type region struct{ lo, size uint32 }

// index maps a random word into the region, by multiply-shift.
func (r *region) index(word []byte) uint32 {
	return r.lo + uint32(uint64(binary.LittleEndian.Uint32(word))*uint64(r.size)>>32)
}

// Expand adds rows first, first+1, … of B·x to dst. x has Parity entries, accumulated. Ranges of rows may be expanded
// concurrently.
func (c *Code) Expand(dst, x []aes.Block, first int) {
	c.checkVector(x, 1)
	size, regions := c.rowBytes(), c.regions[:c.shape.Weight]
	c.rows(len(dst), first, func(at int, words []byte) {
		for i := range dst[at : at+len(words)/size] {
			row := words[i*size:]
			sum := load(&dst[at+i])
			for j := range regions {
				e := &x[regions[j].index(row)]
				row = row[4:]
				sum.lo ^= binary.LittleEndian.Uint64(e[0:])
				sum.hi ^= binary.LittleEndian.Uint64(e[8:])
			}
			sum.store(&dst[at+i])
		}
	})
}

// ExpandTwo adds the same rows of B·x₀ to d0 and of B·x₁ to d1, of equal length. The two vectors are interleaved, entry i
// of vector l being x[2i+l], so that both are read from one cache line.
func (c *Code) ExpandTwo(d0, d1, x []aes.Block, first int) {
	c.checkVector(x, 2)
	if len(d0) != len(d1) {
		panic("kernel/exconv: outputs differ in length")
	}
	size, regions := c.rowBytes(), c.regions[:c.shape.Weight]
	c.rows(len(d0), first, func(at int, words []byte) {
		for i := range d0[at : at+len(words)/size] {
			row := words[i*size:]
			a, b := load(&d0[at+i]), load(&d1[at+i])
			for j := range regions {
				e := (*[2]aes.Block)(x[2*regions[j].index(row):])
				row = row[4:]
				a.lo ^= binary.LittleEndian.Uint64(e[0][0:])
				a.hi ^= binary.LittleEndian.Uint64(e[0][8:])
				b.lo ^= binary.LittleEndian.Uint64(e[1][0:])
				b.hi ^= binary.LittleEndian.Uint64(e[1][8:])
			}
			a.store(&d0[at+i])
			b.store(&d1[at+i])
		}
	})
}

// rows hands f the generator's words for n rows from first on, in batches whose first row is at.
func (c *Code) rows(n, first int, f func(at int, words []byte)) {
	size := c.rowBytes()
	gen := c.stream(useExpand, uint64(first)*uint64(size/16))
	buf := make([]byte, rowsPerFill*size)
	for at := 0; at < n; at += rowsPerFill {
		words := buf[:min(rowsPerFill, n-at)*size]
		gen.Fill(words)
		f(at, words)
	}
}
