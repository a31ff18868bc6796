package ot

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols/transcript"
)

func TestBaseTransfers(t *testing.T) {
	choice := new(aes.Block)
	if _, err := rand.Read(choice[:]); err != nil {
		t.Fatal(err)
	}
	r, msg, err := baseChoose(transcript.New("t"), rand.Reader, choice)
	if err != nil {
		t.Fatal(err)
	}
	a, pairs, err := baseSend(transcript.New("t"), rand.Reader, msg)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := r.keys(a)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[aes.Block]bool{}
	for i, k := range keys {
		if c := bit(choice, i); k != pairs[i][c] || k == pairs[i][1-c] {
			t.Fatalf("transfer %d: the receiver does not hold exactly the key of its choice", i)
		}
		seen[pairs[i][0]], seen[pairs[i][1]] = true, true
	}
	if len(seen) != 2*Kappa {
		t.Fatalf("%d different keys of %d", len(seen), 2*Kappa)
	}
}

// Keys depend on the session: the same messages in two transcripts agree on nothing.
func TestBaseBoundToTranscript(t *testing.T) {
	r, msg, err := baseChoose(transcript.New("one"), rand.Reader, new(aes.Block))
	if err != nil {
		t.Fatal(err)
	}
	a, pairs, err := baseSend(transcript.New("two"), rand.Reader, msg)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := r.keys(a)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		if k == pairs[i][0] || k == pairs[i][1] {
			t.Fatalf("transfer %d agrees across sessions", i)
		}
	}
}

func TestBaseMessageRefused(t *testing.T) {
	_, good, err := baseChoose(transcript.New("t"), rand.Reader, new(aes.Block))
	if err != nil {
		t.Fatal(err)
	}
	// 2^255 − 19 + 2 encodes 2 a second time, in a form RFC 9496 forbids.
	nonCanonical := bytes.Repeat([]byte{0xff}, pointBytes)
	nonCanonical[0], nonCanonical[31] = 0xef, 0x7f
	negative := bytes.Clone(good[:pointBytes])
	negative[0] ^= 1
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	point := func(i int, p []byte) []byte {
		return edit(func(b []byte) []byte { copy(b[i*pointBytes:], p); return b })
	}
	cases := map[string][]byte{
		"empty":                  {},
		"one byte short":         good[:len(good)-1],
		"one byte long":          append(bytes.Clone(good), 0),
		"identity":               point(5, make([]byte, pointBytes)),
		"non-canonical":          point(7, nonCanonical),
		"negative field element": point(0, negative),
		"not a square":           point(255, bytes.Repeat([]byte{0x11}, pointBytes)),
		"R_0 = R_1":              point(1, good[:pointBytes]),
		"repeated across pairs":  point(200, good[3*pointBytes:4*pointBytes]),
	}
	for name, msg := range cases {
		if _, _, err := baseSend(transcript.New("t"), rand.Reader, msg); !errors.Is(err, fault.Misbehaved) {
			t.Errorf("%s: %v, want Misbehaved", name, err)
		}
	}
}

func TestBaseReplyRefused(t *testing.T) {
	for name, a := range map[string][]byte{
		"empty": {}, "short": make([]byte, 31), "identity": make([]byte, 32), "no point": bytes.Repeat([]byte{0xff}, 32),
	} {
		r, _, err := baseChoose(transcript.New("t"), rand.Reader, new(aes.Block))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.keys(a); !errors.Is(err, fault.Misbehaved) {
			t.Errorf("%s: %v, want Misbehaved", name, err)
		}
	}
}

func TestRandomnessFails(t *testing.T) {
	broken := iotest.ErrReader(errors.New("gone"))
	if _, _, err := baseChoose(transcript.New("t"), broken, new(aes.Block)); !errors.Is(err, fault.Internal) {
		t.Errorf("receiver: %v, want Internal", err)
	}
	_, msg, err := baseChoose(transcript.New("t"), rand.Reader, new(aes.Block))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := baseSend(transcript.New("t"), broken, msg); !errors.Is(err, fault.Internal) {
		t.Errorf("sender: %v, want Internal", err)
	}
}

// The receiver's points come from the reader that the session injects, not from a global one.
func TestBaseUsesInjectedRandomness(t *testing.T) {
	stream := func() *aes.Stream { return aes.NewStream(aes.Block{1}, aes.Block{}) }
	_, m1, err1 := baseChoose(transcript.New("t"), stream(), new(aes.Block))
	_, m2, err2 := baseChoose(transcript.New("t"), stream(), new(aes.Block))
	if err1 != nil || err2 != nil || !bytes.Equal(m1, m2) {
		t.Fatal("equal randomness gave different messages")
	}
}

// RFC 9380 has no ristretto255 vector that circl's own tests lack; what this package relies on is that hashing is
// injective in (session, i, j, point).
func TestPadPointSeparates(t *testing.T) {
	enc := encode(group.Ristretto255.Generator())
	seen := map[string]bool{}
	for _, sid := range [][32]byte{{}, {1}} {
		for i := range 3 {
			for j := range byte(2) {
				seen[string(encode(padPoint(sid, i, j, enc)))] = true
			}
		}
	}
	if len(seen) != 12 {
		t.Fatalf("%d different points of 12", len(seen))
	}
}
