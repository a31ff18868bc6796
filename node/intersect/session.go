package intersect

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// meter counts message bytes over all connections, and remembers that one broke: a failure of this machine is not one of
// the connection.
type meter struct{ sent, recv atomic.Int64 }

func (m *meter) bytes() (sent, recv int64) { return m.sent.Load(), m.recv.Load() }

// metered is a Link whose bytes are counted.
type metered struct {
	Link
	m    *meter
	lost atomic.Bool
}

// Send implements protocols.Conn.
func (c *metered) Send(ctx context.Context, msg []byte) error {
	err := c.Link.Send(ctx, msg)
	if err != nil {
		c.note(err)
		return err
	}
	c.m.sent.Add(int64(len(msg)))
	return nil
}

// Recv implements protocols.Conn.
func (c *metered) Recv(ctx context.Context) ([]byte, error) {
	msg, err := c.Link.Recv(ctx)
	if err != nil {
		c.note(err)
		return nil, err
	}
	c.m.recv.Add(int64(len(msg)))
	return msg, nil
}

// note remembers an end of the connection that a new one may mend: one that has a cause below it. A peer that said why it
// stops will not come back by itself, and one that is there and says nothing would do so again.
func (c *metered) note(err error) {
	e, ok := errors.AsType[*fault.Error](err)
	if ok && (e.Code == fault.Unavailable || (e.Code == fault.Timeout && e.Culprit == "") || (e.Code == fault.PeerAborted && e.Err != nil)) {
		c.lost.Store(true)
	}
}

// session is one connection of a run after its opening.
type session struct {
	r      *runner
	c      *metered
	nonces [64]byte // of this attempt, the listener's first
	rows   int64    // matched, of the buckets that are finished
}

// swap sends one message and receives one.
func (s *session) swap(ctx context.Context, msg []byte) (got []byte, err error) {
	err = protocols.Exchange(ctx, s.c,
		func(ctx context.Context) error { return s.c.Send(ctx, msg) },
		func(ctx context.Context) (err error) {
			got, err = s.c.Recv(ctx)
			return err
		})
	return got, err
}

// blame names the peer in errors about its bytes.
func (s *session) blame(err error) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded:
		return fault.Blame(err, string(s.c.Peer()))
	}
	return err
}

// greet compares what both parties want, before a size or a point is sent.
//
// Errors: fault.PlanMismatch naming the first difference.
func (s *session) greet(ctx context.Context) error {
	cfg := s.r.cfg
	own := opening{
		side: cfg.Side, job: cfg.Job, ruleset: cfg.ruleset(), join: cfg.Join, outputTo: cfg.OutputTo, duplicates: cfg.Duplicates,
		malicious: cfg.Malicious, method: cfg.Method, suite: cfg.Suite,
	}
	if _, err := io.ReadFull(cfg.Rand, own.nonce[:]); err != nil {
		return fault.Wrap(fault.Internal, "intersect.greet", err, "the randomness source failed")
	}
	msg, err := s.swap(ctx, own.encode())
	if err != nil {
		return err
	}
	peer, err := decodeOpening(msg)
	if err != nil {
		return s.blame(err)
	}
	const op = "intersect.greet"
	switch what := cfg.differs(peer); {
	case peer.side != cfg.Side.other():
		return s.mismatch(op, "both parties are the %s", cfg.Side)
	case peer.job != cfg.Job:
		return s.mismatch(op, "the peer runs another job")
	case what != "":
		return s.mismatch(op, "the peer runs with other %s: agree and give both commands the same options (here: %s)", what, cfg.Terms.String())
	case cfg.Method != MethodAuto && peer.method != MethodAuto && peer.method != cfg.Method:
		return s.mismatch(op, "the peer insists on method %q, this party on %q", clip(string(peer.method)), cfg.Method)
	case cfg.Suite != "" && peer.suite != "" && peer.suite != cfg.Suite:
		return s.mismatch(op, "the peer insists on suite %q, this party on %q", clip(string(peer.suite)), cfg.Suite)
	}
	s.r.peerMethod, s.r.peerSuite = peer.method, peer.suite
	listener, connector := own.nonce, peer.nonce
	if cfg.Side == Connector {
		listener, connector = peer.nonce, own.nonce
	}
	copy(s.nonces[:32], listener[:])
	copy(s.nonces[32:], connector[:])
	return nil
}

// mismatch is fault.PlanMismatch without a culprit: either may be the one that erred.
func (s *session) mismatch(op, format string, args ...any) error {
	return fault.New(fault.PlanMismatch, op, format, args...)
}

// clip keeps a peer's word short in an error.
func clip(s string) string { return s[:min(len(s), maxWordBytes)] }

