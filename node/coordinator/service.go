package coordinator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
)

// Config says what a Service needs.
type Config struct {
	Self   party.ID
	DB     *store.DB
	Keys   *identity.Keys
	Pins   *identity.Pins
	Kick   func(party.ID) // new messages to a peer are committed
	Engine *exec.Engine
	Clock  func() time.Time
	Rand   io.Reader
	Logger *slog.Logger
}

// Service runs the job machines of one node over its store. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	plans  map[string]*plan.Plan  // by job, at most maxPlans; rebuilt from the row when absent
	timers map[string]*time.Timer // by job, while it is not ended
	notify chan struct{}          // closed and replaced on every change

	wg     sync.WaitGroup
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
}

// New returns a Service. SetEngine completes it before anything runs: engine and service know each other.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, plans: map[string]*plan.Plan{}, timers: map[string]*time.Timer{}, notify: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// SetEngine names the engine that runs approved jobs.
func (s *Service) SetEngine(e *exec.Engine) { s.cfg.Engine = e }

// Close stops timers and waits for background work. The engine is closed by its owner, before.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for _, t := range s.timers {
		t.Stop()
	}
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// change is one transaction with what follows its commit.
type change struct {
	*store.Tx
	s     *Service
	ctx   context.Context
	after []func()
	kicks map[party.ID]bool
}

// update runs fn in one transaction; its messages leave and its effects begin after the commit.
func (s *Service) update(ctx context.Context, fn func(c *change) error) error {
	var last *change
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		last = &change{Tx: tx, s: s, ctx: ctx, kicks: map[party.ID]bool{}}
		return fn(last)
	})
	if err != nil {
		return err
	}
	for p := range last.kicks {
		s.cfg.Kick(p)
	}
	for _, f := range last.after {
		f()
	}
	s.changed()
	return nil
}

// changed wakes everybody who waits for a new view.
func (s *Service) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.notify)
	s.notify = make(chan struct{})
}

// Changed returns a channel that is closed at the next change of any job.
func (s *Service) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notify
}

// later runs f in the background until the service closes; Close waits for it.
func (s *Service) later(delay time.Duration, f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.wg.Go(func() {
		select {
		case <-s.ctx.Done():
		case <-time.After(delay):
			f(s.ctx)
		}
	})
}

// send queues a signed control message to one peer.
func (c *change) send(to party.ID, kind Kind, jobID string, payload []byte) error {
	c.kicks[to] = true
	return c.Tx.Send(to, func(seq uint64) ([]byte, error) {
		size, root, err := c.Head()
		if err != nil {
			return nil, err
		}
		m := Message{
			From: c.s.cfg.Self, To: to, Seq: seq, Kind: kind, Job: jobID, Head: Head{Size: size, Root: root}, Payload: payload,
		}
		return m.Seal(signer{c.s.cfg.Keys})
	})
}

func (c *change) sendAll(j Job, kind Kind, payload []byte) error {
	for _, p := range j.Others() {
		if err := c.send(p, kind, j.ID, payload); err != nil {
			return err
		}
	}
	return nil
}

// apply runs one event through a job's machine, writes the new state with its leaf, and carries out the effects.
func (c *change) apply(jobID string, e Event) error {
	r, err := c.record(jobID)
	if err != nil {
		return err
	}
	return c.step(&r, e)
}

func (c *change) step(r *Record, e Event) error {
	before := r.Job.Phase
	next, effects := r.Job.Step(e)
	if rejected(effects) {
		c.s.cfg.Logger.Info("event rejected", "job", r.Job.ID, "event", string(e.Kind), "phase", string(before), "from", string(e.From))
		return nil
	}
	r.Job = next
	if next.Phase != before {
		c.clock(r)
	}
	if err := c.save(r, before, e); err != nil {
		return err
	}
	for _, f := range effects {
		if err := c.perform(r, f); err != nil {
			return err
		}
	}
	return nil
}

// clock stamps a phase that just began and sets the timer that ends it.
func (c *change) clock(r *Record) {
	now := c.s.cfg.Clock().UnixMilli()
	switch {
	case r.Job.Phase.Terminal():
		r.Ended = now
		c.after = append(c.after, func() { c.s.forget(r.Job.ID) })
	case r.Job.Phase == Settling:
		r.Settling = now
		fallthrough
	case r.Job.Phase == Describing:
		id := r.Job.ID
		at, e := r.deadline()
		c.after = append(c.after, func() { c.s.arm(id, at, e) })
	}
}

