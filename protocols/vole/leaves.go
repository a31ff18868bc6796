package vole

import (
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/exconv"
)

// leaves are the leaves of all trees in the order of the code's inputs: the systematic ones, then the others.
type leaves struct{ rows, parity []aes.Block }

func (p Params) newLeaves() leaves {
	return leaves{rows: exconv.NewVector(p.rows), parity: exconv.NewVector(p.parity())}
}

// put copies one tree's leaves to position at.
func (l leaves) put(tree []aes.Block, at int) {
	if at < len(l.rows) {
		n := copy(l.rows[at:], tree)
		tree, at = tree[n:], at+n
	}
	if len(tree) > 0 {
		copy(l.parity[at-len(l.rows):], tree)
	}
}

// noisyLeaves are the receiver's leaves and the noise vector in the order of the code's inputs: the systematic ones of
// each, then the others, interleaved.
type noisyLeaves struct{ a, c, parity []aes.Block }

func (p Params) newNoisyLeaves() noisyLeaves {
	return noisyLeaves{
		a: exconv.NewVector(p.rows), c: exconv.NewVector(p.rows), parity: exconv.NewVector(2 * p.parity()),
	}
}

// put writes one tree's leaves to position pos: leaf at index at, zero so far, becomes leaf, and the noise there value.
// Every entry is written, whatever at is.
func (l noisyLeaves) put(tree []aes.Block, pos int, at uint64, leaf, value word) {
	n := max(0, min(len(tree), len(l.a)-pos))
	for i := range tree[:n] {
		m := equal(uint64(i), at)
		load(tree[i][:]).add(leaf.and(m)).store(l.a[pos+i][:])
		value.and(m).store(l.c[pos+i][:])
	}
	if n == len(tree) {
		return
	}
	to := l.parity[2*(pos+n-len(l.a)):]
	for i := n; i < len(tree) && len(to) >= 2; i++ {
		m := equal(uint64(i), at)
		load(tree[i][:]).add(leaf.and(m)).store(to[0][:])
		value.and(m).store(to[1][:])
		to = to[2:]
	}
}
