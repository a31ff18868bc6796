package share

import (
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
)

// Engine is one party's end of a pair that computes on shares. Both call the same methods in the same order with vectors
// of the same lengths; exactly one is first.
//
// An arithmetic share is a uint64: the value is the sum of both parties' mod 2^64. A bit share is a bit: the value is
// their XOR. The methods borrow their arguments and return fresh vectors. An Engine is not safe for concurrent use and
// refuses every call after a failed exchange with that failure. It prints as its type name.
type Engine struct {
	params  Params
	conn    protocols.Conn
	first   bool
	workers int
	send    *ot.Sender   // transfers in which the peer chooses
	recv    *ot.Receiver // transfers in which this party chooses
	rnd     *aes.Stream  // masks of the comparison's leaves
	scratch *scratch
	err     error
}

// scratch is the memory of one chunk of transfers; sender and receiver side run at the same time.
type scratch struct {
	choice       []uint64
	chosen       []aes.Block
	side0, side1 []aes.Block
}

func newScratch() *scratch {
	return &scratch{
		choice: make([]uint64, words(chunkTransfers)),
		chosen: make([]aes.Block, chunkTransfers),
		side0:  make([]aes.Block, chunkTransfers),
		side1:  make([]aes.Block, chunkTransfers),
	}
}

// First reports whether this party is first.
func (e *Engine) First() bool { return e.first }

// Params returns the parameters, for their costs.
func (e *Engine) Params() Params { return e.params }

// Not returns the complement of b: local.
func (e *Engine) Not(b Bits) Bits {
	out := b.Slice(0, b.n)
	if e.first {
		out.flip()
	}
	return out
}

// AddConst returns x + c for a public c: local.
func (e *Engine) AddConst(x []uint64, c uint64) []uint64 {
	out := make([]uint64, len(x))
	c &= e.firstMask()
	for i, v := range x {
		out[i] = v + c
	}
	return out
}

// firstMask is all ones at party first and zero at the other: what only one of the two adds.
func (e *Engine) firstMask() uint64 {
	if e.first {
		return ^uint64(0)
	}
	return 0
}

// fail remembers the first failed exchange and returns it with the operation in front; its reason stays, since that is
// what the user acts on.
func (e *Engine) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	e.err = fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
	return e.err
}

// Format prints the type's name only.
func (e *Engine) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "share.Engine") }

// LogValue logs the type's name only.
func (e *Engine) LogValue() slog.Value { return slog.StringValue("share.Engine") }

// minPerWorker is the number of transfers below which a second goroutine costs more than it saves.
const minPerWorker = 4096

// spread runs f over n elements of unit transfers each, in at most e.workers contiguous parts that start at multiples
// of 64, so that no two parts touch a word of a bit vector. What f computes does not depend on the parts.
func (e *Engine) spread(n, unit int, f func(lo, hi int)) {
	parts := max(1, min(e.workers, n*unit/minPerWorker))
	if parts == 1 {
		f(0, n)
		return
	}
	size := (n/parts + 63) / 64 * 64
	var g errgroup.Group
	for lo := 0; lo < n; lo += size {
		g.Go(func() error {
			f(lo, min(lo+size, n))
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
}
