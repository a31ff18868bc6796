package curve25519

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func TestScalarIsClamped(t *testing.T) {
	for _, fill := range []byte{0, 0xff} {
		b := scalar(t, bytes.Repeat([]byte{fill}, 32)).BytesInsecure()
		if b[0]&7 != 0 || b[31]>>6 != 1 {
			t.Errorf("%x is not clamped", b)
		}
	}
}

func TestScalarShortReader(t *testing.T) {
	if _, err := NewScalar(bytes.NewReader(make([]byte, 31))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("31 bytes: %v", err)
	}
}

// TestScalarIsNotPrinted: no verb, no logger and no enclosing struct shows a byte of it.
func TestScalarIsNotPrinted(t *testing.T) {
	k := scalar(t, bytes.Repeat([]byte{0xc4}, 32))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("drawn", "k", k, "v", *k)
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out += fmt.Sprintf(verb+verb, k, *k) + fmt.Sprintf(verb, struct{ hidden *Scalar }{k}) +
			fmt.Sprintf(verb, struct{ hidden Scalar }{*k})
	}
	for _, leak := range []string{"c4c4", "196 196", "0xc4, 0xc4", `\xc4`} {
		if strings.Contains(strings.ToLower(out), leak) {
			t.Errorf("%q is printed", leak)
		}
	}
	if !strings.Contains(out, "k=curve25519.Scalar v=curve25519.Scalar") {
		t.Errorf("logged as %s", log.String())
	}
}

func TestWipeClears(t *testing.T) {
	k := scalar(t, bytes.Repeat([]byte{0xc4}, 32))
	b := k.bytes()
	k.Wipe()
	if *b != [32]byte{} {
		t.Error("bytes survive Wipe")
	}
}
