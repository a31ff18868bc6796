package share

import (
	"context"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// tamper changes the at-th message it receives, or closes instead of sending the at-th.
type tamper struct {
	*conntest.Conn
	recvAt, closeAt int
	edit            func([]byte) []byte
}

func (c *tamper) Recv(ctx context.Context) ([]byte, error) {
	msg, err := c.Conn.Recv(ctx)
	if err == nil && c.recvAt == 0 {
		msg = c.edit(msg)
	}
	c.recvAt--
	return msg, err
}

func (c *tamper) Send(ctx context.Context, msg []byte) error {
	if c.closeAt == 0 {
		c.Close()
	}
	c.closeAt--
	return c.Conn.Send(ctx, msg)
}

// script is a run that uses every kind of message.
func script(ctx context.Context, e *Engine) error {
	x := []uint64{1, 2, 3}
	b, err := e.MSB(ctx, x, 9)
	if err != nil {
		return err
	}
	if x, err = e.Mux(ctx, b, x); err != nil {
		return err
	}
	if x, err = e.Truncate(ctx, x, 3); err != nil {
		return err
	}
	if _, err = e.OpenBits(ctx, b, ToBoth); err != nil {
		return err
	}
	_, err = e.Open(ctx, x, ToBoth)
	return err
}

// perturbed runs script with one party's Conn wrapped and returns both errors. Whoever fails closes.
func perturbed(t *testing.T, victim int, wrap func(*conntest.Conn) *tamper) (errs [2]error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	q := newPair(t, Default(), 1)
	q.e[victim].conn = wrap(q.conn[victim])
	var g errgroup.Group
	for i, e := range q.e {
		g.Go(func() error {
			if errs[i] = script(ctx, e); errs[i] != nil {
				q.conn[i].Close()
			}
			return nil
		})
	}
	_ = g.Wait()
	return errs
}

// messages is the number of messages that script's parties receive, first and second.
func messages(t *testing.T) (n [2]int) {
	t.Helper()
	for victim := range n {
		var c *tamper
		errs := perturbed(t, victim, func(conn *conntest.Conn) *tamper {
			c = &tamper{Conn: conn, recvAt: -1, closeAt: -1}
			return c
		})
		if errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		n[victim] = -1 - c.recvAt
	}
	return n
}

// stride is 1, or 5 in short runs: every perturbed run pays for a setup.
func stride() int {
	if testing.Short() {
		return 5
	}
	return 1
}

// Every message, cut or lengthened, is blamed on the peer; the peer sees a closed connection, and nobody hangs.
func TestTamperedLength(t *testing.T) {
	edits := []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { return append(b, 0) },
	}
	for victim, n := range messages(t) {
		for at := 0; at < n; at += stride() {
			errs := perturbed(t, victim, func(c *conntest.Conn) *tamper {
				return &tamper{Conn: c, recvAt: at, closeAt: -1, edit: edits[at%len(edits)]}
			})
			f, ok := errors.AsType[*fault.Error](errs[victim])
			if !ok || f.Code != fault.Misbehaved || f.Culprit != string(session(1-victim, 1).Self) {
				t.Errorf("party %d, message %d: %v, want Misbehaved of the peer", victim, at, errs[victim])
			}
			if other := errs[1-victim]; other != nil && !errors.Is(other, fault.PeerAborted) {
				t.Errorf("party %d, message %d: the peer got %v, want PeerAborted", victim, at, other)
			}
		}
	}
}

// A flipped bit in a message is either detected (an extension's index) or changes values, never more than that.
func TestTamperedBits(t *testing.T) {
	if testing.Short() {
		t.Skip("a setup per message")
	}
	for victim, n := range messages(t) {
		for at := victim; at < n; at += 2 {
			errs := perturbed(t, victim, func(c *conntest.Conn) *tamper {
				return &tamper{Conn: c, recvAt: at, closeAt: -1, edit: func(b []byte) []byte { b[0] ^= 1; return b }}
			})
			if err := errs[victim]; err != nil && !errors.Is(err, fault.Misbehaved) {
				t.Errorf("party %d, message %d: %v", victim, at, err)
			}
		}
	}
}

func TestPeerCloses(t *testing.T) {
	for at := 0; at < 6; at += stride() {
		errs := perturbed(t, 0, func(c *conntest.Conn) *tamper { return &tamper{Conn: c, recvAt: -1, closeAt: at} })
		for i, err := range errs {
			if !errors.Is(err, fault.PeerAborted) {
				t.Errorf("close at message %d: party %d got %v, want PeerAborted", at, i, err)
			}
		}
	}
}

