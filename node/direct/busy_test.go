package direct

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// TestBusyListenerRefuses: while the guest is served, somebody else with the invite is refused at once, and the guest itself
// waits for the next Accept.
func TestBusyListenerRefuses(t *testing.T) {
	l, v := listening(t, patient("alice"), ListenOptions{})
	guest := identity(t)
	meet(t, l, v, guest, patient("bob"))
	_, err := Dial(t.Context(), v, identity(t), patient("mallory")) // no Accept is under way
	wantFault(t, "Dial", err, fault.Unauthenticated)
	gone, err := Dial(t.Context(), v, guest, patient("bob"))
	if err != nil {
		t.Fatal(err)
	}
	gone.Abort(fault.Canceled)
	b, err := Dial(t.Context(), v, guest, patient("bob"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.Binding() != b.Binding() { // the one that left had not been noticed yet
		a.Abort(fault.Canceled)
		if a, err = l.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	both(t, a, b)
}

// TestGuestsAreBounded: a guest that connects without end holds a bounded number of connections.
func TestGuestsAreBounded(t *testing.T) {
	l, v := listening(t, patient("alice"), ListenOptions{})
	guest := identity(t)
	meet(t, l, v, guest, patient("bob"))
	var held []*Conn
	for range maxGuests + 1 {
		c, err := Dial(t.Context(), v, guest, patient("bob"))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	// Handshakes end in any order: one of the connections is too many, whichever.
	ended := make(chan error, len(held))
	for _, c := range held {
		go func() { _, err := c.Recv(t.Context()); ended <- err }()
	}
	wantFault(t, "Recv", <-ended, fault.PeerAborted)
	for _, c := range held {
		c.Abort(fault.Canceled)
	}
}

// TestGuestThatLeftInOrder: a guest that sent and closed before Accept is still heard; one that gave up is skipped.
func TestGuestThatLeftInOrder(t *testing.T) {
	l, v := listening(t, patient("alice"), ListenOptions{})
	guest := identity(t)
	meet(t, l, v, guest, patient("bob"))
	for _, leave := range []func(*Conn) error{
		func(c *Conn) error { c.Abort(fault.Canceled); return nil },
		(*Conn).Close,
	} {
		c, err := Dial(t.Context(), v, guest, patient("bob"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(t.Context(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := leave(c); err != nil {
			t.Fatal(err)
		}
	}
	c, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := c.Recv(t.Context()); string(msg) != "hello" || err != nil {
		t.Errorf("%q, %v", msg, err)
	}
	_, err = c.Recv(t.Context())
	wantFault(t, "Recv", err, fault.PeerAborted)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestWithheldMessage: a peer that keeps the connection alive and sends nothing is named when the limit is over.
func TestWithheldMessage(t *testing.T) {
	cfg := impatient("alice")
	cfg.Answer = 900 * time.Millisecond // beyond Idle: beats keep the connection
	a, _ := pair(t, cfg, impatient("bob"))
	_, err := a.Recv(t.Context())
	wantFault(t, "Recv", err, fault.Timeout)
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Culprit != "bob" {
		t.Errorf("%v does not name the peer", err)
	}
}

// TestEveryAbortIsTold: each code arrives by its name, and a byte that is none by no name.
func TestEveryAbortIsTold(t *testing.T) {
	for _, c := range fault.Codes() {
		a, b := pair(t, patient("alice"), patient("bob"))
		a.Abort(c)
		_, err := b.Recv(t.Context())
		wantFault(t, "Recv", err, fault.PeerAborted)
		if got, want := fault.ReasonOf(err), "the peer gave up: "+c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	a, guest := hostile(t, patient("alice"))
	if _, err := guest.Write(append(appendHeader(nil, kindClose, 1), 99)); err != nil {
		t.Fatal(err)
	}
	_, err := a.Recv(t.Context())
	wantFault(t, "Recv", err, fault.PeerAborted)
	if got := fault.ReasonOf(err); strings.Contains(got, "99") || got != "the peer gave up" {
		t.Errorf("%q", got)
	}
}
