package psi

import (
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
)

// pick copies the items at stream positions lo … hi−1 of S: order[j] is the item at position j.
func pick(items []Item, order []int32, lo, hi int) []Item {
	out := make([]Item, hi-lo)
	for k, i := range order[lo:hi] {
		out[k] = items[i]
	}
	return out
}

// matched returns the items of S that R's bitmap names, in aligned order, at most limit of them.
//
// Errors: fault.Misbehaved, without culprit, when the bitmap cannot be true.
func matched(bm []byte, order []int32, limit int) ([]int32, error) {
	n := 0
	for _, b := range bm {
		n += bits.OnesCount8(b)
	}
	if n > limit {
		return nil, fault.New(fault.Misbehaved, "psi.matched", "%d matches of %d items", n, limit)
	}
	return unmap(bm, order)
}
