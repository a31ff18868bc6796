package oprf

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// window is the number of batches that wait at either party: requests without an answer at the client, answers not yet
// sent at the server.
const window = 4

// Matches is what the client learns.
type Matches struct {
	// Position lists the queries that the server holds too, as ascending positions in digests.
	Position []int32
	// Value holds the server's value of each position in the labelled variant, nil otherwise.
	Value [][]byte
	// Unopened counts queries whose record was found but whose value the server had not sealed for them. They are no
	// matches; the server must not be told.
	Unopened int
}

// Query learns which of the client's digests the server also holds.
//
// Shape: 0 ≤ len(digests) ≤ SessionQueries; a repeated digest is asked and reported once for every position; positions
// ascend. Bytes: Params.Cost(len(digests)). Reveals: Params.Leaks. Memory: L bytes per query (labelled 32 more), a few
// batches, and one block of the file.
// Errors: fault.Invalid (nil TagFile, Session without Rand or Workers), fault.LimitExceeded (more digests than
// SessionQueries; with culprit, an over-long message), fault.PlanMismatch (the peer's hello), fault.Expired (the server
// rotated its epoch or replaced the file: fetch it again), fault.Corrupt, fault.Unavailable (the cached file),
// fault.Misbehaved (anything else of the peer, a proof that does not hold among it), and those of the Conn.
// digests and f are borrowed; one call per Conn at a time. Source: doc.go.
func Query(ctx context.Context, s protocols.Session, c protocols.Conn, digests []Digest, f *TagFile) (Matches, error) {
	const op = "oprf.Query"
	if f == nil || f.p.check() != nil {
		return Matches{}, fault.New(fault.Invalid, op, "no tag file; use OpenTags")
	}
	if err := checkSession(s); err != nil {
		return Matches{}, err
	}
	if most := f.p.lit.SessionQueries; len(digests) > most {
		return Matches{}, fault.New(fault.LimitExceeded, op, "%d queries, SessionQueries is %d", len(digests), most)
	}
	state := newClient(f, digests, s.Workers)
	defer state.wipe()
	if err := state.run(ctx, s, c); err != nil {
		return Matches{}, settle(op, err)
	}
	m, err := state.match(ctx)
	if err != nil {
		return Matches{}, settle(op, err)
	}
	return m, nil
}

// run is the client's two flights. They overlap: the empty Exchange counts the first.
func (c *client) run(ctx context.Context, s protocols.Session, conn protocols.Conn) error {
	if err := protocols.Exchange(ctx, conn, nil, nil); err != nil {
		return err
	}
	own := hello{version: wireVersion, binding: s.Binding, params: c.f.p.Digest(), pin: c.f.pin, queries: len(c.digests)}
	greeted := make(chan struct{})
	return protocols.Exchange(ctx, conn,
		func(ctx context.Context) error {
			err := c.ask(ctx, s, conn, own)
			if err != nil && (fault.CodeOf(err) == fault.PeerAborted || fault.CodeOf(err) == fault.Unavailable) {
				// The server's hello may say why, and came before the connection broke.
				select {
				case <-greeted:
				case <-ctx.Done():
				}
			}
			return err
		},
		func(ctx context.Context) error { return c.learn(ctx, conn, own, greeted) })
}

