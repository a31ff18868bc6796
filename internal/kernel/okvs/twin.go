package okvs

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
)

// The portable twins. They define what the assembly computes.

// triplesTwin maps the words of a hash to a uniform triple of columns, and a bin, each by multiplication and shift: a
// column is chosen among those that the ones before it left, then moved past them. The rounding of a word changes a
// column's probability by at most 2^−16 of itself.
func triplesTwin(dst []triple, hash []aes.Block, s *scale) {
	dst = dst[:len(hash)]
	for i := range hash {
		lo, hi := binary.LittleEndian.Uint64(hash[i][0:]), binary.LittleEndian.Uint64(hash[i][8:])
		a := uint64(uint32(lo)) * s[0] >> 32
		b := lo >> 32 * s[2] >> 32
		c := uint64(uint32(hi)) * s[1] >> 32
		b += 1 - (b-a)>>63
		small, large := min(a, b), max(a, b)
		c += 1 - (c-small)>>63
		c += 1 - (c-large)>>63
		dst[i] = triple(a | b<<16 | c<<32 | hi>>32*s[3]>>32<<48)
	}
}

// denseBatch is the number of rows whose dense parts are computed together: operands and results stay in first-level
// cache.
const denseBatch = 512

// denseTwin is Horner's rule.
func denseTwin(dst, hash, dense []aes.Block) {
	last := len(dense) - 1
	for len(hash) > 0 {
		n := min(denseBatch, len(hash))
		acc := dst[:n]
		gf128.MulConst(acc, hash[:n], &dense[last])
		for d := last - 1; d >= 0; d-- {
			for i := range acc {
				sum(&acc[i], &acc[i], &dense[d])
			}
			gf128.MulBatch(acc, acc, hash[:n])
		}
		dst, hash = dst[n:], hash[n:]
	}
}

func gatherTwin(dst []aes.Block, place []uint16, row []triple, part, sparse []aes.Block) {
	row, part = row[:len(place)], part[:len(place)]
	for i, at := range place {
		t, d := row[i], &dst[at]
		sum3(d, &sparse[uint16(t)], &sparse[uint16(t>>16)], &sparse[uint16(t>>32)])
		sum(d, d, &part[i])
	}
}
