package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func create(t testing.TB, id party.ID) *identity.Keys {
	t.Helper()
	k, err := identity.Create(t.TempDir(), id, rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func card(t testing.TB, k *identity.Keys, addresses ...string) identity.Card {
	t.Helper()
	c, err := k.Card(addresses, t0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pinned(t testing.TB, ks ...*identity.Keys) *identity.Pins {
	t.Helper()
	s := &identity.Pins{}
	for _, k := range ks {
		p, err := card(t, k, "127.0.0.1:7443").Peer()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("got %v, want code %v", err, want)
	}
}

func TestCreateThenLoad(t *testing.T) {
	dir := t.TempDir()
	k, err := identity.Create(dir, "bank", rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Party() != "bank" || got.Pin() != k.Pin() || !got.NotAfter().Equal(k.NotAfter()) {
		t.Error("loaded identity differs from the created one")
	}
	a, b := card(t, k, "h:1"), card(t, got, "h:1")
	if !bytes.Equal(a.Encode(), b.Encode()) {
		t.Error("cards differ")
	}
	entries, err := os.ReadDir(filepath.Join(dir, "keys"))
	if err != nil || len(entries) != 5 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
	_, err = identity.Create(dir, "bank", rand.Reader, t0)
	wantCode(t, err, fault.Exists)
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("%d entries beside the keys", len(left)-1)
	}
}

func TestCreateIsDeterministicInItsRandomness(t *testing.T) {
	seed := bytes.Repeat([]byte("0123456789abcdef"), 64)
	a, err := identity.Create(t.TempDir(), "bank", bytes.NewReader(seed), t0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := identity.Create(t.TempDir(), "bank", bytes.NewReader(seed), t0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Pin() != b.Pin() {
		t.Error("same randomness, different roots")
	}
	_, err = identity.Create(t.TempDir(), "bank", bytes.NewReader(seed[:40]), t0)
	wantCode(t, err, fault.Unavailable)
	_, err = identity.Create(t.TempDir(), "Bank", rand.Reader, t0)
	wantCode(t, err, fault.Invalid)
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(dir string) error
		want fault.Code
	}{
		{"missing", func(d string) error { return os.RemoveAll(d) }, fault.NotFound},
		{"open directory", func(d string) error { return os.Chmod(d, 0o755) }, fault.Unauthenticated},
		{"readable root", func(d string) error { return os.Chmod(filepath.Join(d, "root.key"), 0o640) }, fault.Unauthenticated},
		{"readable node", func(d string) error { return os.Chmod(filepath.Join(d, "node.pem"), 0o604) }, fault.Unauthenticated},
		{"missing file", func(d string) error { return os.Remove(filepath.Join(d, "audit.key")) }, fault.NotFound},
		{"empty file", func(d string) error { return os.Truncate(filepath.Join(d, "approval.key"), 0) }, fault.Corrupt},
		{"torn certificate", func(d string) error { return os.Truncate(filepath.Join(d, "root.crt"), 100) }, fault.Corrupt},
		{"another root", func(d string) error {
			b, err := os.ReadFile(filepath.Join(d, "audit.key"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(d, "root.key"), b, 0o600)
		}, fault.Corrupt},
		{"huge file", func(d string) error {
			return os.WriteFile(filepath.Join(d, "root.key"), make([]byte, 17<<10), 0o600)
		}, fault.Corrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := identity.Create(dir, "bank", rand.Reader, t0); err != nil {
				t.Fatal(err)
			}
			if err := c.harm(filepath.Join(dir, "keys")); err != nil {
				t.Fatal(err)
			}
			_, err := identity.Load(dir)
			wantCode(t, err, c.want)
		})
	}
}

func TestRenewAtTwoThirds(t *testing.T) {
	dir := t.TempDir()
	k, err := identity.Create(dir, "bank", rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	if did, err := k.Renew(rand.Reader, t0.Add(59*day)); did || err != nil {
		t.Fatalf("renewed early: %v %v", did, err)
	}
	if did, err := k.Renew(rand.Reader, t0.Add(60*day)); !did || err != nil {
		t.Fatalf("not renewed: %v %v", did, err)
	}
	got, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := t0.Add(150 * day); !got.NotAfter().Equal(want) {
		t.Errorf("loaded certificate ends %v, want %v", got.NotAfter(), want)
	}
}

func TestKeysNeverPrint(t *testing.T) {
	dir := t.TempDir()
	k, err := identity.Create(dir, "bank", rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := identity.NewInviter(k).Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		fmt.Fprintf(&out, verb, k.Approval())
		fmt.Fprintf(&out, verb, v)
		fmt.Fprintf(&out, verb, struct{ in identity.Invite }{v})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k.Approval(), "invite", v)
	token := strings.TrimPrefix(v.TokenInsecure(), "tacit-invite-1")
	if strings.Contains(out.String(), token[len(token)/2:]) {
		t.Error("the invite's token was printed")
	}
	pem, err := os.ReadFile(filepath.Join(dir, "keys", "approval.key"))
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Split(string(pem), "\n")[1]
	der, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	seed := der[len(der)-32:]
	for _, form := range []string{fmt.Sprintf("%x", seed[:16]), fmt.Sprint(seed[:16])[1:40], string(seed[:16])} {
		if strings.Contains(out.String(), form) {
			t.Error("the key was printed")
		}
	}
}

func TestSignSeparatesPurposes(t *testing.T) {
	k := create(t, "bank")
	msg := []byte("digest")
	sig, err := identity.Sign(k.Approval(), identity.ForApproval, msg)
	if err != nil || len(sig) != identity.SignatureBytes {
		t.Fatal(err)
	}
	if err := identity.Verify(k.ApprovalPublic(), identity.ForApproval, msg, sig); err != nil {
		t.Fatal(err)
	}
	// The stated form, by another path: an outside verifier needs nothing but Ed25519.
	if !ed25519.Verify(k.ApprovalPublic(), []byte("tacit/approve/v1digest"), sig) {
		t.Error("signed bytes are not the documented ones")
	}
	flipped := bytes.Clone(sig)
	flipped[3] ^= 1
	for name, err := range map[string]error{
		"other purpose": identity.Verify(k.ApprovalPublic(), identity.ForVote, msg, sig),
		"other payload": identity.Verify(k.ApprovalPublic(), identity.ForApproval, []byte("digesT"), sig),
		"other key":     identity.Verify(create(t, "bank").ApprovalPublic(), identity.ForApproval, msg, sig),
		"flipped":       identity.Verify(k.ApprovalPublic(), identity.ForApproval, msg, flipped),
		"empty":         identity.Verify(k.ApprovalPublic(), identity.ForApproval, msg, nil),
		"short key":     identity.Verify(k.ApprovalPublic()[:31], identity.ForApproval, msg, sig),
	} {
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = identity.Sign(k.Approval(), "a/b", msg)
	wantCode(t, err, fault.Invalid)
	_, err = identity.Sign(k.Approval(), "", msg)
	wantCode(t, err, fault.Invalid)
}

func TestCardRoundTripAndForgery(t *testing.T) {
	k := create(t, "bank")
	c := card(t, k, "node.bank.example:7443", "[::1]:7443")
	got, err := identity.DecodeCard(c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(); err != nil {
		t.Fatal(err)
	}
	if pin, _ := got.Pin(); pin != k.Pin() {
		t.Error("pin of the card is not the root's")
	}
	if _, key, err := identity.ParseVKey(got.Audit); err != nil || !key.Equal(k.Audit().Public()) {
		t.Errorf("audit key: %v", err)
	}
	b := c.Encode()
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x20
		if c, err := identity.DecodeCard(bad); err == nil {
			wantCode(t, c.Verify(), fault.Unauthenticated)
		}
	}
	_, err = k.Card([]string{"no-port"}, t0)
	wantCode(t, err, fault.Invalid)
	_, err = k.Card(make([]string, identity.MaxAddresses+1), t0)
	wantCode(t, err, fault.Invalid)
	_, err = identity.DecodeCard(make([]byte, identity.MaxCardBytes+1))
	wantCode(t, err, fault.LimitExceeded)
}

func TestPins(t *testing.T) {
	a, b := create(t, "alpha"), create(t, "beta")
	s := pinned(t, b, a)
	if l := s.List(); len(l) != 2 || l[0].Party != "alpha" {
		t.Fatal("list is not sorted by party")
	}
	p, err := s.Get("alpha")
	if err != nil {
		t.Fatal(err)
	}
	got, err := identity.DecodePeer(p.Encode())
	if err != nil || !bytes.Equal(got.Encode(), p.Encode()) {
		t.Fatalf("round trip: %v", err)
	}
	p.Root[0] ^= 1
	wantCode(t, s.Set(p), fault.Invalid)
	if again, _ := s.Get("alpha"); again.Root[0] == p.Root[0] {
		t.Error("a record given out is aliased")
	}
	newer, err := a.Card([]string{"new:1"}, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if up, err := s.Update(newer); err != nil || up.Addresses[0] != "new:1" {
		t.Fatalf("update: %v", err)
	}
	_, err = s.Update(card(t, a))
	wantCode(t, err, fault.Expired)
	_, err = s.Update(card(t, create(t, "alpha")))
	wantCode(t, err, fault.Unauthenticated)
	_, err = s.Update(card(t, create(t, "gamma")))
	wantCode(t, err, fault.NotFound)
	s.Remove("alpha")
	_, err = s.Get("alpha")
	wantCode(t, err, fault.Unauthenticated)
}

// shake runs one TLS handshake and returns what each side found.
func shake(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	deadline := time.Now().Add(5 * time.Second)
	_, _ = a.SetDeadline(deadline), b.SetDeadline(deadline)
	done := make(chan error, 1)
	srv := tls.Server(a, server)
	go func() {
		err := srv.Handshake()
		if err == nil {
			_, err = srv.Write([]byte{1})
		}
		_ = a.Close()
		done <- err
	}()
	cli := tls.Client(b, client)
	clientErr = cli.Handshake()
	if clientErr == nil {
		_, clientErr = cli.Read(make([]byte, 1))
		state = cli.ConnectionState()
	}
	_ = b.Close()
	return state, <-done, clientErr
}

func TestHandshake(t *testing.T) {
	a, b, stranger := create(t, "alpha"), create(t, "beta"), create(t, "alpha")
	all := pinned(t, a, b)
	day := 24 * time.Hour
	for _, c := range []struct {
		name           string
		server, client *tls.Config
		ok             bool
	}{
		{"pinned both ways", b.ServerConfig(all, at(t0)), a.ClientConfig(all, "beta", at(t0)), true},
		{"server does not know the client", b.ServerConfig(pinned(t, b), at(t0)), a.ClientConfig(all, "beta", at(t0)), false},
		{"client does not know the server", b.ServerConfig(all, at(t0)), a.ClientConfig(pinned(t, a), "beta", at(t0)), false},
		{"client under a stranger's root", b.ServerConfig(all, at(t0)), stranger.ClientConfig(all, "beta", at(t0)), false},
		{"server under a stranger's root", stranger.ServerConfig(all, at(t0)), b.ClientConfig(all, "alpha", at(t0)), false},
		{"another pinned party answers", a.ServerConfig(all, at(t0)), a.ClientConfig(all, "beta", at(t0)), false},
		{"certificates expired", b.ServerConfig(all, at(t0.Add(91*day))), a.ClientConfig(all, "beta", at(t0.Add(91*day))), false},
		{"no client certificate", b.ServerConfig(all, at(t0)), identity.APIClientConfig("beta", b.Pin(), at(t0)), false},
		{"user API", b.APIConfig(at(t0)), identity.APIClientConfig("beta", b.Pin(), at(t0)), true},
		{"user API of another", stranger.APIConfig(at(t0)), identity.APIClientConfig("alpha", a.Pin(), at(t0)), false},
		{"join", b.JoinServerConfig(at(t0)), identity.JoinClientConfig("beta", b.Pin(), at(t0)), true},
		{"join where none is open", b.ServerConfig(all, at(t0)), identity.JoinClientConfig("beta", b.Pin(), at(t0)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			state, serr, cerr := shake(t, c.server, c.client)
			if ok := serr == nil && cerr == nil; ok != c.ok {
				t.Fatalf("server %v, client %v", serr, cerr)
			}
			if c.ok && (state.Version != tls.VersionTLS13 || state.CurveID != tls.X25519MLKEM768) {
				t.Errorf("version %x, curve %v", state.Version, state.CurveID)
			}
		})
	}
}

func TestNodePortAcceptsOnlyTheHybridAndTLS13(t *testing.T) {
	a, b := create(t, "alpha"), create(t, "beta")
	all := pinned(t, a, b)
	classic := a.ClientConfig(all, "beta", at(t0))
	classic.CurvePreferences = []tls.CurveID{tls.X25519}
	if _, serr, _ := shake(t, b.ServerConfig(all, at(t0)), classic); serr == nil {
		t.Error("X25519 alone was accepted")
	}
	old := a.ClientConfig(all, "beta", at(t0))
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, serr, _ := shake(t, b.ServerConfig(all, at(t0)), old); serr == nil {
		t.Error("TLS 1.2 was accepted")
	}
	api := identity.APIClientConfig("beta", b.Pin(), at(t0))
	api.CurvePreferences = []tls.CurveID{tls.X25519}
	if _, serr, cerr := shake(t, b.APIConfig(at(t0)), api); serr != nil || cerr != nil {
		t.Errorf("user API with X25519: %v, %v", serr, cerr)
	}
}

func TestWords(t *testing.T) {
	w := identity.Words(identity.Pin{1})
	if n := len(strings.Fields(w)); n != 6 {
		t.Errorf("%d words", n)
	}
	if w == identity.Words(identity.Pin{2}) {
		t.Error("two pins, the same words")
	}
}

func TestJoin(t *testing.T) {
	host, guest := create(t, "host"), create(t, "guest")
	own := card(t, host, "h:1")
	exporter := bytes.Repeat([]byte{7}, identity.ExporterBytes)
	inviter := identity.NewInviter(host)
	issue := func() identity.Invite {
		v, err := inviter.Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
		if err != nil {
			t.Fatal(err)
		}
		v, err = identity.ParseInvite(" " + v.TokenInsecure() + "\n")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v, gcard := issue(), card(t, guest)
	req := v.JoinRequest(exporter, gcard)

	other := bytes.Repeat([]byte{8}, identity.ExporterBytes)
	_, _, err := inviter.Redeem(other, req, own, t0) // lifted into another handshake
	wantCode(t, err, fault.Unauthenticated)
	for i := range req {
		bad := bytes.Clone(req)
		bad[i] ^= 1
		_, _, err := inviter.Redeem(exporter, bad, own, t0)
		wantCode(t, err, fault.Unauthenticated)
	}
	got, resp, err := inviter.Redeem(exporter, req, own, t0)
	if err != nil || got.Party != "guest" {
		t.Fatal(err)
	}
	hcard, err := v.AcceptResponse(exporter, gcard, resp)
	if err != nil || hcard.Party != "host" {
		t.Fatal(err)
	}
	_, err = v.AcceptResponse(other, gcard, resp)
	wantCode(t, err, fault.Unauthenticated)
	for i := range resp {
		bad := bytes.Clone(resp)
		bad[i] ^= 1
		_, err := v.AcceptResponse(exporter, gcard, bad)
		wantCode(t, err, fault.Unauthenticated)
	}
	_, _, err = inviter.Redeem(exporter, req, own, t0) // replay
	wantCode(t, err, fault.Unauthenticated)

	late := issue()
	if n := len(inviter.Outstanding(t0)); n != 1 {
		t.Errorf("%d outstanding, want 1", n)
	}
	_, _, err = inviter.Redeem(exporter, late.JoinRequest(exporter, gcard), own, t0.Add(time.Hour))
	wantCode(t, err, fault.Unauthenticated)
	if n := len(inviter.Outstanding(t0)); n != 0 {
		t.Errorf("%d outstanding after the term", n)
	}
	restored := identity.NewInviter(host, late)
	if _, _, err := restored.Redeem(exporter, late.JoinRequest(exporter, gcard), own, t0); err != nil {
		t.Errorf("restored invite: %v", err)
	}
}

func TestIssueLimits(t *testing.T) {
	inviter := identity.NewInviter(create(t, "host"))
	_, err := inviter.Issue(nil, time.Hour, rand.Reader, t0)
	wantCode(t, err, fault.Invalid)
	_, err = inviter.Issue([]string{"h:1"}, 0, rand.Reader, t0)
	wantCode(t, err, fault.Invalid)
	for range identity.MaxInvites {
		if _, err := inviter.Issue([]string{"h:1"}, time.Hour, rand.Reader, t0); err != nil {
			t.Fatal(err)
		}
	}
	_, err = inviter.Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
	wantCode(t, err, fault.LimitExceeded)
	if _, err := inviter.Issue([]string{"h:1"}, time.Hour, rand.Reader, t0.Add(time.Hour)); err != nil {
		t.Errorf("expired invites count: %v", err)
	}
}

func TestParseInviteRefuses(t *testing.T) {
	v, err := identity.NewInviter(create(t, "host")).Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	token := v.TokenInsecure()
	for name, s := range map[string]string{
		"empty": "", "prefix only": "tacit-invite-1", "cut": token[:len(token)-4], "longer": token + "aaaaaaaa",
		"typo": token[:40] + string('a'+(token[40]-'a'+1)%26) + token[41:], "huge": token + strings.Repeat("a", 9000),
	} {
		if _, err := identity.ParseInvite(s); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		} else if len(s) > 30 && strings.Contains(err.Error(), s[20:30]) {
			t.Errorf("%s: the error quotes the token", name)
		}
	}
	_, err = identity.ParseInvite("tacit-invite-2abc")
	wantCode(t, err, fault.Unsupported)
}

func TestPeerRecordProperty(t *testing.T) {
	k := create(t, "bank")
	rapid.Check(t, func(r *rapid.T) {
		addrs := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,20}:[1-9][0-9]{0,3}`), 0, identity.MaxAddresses).Draw(r, "addresses")
		c, err := k.Card(addrs, time.Unix(rapid.Int64Range(0, 1<<40).Draw(r, "issued"), 0))
		if err != nil {
			r.Fatal(err)
		}
		p, err := c.Peer()
		if err != nil {
			r.Fatal(err)
		}
		got, err := identity.DecodePeer(p.Encode())
		if err != nil || !bytes.Equal(got.Encode(), p.Encode()) || !got.Issued.Equal(p.Issued) {
			r.Fatalf("round trip: %v", err)
		}
	})
}