// ask sends the hello and every request.
func (c *client) ask(ctx context.Context, s protocols.Session, conn protocols.Conn, own hello) error {
	if err := conn.Send(ctx, own.encode()); err != nil {
		return err
	}
	for !c.request.finished() {
		lo, hi := c.request.span()
		b, err := blind(ctx, c.pool, s.Rand, c.f.p.scheme, c.inputs(lo, hi))
		if err != nil {
			return err
		}
		msg, data, _ := c.request.seal()
		copy(data, b.Request())
		select {
		case c.pending <- b:
		case <-ctx.Done():
			b.discard()
			return ctx.Err()
		}
		if err := conn.Send(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// learn receives the hello and every answer.
func (c *client) learn(ctx context.Context, conn protocols.Conn, own hello, greeted chan<- struct{}) error {
	msg, err := receive(ctx, conn)
	if err != nil {
		return err
	}
	theirs, err := decodeHello(msg)
	if err == nil {
		err = checkHello(own, theirs)
	}
	if err != nil {
		return blame(conn, err)
	}
	close(greeted)
	for !c.answer.finished() {
		msg, err := receive(ctx, conn)
		if err != nil {
			return err
		}
		if err := c.settle(ctx, msg); err != nil {
			return blame(conn, err)
		}
	}
	return nil
}

// Service is what the server needs to answer queries.
type Service struct {
	Key  Key
	Pin  Pin   // of the epoch's current tag file, from BuildTags or TagFile.Pin
	Used int64 // evaluations under Key before this run, over all clients, runs in progress at their declared number
}

// Serve lets a client query this party's set. It learns the number of queries only.
//
// It returns the number of evaluations that it made, also when it fails: the caller adds them to Service.Used and to the
// client's quota. Bytes: Params.Cost(n).Flip(). Reveals: Params.Leaks. Memory: a few batches.
// Errors: fault.Invalid (zero Params or Key, a Key of another Pin, Session without Rand or Workers), fault.LimitExceeded
// (with culprit, more than SessionQueries or an over-long message; without, more than Queries under this key: rotate
// it), fault.PlanMismatch (the peer's hello), fault.Expired (the client's tag file is an old one), fault.Misbehaved
// (anything else of the peer), and those of the Conn. One call per Conn at a time. Source: doc.go.
func Serve(ctx context.Context, s protocols.Session, c protocols.Conn, v Service, p Params) (evaluations int, err error) {
	if err := checkService(s, v, p); err != nil {
		return 0, err
	}
	state := &server{s: s, conn: c, v: v, p: p, pool: newPool(s.Workers)}
	if err := state.run(ctx); err != nil {
		return state.evaluations, settle("oprf.Serve", err)
	}
	return state.evaluations, nil
}

func checkService(s protocols.Session, v Service, p Params) error {
	const op = "oprf.Serve"
	if err := p.check(); err != nil {
		return err
	}
	if err := checkSession(s); err != nil {
		return err
	}
	if err := v.Key.check(); err != nil {
		return err
	}
	if v.Key.Suite() != p.lit.Suite || v.Key.Commitment() != v.Pin.Key || v.Used < 0 {
		return fault.New(fault.Invalid, op, "the Key is not the Pin's or not of the plan's suite, or Used is negative")
	}
	return nil
}

// settle gives an error of the context, or of a foreign Conn or source, its code.
func settle(op string, err error) error {
	if fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(fault.Internal, op, err, "the run failed")
	}
	return fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
}

// blame names the peer in errors about its bytes, and only in those.
func blame(c protocols.Conn, err error) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded, fault.PlanMismatch:
		return fault.Blame(err, string(c.Peer()))
	}
	return err
}

// receive bounds what it receives.
func receive(ctx context.Context, c protocols.Conn) ([]byte, error) {
	msg, err := c.Recv(ctx)
	if err == nil && len(msg) > protocols.MaxMessage {
		err = blame(c, fault.New(fault.LimitExceeded, "oprf.receive", "message of %d bytes, at most %d", len(msg), protocols.MaxMessage))
	}
	return msg, err
}

// checkHello compares the peer's hello with this party's.
func checkHello(own, peer hello) error {
	const op = "oprf.checkHello"
	switch {
	case peer.version != own.version:
		return fault.New(fault.PlanMismatch, op, "the peer speaks version %d, this is %d", peer.version, own.version)
	case peer.server == own.server:
		return fault.New(fault.PlanMismatch, op, "both parties have the same role")
	case peer.binding != own.binding:
		return fault.New(fault.PlanMismatch, op, "the peer runs another session, plan or attempt")
	case peer.params != own.params:
		return fault.New(fault.PlanMismatch, op, "the peer has other parameters or key rules")
	case peer.server && peer.queries != 0:
		return fault.New(fault.Misbehaved, op, "a server that asks")
	case peer.pin.Epoch != own.pin.Epoch:
		return fault.New(fault.Expired, op, "the epoch has been rotated; the client fetches the current tag file")
	case peer.pin.Key != own.pin.Key:
		return fault.New(fault.PlanMismatch, op, "the peer has another key for the same epoch")
	case peer.pin.File != own.pin.File:
		return fault.New(fault.Expired, op, "the tag file of this epoch has been replaced; the client fetches the current one")
	}
	return nil
}
