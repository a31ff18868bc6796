package right

import (
	"bytes"
	"testing"
)

func FuzzDecodeAgreement(f *testing.F) {
	good, err := deal().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAgreement(b)
		if err != nil {
			return
		}
		if again, err := a.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("another encoding of the same agreement (%v)", err)
		}
	})
}

func FuzzDecodeGrant(f *testing.F) {
	good, err := usageGrant().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGrant(b)
		if err != nil {
			return
		}
		if again, err := g.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("another encoding of the same grant (%v)", err)
		}
	})
}
