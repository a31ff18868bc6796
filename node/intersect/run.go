package intersect

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols/psi"
)

// Result is what a party knows at the end.
type Result struct {
	Counts
	PeerKeys int64
	// Matched is the number of matched keys, Output the rows of this party's file; −1 where it learns neither.
	Matched, Output int64
	// Unmatched is the rows of this party in the output that match nothing, Padding those that stand for the peer's.
	Unmatched, Padding int64
	Sent, Recv         int64 // message bytes of this process
	Took               time.Duration
	Plan               Plan
	Resumed            int       // buckets that an earlier process had finished
	Profiles           []Profile // of the key columns, when nothing matched; they stay here
	// Parted says that the peer knows of the end. Where it does not, the state directory is kept for it.
	Parted bool
}

// runner is one party's run.
type runner struct {
	cfg    Config
	state  *state
	in     *input
	keys   *keys
	cut    psi.Buckets
	meter  meter
	report *Reporter
	result Result

	peerMethod psi.Method
	peerSuite  psi.Suite
}

// Run intersects this party's input with the peer's. An interrupted run is resumed by calling it again with the same
// Config; at most the bucket that was under way is computed again.
//
// Errors: fault.Invalid (Config, no usable key, repeated keys), fault.SchemaMismatch (key column), fault.PlanMismatch
// (the peer wants something else), fault.Misbehaved and fault.LimitExceeded with the peer as culprit, fault.PeerAborted
// (the peer gave up), fault.Timeout (no peer for Config.Wait), fault.Corrupt (state), fault.Unavailable (disk), fault.Exists
// (another process has the state), and those of Config.Connect that are no lost connection.
func Run(ctx context.Context, c Config) (Result, error) {
	c, err := c.checked()
	if err != nil {
		return Result{}, err
	}
	r := &runner{cfg: c}
	r.report = NewReporter(c.Observe, r.meter.bytes)
	started := time.Now()
	if r.state, err = openState(c.State, c.Hold); err != nil {
		return Result{}, err
	}
	defer r.state.close()
	if err := r.run(ctx); err != nil {
		if !r.state.planned && ctx.Err() == nil {
			r.state.clear() // nothing in it is worth coming back to
		}
		return Result{}, err
	}
	r.result.Counts = r.keys.Counts
	r.result.PeerKeys = r.state.peerKeys
	r.result.Sent, r.result.Recv = r.meter.bytes()
	r.result.Took = time.Since(started)
	if r.result.Parted {
		r.state.clear()
	}
	r.report.Enter(Event{Phase: Done})
	return r.result, nil
}

