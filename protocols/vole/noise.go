package vole

import (
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// noise is the receiver's secret: entry at[i] of tree i has the value value[i], all others are zero. In the malicious mode
// one more value masks the check.
type noise struct {
	at    []uint64
	value []aes.Block
}

// drawNoise samples regular noise: one entry per tree, its place and its value uniform.
func (p Params) drawNoise(rnd io.Reader) (*noise, error) {
	n := &noise{at: make([]uint64, p.trees), value: make([]aes.Block, p.values())}
	buf := make([]byte, 8*p.trees+blockBytes*p.values())
	if _, err := io.ReadFull(rnd, buf); err != nil {
		return nil, fault.Wrap(fault.Internal, "vole.drawNoise", err, "no randomness")
	}
	for i := range n.at {
		n.at[i], _ = bits.Mul64(binary.LittleEndian.Uint64(buf[8*i:]), uint64(p.leaves)) // bias leaves/2^64
	}
	for i := range n.value {
		copy(n.value[i][:], buf[8*p.trees+blockBytes*i:])
	}
	clear(buf)
	return n, nil
}

// choices are the receiver's choice bits: the bits of the noise values, then for each tree and level the side that its
// path does not take.
func (n *noise) choices(p Params) []uint64 {
	out := make([]uint64, (p.transfers()+63)/64)
	for i, v := range n.value {
		w := load(v[:])
		out[2*i], out[2*i+1] = w.lo, w.hi
	}
	k := p.baseTransfers()
	for _, at := range n.at {
		for d := range p.depth {
			out[k/64] |= (^at >> (p.depth - 1 - d) & 1) << (k % 64)
			k++
		}
	}
	return out
}
