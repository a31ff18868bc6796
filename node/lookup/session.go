package lookup

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// session is the holder's side of one connection.
type session struct {
	s    *server
	c    *client
	conn *direct.Conn
	told bool // the client knows why it is refused
	out  Session
}

func (v *session) run(ctx context.Context) error {
	e, err := v.s.holder.acquire(ctx)
	if err != nil {
		return err
	}
	defer v.s.holder.release(e)
	nonces, err := greet(ctx, v.conn, opening{holder: true, ruleset: e.record.lit.Ruleset}, v.s.Rand)
	if err != nil {
		return err
	}
	c := e.record.catalog()
	if err := v.conn.Send(ctx, c.encode()); err != nil {
		return err
	}
	msg, err := v.conn.Recv(ctx)
	if err != nil {
		return err
	}
	w, err := decodeWant(msg)
	if err != nil {
		return blamed(err, string(v.conn.Peer()))
	}
	v.out.Queries, v.out.Fetched = w.queries, w.fetch
	sess := protocols.Session{
		Binding: binding(nonces, c), Self: holderName, Peers: []party.ID{v.conn.Peer()}, Rand: v.s.Rand, Workers: v.s.Workers,
	}
	return v.answer(ctx, e, sess, w)
}

// answer reserves, serves and commits.
func (v *session) answer(ctx context.Context, e *epoch, sess protocols.Session, w want) (err error) {
	n := int64(w.queries)
	left, err := e.ledger.reserve(v.c.number, n, v.s.Quota)
	if err != nil {
		refusal := verdict{code: fault.CodeOf(err), left: left}
		v.told = v.conn.Send(ctx, refusal.encode()) == nil
		v.out.Used, v.out.UsedAll = e.ledger.used(v.c.number)
		return err
	}
	defer func() {
		if cerr := e.ledger.commit(v.c.number, n, int64(v.out.Made)); cerr != nil && err == nil && v.out.Made < int(n) {
			err = cerr // what was not given back counts as used: on the safe side
		}
		v.out.Used, v.out.UsedAll = e.ledger.used(v.c.number)
	}()
	if err := v.conn.Send(ctx, verdict{granted: true, left: left}.encode()); err != nil {
		return err
	}
	if w.fetch {
		if err := oprf.SendTags(ctx, sess, v.conn, e.tags); err != nil {
			return err
		}
	}
	// Used is set so that exactly what was reserved is left to this run.
	service := oprf.Service{Key: e.key, Pin: e.record.Pin, Used: e.record.lit.Queries - n}
	v.out.Made, err = oprf.Serve(ctx, sess, v.conn, service, e.params)
	return err
}

// greet compares what both sides want, before anything about data is sent, and returns both nonces, the holder's first.
//
// Errors: fault.PlanMismatch (other key rules, both the same side).
func greet(ctx context.Context, c protocols.Conn, own opening, rand io.Reader) (nonces [64]byte, err error) {
	const op = "lookup.greet"
	if _, err := io.ReadFull(rand, own.nonce[:]); err != nil {
		return nonces, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	var msg []byte
	err = protocols.Exchange(ctx, c,
		func(ctx context.Context) error { return c.Send(ctx, own.encode()) },
		func(ctx context.Context) (err error) {
			msg, err = c.Recv(ctx)
			return err
		})
	if err != nil {
		return nonces, err
	}
	peer, err := decodeOpening(msg)
	switch {
	case err != nil:
		return nonces, blamed(err, string(c.Peer()))
	case peer.holder == own.holder:
		return nonces, fault.New(fault.PlanMismatch, op, "both parties are on the same side")
	case peer.ruleset != own.ruleset:
		return nonces, fault.New(fault.PlanMismatch, op, "the set was published under other key rules than those of --key: give the same rules, in the same order; nothing about the data was sent")
	}
	first, second := own.nonce, peer.nonce
	if !own.holder {
		first, second = second, first
	}
	copy(nonces[:32], first[:])
	copy(nonces[32:], second[:])
	return nonces, nil
}

// binding binds both protocols to this connection's attempt and the epoch.
func binding(nonces [64]byte, c catalog) [32]byte {
	var e wire.Encoder
	e.String("tacit/lookup/session/v1")
	e.Fixed(nonces[:])
	c.append(&e)
	return sha256.Sum256(e.B)
}
