package aes

import "crypto/cipher"

// Tree doubles the levels of a GGM tree: the children of x are π_left(x) ⊕ x and π_right(x) ⊕ x, with two fixed-key
// permutations. It is immutable and safe for concurrent use.
type Tree struct {
	rk          [11][2]Block // round keys, left and right
	left, right cipher.Block // nil if accelerated
}

// NewTree returns the generator for two distinct public keys.
func NewTree(left, right Block) *Tree {
	l, r := newPermutation(&left), newPermutation(&right)
	t := &Tree{left: l.pi, right: r.pi}
	for i := range t.rk {
		t.rk[i] = [2]Block{l.rk[i], r.rk[i]}
	}
	return t
}

// Level sets dst[2i] and dst[2i+1] to the children of src[i]. len(dst) is 2·len(src), or one less: a last level whose
// number of leaves is odd. src may be the beginning of dst, so that a tree grows in one buffer; other overlaps are not
// allowed.
func (t *Tree) Level(dst, src []Block) {
	if len(dst) != 2*len(src) && len(dst) != 2*len(src)-1 {
		panic("kernel/aes: a level has two children per node, the last one excepted")
	}
	t.level(dst, src)
}
