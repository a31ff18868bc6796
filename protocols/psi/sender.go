package psi

import (
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
)

// sender is S's state: the permutation of its stream and what R says about it.
type sender struct {
	order  []int32 // order[j] is the item at stream position j
	bitmap []byte
}

// pick copies the items at stream positions lo … hi−1.
func (s *sender) pick(items []Item, lo, hi int) []Item {
	out := make([]Item, hi-lo)
	for k, i := range s.order[lo:hi] {
		out[k] = items[i]
	}
	return out
}

// matched returns the matched items in aligned order, at most limit of them.
//
// Errors: fault.Misbehaved, without culprit, when R's bitmap cannot be true.
func (s *sender) matched(limit int) ([]int32, error) {
	n := 0
	for _, b := range s.bitmap {
		n += bits.OnesCount8(b)
	}
	if n > limit {
		return nil, fault.New(fault.Misbehaved, "psi.matched", "%d matches of %d items", n, limit)
	}
	return unmap(s.bitmap, s.order)
}
