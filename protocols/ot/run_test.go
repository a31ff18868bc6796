package ot_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/ot"
)

var (
	alpha = protocols.Session{Self: "alpha", Peers: nil, Rand: rand.Reader, Workers: 1}
	beta  = protocols.Session{Self: "beta", Peers: nil, Rand: rand.Reader, Workers: 1}
)

func TestSetupCost(t *testing.T) {
	for _, k := range []int{2, 4, 8} {
		p, err := ot.NewParams(ot.Literal{K: k})
		if err != nil {
			t.Fatal(err)
		}
		ca, cb := conntest.Pair("alpha", "beta")
		var g errgroup.Group
		g.Go(func() error { _, err := ot.SetupSender(t.Context(), alpha, ca, p); return err })
		g.Go(func() error { _, err := ot.SetupReceiver(t.Context(), beta, cb, p); return err })
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if got, want := ca.Cost(), p.SetupCost(); got != want {
			t.Errorf("k=%d: sender counted %+v, Cost %+v", k, got, want)
		}
		if got, want := cb.Cost(), p.SetupCost().Flip(); got != want {
			t.Errorf("k=%d: receiver counted %+v, Cost %+v", k, got, want)
		}
	}
}

func TestSetupBoth(t *testing.T) {
	ca, cb := conntest.Pair("alpha", "beta")
	var s [2]*ot.Sender
	var r [2]*ot.Receiver
	var g errgroup.Group
	for i, c := range []*conntest.Conn{ca, cb} {
		g.Go(func() (err error) {
			s[i], r[i], err = ot.SetupBoth(t.Context(), []protocols.Session{alpha, beta}[i], c, ot.Default())
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*conntest.Conn{ca, cb} {
		if got, want := c.Cost(), ot.Default().SetupBothCost(); got != want {
			t.Errorf("counted %+v, Cost %+v", got, want)
		}
	}
	for i := range 2 {
		q, tb := make([]aes.Block, 1), make([]aes.Block, 1)
		msg, _, err := r[1-i].Extend(tb, []uint64{1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s[i].Extend(q, msg); err != nil {
			t.Fatal(err)
		}
		delta := s[i].DeltaInsecure()
		for b := range delta {
			if tb[0][b] != q[0][b]^delta[b] {
				t.Fatalf("direction %d: t ≠ q ⊕ Δ", i)
			}
		}
	}
}

// tamper changes one of the messages it receives.
type tamper struct {
	protocols.Conn
	at   int
	edit func([]byte) []byte
}

func (c *tamper) Recv(ctx context.Context) ([]byte, error) {
	msg, err := c.Conn.Recv(ctx)
	if err == nil && c.at == 0 {
		msg = c.edit(msg)
	}
	c.at--
	return msg, err
}

func TestSetupTamperedMessages(t *testing.T) {
	edits := map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)-1] },
		"extended":  func(b []byte) []byte { return append(b, 0) },
		"empty":     func([]byte) []byte { return nil },
		"no point":  func(b []byte) []byte { copy(b, bytes.Repeat([]byte{0xff}, 32)); return b },
	}
	for name, edit := range edits {
		for at := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			ca, cb := conntest.Pair("alpha", "beta")
			var g errgroup.Group
			g.Go(func() error {
				defer ca.Close()
				_, _, err := ot.SetupBoth(ctx, alpha, ca, ot.Default())
				_ = err // the honest party learns only that the peer closed
				return nil
			})
			g.Go(func() error {
				defer cb.Close()
				_, _, err := ot.SetupBoth(ctx, beta, &tamper{Conn: cb, at: at, edit: edit}, ot.Default())
				if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Misbehaved || f.Culprit != "alpha" {
					t.Errorf("%s, message %d: %v, want Misbehaved of alpha", name, at, err)
				}
				return nil
			})
			_ = g.Wait()
			cancel()
		}
	}
}

func TestSetupPeerCloses(t *testing.T) {
	for name, run := range map[string]func(context.Context, protocols.Conn) error{
		"sender": func(ctx context.Context, c protocols.Conn) error {
			_, err := ot.SetupSender(ctx, alpha, c, ot.Default())
			return err
		},
		"receiver": func(ctx context.Context, c protocols.Conn) error {
			_, err := ot.SetupReceiver(ctx, alpha, c, ot.Default())
			return err
		},
		"both": func(ctx context.Context, c protocols.Conn) error {
			_, _, err := ot.SetupBoth(ctx, alpha, c, ot.Default())
			return err
		},
	} {
		ca, cb := conntest.Pair("alpha", "beta")
		cb.Close()
		if err := run(t.Context(), ca); !errors.Is(err, fault.PeerAborted) {
			t.Errorf("%s, closed: %v, want PeerAborted", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		ca, _ = conntest.Pair("alpha", "beta")
		if err := run(ctx, ca); !errors.Is(err, fault.Timeout) {
			t.Errorf("%s, silent: %v, want Timeout", name, err)
		}
		cancel()
	}
}
