package direct

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/faultproxy"
	"github.com/tacit-data/tacit/protocols"
)

// impatient notices a silent peer within the test's patience.
func impatient(self party.ID) Config {
	return Config{Self: self, Beat: 50 * time.Millisecond, Idle: 400 * time.Millisecond, Stall: 400 * time.Millisecond}
}

// proxied returns a pair whose connection goes through a proxy.
func proxied(t *testing.T, cfg func(party.ID) Config) (*faultproxy.Proxy, *Conn, *Conn) {
	t.Helper()
	l, v := listening(t, cfg("alice"), ListenOptions{})
	x, err := faultproxy.Listen(l.Addr(), faultproxy.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	if v, err = v.At(x.Addr()); err != nil {
		t.Fatal(err)
	}
	a, b := meet(t, l, v, identity(t), cfg("bob"))
	return x, a, b
}

func TestCancel(t *testing.T) {
	a, b := pair(t, patient("alice"), patient("bob"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, "Recv", second(a.Recv(ctx)), fault.Canceled)
	wantFault(t, "Send", a.Send(ctx, []byte{1}), fault.Canceled)
	late, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	wantFault(t, "Recv", second(a.Recv(late)), fault.Timeout)
	var err error
	for msg := make([]byte, protocols.MaxMessage); err == nil; { // the peer takes nothing: the windows fill
		err = a.Send(late, msg)
	}
	wantFault(t, "Send", err, fault.Timeout)
	a.Abort(fault.PlanMismatch)
	for err = nil; err == nil; {
		_, err = b.Recv(t.Context())
	}
	wantFault(t, "the peer's Recv", err, fault.PeerAborted)
}

func TestAbortSaysWhy(t *testing.T) {
	a, b := pair(t, patient("alice"), patient("bob"))
	for _, c := range fault.Codes() {
		if got := c.ExitCode(); got == orderly || got > 255 {
			t.Fatalf("%v does not fit into CLOSE", c)
		}
	}
	a.Abort(fault.PlanMismatch)
	_, err := b.Recv(t.Context())
	wantFault(t, "Recv", err, fault.PeerAborted)
	if got, want := fault.ReasonOf(err), "the peer gave up: PlanMismatch"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if err := b.Close(); fault.CodeOf(err) != fault.PeerAborted {
		t.Errorf("Close after the peer gave up: %v", err)
	}
}

func TestMessageTooLong(t *testing.T) {
	a, b := pair(t, patient("alice"), patient("bob"))
	wantFault(t, "Send", a.Send(t.Context(), make([]byte, protocols.MaxMessage+1)), fault.LimitExceeded)
	if err := a.Send(t.Context(), make([]byte, protocols.MaxMessage)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Recv(t.Context()); err != nil || len(got) != protocols.MaxMessage {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestSilentPeer: a connection on which nothing arrives any more ends by the idle limit, whatever a side is doing.
func TestSilentPeer(t *testing.T) {
	x, a, b := proxied(t, impatient)
	if err := a.Send(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recv(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.Blackhole(true)
	wantFault(t, "Recv", second(a.Recv(t.Context())), fault.Timeout)
	var err error
	for err == nil {
		err = b.Send(t.Context(), make([]byte, 100))
	}
	wantFault(t, "Send", err, fault.Timeout)
}

// TestBeatsKeepAlive: a peer that computes for longer than the idle limit and says nothing is not silent.
func TestBeatsKeepAlive(t *testing.T) {
	a, b := pair(t, impatient("alice"), impatient("bob"))
	var g errgroup.Group
	g.Go(func() error {
		time.Sleep(3 * a.cfg.Idle)
		return a.Send(t.Context(), []byte("at last"))
	})
	if got, err := b.Recv(t.Context()); err != nil || string(got) != "at last" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// TestMutualSend: two sides that only send are ended by the stall limit instead of waiting for ever.
func TestMutualSend(t *testing.T) {
	a, b := pair(t, impatient("alice"), impatient("bob"))
	var g errgroup.Group
	for _, c := range []*Conn{a, b} {
		g.Go(func() error {
			var err error
			for msg := make([]byte, protocols.MaxMessage); err == nil; {
				err = c.Send(t.Context(), msg)
			}
			if code := fault.CodeOf(err); code != fault.Timeout && code != fault.PeerAborted {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestBrokenConnection(t *testing.T) {
	x, a, b := proxied(t, patient)
	x.Drop()
	wantFault(t, "Recv", second(a.Recv(t.Context())), fault.PeerAborted)
	wantFault(t, "Recv", second(b.Recv(t.Context())), fault.PeerAborted)
	wantFault(t, "Close", a.Close(), fault.PeerAborted)
}

func TestAlteredBytes(t *testing.T) {
	x, a, b := proxied(t, patient)
	x.Corrupt(faultproxy.ToTarget, x.Carried(faultproxy.ToTarget)+50) // within the record that comes next
	if err := b.Send(t.Context(), make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	wantFault(t, "Recv", second(a.Recv(t.Context())), fault.Unavailable)
	wantFault(t, "the sender's Recv", second(b.Recv(t.Context())), fault.PeerAborted)
}

// hostile is the guest's end of TLS after a good hello, to send frames by hand.
func hostile(t *testing.T, cfg Config) (*Conn, *tls.Conn) {
	t.Helper()
	l, v := listening(t, cfg, ListenOptions{})
	id := identity(t)
	var accepted *Conn
	var g errgroup.Group
	g.Go(func() (err error) { accepted, err = l.Accept(t.Context()); return err })
	raw, err := net.Dial("tcp", v.Address)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(raw, id.clientTLS(v.Listener))
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	h, err := v.greeting(sideGuest, c.ConnectionState(), id.Pin(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(h.encode()); err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Abort(fault.Canceled) })
	return accepted, c
}

func TestBadFrames(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes []byte
		want  fault.Code
	}{
		{"oversized", appendHeader(nil, kindData, protocols.MaxMessage+1), fault.LimitExceeded},
		{"unknown kind", []byte{9, 0, 0, 0}, fault.Misbehaved},
		{"a beat with a payload", []byte{2, 0, 0, 1, 0}, fault.Misbehaved},
		{"a close without a code", []byte{3, 0, 0, 0}, fault.Misbehaved},
		{"garbage", []byte("GET / HTTP/1.1\r\n\r\n"), fault.Misbehaved},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, guest := hostile(t, patient("alice"))
			if _, err := guest.Write(append(append(appendHeader(nil, kindData, 2), 1, 2), c.bytes...)); err != nil {
				t.Fatal(err)
			}
			if got, err := a.Recv(t.Context()); err != nil || len(got) != 2 {
				t.Errorf("the good message before: %v, %v", got, err)
			}
			_, err := a.Recv(t.Context())
			wantFault(t, "Recv", err, c.want)
			if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Culprit != "mallory" {
				t.Errorf("%v does not blame the peer", err)
			}
		})
	}
}

func TestTruncatedFrame(t *testing.T) {
	a, guest := hostile(t, patient("alice"))
	if _, err := guest.Write(append(appendHeader(nil, kindData, 100), 1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	_ = guest.Close()
	wantFault(t, "Recv", second(a.Recv(t.Context())), fault.PeerAborted)
}

// TestFloodIsHeldBack: what nobody asks for stays within the window.
func TestFloodIsHeldBack(t *testing.T) {
	a, guest := hostile(t, patient("alice"))
	var written atomic.Int64
	_ = guest.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	frame := append(appendHeader(nil, kindData, 1<<16), make([]byte, 1<<16)...)
	for {
		n, err := guest.Write(frame)
		written.Add(int64(n))
		if err != nil {
			break
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held < recvWindow || a.held > recvWindow+protocols.MaxMessage {
		t.Errorf("%d bytes held after %d were sent, the window is %d", a.held, written.Load(), recvWindow)
	}
}

// TestPlain: frames without TLS, for measurements.
func TestPlain(t *testing.T) {
	x, y := net.Pipe()
	a, err := PlainInsecure(x, "bob", patient("alice"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := PlainInsecure(y, "alice", patient("bob"))
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 3)
	_, _ = io.ReadFull(rand.Reader, want)
	if err := a.Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Recv(t.Context()); err != nil || string(got) != string(want) {
		t.Errorf("got %v, %v", got, err)
	}
	both(t, a, b)
}
