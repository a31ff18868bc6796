package psi

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// refused fails unless err is of a code that bytes from a peer may cause.
func refused(t *testing.T, err error) {
	t.Helper()
	if c := fault.CodeOf(err); c != fault.Misbehaved && c != fault.LimitExceeded && c != fault.PlanMismatch && c != fault.PeerAborted {
		t.Fatalf("code %v: %v", c, err)
	}
}

func FuzzHello(f *testing.F) {
	f.Add(hello{version: 1, receiver: true, items: 3}.encode())
	f.Add([]byte{kindHello})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, err := decodeHello(msg)
		if err != nil {
			refused(t, err)
			return
		}
		if !bytes.Equal(h.encode(), msg) {
			t.Fatal("a hello with two encodings")
		}
	})
}

func FuzzDone(f *testing.F) {
	f.Add(done{receiverItems: 1, senderItems: 2, matched: 1}.encode())
	f.Add([]byte{kindDone, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, msg []byte) {
		m, err := decodeDone(msg)
		if err != nil {
			refused(t, err)
			return
		}
		if !bytes.Equal(m.encode(), msg) {
			t.Fatal("a done with two encodings")
		}
	})
}

// FuzzFrame opens the second frame of each stream of a run.
func FuzzFrame(f *testing.F) {
	p := small(f, literal(OutputBoth), 2)
	streamsOf := func() []*stream {
		s, bm := p.streams(5, 1300), p.matches(1300)
		out := []*stream{&s.fromReceiver, &s.fromSender, &s.tags, &bm}
		for _, st := range out {
			st.next = 1
		}
		return out
	}
	for _, st := range streamsOf() {
		msg, _ := st.seal()
		f.Add(msg)
		f.Add(msg[:len(msg)-1])
	}
	f.Add([]byte{kindTags, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, st := range streamsOf() {
			data, err := st.open(msg)
			if err != nil {
				refused(t, err)
				if st.next != 1 {
					t.Fatal("a refused frame advanced the stream")
				}
				continue
			}
			again := streamsOf()[0]
			*again = *st
			again.next = 1
			want, room := again.seal()
			copy(room, data)
			if !bytes.Equal(want, msg) {
				t.Fatal("a frame with two encodings")
			}
		}
	})
}

// FuzzPoint gives every suite any element. What it accepts has one encoding: multiplied by 1 it does not change, where
// the suite knows a scalar 1.
func FuzzPoint(f *testing.F) {
	f.Add(make([]byte, ristrettoBytes))
	f.Add(bytes.Repeat([]byte{0xff}, ristrettoBytes))
	f.Add(append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...))
	keys := make(map[Suite]secretKey)
	for _, s := range suites() {
		key, err := s.group().newKey(rand.Reader, true)
		if err != nil {
			f.Fatal(err)
		}
		enc := make([]byte, s.group().pointBytes)
		if err := key.mask(enc, []Item{{1}}); err != nil {
			f.Fatal(err)
		}
		f.Add(enc)
		keys[s] = key
	}
	keys[SuiteRistretto255] = unmasked()
	keys[SuiteP256].multiplier.(*weierstrass).k = &[32]byte{31: 1}
	keys[SuiteSM2].multiplier.(*weierstrass).k = &[32]byte{31: 1}
	f.Fuzz(func(t *testing.T, b []byte) {
		for s, key := range keys {
			if len(b) != s.group().pointBytes {
				continue
			}
			got := make([]byte, len(b))
			if err := key.raise(got, b); err != nil {
				refused(t, err)
			} else if s != SuiteX25519 && !bytes.Equal(got, b) {
				t.Fatalf("%s: an accepted encoding is not canonical", s)
			}
		}
	})
}

// FuzzBitmap gives S any claim about its stream.
func FuzzBitmap(f *testing.F) {
	f.Add([]byte{0xff, 0x03}, uint8(10))
	f.Add([]byte{0x80}, uint8(3))
	f.Fuzz(func(t *testing.T, bm []byte, n uint8) {
		got, err := matched(bm, make([]int32, n), int(n))
		if err != nil {
			refused(t, err)
		} else if len(got) > int(n) {
			t.Fatal("more matches than items")
		}
	})
}

// FuzzPeer plays any two messages after a good hello to both roles.
func FuzzPeer(f *testing.F) {
	p := small(f, literal(OutputBoth), 2)
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	s.Rand = rand.Reader
	x := set(s.Binding, 0, 1)
	f.Add([]byte{kindPoints, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{kindTags, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add(done{}.encode(), []byte{kindMatches})
	f.Fuzz(func(t *testing.T, m1, m2 []byte) {
		for _, receiver := range []bool{false, true} {
			h := hello{version: wireVersion, receiver: receiver, binding: s.Binding, params: p.Digest(), items: 1}
			c := conntest.Replay(conntest.PartyB, [][]byte{h.encode(), m1, m2})
			party := Receive
			if receiver {
				party = Send
			}
			if _, err := party(t.Context(), s, c, x, p); err != nil {
				refused(t, err)
			} else {
				t.Fatal("a run without the secret succeeded")
			}
		}
	})
}
