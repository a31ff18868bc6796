package direct

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

func FuzzParseInvite(f *testing.F) {
	v, err := newInvite(Pin{1}, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	v, _ = v.At("bank.example:7600")
	f.Add(v.TextInsecure())
	f.Add(invitePrefix)
	f.Add("tacit-psi2:AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseInvite(text)
		switch {
		case err == nil:
			if again, err := ParseInvite(got.TextInsecure()); err != nil || again.TextInsecure() != got.TextInsecure() || !dialable(got.Address) {
				t.Errorf("%q is not canonical: %v", text, err)
			}
		case fault.CodeOf(err) != fault.Invalid && fault.CodeOf(err) != fault.Unsupported:
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add(append(appendHeader(nil, kindData, 3), 1, 2, 3))
	f.Add(appendHeader(nil, kindBeat, 0))
	f.Add(append(appendHeader(nil, kindClose, 1), 17))
	f.Add(appendHeader(nil, kindClosed, 0))
	f.Add(appendHeader(nil, kindData, protocols.MaxMessage+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		for {
			h, payload, err := readFrame(r)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return
			}
			if err != nil {
				if c := fault.CodeOf(err); c != fault.Misbehaved && c != fault.LimitExceeded {
					t.Errorf("%v", err)
				}
				return
			}
			if len(payload) != h.n || len(payload) > protocols.MaxMessage {
				t.Errorf("a payload of %d bytes for a header of %d", len(payload), h.n)
			}
		}
	})
}

func FuzzDecodeHello(f *testing.F) {
	f.Add(hello{verdict: accepted, name: "bank"}.encode())
	f.Add(hello{verdict: fault.Unauthenticated}.encode())
	f.Add(make([]byte, helloBytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHello(b)
		switch {
		case err == nil && !bytes.Equal(h.encode(), b):
			t.Errorf("%x is not canonical", b)
		case err != nil && fault.CodeOf(err) != fault.Misbehaved:
			t.Error(err)
		}
	})
}
