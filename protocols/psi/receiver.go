package psi

import (
	"github.com/tacit-data/tacit/api/fault"
)

// receiver is R's state: the tags of its own items as S computes them, and those of S's stream. Both grow with what
// arrives.
type receiver struct {
	own, theirs []byte
	width       int // bytes per tag
}

// room returns space for the tags of the next n elements of S's stream.
func (r *receiver) room(n int) []byte {
	old := len(r.theirs)
	r.theirs = append(r.theirs, make([]byte, n*r.width)...)
	return r.theirs[old:]
}

// match joins the two sets of tags and returns, for each position of S's stream, R's item or −1.
func (r *receiver) match() ([]int32, error) { return join(r.own, r.theirs, r.width) }

// checkDone compares what the peer says it saw with what this party saw.
//
// Errors: fault.Misbehaved, without culprit.
func checkDone(got, want done) error {
	if got.receiverItems != want.receiverItems || got.senderItems != want.senderItems || got.matched != want.matched {
		return fault.New(fault.Misbehaved, "psi.checkDone", "the peer's counts differ from ours")
	}
	if got.digest != want.digest {
		return fault.New(fault.Misbehaved, "psi.checkDone", "the peer saw other messages than we did")
	}
	return nil
}