// After a failed exchange the engine refuses everything with that failure: no transfer is used again.
func TestClosedAfterFailure(t *testing.T) {
	q := newPair(t, Default(), 1)
	q.conn[1].Close()
	_, first := q.e[0].MSB(q.ctx, []uint64{1}, 8)
	if !errors.Is(first, fault.PeerAborted) {
		t.Fatalf("%v, want PeerAborted", first)
	}
	q.e[0].conn, _ = conntest.Pair("alpha", "beta")
	bit := NewBits(1)
	for name, run := range map[string]func() error{
		"MSB":      func() error { _, err := q.e[0].MSB(q.ctx, []uint64{1}, 8); return err },
		"And":      func() error { _, err := q.e[0].And(q.ctx, bit, bit); return err },
		"Mux":      func() error { _, err := q.e[0].Mux(q.ctx, bit, []uint64{1}); return err },
		"B2A":      func() error { _, err := q.e[0].B2A(q.ctx, bit); return err },
		"Truncate": func() error { _, err := q.e[0].Truncate(q.ctx, []uint64{1}, 8); return err },
		"Sigmoid":  func() error { _, _, err := q.e[0].Sigmoid(q.ctx, []uint64{1}, nil); return err },
		"Open":     func() error { _, err := q.e[0].Open(q.ctx, []uint64{1}, ToBoth); return err },
		"OpenBits": func() error { _, err := q.e[0].OpenBits(q.ctx, bit, ToBoth); return err },
	} {
		if err := run(); err != first {
			t.Errorf("%s: %v, want the first failure", name, err)
		}
	}
}

func TestNewFails(t *testing.T) {
	s := session(0, 1)
	c, peer := conntest.Pair("alpha", "beta")
	peer.Close()
	if _, err := New(t.Context(), s, c, true); !errors.Is(err, fault.PeerAborted) {
		t.Errorf("closed: %v, want PeerAborted", err)
	}
	if _, err := NewWithParams(t.Context(), s, c, Params{}, true); !errors.Is(err, fault.Invalid) {
		t.Errorf("zero parameters: %v, want Invalid", err)
	}
	s.Rand = iotest.ErrReader(errors.New("gone"))
	if _, err := New(t.Context(), s, c, true); !errors.Is(err, fault.Internal) {
		t.Errorf("no randomness: %v, want Internal", err)
	}
}

func TestSetupCost(t *testing.T) {
	q := newPair(t, Default(), 1)
	for i, c := range q.conn {
		if got, want := c.Cost(), Default().SetupCost(); got != want {
			t.Errorf("party %d counted %+v, Cost %+v", i, got, want)
		}
	}
}

// scripted is a peer that sends the given bytes as every message.
type scripted struct {
	protocols.Conn
	msg []byte
}

func (c *scripted) Send(context.Context, []byte) error   { return nil }
func (c *scripted) Recv(context.Context) ([]byte, error) { return append([]byte(nil), c.msg...), nil }

func FuzzPeerMessage(f *testing.F) {
	f.Add([]byte{}, true)
	f.Add([]byte{0}, false)
	f.Add(make([]byte, 40), true)
	f.Add(make([]byte, 520), true)
	f.Add(make([]byte, 8), false)
	q := newPair(f, Default(), 1)
	base := *q.e[0]
	f.Fuzz(func(t *testing.T, msg []byte, first bool) {
		e := base
		e.first, e.conn, e.err = first, &scripted{q.conn[0], msg}, nil
		b, _ := BitsOf([]uint64{5}, 5)
		if _, err := e.OpenBits(t.Context(), b, ToBoth); err != nil && !errors.Is(err, fault.Misbehaved) {
			t.Fatalf("OpenBits: %v, want Misbehaved", err)
		}
		e.err = nil
		if _, err := e.Open(t.Context(), []uint64{5}, ToBoth); err != nil && !errors.Is(err, fault.Misbehaved) {
			t.Fatalf("Open: %v, want Misbehaved", err)
		}
		e.err = nil
		if _, err := e.MSB(t.Context(), []uint64{1, 2}, 5); err != nil && !errors.Is(err, fault.Misbehaved) {
			t.Fatalf("MSB: %v, want Misbehaved", err)
		}
	})
}
