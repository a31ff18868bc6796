package psi

import (
	"context"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Matches is what a party learns.
type Matches struct {
	Count int
	// Position lists the matched items as positions in items, in aligned order: entry k of both parties is the same
	// element. It is nil for a party that learns nothing, and empty when nothing matched.
	Position []int32
}

// Receive learns which of its items the sender also holds.
//
// Shape: items are distinct, 0 ≤ n ≤ the declared size; the result has at most min(n_R, n_S) positions.
// Bytes: Params.Cost(n_R, n_S). Reveals: Params.Leaks.
// Errors: fault.Invalid (repeated item, zero Params or Session, size other than declared), fault.LimitExceeded (more
// items than declared), fault.PlanMismatch (the peer's hello), fault.Misbehaved (anything else of the peer),
// and those of the Conn.
// Items are borrowed; one call per Conn at a time. Source: doc.go.
func Receive(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) (Matches, error) {
	if p.cut.Bits > 0 {
		m, err := exchangeCut(ctx, s, c, Receiver, items, p)
		return m, settle("psi.Receive", err)
	}
	r, err := start(ctx, s, c, Receiver, items, p)
	if err != nil {
		return Matches{}, settle("psi.Receive", err)
	}
	m, err := r.receive(ctx, items)
	if err != nil {
		return Matches{}, settle("psi.Receive", r.blame(err))
	}
	return m, nil
}

// Send lets the receiver learn which of its items this party also holds, and under OutputBoth learns the same.
//
// Shape, bytes, errors and ownership are those of Receive; the cost is Params.Cost(n_R, n_S).Flip().
func Send(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) (Matches, error) {
	if p.cut.Bits > 0 {
		m, err := exchangeCut(ctx, s, c, Sender, items, p)
		return m, settle("psi.Send", err)
	}
	r, err := start(ctx, s, c, Sender, items, p)
	if err != nil {
		return Matches{}, settle("psi.Send", err)
	}
	m, err := r.send(ctx, items)
	if err != nil {
		return Matches{}, settle("psi.Send", r.blame(err))
	}
	return m, nil
}

// settle gives an error of the context, or of a foreign Conn, its code.
func settle(op string, err error) error {
	if fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(fault.Internal, op, err, "the run failed")
	}
	return fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
}

// blame names the peer in errors about its bytes, and only in those.
func (r *run) blame(err error) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded, fault.PlanMismatch:
		return fault.Blame(err, string(r.c.Peer()))
	}
	return err
}

// run is one party's side of one run, whatever the method.
type run struct {
	s            protocols.Session
	p            Params
	c            protocols.Conn
	role         protocols.Role
	nRecv, nSend int // distinct items of R and of S
	pool         pool
	meter        *meter
	out, in      *transcript.Transcript // of the messages sent and received
	// proof vouches for the matches at these positions of the own items; nil where the mode has none.
	proof func(position []int32) [32]byte
}

// start checks the arguments and exchanges hellos.
func start(ctx context.Context, s protocols.Session, c protocols.Conn, role protocols.Role, items []Item, p Params) (*run, error) {
	if err := checkArguments(s, role, items, p); err != nil {
		return nil, err
	}
	r := &run{s: s, p: p, c: c, role: role, pool: newPool(s.Workers)}
	r.out, r.in = transcript.ForSession("tacit/psi/v1", s), transcript.ForSession("tacit/psi/v1", s)
	peer, err := r.greet(ctx, len(items))
	if err != nil {
		return nil, r.blame(err)
	}
	r.nRecv, r.nSend = len(items), peer
	if role == Sender {
		r.nRecv, r.nSend = peer, len(items)
	}
	r.meter = &meter{total: r.nRecv + r.nSend, report: p.progress}
	return r, nil
}

// receive is R after hello.
func (r *run) receive(ctx context.Context, items []Item) (Matches, error) {
	if r.p.lit.Method == MethodRR22 {
		return r.receiveRR22(ctx, items)
	}
	return r.receiveECDH(ctx, items)
}

// send is S after hello.
func (r *run) send(ctx context.Context, items []Item) (Matches, error) {
	if r.p.lit.Method == MethodRR22 {
		return r.sendRR22(ctx, items)
	}
	return r.sendECDH(ctx, items)
}

func checkArguments(s protocols.Session, role protocols.Role, items []Item, p Params) error {
	const op = "psi.checkArguments"
	if p.frame == 0 {
		return fault.New(fault.Invalid, op, "zero Params; use NewParams")
	}
	if s.Rand == nil || s.Workers < 1 {
		return fault.New(fault.Invalid, op, "the Session needs Rand and at least 1 worker")
	}
	if err := p.checkOwn(role, len(items)); err != nil {
		return err
	}
	return distinct(items)
}

// greet is the first flight. It returns the peer's number of items.
func (r *run) greet(ctx context.Context, n int) (int, error) {
	own := hello{version: wireVersion, receiver: r.role == Receiver, binding: r.s.Binding, params: r.p.Digest(), items: n}
	var peer hello
	err := protocols.Exchange(ctx, r.c,
		func(ctx context.Context) error { return r.put(ctx, own.encode()) },
		func(ctx context.Context) error {
			msg, err := r.get(ctx)
			if err != nil {
				return err
			}
			peer, err = decodeHello(msg)
			return err
		})
	if err != nil {
		return 0, err
	}
	return peer.items, r.checkHello(own, peer)
}

func (r *run) checkHello(own, peer hello) error {
	const op = "psi.checkHello"
	peerRole := Sender
	if r.role == Sender {
		peerRole = Receiver
	}
	switch {
	case peer.version != own.version:
		return fault.New(fault.PlanMismatch, op, "the peer speaks version %d, this is %d", peer.version, own.version)
	case peer.receiver == own.receiver:
		return fault.New(fault.PlanMismatch, op, "both parties are the %s", r.role)
	case peer.binding != own.binding:
		return fault.New(fault.PlanMismatch, op, "the peer runs another session, plan or attempt")
	case peer.params != own.params:
		return fault.New(fault.PlanMismatch, op, "the peer has other parameters or key rules")
	case !r.p.check(peerRole, peer.items):
		return fault.New(fault.PlanMismatch, op, "%d items as %s is not what the plan declared", peer.items, peerRole)
	}
	return nil
}

// put sends one message.
func (r *run) put(ctx context.Context, msg []byte) error {
	note(r.out, msg)
	return r.c.Send(ctx, msg)
}

// get receives one message.
func (r *run) get(ctx context.Context) ([]byte, error) {
	msg, err := r.c.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if len(msg) > protocols.MaxMessage {
		return nil, fault.New(fault.LimitExceeded, "psi.get", "message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	note(r.in, msg)
	return msg, nil
}

// note adds a message to a transcript by its SHA-256, which processors compute several times faster than the
// transcript's own hash.
func note(t *transcript.Transcript, msg []byte) {
	sum := sha256.Sum256(msg)
	t.Append("message", sum[:])
}
