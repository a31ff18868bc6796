// Package protocols is party-to-party work over an abstract Conn: what every multi-party run shares. It sees neither
// storage nor policy.
package protocols

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// MaxMessage bounds one message, in bytes: gateways cap bodies at 2 MB, and no message grows with the input.
const MaxMessage = 1 << 20

// Conn is an ordered, reliable, authenticated, message-framed connection to one peer. One goroutine may send while
// another receives; neither method may be called by two goroutines at once.
type Conn interface {
	Peer() party.ID
	// Send transfers msg, which the Conn may not keep or change after Send returns. It blocks while the peer's
	// receive window is full.
	Send(ctx context.Context, msg []byte) error
	// Recv returns the next message. The result belongs to the caller.
	Recv(ctx context.Context) ([]byte, error)
}

// FlightCounter is implemented by a Conn that counts rounds; Exchange calls Flight once per flight.
type FlightCounter interface{ Flight() }

// Session binds one run of a protocol to its job, step, attempt and parties.
type Session struct {
	Binding [32]byte // H(job, plan digest, step, attempt, start mark, approvals, sorted parties)
	Self    party.ID
	Peers   []party.ID // sorted, without Self
	Rand    io.Reader  // crypto/rand.Reader outside tests
	Workers int        // goroutines a step may use, at least 1
}

// Cost is what one party of a run transfers: Rounds is the number of flights, and bytes are the sum of message lengths
// without the link's framing.
type Cost struct {
	Rounds               int
	SentBytes, RecvBytes int64
}

// Add returns the cost of running both, one after the other.
func (c Cost) Add(o Cost) Cost {
	return Cost{Rounds: c.Rounds + o.Rounds, SentBytes: c.SentBytes + o.SentBytes, RecvBytes: c.RecvBytes + o.RecvBytes}
}

// Times returns the cost of n runs.
func (c Cost) Times(n int) Cost {
	return Cost{Rounds: c.Rounds * n, SentBytes: c.SentBytes * int64(n), RecvBytes: c.RecvBytes * int64(n)}
}

// Flip returns the same run seen from the peer.
func (c Cost) Flip() Cost {
	return Cost{Rounds: c.Rounds, SentBytes: c.RecvBytes, RecvBytes: c.SentBytes}
}

// Role is a party's part in a protocol, by the name the protocol's source gives it; "all" is every party.
type Role string

// All is the role of every party of a run.
const All Role = "all"

// LeakKind is what a step discloses besides its output; a closed set.
type LeakKind string

// The kinds of leakage.
const (
	LeakRowCount            LeakKind = "row-count"
	LeakIntersectionSize    LeakKind = "intersection-size"
	LeakIntersectionMembers LeakKind = "intersection-members"
	LeakBinSums             LeakKind = "bin-sums"
	LeakNodeMembership      LeakKind = "node-membership"
	LeakScore               LeakKind = "score"
	LeakCoefficients        LeakKind = "coefficients"
	LeakIterations          LeakKind = "iterations"
	LeakAccessPattern       LeakKind = "access-pattern"
)

// Leak is one line of a protocol's leakage statement, the `reveals:` line of its doc.go in data:
// "reveals: Detail to To".
type Leak struct {
	To, About Role
	Kind      LeakKind
	Detail    string
}

// Exchange runs one flight over c: send and recv run at the same time, since two sides that both send more than the
// window before they receive would deadlock. Either may be nil. It returns the first error after both have stopped.
func Exchange(ctx context.Context, c Conn, send, recv func(context.Context) error) error {
	if f, ok := c.(FlightCounter); ok {
		f.Flight()
	}
	switch {
	case recv == nil && send == nil:
		return nil
	case recv == nil:
		return send(ctx)
	case send == nil:
		return recv(ctx)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return send(gctx) })
	g.Go(func() error { return recv(gctx) })
	return g.Wait()
}

// SendAll sends b in messages of at most MaxMessage bytes. An empty b sends nothing.
func SendAll(ctx context.Context, c Conn, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), MaxMessage)
		if err := c.Send(ctx, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// RecvAll fills dst with what the peer's SendAll of the same length sent.
//
// Errors: fault.Misbehaved when a message has another length than the protocol fixes.
func RecvAll(ctx context.Context, c Conn, dst []byte) error {
	for len(dst) > 0 {
		n := min(len(dst), MaxMessage)
		msg, err := RecvExact(ctx, c, n)
		if err != nil {
			return err
		}
		copy(dst, msg)
		dst = dst[n:]
	}
	return nil
}

// RecvExact receives one message of exactly n bytes.
//
// Errors: fault.Misbehaved when its length differs.
func RecvExact(ctx context.Context, c Conn, n int) ([]byte, error) {
	msg, err := c.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if len(msg) != n {
		return nil, &fault.Error{
			Code: fault.Misbehaved, Op: "protocols.RecvExact", Culprit: string(c.Peer()),
			Reason: "a message of another length than the protocol fixes",
		}
	}
	return msg, nil
}
