package direct

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
)

func TestInviteText(t *testing.T) {
	v, err := newInvite(Pin{1, 2, 3}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"bank.example:7600", "192.0.2.1:1", "[2001:db8::1]:65535"} {
		at, err := v.At(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseInvite("\n " + at.TextInsecure() + " \n")
		if err != nil || got.Address != address || got.Listener != v.Listener || *got.secret != *v.secret {
			t.Errorf("%s came back as %v, %v", address, got, err)
		}
	}
	for _, address := range []string{"", "bank", "bank:", ":7600", "bank:0", "bank:65536", "bank:x", "ba nk:1", "bänk:1", strings.Repeat("a", 260) + ":1"} {
		if _, err := v.At(address); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("address %q: %v", address, err)
		}
	}
}

func TestInviteTextIsRefused(t *testing.T) {
	v, _ := newInvite(Pin{1}, rand.Reader)
	v, _ = v.At("bank.example:7600")
	good := v.TextInsecure()
	for name, c := range map[string]struct {
		text string
		want fault.Code
	}{
		"empty": {"", fault.Invalid}, "another word": {"tacit-invite-1abc", fault.Invalid},
		"another version":  {strings.Replace(good, "psi1", "psi2", 1), fault.Unsupported},
		"a letter missing": {good[:len(good)-1], fault.Invalid}, "a letter more": {good + "A", fault.Invalid},
		"a letter changed": {good[:20] + flip(good[20:21]) + good[21:], fault.Invalid},
		"padding":          {good + "=", fault.Invalid}, "very long": {good + strings.Repeat("A", 2000), fault.Invalid},
		"space inside": {good[:30] + " " + good[30:], fault.Invalid},
	} {
		if _, err := ParseInvite(c.text); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if err != nil && len(c.text) > 20 && strings.Contains(err.Error(), c.text[15:]) {
			t.Errorf("%s: the error quotes the invite", name)
		}
	}
}

func flip(letter string) string {
	if letter == "A" {
		return "B"
	}
	return "A"
}

func TestSecretsDoNotPrint(t *testing.T) {
	v, _ := newInvite(Pin{1}, rand.Reader)
	v, _ = v.At("bank.example:7600")
	id := identity(t)
	key, err := id.PEMInsecure()
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "invite", v, "identity", id)
	said := fmt.Sprintf("%v %+v %#v %s %x", v, v, v, v, struct{ v Invite }{v}) + fmt.Sprintf("%v %+v %#v %v", id, id, id, struct{ id *Identity }{id}) + logged.String()
	secret := fmt.Sprintf("%x", v.secret[:])
	for _, bad := range []string{secret, v.TextInsecure(), string(key), strings.Trim(fmt.Sprint(v.secret[:8]), "[]"), base64.StdEncoding.EncodeToString(*id.key)} {
		if strings.Contains(said, bad) {
			t.Errorf("a secret was printed:\n%s", said)
		}
	}
}

