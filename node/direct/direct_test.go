package direct

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// patient never gives a working connection up while a test runs.
func patient(self party.ID) Config { return Config{Self: self} }

func identity(t testing.TB) *Identity {
	t.Helper()
	id, err := NewIdentity(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// listening returns a listener on loopback and its invite.
func listening(t testing.TB, cfg Config, o ListenOptions) (*Listener, Invite) {
	t.Helper()
	o.Rand = rand.Reader
	l, err := Listen("127.0.0.1:0", identity(t), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	v, err := l.Invite(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return l, v
}

// pair returns the two ends of a connection: the listener's and the guest's.
func pair(t testing.TB, a, b Config) (*Conn, *Conn) {
	t.Helper()
	l, v := listening(t, a, ListenOptions{})
	return meet(t, l, v, identity(t), b)
}

func meet(t testing.TB, l *Listener, v Invite, guest *Identity, b Config) (*Conn, *Conn) {
	t.Helper()
	var accepted, dialled *Conn
	var g errgroup.Group
	g.Go(func() (err error) { accepted, err = l.Accept(t.Context()); return err })
	g.Go(func() (err error) { dialled, err = Dial(t.Context(), v, guest, b); return err })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Abort(fault.Canceled); dialled.Abort(fault.Canceled) })
	return accepted, dialled
}

func TestBulkBothWays(t *testing.T) {
	a, b := pair(t, patient("alice"), patient("bob"))
	if a.Peer() != "bob" || b.Peer() != "alice" || a.Binding() != b.Binding() || a.Binding() == [32]byte{} {
		t.Fatalf("peers %s and %s, or bindings differ", a.Peer(), b.Peer())
	}
	const messages = 64
	msg := make([]byte, protocols.MaxMessage)
	_, _ = rand.Read(msg)
	side := func(c *Conn) func() error {
		return func() error {
			return protocols.Exchange(t.Context(), c,
				func(ctx context.Context) error {
					for range messages {
						if err := c.Send(ctx, msg); err != nil {
							return err
						}
					}
					return nil
				},
				func(ctx context.Context) error {
					for range messages {
						got, err := c.Recv(ctx)
						if err != nil {
							return err
						}
						if !bytes.Equal(got, msg) {
							return errors.New("another message came")
						}
					}
					return nil
				})
		}
	}
	var g errgroup.Group
	g.Go(side(a))
	g.Go(side(b))
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	want := protocols.Cost{Rounds: 1, SentBytes: messages * protocols.MaxMessage, RecvBytes: messages * protocols.MaxMessage}
	if a.Cost() != want || b.Cost() != want {
		t.Errorf("counted %+v and %+v, want %+v", a.Cost(), b.Cost(), want)
	}
	sent, recvd := a.WireBytes()
	if over := float64(sent) / float64(want.SentBytes); over < 1 || over > 1.01 || recvd < want.RecvBytes {
		t.Errorf("TCP carried %d and %d bytes for %d", sent, recvd, want.SentBytes)
	}
	both(t, a, b)
}

// both closes the two ends at once.
func both(t *testing.T, a, b *Conn) {
	t.Helper()
	var g errgroup.Group
	g.Go(a.Close)
	g.Go(b.Close)
	if err := g.Wait(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func TestSmallMessagesKeepOrder(t *testing.T) {
	a, b := pair(t, patient("alice"), patient("bob"))
	const messages = 20_000
	var g errgroup.Group
	g.Go(func() error {
		for i := range messages {
			if err := a.Send(t.Context(), bytes.Repeat([]byte{byte(i)}, i%7)); err != nil {
				return err
			}
		}
		return a.Close() // before the peer has asked for anything
	})
	for i := range messages {
		got, err := b.Recv(t.Context())
		if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, i%7)) {
			t.Fatalf("message %d is %v, %v", i, got, err)
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	wantFault(t, "Recv after the peer closed", second(b.Recv(t.Context())), fault.PeerAborted)
	wantFault(t, "Send after the peer closed", b.Send(t.Context(), nil), fault.PeerAborted)
	wantFault(t, "Send after Close", a.Send(t.Context(), nil), fault.Canceled)
	wantFault(t, "Recv after Close", second(a.Recv(t.Context())), fault.Canceled)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// wantFault checks a code, and the culprit of those that have one.
func wantFault(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
		return
	}
	blamed := want == fault.PeerAborted || want == fault.Misbehaved
	if got := conntest.Culprit(err); blamed && got == "" {
		t.Errorf("%s: %v blames nobody", what, err)
	}
}
