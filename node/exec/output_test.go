package exec

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/tacit-data/tacit/api/fault"
)

// The digest of a sealed output goes to the peers: it must not be one that they can compute from a guess of the content.
func TestSealHidesContent(t *testing.T) {
	dir := t.TempDir()
	content := []byte(`{"kind":"model","coefficients":{"late":0.25}}`)
	a, err := seal(dir, "job", Slot{ID: "a", Attempt: 1}, content, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal(dir, "job", Slot{ID: "b", Attempt: 1}, content, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest == b.Digest || a.Digest == sha256.Sum256(content) {
		t.Error("the digest is a function of the content alone")
	}
	got, err := readSealed(dir, "job", "a", 1)
	if err != nil || !bytes.Equal(got, content) || a.Bytes != int64(len(content)) {
		t.Errorf("read back %d bytes: %v", len(got), err)
	}
}

func TestReadSealedRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := readSealed(dir, "job", "a", 1); !errors.Is(err, fault.NotFound) {
		t.Errorf("absent: %v", err)
	}
	s, err := seal(dir, "job", Slot{ID: "a", Attempt: 1}, nil, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := readSealed(dir, "job", "a", 1); err != nil || len(b) != 0 {
		t.Errorf("empty: %d bytes, %v", len(b), err)
	}
	path := filepath.Join(dir, s.Path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(file)
	flipped[sealedHash] ^= 1
	for name, bad := range map[string][]byte{"salt changed": flipped, "cut": file[:len(file)-1], "longer": append(file, 0), "nothing": nil} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readSealed(dir, "job", "a", 1); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := seal(dir, "job", Slot{ID: "b", Attempt: 1}, nil, iotest.ErrReader(errors.New("gone"))); !errors.Is(err, fault.Internal) {
		t.Errorf("no randomness: %v", err)
	}
}
