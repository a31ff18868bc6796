package identity_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/node/identity"
)

func FuzzDecodeCard(f *testing.F) {
	f.Add(card(f, create(f, "bank"), "h:1").Encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := identity.DecodeCard(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Encode(), b) {
			t.Error("one card, two encodings")
		}
		_ = c.Verify()
	})
}

func FuzzDecodePeer(f *testing.F) {
	p, err := card(f, create(f, "bank"), "h:1").Peer()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Encode())
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := identity.DecodePeer(b); err == nil && !bytes.Equal(p.Encode(), b) {
			t.Error("one record, two encodings")
		}
	})
}

func FuzzParseInvite(f *testing.F) {
	v, err := identity.NewInviter(create(f, "bank")).Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.TokenInsecure())
	f.Add("tacit-invite-1aaaa")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := identity.ParseInvite(s); err == nil && v.TokenInsecure() != strings.ToLower(strings.TrimSpace(s)) {
			t.Error("one invite, two tokens")
		}
	})
}

func FuzzParseVKey(f *testing.F) {
	f.Add(card(f, create(f, "bank")).Audit)
	f.Add("a+00000000+")
	f.Fuzz(func(t *testing.T, s string) {
		if name, key, err := identity.ParseVKey(s); err == nil && identity.VKey(name, key) != s {
			t.Error("one key, two texts")
		}
	})
}

func FuzzRedeem(f *testing.F) {
	host, guest := create(f, "host"), create(f, "guest")
	inviter := identity.NewInviter(host)
	v, err := inviter.Issue([]string{"h:1"}, time.Hour, rand.Reader, t0)
	if err != nil {
		f.Fatal(err)
	}
	own, exporter := card(f, host), make([]byte, identity.ExporterBytes)
	f.Add(v.JoinRequest(exporter, card(f, guest)))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		// An inviter of its own: a valid seed must not use up the shared invite.
		if _, _, err := identity.NewInviter(host, v).Redeem(exporter, b, own, t0); err == nil && len(b) < 64 {
			t.Error("a request of under 64 bytes was accepted")
		}
	})
}