// agree settles the plan: the one that both have from before, or a new one by the listener.
func (s *session) agree(ctx context.Context) error {
	r := s.r
	own := sizes{keys: r.keys.Keys, memory: r.cfg.Memory}
	if r.state.planned {
		own.plan = r.planDigest()
	}
	msg, err := s.swap(ctx, own.encode())
	if err != nil {
		return err
	}
	peer, err := decodeSizes(msg)
	if err != nil {
		return s.blame(err)
	}
	if own.plan == peer.plan && r.state.planned {
		if peer.keys != r.state.peerKeys {
			return s.mismatch("intersect.agree", "the peer has another number of keys than before: it must run over the same input, or both start anew without their state directories")
		}
		return nil
	}
	if own.plan != ([32]byte{}) && peer.plan != ([32]byte{}) {
		return s.mismatch("intersect.agree", "the peer resumes another run: remove the state directories of both parties and start anew")
	}
	return s.plan(ctx, peer)
}

// plan makes a new plan and the record of it durable.
func (s *session) plan(ctx context.Context, peer sizes) error {
	r := s.r
	var c choice
	if r.cfg.Side == Listener {
		var err error
		if c, err = r.choose(peer); err != nil {
			return err
		}
		c.nonces = s.nonces
		if err := s.c.Send(ctx, c.encode()); err != nil {
			return err
		}
	} else {
		msg, err := s.c.Recv(ctx)
		if err != nil {
			return err
		}
		if c, err = decodeChoice(msg); err != nil {
			return s.blame(err)
		}
		if err := r.accept(c, s.nonces, peer); err != nil {
			return s.blame(err)
		}
	}
	if err := r.state.try(0); err != nil {
		return s.blame(err)
	}
	r.state.planned, r.state.choice, r.state.peerKeys = true, c, peer.keys
	r.state.ended = false
	return r.state.save()
}

// compare tells which buckets both parties have finished in the same run of them.
func (s *session) compare(ctx context.Context) (own []mark, both []bool, err error) {
	r := s.r
	if own, err = r.state.loadMarks(r.planDigest(), r.cut.Count()); err != nil {
		return nil, nil, err
	}
	msg, err := s.swap(ctx, encodeFinished(own))
	if err != nil {
		return nil, nil, err
	}
	peer, err := decodeFinished(msg, len(own))
	if err != nil {
		return nil, nil, s.blame(err)
	}
	both = make([]bool, len(own))
	for i := range both {
		both[i] = own[i] != mark{} && own[i] == peer[i]
	}
	return own, both, nil
}

// binding binds the run of one bucket to the job, its plan and this attempt.
func (s *session) binding(number int) [32]byte {
	h := sha256.New()
	plan := s.r.planDigest()
	for _, b := range [][]byte{[]byte("tacit/intersect/bucket-run/v1"), s.r.cfg.Job[:], plan[:], s.nonces[:], {byte(number >> 8), byte(number)}} {
		h.Write(b)
	}
	return [32]byte(h.Sum(nil))
}

// end tells both parties that all buckets are done everywhere.
func (s *session) end(ctx context.Context, marks []mark, own final) error {
	r := s.r
	own.marks = sha256.Sum256(encodeFinished(marks))
	msg, err := s.swap(ctx, own.encode())
	if err != nil {
		return err
	}
	peer, err := decodeFinal(msg)
	if err != nil {
		return s.blame(err)
	}
	wrong := peer.marks != own.marks || (r.cfg.OutputTo == ToBoth && peer.matched != own.matched) ||
		(peer.kept > 0 && !r.cfg.keeps(r.cfg.Side.other()))
	if wrong {
		return s.blame(fault.New(fault.Misbehaved, "intersect.end", "the peer ends with other results than this party has"))
	}
	if limit := r.rowLimit(); own.matched+own.kept+peer.kept > limit {
		return s.blame(fault.New(fault.LimitExceeded, "intersect.end", "MaxRows: the peer makes this an output of %d rows, at most %d", own.matched+own.kept+peer.kept, limit))
	}
	r.state.ended, r.state.own, r.state.peer = true, own, peer
	return r.state.save()
}

// ackLimit is how long a party that has everything waits for the other to say the same.
const ackLimit = 10 * time.Second

// part waits, not for long, until the peer has its record of the end as well, so that neither needs the other any more.
func (s *session) part(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackLimit)
	defer cancel()
	msg, err := s.swap(ctx, encodeAck())
	if err == nil {
		err = decodeAck(msg)
	}
	return err
}

func (r *runner) rowLimit() int64 { return r.cfg.rowLimit(r.keys.Keys, r.state.peerKeys) }

// role is this party's part in the protocol.
func (r *runner) role() protocols.Role {
	if r.state.choice.receiver == r.cfg.Side {
		return psi.Receiver
	}
	return psi.Sender
}
