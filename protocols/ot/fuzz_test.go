package ot

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// sparse makes whole messages from short inputs: the input is repeated.
func sparse(b []byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		if len(b) > 0 {
			out[i] = b[i%len(b)]
		}
	}
	return out
}

func FuzzDecodeBase(f *testing.F) {
	_, good, err := baseChoose(transcript.New("t"), aes.NewStream(aes.Block{7}, aes.Block{}), new(aes.Block))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add(sparse([]byte{0}, baseBytes))
	f.Add(sparse([]byte{0xff}, baseBytes))
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, msg []byte) {
		pairs, err := decodeBase(msg)
		if err != nil {
			if !errors.Is(err, fault.Misbehaved) {
				t.Fatalf("%v, want Misbehaved", err)
			}
			return
		}
		for i, p := range pairs {
			for j := range 2 {
				if string(encode(p.point[j])) != string(msg[(2*i+j)*pointBytes:][:pointBytes]) {
					t.Fatal("accepted an encoding that is not the point's own")
				}
			}
		}
	})
}

func FuzzFinish(f *testing.F) {
	p := Default()
	setup, msg, err := NewSender(protocols.Session{Self: "a", Rand: rand.Reader}, "b", p)
	if err != nil {
		f.Fatal(err)
	}
	_, good, err := NewReceiver(protocols.Session{Self: "b", Rand: rand.Reader}, "a", p, msg)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:pointBytes])
	f.Add(sparse([]byte{0}, len(good)))
	f.Fuzz(func(t *testing.T, reply []byte) {
		fresh := *setup
		base := *setup.base
		base.tr, fresh.base = setup.tr.Fork(), &base
		if _, err := fresh.Finish(reply); err != nil && !errors.Is(err, fault.Misbehaved) {
			t.Fatalf("%v, want Misbehaved", err)
		}
	})
}

func FuzzExtend(f *testing.F) {
	s, r := localPair(f, Default(), 1)
	q := make([]aes.Block, 3)
	good, _, err := r.Extend(make([]aes.Block, 3), make([]uint64, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:8])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		s.next, s.err = 0, nil
		if _, err := s.Extend(q, msg); err != nil && !errors.Is(err, fault.Misbehaved) {
			t.Fatalf("%v, want Misbehaved", err)
		}
	})
}

// FuzzMaliciousExtend alters an honest extension with its check: it is refused unless nothing changed.
func FuzzMaliciousExtend(f *testing.F) {
	p := malicious(f, 4)
	f.Add(0, []byte{0})
	f.Add(headerBytes, []byte{1})
	f.Add(p.correctionBytes(1), []byte{1})
	f.Add(p.ExtendBytes(1)-1, []byte{0x80})
	f.Fuzz(func(t *testing.T, at int, edit []byte) {
		s, r := localPair(t, p, 1)
		tb, q := make([]aes.Block, 1), make([]aes.Block, 1)
		msg, _, err := r.Extend(tb, []uint64{1})
		if err != nil {
			t.Fatal(err)
		}
		honest := string(msg)
		if at >= 0 && at < len(msg) {
			for i, b := range edit[:min(len(edit), len(msg)-at)] {
				msg[at+i] ^= b
			}
		}
		if _, err := s.Extend(q, msg); err != nil {
			if string(msg) == honest || !errors.Is(err, fault.Misbehaved) {
				t.Fatal(err)
			}
			return
		}
		delta := s.DeltaInsecure()
		if tb[0] != xorBlock(q[0], delta) {
			t.Error("accepted a wrong transfer")
		}
	})
}