// save writes the row and the leaf that explains it.
func (c *change) save(r *Record, before Phase, e Event) error {
	if err := c.PutJSON(store.Job, r.Job.ID, r); err != nil {
		return err
	}
	refs := map[string]string{"job": r.Job.ID}
	if d := r.Job.Plans[c.s.cfg.Self]; d != "" {
		refs["plan"] = d
	}
	body := map[string]any{"event": string(e.Kind)}
	if e.From != "" {
		body["from"] = string(e.From)
	}
	if f := r.Job.Failure; f != nil && r.Job.Phase != before {
		body["code"], body["party"], body["step"] = f.Code.String(), string(f.Party), f.Step
	}
	return c.Log(audit.Leaf{Type: leafOf[r.Job.Phase], Refs: refs, Body: body})
}

// perform carries out one effect inside the transaction, or queues it for after the commit.
func (c *change) perform(r *Record, f Effect) error {
	switch f.Kind {
	case AskAll:
		return c.askAll(r)
	case Describe:
		return c.describe(r)
	case BuildPlan:
		return c.buildPlan(r)
	case Decide:
		return c.decide(r)
	case AskLease, AnswerLease, DropLeases, Requeue, ReleaseLease:
		return c.lease(r, f)
	case TellStart:
		return c.sendAll(r.Job, MsgStart, nil)
	case StartSteps:
		return c.startSteps(r)
	case StopSteps:
		return c.stopSteps(r)
	case TellFailure:
		return c.tellFailure(r)
	case SendReceipts:
		return c.sendReceipts(r)
	case Settle:
		return c.settle(r)
	case ReleaseUnused:
		return c.releaseUnused(r)
	}
	return fault.New(fault.Internal, "coordinator.perform", "effect %s has no handler", f.Kind)
}

// fail turns a local failure of a job into its event.
func (c *change) fail(r *Record, step string, err error) error {
	code := fault.CodeOf(err)
	if code == fault.Canceled || code == fault.Timeout && c.ctx.Err() != nil {
		return err // the caller went away; the job goes on
	}
	f := Failure{Code: code, Party: c.s.cfg.Self, Step: step, Reason: fault.ReasonOf(err), Culprit: culpritOf(err)}
	c.s.cfg.Logger.Error("job failed", "job", r.Job.ID, "step", step, "code", code.String(), "reason", f.Reason, "err", err)
	return c.step(r, Event{Kind: EvStepFailed, From: c.s.cfg.Self, Failure: f})
}

// Submit accepts a job from this node's user and returns its id. The same request id and spec give the same job.
//
// Errors: those of job.Parse; fault.Exists (the request id with another spec); fault.Unauthenticated (a party that is
// not pinned); fault.Invalid (this node takes no part in the job).
func (s *Service) Submit(ctx context.Context, requestID string, text []byte, f job.Format, planOnly bool) (string, error) {
	spec, err := job.Parse(text, f)
	if err != nil {
		return "", err
	}
	if requestID == "" || len(requestID) > maxRequestID {
		return "", fault.New(fault.Invalid, "coordinator.Submit", "a request id has 1 to %d bytes", maxRequestID)
	}
	id := job.JobID(s.cfg.Self, requestID).String()
	a := Ask{Submitter: s.cfg.Self, RequestID: requestID, Spec: spec.AppendJSON(nil), PlanOnly: planOnly}
	a.Expires = s.cfg.Clock().Add(DefaultExpiry).UnixMilli()
	if err := s.checkParties(spec); err != nil {
		return "", err
	}
	return id, s.update(ctx, func(c *change) error {
		switch known, err := c.record(id); {
		case err == nil && string(known.Spec) == string(a.Spec) && known.PlanOnly == planOnly:
			return nil
		case err == nil:
			return fault.New(fault.Exists, "coordinator.Submit", "request id %q was used for another job", requestID)
		case !missing(err):
			return err
		}
		if err := c.create(id, a, spec); err != nil || s.cfg.Self == spec.Coordinator {
			return err
		}
		return c.send(spec.Coordinator, MsgSubmit, id, a.Encode())
	})
}

