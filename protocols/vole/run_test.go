package vole

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// over is both sides of p over Conns.
func over(p Params) conntest.Protocol[Receiver, Sender] {
	return conntest.Protocol[Receiver, Sender]{
		A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Receiver, error) {
			return Receive(ctx, s, c, p)
		},
		B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Sender, error) {
			return Send(ctx, s, c, p)
		},
		Cost: p.Cost(),
		Check: func(r *Receiver, s *Sender) error {
			if r != nil && s != nil && !correlated(*s, *r) {
				return fault.New(fault.Internal, "vole.Check", "A is not B + Δ·C")
			}
			return nil
		},
	}
}

func TestSuite(t *testing.T) {
	p := over(params(t, Literal{Length: 100}))
	p.TamperUndetected = true
	conntest.Suite(t, p)
}

// Bytes and flights are as documented, and few.
func TestCostIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("a full-size run")
	}
	p := params(t, Literal{Length: 1415578})
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	var r Receiver
	var s Sender
	errA, errB := conntest.Both(ca,
		func() (err error) { r, err = Receive(t.Context(), sa, ca, p); return err },
		func() (err error) { s, err = Send(t.Context(), sb, cb, p); return err })
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if !correlated(s, r) {
		t.Error("A ≠ B + Δ·C")
	}
	got, want := ca.Cost(), p.Cost()
	if got != want || cb.Cost() != want.Flip() {
		t.Errorf("counted %+v and %+v, Cost %+v", got, cb.Cost(), want)
	}
	if total := want.SentBytes + want.RecvBytes; want.Rounds > 6 || total > 570_000 {
		t.Errorf("%d flights and %d bytes", want.Rounds, total)
	}
}

// The same randomness gives the same vectors whatever the number of workers, and both parties the same code.
func TestWorkersDoNotMatter(t *testing.T) {
	p := params(t, Literal{Length: 40000})
	var first Receiver
	for _, workers := range []int{1, 2, 3, 16} {
		ss, sr := conntest.Sessions(conntest.PartyA, conntest.PartyB, 3)
		ss.Workers, sr.Workers = workers, 17-workers
		s, r := local(t, p, ss, sr)
		if !correlated(s, r) {
			t.Fatalf("%d workers: A ≠ B + Δ·C", workers)
		}
		if first.A == nil {
			first = r
		}
		if !slices.Equal(r.A, first.A) || !slices.Equal(r.C, first.C) {
			t.Errorf("%d workers: another result", workers)
		}
	}
}

func TestPeerCloses(t *testing.T) {
	p := params(t, Literal{Length: 1})
	for name, run := range map[string]func(context.Context, protocols.Session, protocols.Conn) error{
		"receiver": func(ctx context.Context, s protocols.Session, c protocols.Conn) error {
			_, err := Receive(ctx, s, c, p)
			return err
		},
		"sender": func(ctx context.Context, s protocols.Session, c protocols.Conn) error {
			_, err := Send(ctx, s, c, p)
			return err
		},
	} {
		s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
		cb.Close()
		if err := run(t.Context(), s, ca); !errors.Is(err, fault.PeerAborted) {
			t.Errorf("%s, closed: %v, want PeerAborted", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		ca, _ = conntest.Pair(conntest.PartyA, conntest.PartyB)
		if err := run(ctx, s, ca); !errors.Is(err, fault.Timeout) {
			t.Errorf("%s, silent: %v, want Timeout", name, err)
		}
		cancel()
	}
}

func TestZeroParamsRefused(t *testing.T) {
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	if _, err := Receive(t.Context(), s, ca, Params{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("Receive: %v, want Invalid", err)
	}
	if _, err := Send(t.Context(), s, ca, Params{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("Send: %v, want Invalid", err)
	}
}
