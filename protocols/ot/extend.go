package ot

import (
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// rowPad keeps the rows of a matrix off each other's cache sets: without it a power-of-two stride puts all 128 rows
// into one set and the transposition misses on every load.
const rowPad = 64

// minPerWorker is the number of transfers below which a second goroutine costs more than it saves.
const minPerWorker = 4096

// matrix is 128 rows of bits, one column per transfer. It is reused from one Extend to the next.
type matrix struct {
	buf    []byte
	stride int
}

// resize gives the rows room for n transfers, a multiple of 128.
func (m *matrix) resize(n int) {
	m.stride = n/8 + rowPad
	if need := Kappa * m.stride; cap(m.buf) < need {
		m.buf = make([]byte, need)
	}
	m.buf = m.buf[:Kappa*m.stride]
}

// row returns row i, n/8 bytes.
func (m *matrix) row(i, n int) []byte { return m.buf[i*m.stride:][: n/8 : n/8] }

// columns is the number of transfers that the rows have room for.
func (m *matrix) columns() int { return 8 * (m.stride - rowPad) }

// foldLeaves adds up the leaves of one tree: rows[b] = ⊕ over leaves x with bit b set, and the result is ⊕ over all
// leaves, in stack[0]. Sums are formed pairwise on a stack of depth k, about two XORs per leaf.
// SoftSpokenOT, ia.cr/2022/192, VOLE over a small field: v = Σ x·r_x and u = Σ r_x.
func foldLeaves(leaves []*aes.Stream, rows [][]byte, stack [][]byte) []byte {
	for _, r := range rows {
		clear(r)
	}
	depth := 0
	for x := 0; x < len(leaves); x += 2 {
		top := stack[depth]
		leaves[x+1].Fill(top)
		subtle.XORBytes(rows[0], rows[0], top)
		if leaves[x] != nil {
			leaves[x].XOR(top, top)
		}
		depth++
		for b, h := 1, x/2; h&1 == 1; b, h = b+1, h>>1 {
			right, left := stack[depth-1], stack[depth-2]
			subtle.XORBytes(rows[b], rows[b], right)
			subtle.XORBytes(left, left, right)
			depth--
		}
	}
	return stack[0]
}

// newStack returns k+1 buffers of n bytes.
func newStack(k, n int) [][]byte {
	buf := make([]byte, (k+1)*n)
	out := make([][]byte, k+1)
	for i := range out {
		out[i] = buf[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}

// spread runs f over [0, n) in at most workers contiguous parts, each but the last a multiple of unit and at least
// least long. The parts depend on workers, what f computes must not.
func spread(workers, n, unit, least int, f func(lo, hi int)) {
	workers = max(1, min(workers, n/max(least, 1)))
	if workers == 1 {
		f(0, n)
		return
	}
	part := (n/workers + unit - 1) / unit * unit
	var g errgroup.Group
	for lo := 0; lo < n; lo += part {
		g.Go(func() error {
			f(lo, min(lo+part, n))
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
}

// transpose writes the first len(dst) columns of m to dst: bit i of dst[c] is bit c of row i.
func transpose(dst []aes.Block, m *matrix, workers int) {
	spread(workers, len(dst), 64, minPerWorker, func(lo, hi int) {
		var tile [64]uint64
		for c := lo; c < hi; c += 64 {
			n := min(64, hi-c)
			for half := range 2 {
				at := half*64*m.stride + c/8
				for i := range tile {
					tile[i] = binary.LittleEndian.Uint64(m.buf[at:])
					at += m.stride
				}
				transpose64(&tile)
				for i := range n {
					binary.LittleEndian.PutUint64(dst[c+i][half*8:], tile[i])
				}
			}
		}
	})
}

// transpose64 transposes a 64×64 bit matrix in two passes of three butterfly stages, each on eight words that stay in
// registers. Hacker's Delight, §7-3.
func transpose64(a *[64]uint64) {
	for i := range 8 {
		w0, w1, w2, w3 := a[i], a[i+8], a[i+16], a[i+24]
		w4, w5, w6, w7 := a[i+32], a[i+40], a[i+48], a[i+56]
		w0, w4 = butterfly(w0, w4, 32, 0x00000000ffffffff)
		w1, w5 = butterfly(w1, w5, 32, 0x00000000ffffffff)
		w2, w6 = butterfly(w2, w6, 32, 0x00000000ffffffff)
		w3, w7 = butterfly(w3, w7, 32, 0x00000000ffffffff)
		w0, w2 = butterfly(w0, w2, 16, 0x0000ffff0000ffff)
		w1, w3 = butterfly(w1, w3, 16, 0x0000ffff0000ffff)
		w4, w6 = butterfly(w4, w6, 16, 0x0000ffff0000ffff)
		w5, w7 = butterfly(w5, w7, 16, 0x0000ffff0000ffff)
		w0, w1 = butterfly(w0, w1, 8, 0x00ff00ff00ff00ff)
		w2, w3 = butterfly(w2, w3, 8, 0x00ff00ff00ff00ff)
		w4, w5 = butterfly(w4, w5, 8, 0x00ff00ff00ff00ff)
		w6, w7 = butterfly(w6, w7, 8, 0x00ff00ff00ff00ff)
		a[i], a[i+8], a[i+16], a[i+24] = w0, w1, w2, w3
		a[i+32], a[i+40], a[i+48], a[i+56] = w4, w5, w6, w7
	}
	for i := 0; i < 64; i += 8 {
		b := (*[8]uint64)(a[i : i+8])
		w0, w1, w2, w3, w4, w5, w6, w7 := b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
		w0, w4 = butterfly(w0, w4, 4, 0x0f0f0f0f0f0f0f0f)
		w1, w5 = butterfly(w1, w5, 4, 0x0f0f0f0f0f0f0f0f)
		w2, w6 = butterfly(w2, w6, 4, 0x0f0f0f0f0f0f0f0f)
		w3, w7 = butterfly(w3, w7, 4, 0x0f0f0f0f0f0f0f0f)
		w0, w2 = butterfly(w0, w2, 2, 0x3333333333333333)
		w1, w3 = butterfly(w1, w3, 2, 0x3333333333333333)
		w4, w6 = butterfly(w4, w6, 2, 0x3333333333333333)
		w5, w7 = butterfly(w5, w7, 2, 0x3333333333333333)
		w0, w1 = butterfly(w0, w1, 1, 0x5555555555555555)
		w2, w3 = butterfly(w2, w3, 1, 0x5555555555555555)
		w4, w5 = butterfly(w4, w5, 1, 0x5555555555555555)
		w6, w7 = butterfly(w6, w7, 1, 0x5555555555555555)
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = w0, w1, w2, w3, w4, w5, w6, w7
	}
}

// butterfly exchanges the high half-fields of a with the low ones of b.
func butterfly(a, b uint64, shift int, mask uint64) (uint64, uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}
