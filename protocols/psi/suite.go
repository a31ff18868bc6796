package psi

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
)

// suite is a group with its map from items, its encoding and its tier of arithmetic.
type suite struct {
	pointBytes int // encoded size of an element
	block      int // items that one goroutine takes at a time
	// draw makes the scalar of one run from a source of randomness. strict: check every point, where that is optional.
	draw func(r io.Reader, strict bool) (multiplier, error)
}

// multiplier multiplies elements of a suite's group by the secret scalar of one run. It is safe for concurrent use.
type multiplier interface {
	// mask writes the encodings of k·H(item) to dst.
	mask(dst []byte, items []Item) error
	// raise writes the encodings of k·P to dst for the encoded elements P in src.
	//
	// Errors: fault.Misbehaved, without culprit, when an element of src is none of the group that a peer may send, or
	// its product is the identity. All failures give one reason, errNotAPoint.
	raise(dst, src []byte) error
	// wipe overwrites the scalar.
	wipe()
}

// secretKey is the scalar of one run. It prints as its type only.
type secretKey struct{ multiplier }

// Format prints the type's name under every verb.
func (secretKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "psi.secretKey") }

// LogValue logs the type's name.
func (secretKey) LogValue() slog.Value { return slog.StringValue("psi.secretKey") }

// hashTag is the domain separation tag of a suite's map: RFC 9380 §3.1.
func hashTag(s Suite) string { return "tacit-psi-v1-" + string(s) }

// checkSuite refuses suites of method ecdh that do not exist or are not built.
func checkSuite(s Suite) error {
	const op = "psi.checkSuite"
	switch s {
	case SuiteX25519, SuiteRistretto255, SuiteP256, SuiteSM2:
		return nil
	case SuiteInterop:
		return fault.New(fault.Unsupported, op, "suite %s is not built; use %s", s, SuiteX25519)
	}
	return fault.New(fault.Invalid, op, "unknown suite; use %s", SuiteX25519)
}

// group returns the suite's arithmetic. s has passed checkSuite.
func (s Suite) group() suite {
	switch s {
	case SuiteRistretto255:
		return suite{pointBytes: ristrettoBytes, block: 64, draw: newRistretto}
	case SuiteP256:
		return suite{pointBytes: compressedBytes, block: 64, draw: newP256}
	case SuiteSM2:
		return suite{pointBytes: compressedBytes, block: 64, draw: newSM2}
	}
	return suite{pointBytes: montgomeryBytes, block: 512, draw: newX25519}
}

// newKey draws the scalar of a run.
func (s suite) newKey(r io.Reader, strict bool) (secretKey, error) {
	k, err := s.draw(r, strict)
	return secretKey{k}, err
}

// maxDraws bounds the rejection sampling of a scalar: every suite accepts a draw with probability 1/2 or more, so 128
// failures mean a broken source.
const maxDraws = 128

// drawScalar fills a new buffer of 32 bytes from r until accept takes it.
func drawScalar(r io.Reader, accept func(b *[32]byte) bool) (*[32]byte, error) {
	const op = "psi.drawScalar"
	b := new([32]byte)
	for range maxDraws {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			clear(b[:])
			return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
		}
		if accept(b) {
			return b, nil
		}
	}
	clear(b[:])
	return nil, fault.New(fault.Internal, op, "the randomness source gave no scalar in %d draws", maxDraws)
}

// errNotAPoint is the answer to every bad element from a peer.
func errNotAPoint() error {
	return fault.New(fault.Misbehaved, "psi.raise", "not a canonical element that the suite allows")
}

// isZero reports whether b, which is public, is all zero.
func isZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}