func (r *runner) run(ctx context.Context) error {
	if err := r.read(ctx); err != nil {
		return err
	}
	defer r.keys.shelves.close()
	if r.state.planned {
		if err := r.setCut(r.state.choice, r.state.peerKeys); err != nil {
			return err
		}
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.keys.shelves.close()
	return r.write(ctx)
}

// settle brings both parties to the end. A party that is there already gives the other, for a moment, the chance to learn
// so as well.
func (r *runner) settle(ctx context.Context) error {
	switch {
	case !r.state.ended:
		return r.converse(ctx)
	case r.state.parted:
		r.result.Parted = true
		return nil
	}
	within, cancel := context.WithTimeout(ctx, ackLimit)
	defer cancel()
	_ = r.converse(within) // the peer may be gone for good: this party has all it needs
	return ctx.Err()
}

// read digests and reads the input, and compares it with what an interrupted run had.
func (r *runner) read(ctx context.Context) error {
	in, err := openInput(ctx, r.cfg.Input)
	if err != nil {
		return err
	}
	r.in = in
	if err := r.state.fits(r.cfg.digest(), in.digest); err != nil {
		return err
	}
	r.report.Enter(Event{Phase: Reading})
	if r.cfg.learns() {
		if err := r.checkColumns(ctx); err != nil {
			return err
		}
	}
	r.keys, err = readKeys(ctx, r.cfg, in, r.report.Set)
	return err
}

// Resumable reports whether a directory holds a run that was interrupted after its plan was agreed.
func Resumable(dir string) bool {
	b, err := ReadSealed(filepath.Join(dir, recordFile), maxRecordBytes)
	if err != nil || b == nil {
		return false
	}
	r, err := decodeRecord(b)
	return err == nil && r.planned
}

// planDigest identifies the plan; both parties compute the same.
func (r *runner) planDigest() [32]byte {
	var e wire.Encoder
	e.String("tacit/intersect/plan/v1")
	e.Fixed(r.cfg.Job[:])
	ruleset := r.cfg.ruleset()
	e.Fixed(ruleset[:])
	e.Bytes(r.state.choice.encode())
	return sha256.Sum256(e.B)
}

// setCut derives the buckets of a plan.
func (r *runner) setCut(c choice, peerKeys int64) (err error) {
	r.cut, err = psi.CutBuckets(r.keys.Keys, peerKeys, c.bits)
	if err != nil {
		return err
	}
	r.result.Plan = Plan{Method: c.method, Suite: c.suite, Receiver: c.receiver, Buckets: r.cut, Why: r.result.Plan.Why}
	return nil
}

// choose makes the listener's plan.
func (r *runner) choose(peer sizes) (choice, error) {
	q := Question{
		Own: r.keys.Keys, Peer: peer.keys, Side: r.cfg.Side, Terms: r.cfg.Terms, Memory: min(r.cfg.Memory, peer.memory) / 2,
		Method: firstOf(r.cfg.Method, r.peerMethod), Suite: r.cfg.Suite, Net: r.cfg.Net, Workers: r.cfg.Workers, bits: r.cfg.bits,
	}
	if q.Suite == "" {
		q.Suite = r.peerSuite
	}
	p, err := Choose(q)
	if err != nil {
		return choice{}, err
	}
	r.result.Plan = p
	c := choice{method: p.Method, suite: p.Suite, receiver: p.Receiver, bits: p.Buckets.Bits}
	return c, r.setCut(c, peer.keys)
}

// firstOf is the method that one of the parties insists on.
func firstOf(own, peer psi.Method) psi.Method {
	if own != MethodAuto {
		return own
	}
	return peer
}

// accept checks the listener's plan: it may choose how, not what.
func (r *runner) accept(c choice, nonces [64]byte, peer sizes) error {
	const op = "intersect.accept"
	switch {
	case c.nonces != nonces:
		return fault.New(fault.Misbehaved, op, "the listener's plan is of another attempt")
	case c.receiver != receiverOf(r.cfg.Terms, peer.keys, r.keys.Keys):
		return fault.New(fault.Misbehaved, op, "the listener's plan gives the output to another party than agreed")
	case r.cfg.Method != MethodAuto && c.method != r.cfg.Method, r.cfg.Suite != "" && c.method == psi.MethodECDH && c.suite != r.cfg.Suite:
		return fault.New(fault.PlanMismatch, op, "the listener chose method %q %q, which this party did not ask for", c.method, c.suite)
	}
	if err := r.setCut(c, peer.keys); err != nil {
		return err
	}
	r.result.Plan.Why = []string{"chosen by the listener"}
	if n := int64(max(r.cut.CapSelf, r.cut.CapPeer)) * psi.BytesPerItem; n > r.cfg.Memory && r.cut.CapSelf > 1<<16 {
		return fault.New(fault.LimitExceeded, op, "the listener's plan needs %d bytes a bucket, --memory is %d", n, r.cfg.Memory)
	}
	_, err := r.params(c)
	return err
}

// params are those of every bucket's run.
func (r *runner) params(c choice) (psi.Params, error) {
	out := psi.OutputReceiver
	if r.cfg.OutputTo == ToBoth {
		out = psi.OutputBoth
	}
	nRecv, nSend := r.cut.CapSelf, r.cut.CapPeer
	if c.receiver != r.cfg.Side {
		nRecv, nSend = nSend, nRecv
	}
	return psi.NewParams(psi.ParamsLiteral{
		Method: c.method, Suite: c.suite, Output: out, Malicious: r.cfg.Malicious, SSP: r.cut.SSP, Ruleset: r.cfg.ruleset(),
		ReceiverItems: nRecv, SenderItems: nSend, Exact: true,
	})
}

// converse connects until every bucket is done at both parties.
func (r *runner) converse(ctx context.Context) error {
	first := !r.state.planned && r.cfg.Side == Listener
	for {
		link, err := r.connect(ctx, first)
		if err != nil {
			return err
		}
		c := &metered{Link: link, m: &r.meter}
		err = (&session{r: r, c: c}).work(ctx)
		switch {
		case err == nil:
			_ = c.Close() // both have said that they are done
			return nil
		case ctx.Err() == nil && c.lost.Load() && fault.CodeOf(err).Retryable():
			c.Abort(fault.Unavailable)
		case fault.CodeOf(err) == fault.PlanMismatch:
			_ = c.Close() // in order, so that the peer sees what differs
			return err
		default:
			c.Abort(fault.CodeOf(err))
			return err
		}
		first = false
	}
}

// retryEvery is how long it takes until a peer that was not there is asked again.
const retryEvery = 500 * time.Millisecond

// connect asks for a connection until there is one, Wait has passed or nothing can help. The first guest of a listener
// may take its time.
func (r *runner) connect(ctx context.Context, first bool) (Link, error) {
	until := time.Now().Add(r.cfg.Wait)
	if first {
		until = time.Time{}
	}
	r.report.Enter(Event{Phase: Waiting, Deadline: until, Note: "waiting for the peer"})
	for {
		bounded, cancel := ctx, context.CancelFunc(func() {})
		if !first {
			bounded, cancel = context.WithDeadline(ctx, until)
		}
		link, err := r.cfg.Connect(bounded)
		cancel()
		switch {
		case err == nil:
			return link, nil
		case ctx.Err() != nil:
			return nil, err
		case !first && !time.Now().Before(until):
			return nil, fault.Wrap(fault.Timeout, "intersect.connect", err,
				"no connection to the peer for %s: start its command (again), then repeat this one; what is finished is kept in %s", r.cfg.Wait, r.cfg.State)
		case !fault.CodeOf(err).Retryable():
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}

// work is one connection's part of the run.
func (s *session) work(ctx context.Context) error {
	if err := s.greet(ctx); err != nil {
		return err
	}
	if err := s.agree(ctx); err != nil {
		return err
	}
	marks, both, err := s.compare(ctx)
	if err != nil {
		return err
	}
	if err := s.buckets(ctx, marks, both); err != nil {
		return err
	}
	own, err := s.r.summary()
	if err != nil {
		return err
	}
	if err := s.end(ctx, marks, own); err != nil {
		return err
	}
	if s.part(ctx) == nil { // else the end is durable here all the same: whatever the peer does, this party is done
		s.r.result.Parted, s.r.state.parted = true, true
		return s.r.state.save()
	}
	return ctx.Err()
}
