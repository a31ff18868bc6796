package ot

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

const (
	blockBytes = 16
	pointBytes = 32
	baseBytes  = Kappa * 2 * pointBytes // the base receiver's message: (R_0, R_1) for each transfer
)

// pair is one base transfer's (R_0, R_1), with the encodings that are hashed.
type pair struct {
	point [2]group.Element
	enc   [2][]byte
}

// decodePoint reads one point in its only encoding; the identity is refused.
//
// Errors: fault.Misbehaved without a culprit.
func decodePoint(b []byte) (group.Element, error) {
	const op = "ot.decodePoint"
	if len(b) != pointBytes {
		return nil, fault.New(fault.Misbehaved, op, "point of %d bytes, expected %d", len(b), pointBytes)
	}
	e := group.Ristretto255.NewElement()
	if err := e.UnmarshalBinary(b); err != nil {
		return nil, fault.New(fault.Misbehaved, op, "not a point")
	}
	if back, err := e.MarshalBinary(); err != nil || !bytes.Equal(back, b) {
		return nil, fault.New(fault.Misbehaved, op, "a point in a non-canonical encoding")
	}
	if e.IsIdentity() {
		return nil, fault.New(fault.Misbehaved, op, "the identity point")
	}
	return e, nil
}

// decodeBase reads the base receiver's message. A point that occurs twice, in one pair or in two, is refused: honest
// points repeat with probability 2^-237.
//
// Errors: fault.Misbehaved without a culprit.
func decodeBase(msg []byte) ([]pair, error) {
	const op = "ot.decodeBase"
	if len(msg) != baseBytes {
		return nil, fault.New(fault.Misbehaved, op, "message of %d bytes, expected %d", len(msg), baseBytes)
	}
	pairs := make([]pair, Kappa)
	seen := make(map[string]bool, 2*Kappa)
	for i := range 2 * Kappa {
		enc := msg[i*pointBytes : (i+1)*pointBytes]
		e, err := decodePoint(enc)
		if err != nil {
			return nil, err
		}
		if seen[string(enc)] {
			return nil, fault.New(fault.Misbehaved, op, "a repeated point")
		}
		seen[string(enc)] = true
		pairs[i/2].point[i%2], pairs[i/2].enc[i%2] = e, enc
	}
	return pairs, nil
}

// checkHeader compares an extension message's length and first index with what this side expects next.
//
// Errors: fault.Misbehaved without a culprit: a replayed, reordered or truncated message.
func checkHeader(msg []byte, first uint64, size int) error {
	const op = "ot.checkHeader"
	if len(msg) != size {
		return fault.New(fault.Misbehaved, op, "extension of %d bytes, expected %d", len(msg), size)
	}
	if binary.LittleEndian.Uint64(msg) != first {
		return fault.New(fault.Misbehaved, op, "extension for another index than the next one: replayed or out of order")
	}
	return nil
}

// xorBlock returns a ⊕ b.
func xorBlock(a, b aes.Block) (out aes.Block) {
	subtle.XORBytes(out[:], a[:], b[:])
	return out
}

// bit returns bit i of b, least significant bit of byte 0 first.
func bit(b *aes.Block, i int) byte { return b[i/8] >> (i % 8) & 1 }
