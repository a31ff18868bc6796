package oprf

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// refused fails unless err is a fault that foreign bytes may cause.
func refused(t *testing.T, err error, allowed ...fault.Code) {
	t.Helper()
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		t.Fatalf("%v is not a fault", err)
	}
	for _, c := range allowed {
		if fault.CodeOf(err) == c {
			return
		}
	}
	t.Fatalf("foreign bytes caused %v", err)
}

// FuzzMessages decodes any bytes as any message; what is accepted encodes back to itself.
func FuzzMessages(f *testing.F) {
	p := small(f, literal(), 4)
	f.Add(hello{version: wireVersion, server: true}.encode())
	f.Add(hello{version: wireVersion, queries: 5}.encode())
	f.Add(offer{version: wireVersion, records: 5}.encode())
	request, answer := p.streams(3)
	msg, _, _ := request.seal()
	f.Add(msg)
	msg, _, _ = answer.seal()
	f.Add(msg)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if h, err := decodeHello(msg); err != nil {
			refused(t, err, fault.Misbehaved, fault.LimitExceeded)
		} else if !bytes.Equal(h.encode(), msg) || h.queries > MaxSessionQueries {
			t.Fatal("hello is not canonical")
		}
		if o, err := decodeOffer(msg, 64); err != nil {
			refused(t, err, fault.Misbehaved, fault.LimitExceeded)
		} else if !bytes.Equal(o.encode(), msg) || o.records > 64 {
			t.Fatal("offer is not canonical")
		}
		request, answer := p.streams(3)
		for _, s := range []stream{request, answer, p.chunks(2)} {
			data, extra, err := s.open(msg)
			if err != nil {
				refused(t, err, fault.Misbehaved, fault.LimitExceeded)
				continue
			}
			if len(data)+len(extra) != len(msg)-headerBytes || len(extra) != s.extra {
				t.Fatal("a frame of another length")
			}
		}
	})
}

// FuzzTagFile opens any bytes as a tag file, with the digest repaired so that the checks behind it are reached.
func FuzzTagFile(f *testing.F) {
	p := small(f, literal(), 4)
	at := newSite(f, p, digests(0, 5), nil)
	f.Add(at.raw, false)
	f.Add(at.raw[:len(at.raw)-7], true)
	f.Add(at.raw[:fileHeaderBytes], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, repair bool) {
		b = bytes.Clone(b)
		if repair && len(b) >= 32 {
			b = resum(b)
		}
		file, err := OpenTags(t.Context(), bytes.NewReader(b), int64(len(b)), p)
		if err != nil {
			refused(t, err, fault.Corrupt, fault.PlanMismatch, fault.LimitExceeded, fault.Unsupported)
			return
		}
		if file.Size() != int64(len(b)) || file.Records() > p.lit.ServerItems {
			t.Fatal("a file of another size")
		}
		if err := file.find(t.Context(), make([]byte, 3*p.tagBytes()), func(int, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzElement decodes any bytes as an element of both suites; what is accepted encodes back to itself.
func FuzzElement(f *testing.F) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		for _, b := range badElements(suite) {
			f.Add(b)
		}
		k, err := GenerateKey(suite, rand.Reader)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(k.Public())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
			s, err := newScheme(suite, ModeVOPRF)
			if err != nil {
				t.Fatal(err)
			}
			e := s.group.NewElement()
			if err := s.decode(e, b); err != nil {
				refused(t, err, fault.Misbehaved)
				continue
			}
			again := make([]byte, s.element)
			if err := s.encode(again, e); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%s: not canonical, %v", suite, err)
			}
		}
	})
}

// FuzzPeer plays any two messages after a good hello to both roles.
func FuzzPeer(f *testing.F) {
	p := small(f, literal(), 2)
	at := newSite(f, p, digests(0, 2), nil)
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	request, answer := p.streams(2)
	ask, _, _ := request.seal()
	tell, _, _ := answer.seal()
	f.Add(ask, tell)
	f.Add(tell, []byte{})
	f.Add([]byte{kindHello}, ask)
	f.Fuzz(func(t *testing.T, m1, m2 []byte) {
		h := hello{version: wireVersion, binding: s.Binding, params: p.Digest(), pin: at.pin, queries: 3}
		if _, err := Serve(t.Context(), s, conntest.Replay(conntest.PartyB, [][]byte{h.encode(), m1, m2}), at.service(), p); err != nil {
			refused(t, err, fault.Misbehaved, fault.LimitExceeded, fault.PeerAborted)
		}
		h.server, h.queries = true, 0
		_, err := Query(t.Context(), s, conntest.Replay(conntest.PartyB, [][]byte{h.encode(), m1, m2}), digests(0, 3), at.file)
		if err == nil {
			t.Fatal("a run without the key succeeded")
		}
		refused(t, err, fault.Misbehaved, fault.LimitExceeded, fault.PeerAborted)
	})
}
