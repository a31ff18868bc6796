package ot

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

func malicious(t testing.TB, k int) Params {
	t.Helper()
	p, err := NewParams(Literal{K: k, Malicious: true})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Malicious() {
		t.Fatal("the mode was lost")
	}
	return p
}

// With checks the transfers are the same, for every k, over several batches of whole and cut words.
func TestMaliciousTransfers(t *testing.T) {
	for _, k := range []int{2, 4, 8} {
		s, r := localPair(t, malicious(t, k), 2)
		for _, n := range []int{1, 64, 127, 128, 129, 5000} {
			extendBoth(t, s, r, n)
		}
	}
}

func TestMaliciousMaxExtend(t *testing.T) {
	p := malicious(t, 2)
	if n := p.ExtendBytes(MaxExtend); n > protocols.MaxMessage {
		t.Fatalf("an extension of %d bytes is no message", n)
	}
	if testing.Short() {
		return
	}
	s, r := localPair(t, p, 2)
	extendBoth(t, s, r, MaxExtend)
}

// A receiver whose choices differ between groups is found, unless it guesses Δ's digits: here those of 16 groups of k = 4,
// 2^-64. The check itself is computed honestly.
func TestInconsistentChoicesAreFound(t *testing.T) {
	p := malicious(t, 4)
	s, r := localPair(t, p, 1)
	n := 300
	tb, q := make([]aes.Block, n), make([]aes.Block, n)
	before := r.check.tr.Fork()
	msg, _, err := r.Extend(tb, randomWords(t, 5))
	if err != nil {
		t.Fatal(err)
	}
	columns := p.columns(n)
	size := p.correctionBytes(n)
	for j := range 16 {
		msg[headerBytes+j*columns/8+j] ^= 1
	}
	r.check.tr = before
	r.check.prove(msg[:size], r.choice, &r.rows, msg[size:])
	if _, err := s.Extend(q, msg); !errors.Is(err, fault.Misbehaved) {
		t.Fatalf("%v, want Misbehaved", err)
	}
	if _, err := s.Extend(q, msg); !errors.Is(err, fault.Misbehaved) {
		t.Errorf("the sender goes on after a failed check: %v", err)
	}
}

// Every altered bit of an extension's check is found.
func TestAlteredCheckIsFound(t *testing.T) {
	p := malicious(t, 4)
	n := 128
	for _, at := range []int{0, 15, 16, 16 * 64, p.checkBytes() - 1} {
		s, r := localPair(t, p, 1)
		tb, q := make([]aes.Block, n), make([]aes.Block, n)
		msg, _, err := r.Extend(tb, randomWords(t, 2))
		if err != nil {
			t.Fatal(err)
		}
		msg[p.correctionBytes(n)+at] ^= 0x80
		if _, err := s.Extend(q, msg); !errors.Is(err, fault.Misbehaved) {
			t.Errorf("byte %d: %v, want Misbehaved", at, err)
		}
	}
}

// A tree holder that sends other corrections than its trees have is found, unless the path does not use them: here one of
// each pair in 32 trees, 2^-32.
func TestInconsistentTreesAreFound(t *testing.T) {
	p := malicious(t, 4)
	for name, alter := range map[string]func(reply []byte){
		"level sums": func(reply []byte) {
			for j := range p.groups() {
				reply[pointBytes+j*(p.k-1)*2*blockBytes] ^= 1
			}
		},
		"sum of commitments":  func(reply []byte) { reply[pointBytes+p.treesBytes()] ^= 1 },
		"hash of commitments": func(reply []byte) { reply[len(reply)-1] ^= 1 },
	} {
		ss := protocols.Session{Self: "alpha", Rand: rand.Reader, Workers: 1}
		sr := protocols.Session{Self: "beta", Rand: rand.Reader, Workers: 1}
		setup, msg, err := NewSender(ss, "beta", p)
		if err != nil {
			t.Fatal(err)
		}
		_, reply, err := NewReceiver(sr, "alpha", p, msg)
		if err != nil {
			t.Fatal(err)
		}
		alter(reply)
		var f *fault.Error
		if _, err := setup.Finish(reply); !errors.As(err, &f) || f.Code != fault.Misbehaved || f.Culprit != "beta" {
			t.Errorf("%s: %v, want Misbehaved of beta", name, err)
		}
	}
}

// The answer about the choices is masked: two extensions with the same choices hash to different values.
func TestCheckIsMasked(t *testing.T) {
	p := malicious(t, 4)
	_, r := localPair(t, p, 1)
	tb := make([]aes.Block, 128)
	var last aes.Block
	for range 3 {
		msg, _, err := r.Extend(tb, []uint64{0, 0})
		if err != nil {
			t.Fatal(err)
		}
		h := aes.Block(msg[p.correctionBytes(128):])
		if h == last || h == (aes.Block{}) {
			t.Error("the hash of equal choices repeats")
		}
		last = h
	}
}
