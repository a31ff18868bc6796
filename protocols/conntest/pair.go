// Package conntest provides in-memory Conns that count, delay, drop, reorder and corrupt, and the suite that every
// protocol passes.
package conntest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
)

// Window is the number of bytes one direction holds before Send blocks. It is far below the product's 16 MiB, so that a
// protocol whose two sides both send before they receive deadlocks here and not at a customer.
const Window = 64 << 10

// Conn is one end of an in-memory connection. It counts what passes.
type Conn struct {
	peer    party.ID
	out, in *pipe
	flights atomic.Int64
	sent    atomic.Int64
	recvd   atomic.Int64
}

// Pair returns the two ends of a connection between a and b: the first is a's.
func Pair(a, b party.ID) (*Conn, *Conn) {
	ab, ba := newPipe(), newPipe()
	return &Conn{peer: b, out: ab, in: ba}, &Conn{peer: a, out: ba, in: ab}
}

// Peer returns the other end's party.
func (c *Conn) Peer() party.ID { return c.peer }

// Flight counts one flight; protocols.Exchange calls it.
func (c *Conn) Flight() { c.flights.Add(1) }

// Cost returns what this end has counted so far.
func (c *Conn) Cost() protocols.Cost {
	return protocols.Cost{Rounds: int(c.flights.Load()), SentBytes: c.sent.Load(), RecvBytes: c.recvd.Load()}
}

// Send implements protocols.Conn.
func (c *Conn) Send(ctx context.Context, msg []byte) error {
	if len(msg) > protocols.MaxMessage {
		return fault.New(fault.LimitExceeded, "conntest.Send", "message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	if err := c.out.put(ctx, append([]byte(nil), msg...), string(c.peer)); err != nil {
		return err
	}
	c.sent.Add(int64(len(msg)))
	return nil
}

// Recv implements protocols.Conn.
func (c *Conn) Recv(ctx context.Context) ([]byte, error) {
	msg, err := c.in.get(ctx, string(c.peer))
	if err != nil {
		return nil, err
	}
	c.recvd.Add(int64(len(msg)))
	return msg, nil
}

// Close ends both directions: the peer's and this end's pending and later calls return fault.PeerAborted.
func (c *Conn) Close() {
	c.out.close()
	c.in.close()
}

type pipe struct {
	mu     sync.Mutex
	queue  [][]byte
	held   int
	closed bool
	change chan struct{} // closed and replaced on every change
}

func newPipe() *pipe { return &pipe{change: make(chan struct{})} }

func (p *pipe) signal() {
	close(p.change)
	p.change = make(chan struct{})
}

func (p *pipe) put(ctx context.Context, msg []byte, peer string) error {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return aborted(peer)
		}
		if p.held == 0 || p.held+len(msg) <= Window {
			p.queue = append(p.queue, msg)
			p.held += len(msg)
			p.signal()
			p.mu.Unlock()
			return nil
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-change:
		}
	}
}

func (p *pipe) get(ctx context.Context, peer string) ([]byte, error) {
	for {
		p.mu.Lock()
		if len(p.queue) > 0 {
			msg := p.queue[0]
			p.queue = p.queue[1:]
			p.held -= len(msg)
			p.signal()
			p.mu.Unlock()
			return msg, nil
		}
		if p.closed {
			p.mu.Unlock()
			return nil, aborted(peer)
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-change:
		}
	}
}

func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.signal()
	}
}

func aborted(peer string) error {
	return &fault.Error{Code: fault.PeerAborted, Op: "conntest", Culprit: peer, Reason: "the peer closed the connection"}
}
