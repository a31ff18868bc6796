package oprf

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// server is the server's state in one run.
type server struct {
	s           protocols.Session
	conn        protocols.Conn
	v           Service
	p           Params
	pool        pool
	meter       meter
	evaluations int
}

// run says hello before it reads, so that a client with an old tag file learns why it is refused.
func (v *server) run(ctx context.Context) error {
	own := hello{version: wireVersion, server: true, binding: v.s.Binding, params: v.p.Digest(), pin: v.v.Pin}
	err := protocols.Exchange(ctx, v.conn, func(ctx context.Context) error { return v.conn.Send(ctx, own.encode()) }, nil)
	if err != nil {
		return err
	}
	answers := make(chan []byte, window)
	return protocols.Exchange(ctx, v.conn,
		func(ctx context.Context) error { return v.reply(ctx, answers) },
		func(ctx context.Context) error { return v.read(ctx, own, answers) })
}

// read receives the hello and every request, and closes answers when all are answered.
func (v *server) read(ctx context.Context, own hello, answers chan<- []byte) error {
	msg, err := receive(ctx, v.conn)
	if err != nil {
		return err
	}
	theirs, err := decodeHello(msg)
	if err == nil {
		err = checkHello(own, theirs)
	}
	if err == nil && theirs.queries > v.p.lit.SessionQueries {
		err = fault.New(fault.LimitExceeded, "oprf.Serve", "%d queries, SessionQueries is %d", theirs.queries, v.p.lit.SessionQueries)
	}
	if err != nil {
		return blame(v.conn, err)
	}
	if left := v.p.lit.Queries - v.v.Used; int64(theirs.queries) > left {
		return fault.New(fault.LimitExceeded, "oprf.Serve", "%d queries where the key's lifetime leaves %d; rotate the epoch", theirs.queries, max(left, 0))
	}
	v.meter = meter{total: theirs.queries, report: v.p.progress}
	request, answer := v.p.streams(theirs.queries)
	for !request.finished() {
		msg, err := receive(ctx, v.conn)
		if err != nil {
			return err
		}
		out, err := v.answer(ctx, &request, &answer, msg)
		if err != nil {
			return blame(v.conn, err)
		}
		select {
		case answers <- out:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	close(answers)
	return nil
}

// answer evaluates one request: RFC 9497 §3.3.2, BlindEvaluate.
//
// Errors: fault.Misbehaved, without culprit.
func (v *server) answer(ctx context.Context, request, answer *stream, msg []byte) ([]byte, error) {
	data, _, err := request.open(msg)
	if err != nil {
		return nil, err
	}
	lo, hi := answer.span()
	out, evaluated, proof := answer.seal()
	if err := v.v.Key.blindEvaluate(ctx, v.pool, v.s.Rand, v.p.scheme, evaluated, proof, data); err != nil {
		return nil, err
	}
	v.evaluations += hi - lo
	v.meter.add(hi - lo)
	return out, nil
}

// reply sends the answers until the channel is closed.
func (v *server) reply(ctx context.Context, answers <-chan []byte) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case msg, ok := <-answers:
			if !ok {
				return nil
			}
			if err := v.conn.Send(ctx, msg); err != nil {
				return err
			}
		}
	}
}