func TestIdentityRoundTrip(t *testing.T) {
	id := identity(t)
	b, err := id.PEMInsecure()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseIdentity(b)
	if err != nil || got.Pin() != id.Pin() || !got.key.Equal(*id.key) {
		t.Errorf("another identity came back, %v", err)
	}
	other, _ := identity(t).PEMInsecure()
	mixed := slices.Concat(b[:bytes.Index(b, []byte("-----BEGIN CERT"))], other[bytes.Index(other, []byte("-----BEGIN CERT")):])
	for name, text := range map[string][]byte{"empty": nil, "half": b[:len(b)/2], "twice": slices.Concat(b, b), "another's certificate": mixed, "long": make([]byte, maxPEMBytes+1)} {
		if _, err := ParseIdentity(text); fault.CodeOf(err) != fault.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refusals collects what a listener reports.
type refusals struct {
	mu   sync.Mutex
	errs []error
}

func (r *refusals) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func TestWhoIsRefused(t *testing.T) {
	var said refusals
	l, v := listening(t, Config{Self: "alice", Peer: "bob"}, ListenOptions{Refused: said.add})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var g errgroup.Group
	var accepted *Conn
	g.Go(func() (err error) { accepted, err = l.Accept(ctx); return err })

	wrongSecret, _ := newInvite(v.Listener, rand.Reader)
	wrongSecret, _ = wrongSecret.At(v.Address)
	wrongPin := v
	wrongPin.Listener[0] ^= 1
	for name, c := range map[string]struct {
		invite Invite
		self   Config
		want   fault.Code
	}{
		"wrong secret": {wrongSecret, patient("bob"), fault.Unauthenticated}, "wrong pin": {wrongPin, patient("bob"), fault.Unauthenticated},
		"our own name": {v, patient("alice"), fault.Invalid}, "an unexpected name": {v, patient("carol"), fault.Invalid},
		"zero invite": {Invite{}, patient("bob"), fault.Invalid}, "no name": {v, Config{}, fault.Invalid},
	} {
		if _, err := Dial(t.Context(), c.invite, identity(t), c.self); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if got := l.Guest(); got != (Pin{}) {
		t.Errorf("a refused guest was pinned: %v", got)
	}

	guest := identity(t)
	first, err := Dial(t.Context(), v, guest, patient("bob"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if l.Guest() != guest.Pin() || accepted.PeerPin() != guest.Pin() || first.PeerPin() != v.Listener {
		t.Error("the pins are not those of the two sides")
	}
	both(t, accepted, first)

	// The same guest comes back; another one with the same invite does not get in.
	g.Go(func() (err error) { accepted, err = l.Accept(ctx); return err })
	if _, err := Dial(t.Context(), v, identity(t), patient("bob")); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("another guest: %v", err)
	}
	again, err := Dial(t.Context(), v, guest, patient("bob"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	both(t, accepted, again)
	said.mu.Lock()
	defer said.mu.Unlock()
	if len(said.errs) != 5 {
		t.Errorf("%d refusals reported, want 5: %v", len(said.errs), said.errs)
	}
}

// TestReplay: the hello of one connection is worth nothing on another.
func TestReplay(t *testing.T) {
	_, v := listening(t, patient("alice"), ListenOptions{})
	a, _ := rawTLSPair(t)
	b, _ := rawTLSPair(t)
	h, err := v.greeting(sideGuest, a.ConnectionState(), Pin{7}, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if !v.admits(h, sideGuest, a.ConnectionState(), Pin{7}) {
		t.Error("a good hello is refused")
	}
	renamed := h
	renamed.name = "carol"
	for name, bad := range map[string]bool{
		"another connection":  v.admits(h, sideGuest, b.ConnectionState(), Pin{7}),
		"another certificate": v.admits(h, sideGuest, a.ConnectionState(), Pin{8}),
		"the other side's":    v.admits(h, sideListener, a.ConnectionState(), Pin{7}),
		"another name":        v.admits(renamed, sideGuest, a.ConnectionState(), Pin{7}),
	} {
		if bad {
			t.Errorf("%s: the proof holds", name)
		}
	}
}

// TestListenerRestarts: a listener that comes back with its identity, invite and guest knows the guest.
func TestListenerRestarts(t *testing.T) {
	id, guest := identity(t), identity(t)
	l, err := Listen("127.0.0.1:0", id, patient("alice"), ListenOptions{Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := l.Invite(l.Addr())
	a, b := meet(t, l, v, guest, patient("bob"))
	both(t, a, b)
	_ = l.Close()
	kept, err := ParseInvite(v.TextInsecure())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("127.0.0.1:0", identity(t), patient("alice"), ListenOptions{Resume: kept}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an invite of another identity: %v", err)
	}
	l, err = Listen("127.0.0.1:0", id, patient("alice"), ListenOptions{Resume: kept, Guest: guest.Pin()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	v, _ = kept.At(l.Addr()) // the test's port has changed, a real listener's has not
	var g errgroup.Group
	g.Go(func() (err error) { a, err = l.Accept(t.Context()); return err })
	if _, err := Dial(t.Context(), v, identity(t), patient("bob")); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("another guest: %v", err)
	}
	if b, err = Dial(t.Context(), v, guest, patient("bob")); err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	both(t, a, b)
}

// TestStrangersDoNotBlock: connections that say nothing, or nonsense, neither stop the guest nor stay.
func TestStrangersDoNotBlock(t *testing.T) {
	cfg := patient("alice")
	cfg.Handshake = 300 * time.Millisecond
	var said refusals
	l, v := listening(t, cfg, ListenOptions{Refused: said.add})
	for i := range maxHandshakes + 4 {
		c, err := net.Dial("tcp", v.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if i%2 == 0 {
			_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		}
	}
	a, b := meet(t, l, v, identity(t), patient("bob"))
	both(t, a, b)
	said.mu.Lock()
	defer said.mu.Unlock()
	for _, err := range said.errs {
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("a stranger: %v", err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, v := listening(t, patient("alice"), ListenOptions{})
	_ = l.Close()
	_, err := Dial(t.Context(), v, identity(t), patient("bob"))
	wantFault(t, "Dial", err, fault.Unavailable)
	_, err = l.Accept(t.Context())
	wantFault(t, "Accept", err, fault.Unavailable)

	// Somebody who takes the connection and says nothing.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	v, _ = v.At(mute.Addr().String())
	cfg := patient("bob")
	cfg.Handshake = 100 * time.Millisecond
	_, err = Dial(t.Context(), v, identity(t), cfg)
	wantFault(t, "Dial", err, fault.Unavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = Dial(ctx, v, identity(t), patient("bob"))
	wantFault(t, "Dial", err, fault.Timeout)
	_, err = Listen(mute.Addr().String(), identity(t), patient("alice"), ListenOptions{Rand: rand.Reader})
	wantFault(t, "Listen", err, fault.Unavailable)
}

func TestAcceptIsCanceled(t *testing.T) {
	l, v := listening(t, patient("alice"), ListenOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Accept(ctx)
	wantFault(t, "Accept", err, fault.Canceled)
	a, b := meet(t, l, v, identity(t), patient("bob")) // and works again
	both(t, a, b)
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"no name": {}, "bad name": {Self: "Bank"}, "bad peer": {Self: "bank", Peer: "X"}, "own peer": {Self: "bank", Peer: "bank"},
		"negative": {Self: "bank", Idle: -1}, "beat too slow": {Self: "bank", Beat: time.Minute, Idle: time.Minute},
	} {
		if _, err := c.checked(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := (Config{Self: "bank"}).checked(); err != nil || c.Idle != DefaultIdle || c.Beat != DefaultBeat || c.Stall != DefaultStall {
		t.Errorf("defaults %+v, %v", c, err)
	}
}
