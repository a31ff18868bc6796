package conntest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
)

// The parties of the suite's runs.
const (
	PartyA party.ID = "alice"
	PartyB party.ID = "bob"
)

// maxIndices bounds the messages per direction that the suite alters: the first three, the last three and samples
// between them. maxIndicesShort is the bound under -short.
const (
	maxIndices      = 8
	maxIndicesShort = 2
)

// idleLimit is the deadline of a run, in the fake time of testing/synctest: it passes at once when both sides wait.
const idleLimit = time.Minute

// Protocol is one two-party protocol under test, on fixed small inputs. Each run is repeated a few dozen times.
type Protocol[A, B any] struct {
	// A and B are the two sides. They are called with fresh Sessions and Conns.
	A func(ctx context.Context, s protocols.Session, c protocols.Conn) (A, error)
	B func(ctx context.Context, s protocols.Session, c protocols.Conn) (B, error)
	// Cost is what A must be counted at, exactly; B is held to Cost.Flip().
	Cost protocols.Cost
	// Check compares the results with a plain oracle. A side that failed has a nil result.
	Check func(a *A, b *B) error
	// TamperUndetected says that the protocol documents that altered messages of the right shape may go unnoticed
	// (semi-honest, links authenticated). Then an altered run need not end in the right answer, only end.
	TamperUndetected bool
}

// Suite runs p undisturbed, compares counted bytes and flights with its Cost, and then once for each kind of fault and
// each (sampled) message of each direction. It fails unless every run ends on both sides before the idle limit, each
// side with the right answer or with a fault that a peer or a link may cause, Misbehaved only with its culprit.
func Suite[A, B any](t *testing.T, p Protocol[A, B]) {
	t.Helper()
	var fromA, fromB int
	t.Run("clean", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { fromA, fromB = clean(t, p) })
	})
	if t.Failed() {
		return
	}
	for _, kind := range Kinds() {
		for _, end := range []struct {
			from     party.ID
			messages int
		}{{PartyA, fromA}, {PartyB, fromB}} {
			for _, i := range indices(end.messages) {
				t.Run(fmt.Sprintf("%v/from=%s/message=%d", kind, end.from, i), func(t *testing.T) {
					in := Injection{Kind: kind, Message: i, Late: idleLimit / 4, Seed: uint64(i) + 1}
					synctest.Test(t, func(t *testing.T) { disturbed(t, p, end.from, in) })
				})
			}
		}
	}
}

// indices samples 0 … n−1: all of them when there are few, else the first and last ones and evenly spaced ones between.
func indices(n int) []int {
	limit := maxIndices
	if testing.Short() {
		limit = maxIndicesShort
	}
	if n <= limit {
		limit = n
	}
	edge := limit * 3 / 8
	out := make([]int, 0, limit)
	for i := range limit {
		switch {
		case n == limit || i < edge:
			out = append(out, i)
		case i >= limit-edge:
			out = append(out, n-(limit-i))
		default:
			out = append(out, edge+(i-edge+1)*(n-2*edge)/(limit-2*edge+1))
		}
	}
	return slices.Compact(out)
}

// outcome is what one side of a run returned; result is nil when err is not.
type outcome[R any] struct {
	result *R
	err    error
}

func clean[A, B any](t *testing.T, p Protocol[A, B]) (fromA, fromB int) {
	ca, cb := Pair(PartyA, PartyB)
	rec := Record(ca)
	a, b := run(t, p, ca, rec, cb)
	if a.err != nil || b.err != nil {
		t.Fatalf("undisturbed run failed: %v; %v", a.err, b.err)
	}
	if err := p.Check(a.result, b.result); err != nil {
		t.Fatalf("undisturbed run: %v", err)
	}
	if got := ca.Cost(); got != p.Cost {
		t.Errorf("A counted %+v, Cost says %+v", got, p.Cost)
	}
	if got := cb.Cost(); got != p.Cost.Flip() {
		t.Errorf("B counted %+v, Cost says %+v", got, p.Cost.Flip())
	}
	if sa, sb := ca.Cost(), cb.Cost(); sa.SentBytes != sb.RecvBytes || sb.SentBytes != sa.RecvBytes {
		t.Errorf("messages were left unread: A %+v, B %+v", sa, sb)
	}
	return len(rec.Sent()), len(rec.Received())
}

func disturbed[A, B any](t *testing.T, p Protocol[A, B], from party.ID, in Injection) {
	ca, cb := Pair(PartyA, PartyB)
	var ea, eb protocols.Conn = ca, cb
	if from == PartyA {
		ea = Inject(ca, in)
	} else {
		eb = Inject(cb, in)
	}
	a, b := run(t, p, ca, ea, eb)
	stopped(t, "A", PartyB, a.err)
	stopped(t, "B", PartyA, b.err)
	if in.Kind == Delay && (a.err != nil || b.err != nil) {
		t.Errorf("a late message broke the run: %v; %v", a.err, b.err)
	}
	if p.TamperUndetected && in.Kind != Delay {
		return
	}
	if err := p.Check(a.result, b.result); err != nil {
		t.Errorf("wrong answer instead of a fault: %v (A: %v; B: %v)", err, a.err, b.err)
	}
}

// stopped checks the code of a side that failed.
func stopped(t *testing.T, side string, peer party.ID, err error) {
	t.Helper()
	if err == nil {
		return
	}
	switch code := fault.CodeOf(err); code {
	case fault.PlanMismatch, fault.LimitExceeded, fault.PeerAborted, fault.Timeout, fault.Canceled:
	case fault.Misbehaved:
		if got := Culprit(err); got != peer {
			t.Errorf("%s blames %q, the peer is %q: %v", side, got, peer, err)
		}
	default:
		t.Errorf("%s failed with %v, which no peer or link may cause: %v", side, code, err)
	}
}

// run runs both sides under the idle limit. ends is either end of the pair beneath ea and eb.
func run[A, B any](t *testing.T, p Protocol[A, B], ends *Conn, ea, eb protocols.Conn) (a outcome[A], b outcome[B]) {
	ctx, cancel := context.WithTimeout(t.Context(), idleLimit)
	defer cancel()
	sa, sb := Sessions(PartyA, PartyB, 1)
	a.err, b.err = Both(ends,
		func() error { return keep(&a.result, func() (A, error) { return p.A(ctx, sa, ea) }) },
		func() error { return keep(&b.result, func() (B, error) { return p.B(ctx, sb, eb) }) })
	return a, b
}

// keep stores the result of f in dst unless f fails. A panic of f's own goroutine becomes fault.Internal.
func keep[R any](dst **R, f func() (R, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "conntest.Suite", "panic: %v", p)
		}
	}()
	r, err := f()
	if err == nil {
		*dst = &r
	}
	return err
}

// Both runs the two sides at once and closes the connection as soon as one fails, as a node does. It returns the error
// of each after both have stopped.
func Both(ends *Conn, a, b func() error) (errA, errB error) {
	var g errgroup.Group
	side := func(err *error, f func() error) func() error {
		return func() error {
			if *err = f(); *err != nil {
				ends.Close()
			}
			return nil
		}
	}
	g.Go(side(&errA, a))
	g.Go(side(&errB, b))
	if err := g.Wait(); err != nil {
		return err, err // unreachable: both functions return nil
	}
	return errA, errB
}

// Culprit returns the party that err blames, empty when it blames nobody.
func Culprit(err error) party.ID {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return party.ID(e.Culprit)
	}
	return ""
}