// checkParties refuses a job whose participants this node cannot reach or that it has no part in.
func (s *Service) checkParties(spec job.Spec) error {
	part := false
	for _, p := range participants(spec) {
		if p == s.cfg.Self {
			part = true
			continue
		}
		if _, err := s.cfg.Pins.Get(p); err != nil {
			return err
		}
	}
	if !part {
		return fault.New(fault.Invalid, "coordinator.Submit", "%s is neither a party of the job nor its coordinator", s.cfg.Self)
	}
	return nil
}

func participants(spec job.Spec) []party.ID {
	return party.Sorted(append(append([]party.ID(nil), spec.Parties...), spec.Coordinator))
}

// create writes a new job's row and begins.
func (c *change) create(id string, a Ask, spec job.Spec) error {
	j := NewJob(id, c.s.cfg.Self, spec.Coordinator, spec.Parties)
	j.PlanOnly = a.PlanOnly
	now := c.s.cfg.Clock()
	// The lead's word may shorten the job's life, never lengthen it beyond what the spec says.
	a.Expires = min(a.Expires, now.Add(DefaultExpiry).UnixMilli())
	if !spec.Limits.Expires.IsZero() {
		a.Expires = min(a.Expires, spec.Limits.Expires.UnixMilli())
	}
	r := Record{
		Job: j, Name: spec.Name, Submitter: a.Submitter, RequestID: a.RequestID, Spec: json.RawMessage(a.Spec), Expires: a.Expires,
		PlanOnly: a.PlanOnly, Created: now.UnixMilli(), Resources: map[party.ID][][]byte{},
		Holds: map[string][]byte{}, Grants: map[string]string{},
	}
	return c.step(&r, Event{Kind: EvSubmitted, From: a.Submitter})
}

// arm sets the job's one timer: at the given time the event happens.
func (s *Service) arm(id string, at time.Time, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if old := s.timers[id]; old != nil {
		old.Stop()
	}
	s.timers[id] = time.AfterFunc(at.Sub(s.cfg.Clock()), func() { s.later(0, func(ctx context.Context) { s.expire(ctx, id, e) }) })
}

func (s *Service) expire(ctx context.Context, id string, e Event) {
	err := s.update(ctx, func(c *change) error { return c.apply(id, e) })
	if err != nil {
		s.cfg.Logger.Error("expiry not recorded", "job", id, "err", err)
	}
}

// forget drops what is kept in memory of a job that has ended.
func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.timers[id]; t != nil {
		t.Stop()
	}
	delete(s.timers, id)
	delete(s.plans, id)
}

// Cancel ends a job on behalf of this node's user.
func (s *Service) Cancel(ctx context.Context, id string) error {
	return s.update(ctx, func(c *change) error { return c.apply(id, Event{Kind: EvCancel, From: s.cfg.Self}) })
}

type signer struct{ keys *identity.Keys }

// Sign implements Signer with the approval key.
func (s signer) Sign(tag string, payload []byte) ([]byte, error) {
	return identity.Sign(s.keys.Approval(), identity.Purpose(tag), payload)
}

type verifier struct{ s *Service }

// Verify implements Verifier with the pinned approval keys.
func (v verifier) Verify(p party.ID, tag string, payload, signature []byte) error {
	key, err := v.s.approvalKey(p)
	if err != nil {
		return err
	}
	return identity.Verify(key, identity.Purpose(tag), payload, signature)
}

// Send queues the same control message to several peers, in one transaction with fn.
func (s *Service) Send(ctx context.Context, to []party.ID, kind Kind, payload []byte, fn func(tx *store.Tx) error) error {
	return s.update(ctx, func(c *change) error {
		if err := fn(c.Tx); err != nil {
			return err
		}
		for _, p := range to {
			if err := c.send(p, kind, "", payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenAccount creates a budget account inside a transaction; its caller's leaf names the row.
func OpenAccount(tx *store.Tx, id budget.AccountID, caps budget.Amounts) error {
	return budget.OpenAccount(&ledger{c: &change{Tx: tx}}, id, caps)
}

// Digest is SHA-256, for callers that name stored bytes.
func Digest(b []byte) [32]byte { return digestOf(b) }

// Sweep gives back reservations that never began and are past their expiry.
func (s *Service) Sweep(ctx context.Context) error {
	return s.update(ctx, func(c *change) error {
		b := &ledger{c: c}
		if _, err := budget.Expire(b, s.cfg.Clock()); err != nil {
			return err
		}
		return b.flush()
	})
}
