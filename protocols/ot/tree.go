package ot

import (
	"crypto/subtle"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The uses of a tree's seed, told apart by the counter block.
var (
	ivNode = aes.Block{15: 0x01} // never assigned: inner nodes, 32 bytes each
	ivLeaf = aes.Block{7: 0x02}  // never assigned: leaf streams; the counter runs in bytes 8 to 15

	ivCommit = aes.Block{7: 0x03} // never assigned: commitments to leaves
)

// children expands an inner node.
func children(seed aes.Block) (left, right aes.Block) {
	s := aes.NewStream(seed, ivNode)
	s.Fill(left[:])
	s.Fill(right[:])
	return left, right
}

// growTree builds the tree of group j from its k base transfers and appends the corrections of levels 1 … k−1 to msg.
// Level i decides bit k−1−i of a leaf's index; its base transfer is j·k + k−1−i. Level 0 is the base keys themselves.
//
// SoftSpokenOT, ia.cr/2022/192: the GGM punctured PRF from base transfers.
func growTree(keys [][2]aes.Block, j, k int, msg []byte) (leaves []aes.Block, reply []byte) {
	nodes := keys[j*k+k-1][:]
	for i := 1; i < k; i++ {
		next := make([]aes.Block, 0, 2*len(nodes))
		sum := keys[j*k+k-1-i]
		for _, n := range nodes {
			l, r := children(n)
			sum[0], sum[1] = xorBlock(sum[0], l), xorBlock(sum[1], r)
			next = append(next, l, r)
		}
		msg = append(append(msg, sum[0][:]...), sum[1][:]...)
		nodes = next
	}
	return nodes, msg
}

// growPunctured builds the same tree at the holder of Δ, who lacks the leaf at its digit. Nodes are kept at index
// y = x ⊕ (Δ's prefix), so that the missing one is always y = 0 and nothing is indexed by Δ; entry 0 is zero.
// base[p] is the base key of choice 1 ⊕ Δ_p; msg are the corrections of group j.
func growPunctured(base []aes.Block, delta *aes.Block, j, k int, msg []byte) []aes.Block {
	nodes := []aes.Block{{}, base[j*k+k-1]}
	for i := 1; i < k; i++ {
		p := j*k + k - 1 - i
		d := int(bit(delta, p))
		// The sum over the children beside the path: y odd, hence x = 1 ⊕ Δ_p.
		corr := msg[(i-1)*2*blockBytes:]
		var sum aes.Block
		copy(sum[:], corr[:blockBytes])
		subtle.ConstantTimeCopy(1-d, sum[:], corr[blockBytes:2*blockBytes])
		sum = xorBlock(sum, base[p])
		next := make([]aes.Block, 2*len(nodes))
		for y := 1; y < len(nodes); y++ {
			l, r := children(nodes[y])
			swap := xorBlock(l, r)
			for b := range swap {
				swap[b] &= -byte(d)
			}
			next[2*y], next[2*y+1] = xorBlock(l, swap), xorBlock(r, swap)
			sum = xorBlock(sum, next[2*y+1])
		}
		next[1] = sum
		nodes = next
	}
	return nodes
}

// leafStreams turns leaves into generators; a missing leaf 0 has none.
func leafStreams(leaves []aes.Block, punctured bool) []*aes.Stream {
	out := make([]*aes.Stream, len(leaves))
	for x, seed := range leaves {
		if x > 0 || !punctured {
			out[x] = aes.NewStream(seed, ivLeaf)
		}
	}
	return out
}
