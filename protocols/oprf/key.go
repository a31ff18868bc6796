package oprf

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// Key is a server's secret key for one epoch. It prints as its type only. It is immutable until Wipe and safe for
// concurrent use; the zero value is refused.
type Key struct{ state *keyState }

type keyState struct {
	suite  Suite
	k      group.Scalar
	public []byte // encoded public key
}

// Format prints the type's name under every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "oprf.Key") }

// LogValue logs the type's name.
func (Key) LogValue() slog.Value { return slog.StringValue("oprf.Key") }

// GenerateKey draws a key from r: crypto/rand.Reader outside tests.
//
// Errors: fault.Invalid or fault.Unsupported (suite), fault.Internal (r failed).
func GenerateKey(suite Suite, r io.Reader) (Key, error) {
	s, err := newScheme(suite, ModeOPRF)
	if err != nil {
		return Key{}, err
	}
	k, err := s.scalar(r)
	if err != nil {
		return Key{}, err
	}
	return newKey(s, k)
}

// ParseKeyInsecure reads what MarshalInsecure wrote. The caller unsealed b and wipes it.
//
// Errors: fault.Invalid or fault.Unsupported (suite), fault.Corrupt (b is no key of the suite).
func ParseKeyInsecure(suite Suite, b []byte) (Key, error) {
	s, err := newScheme(suite, ModeOPRF)
	if err != nil {
		return Key{}, err
	}
	k, ok := s.decodeScalar(b)
	if !ok || k.IsZero() {
		return Key{}, fault.New(fault.Corrupt, "oprf.ParseKeyInsecure", "not a key of suite %s", suite)
	}
	return newKey(s, k)
}

func newKey(s *scheme, k group.Scalar) (Key, error) {
	public := make([]byte, s.element)
	if err := s.encode(public, s.group.NewElement().MulGen(k)); err != nil {
		return Key{}, err
	}
	return Key{state: &keyState{suite: s.suite, k: k, public: public}}, nil
}

// MarshalInsecure returns the 32 secret bytes of the key. The caller seals them before they are stored, and wipes them.
//
// Errors: fault.Invalid (zero Key).
func (k Key) MarshalInsecure() ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	b, err := k.state.k.MarshalBinary()
	return b, fault.Wrap(fault.Internal, "oprf.MarshalInsecure", err, "a scalar did not encode")
}

// Suite returns the key's suite, empty for the zero Key.
func (k Key) Suite() Suite {
	if k.state == nil {
		return ""
	}
	return k.state.suite
}

// Public returns a copy of the encoded public key, 32 or 33 bytes; nil for the zero Key.
func (k Key) Public() []byte {
	if k.state == nil {
		return nil
	}
	return append([]byte(nil), k.state.public...)
}

// Commitment identifies the public key; zero for the zero Key.
func (k Key) Commitment() [32]byte {
	if k.state == nil {
		return [32]byte{}
	}
	return commitment(k.state.suite, k.state.public)
}

// Wipe overwrites the key, which must not be used again.
func (k Key) Wipe() {
	if k.state != nil {
		k.state.k.SetUint64(0)
	}
}

func (k Key) check() error {
	if k.state == nil || k.state.k.IsZero() {
		return fault.New(fault.Invalid, "oprf.Key", "a zero or wiped Key; use GenerateKey")
	}
	return nil
}

// commitment hashes an encoded public key under its suite.
func commitment(suite Suite, public []byte) [32]byte {
	b := []byte("tacit/oprf/key/v1")
	b = appendFramed(b, []byte(suite))
	return sha256.Sum256(append(b, public...))
}
