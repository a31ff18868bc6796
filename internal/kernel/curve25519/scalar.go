package curve25519

import (
	"fmt"
	"io"
	"log/slog"
)

// Scalar is a secret multiplier, clamped as in RFC 7748 §5: bit 254 set, bit 255 and the low three clear. It is thus a
// multiple of 8, and multiplying by it clears the cofactor. It is made by NewScalar only; the zero value and a wiped
// Scalar panic when used. Reading is safe for concurrent use, Wipe is not.
type Scalar struct{ at *sealed }

// sealed puts the bytes behind a second pointer: fmt's %s of a struct with an unexported *[32]byte field reports a bad
// verb and prints the array in the report (Go 1.26); two pointers away it prints an address.
type sealed struct{ b *[32]byte }

// NewScalar draws a scalar: 32 bytes of r, clamped.
func NewScalar(r io.Reader) (*Scalar, error) {
	b := new([32]byte)
	if _, err := io.ReadFull(r, b[:]); err != nil {
		clear(b[:])
		return nil, fmt.Errorf("kernel/curve25519: drawing a scalar: %w", err)
	}
	b[0] &= 248
	b[31] = b[31]&127 | 64
	return &Scalar{&sealed{b}}, nil
}

// BytesInsecure is a copy of the clamped scalar, little endian, for another implementation of the same function. The
// caller wipes it.
func (k *Scalar) BytesInsecure() [32]byte { return *k.bytes() }

// Wipe clears the scalar; k cannot be used again.
func (k *Scalar) Wipe() {
	if k.at != nil {
		clear(k.at.b[:])
		k.at = nil
	}
}

// Format prints the type's name and nothing else, whatever the verb.
func (Scalar) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "curve25519.Scalar") }

// LogValue logs the type's name and nothing else.
func (Scalar) LogValue() slog.Value { return slog.StringValue("curve25519.Scalar") }

func (k *Scalar) bytes() *[32]byte {
	if k == nil || k.at == nil {
		panic("kernel/curve25519: scalar not made by NewScalar, or wiped")
	}
	return k.at.b
}
