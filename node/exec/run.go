package exec

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/protocols"
)

// Run is one attempt of one slot at this party.
type Run struct {
	engine  *Engine
	task    *Task
	slot    Slot
	waiting atomic.Bool // for the peer to open the session
	session atomic.Pointer[link.Session]
	began   meterStart
}

// Binding is what a session is bound to; changing anything makes another session.
//
// Source: DESIGN §3, H(job, plan digest, step, attempt, start mark, approvals, sorted parties).
func Binding(t *Task, s Slot) [32]byte {
	var e wire.Encoder
	e.String("tacit/session/v1")
	e.String(t.Job)
	e.Fixed(t.Plan.Digest[:])
	e.String(s.ID)
	e.U32(s.Attempt)
	e.U32(s.Mark)
	e.Fixed(t.Approvals[:])
	e.U32(uint32(len(t.Parties)))
	for _, p := range t.Parties {
		e.String(string(p))
	}
	return sha256.Sum256(e.B)
}

// Open spends the binding of the attempt and opens its session with the other data holder. It is called once, after
// everything local has been checked.
func (r *Run) Open(ctx context.Context) (protocols.Session, []protocols.Conn, error) {
	peers := r.peers()
	if len(peers) != 1 {
		return protocols.Session{}, nil, fault.New(fault.Unsupported, "exec.Open", "a step among %d parties", len(peers)+1)
	}
	binding := Binding(r.task, r.slot)
	if err := r.engine.cfg.Ledger.Bind(ctx, r.task, r.slot, binding); err != nil {
		return protocols.Session{}, nil, err
	}
	r.waiting.Store(true)
	defer r.waiting.Store(false)
	c, err := r.engine.cfg.Link.Open(ctx, peers[0], link.SessionID{
		Binding: binding, Job: r.task.Job, Step: r.slot.ID, Attempt: r.slot.Attempt,
	})
	if err != nil {
		return protocols.Session{}, nil, err
	}
	r.session.Store(c)
	if err := r.engine.cfg.Ledger.Use(ctx, r.task, r.slot); err != nil {
		return protocols.Session{}, nil, err
	}
	s := protocols.Session{
		Binding: binding, Self: r.engine.cfg.Self, Peers: peers, Rand: r.engine.cfg.Rand, Workers: r.engine.cfg.Workers,
	}
	return s, []protocols.Conn{c}, nil
}

func (r *Run) peers() []party.ID {
	return slices.DeleteFunc(slices.Clone(r.task.Parties), func(p party.ID) bool { return p == r.engine.cfg.Self })
}

// close ends the session: in peace after success, else so that the peer stops waiting at once.
func (r *Run) close(err error) {
	s := r.session.Load()
	switch {
	case s == nil:
	case err == nil:
		s.Close()
	default:
		s.Reset(fault.CodeOf(err))
	}
}

// Progress reports a monotone counter of this step.
func (r *Run) Progress(done, total int) { r.engine.setProgress(r.task.Job, r.slot.ID, done, total) }

// Input reads the sealed output of an earlier step at this party.
func (r *Run) Input(step string) ([]byte, error) {
	return readSealed(r.engine.cfg.Dir, r.task.Job, step, 1)
}

func asFault(err error) (*fault.Error, bool) { return errors.AsType[*fault.Error](err) }
