package exconv

import "github.com/tacit-data/tacit/internal/kernel/aes"

// NewVector returns n zero blocks, a vector for Accumulate and Expand. Where the operating system has huge pages it is
// asked to put the vector there: the expander reads it at random, and each 4 KiB page would cost a miss of the TLB.
func NewVector(n int) []aes.Block {
	x := make([]aes.Block, n)
	advise(x)
	return x
}
