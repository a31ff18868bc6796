package share

import (
	"context"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
)

// New sets up both directions of oblivious transfer with the peer of c, with default parameters. Exactly one of the
// two parties passes first = true; which one is agreed beforehand.
//
// Bytes: Params.SetupCost, 2 flights. Errors: those of ot.SetupBoth; fault.Internal (randomness fails).
func New(ctx context.Context, s protocols.Session, c protocols.Conn, first bool) (*Engine, error) {
	return NewWithParams(ctx, s, c, Default(), first)
}

// NewWithParams is New with parameters other than the default; both parties use the same.
func NewWithParams(ctx context.Context, s protocols.Session, c protocols.Conn, p Params, first bool) (*Engine, error) {
	const op = "share.New"
	e := &Engine{params: p, conn: c, first: first, workers: max(1, s.Workers), scratch: newScratch()}
	var seed aes.Block
	if _, err := io.ReadFull(s.Rand, seed[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "no randomness")
	}
	e.rnd = aes.NewStream(seed, aes.Block{})
	var err error
	if e.send, e.recv, err = ot.SetupBoth(ctx, s, c, p.ot); err != nil {
		return nil, err
	}
	return e, nil
}

// choosing is a batch of transfers in which this party chooses: n elements of unit transfers each.
type choosing struct {
	n, unit int
	choose  func(lo, hi int, dst []uint64)     // packs the (hi−lo)·unit choice bits
	keep    func(lo, hi int, pads []aes.Block) // takes the chosen pads of elements lo to hi−1
	reply   []byte                             // filled with the peer's payload
}

// giving is a batch of transfers in which the peer chooses.
type giving struct {
	n, unit int
	give    func(lo, hi int, p0, p1 []aes.Block) // takes both pads of elements lo to hi−1 and writes payload
	payload []byte
}

// transfer runs a batch in one or both directions, in two flights: the extensions, then the payloads. Either may be
// nil; the peer passes the mirror image.
func (e *Engine) transfer(ctx context.Context, op string, c *choosing, g *giving) error {
	if e.err != nil {
		return e.err
	}
	var send, recv func(context.Context) error
	if c != nil {
		send = func(ctx context.Context) error { return e.extendChosen(ctx, c) }
	}
	if g != nil {
		recv = func(ctx context.Context) error { return e.extendGiven(ctx, g) }
	}
	if err := protocols.Exchange(ctx, e.conn, send, recv); err != nil {
		return e.fail(op, err)
	}
	var payload, reply []byte
	if g != nil {
		payload = g.payload
	}
	if c != nil {
		reply = c.reply
	}
	return e.exchange(ctx, op, payload, reply)
}

// extendChosen makes the transfers of c chunk by chunk and sends their extensions.
func (e *Engine) extendChosen(ctx context.Context, c *choosing) error {
	step := chunkRows(c.unit)
	for lo := 0; lo < c.n; lo += step {
		hi := min(lo+step, c.n)
		n := (hi - lo) * c.unit
		choice, pads := e.scratch.choice[:words(n)], e.scratch.chosen[:n]
		c.choose(lo, hi, choice)
		msg, first, err := e.recv.Extend(pads, choice)
		if err != nil {
			return err
		}
		if err := e.conn.Send(ctx, msg); err != nil {
			return err
		}
		e.recv.Pads(pads, pads, first)
		c.keep(lo, hi, pads)
	}
	return nil
}

// extendGiven receives the peer's extensions and computes the payload.
func (e *Engine) extendGiven(ctx context.Context, g *giving) error {
	step := chunkRows(g.unit)
	for lo := 0; lo < g.n; lo += step {
		hi := min(lo+step, g.n)
		n := (hi - lo) * g.unit
		msg, err := protocols.RecvExact(ctx, e.conn, e.params.ot.ExtendBytes(n))
		if err != nil {
			return err
		}
		p0, p1 := e.scratch.side0[:n], e.scratch.side1[:n]
		first, err := e.send.Extend(p0, msg)
		if err != nil {
			return err
		}
		e.send.Pads(p0, p1, p0, first)
		g.give(lo, hi, p0, p1)
	}
	return nil
}

// blame names the peer as the culprit of err.
func (e *Engine) blame(err error) error { return fault.Blame(err, string(e.conn.Peer())) }

// exchange is one flight: out goes to the peer while in is filled; either may be nil.
func (e *Engine) exchange(ctx context.Context, op string, out, in []byte) error {
	if e.err != nil {
		return e.err
	}
	var send, recv func(context.Context) error
	if out != nil {
		send = func(ctx context.Context) error { return protocols.SendAll(ctx, e.conn, out) }
	}
	if in != nil {
		recv = func(ctx context.Context) error { return protocols.RecvAll(ctx, e.conn, in) }
	}
	return e.fail(op, protocols.Exchange(ctx, e.conn, send, recv))
}
