package psi

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// pointBytes is the encoded size of a ristretto255 element.
const pointBytes = 32

// hashTag is the domain separation tag of the map from items to the group.
const hashTag = "tacit-psi-v1-ristretto255"

// maxDraws bounds the rejection sampling of a scalar: 253 random bits are below the group order with probability 1/2,
// so 128 failures mean a broken source.
const maxDraws = 128

// secretKey is the scalar of one run. It prints as its type only.
type secretKey struct{ k group.Scalar }

// Format prints the type's name under every verb.
func (secretKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "psi.secretKey") }

// LogValue logs the type's name.
func (secretKey) LogValue() slog.Value { return slog.StringValue("psi.secretKey") }

// wipe overwrites the scalar.
func (s secretKey) wipe() { s.k.SetUint64(0) }

// newSecretKey draws a uniform non-zero scalar from r: circl's own draw ignores its reader.
func newSecretKey(r io.Reader) (secretKey, error) {
	const op = "psi.newSecretKey"
	var b [32]byte
	defer clear(b[:])
	for range maxDraws {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return secretKey{}, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
		}
		b[31] &= 0x1f // 253 bits, little-endian
		k := group.Ristretto255.NewScalar()
		if k.UnmarshalBinary(b[:]) == nil && !k.IsZero() {
			return secretKey{k: k}, nil
		}
	}
	return secretKey{}, fault.New(fault.Internal, op, "the randomness source gave no scalar in %d draws", maxDraws)
}

// mask writes the encodings of k·H(item) to dst, pointBytes each.
func mask(dst []byte, items []Item, key secretKey) error {
	g := group.Ristretto255
	for i := range items {
		p := g.HashToElement(items[i][:], []byte(hashTag))
		if err := encodePoint(dst[i*pointBytes:(i+1)*pointBytes], p.Mul(p, key.k)); err != nil {
			return err
		}
	}
	return nil
}

// raise multiplies each encoded point of src by the key and writes the tags of the products to dst, tag bytes each.
//
// Errors: fault.Misbehaved, without culprit, when an element of src is not the canonical encoding of a non-identity
// element. All failures give one reason.
func raise(dst, src []byte, key secretKey, binding [32]byte, tag int) error {
	g := group.Ristretto255
	p := g.NewElement()
	var enc [pointBytes]byte
	for i := range len(src) / pointBytes {
		if err := decodePoint(p, src[i*pointBytes:(i+1)*pointBytes]); err != nil {
			return err
		}
		if err := encodePoint(enc[:], p.Mul(p, key.k)); err != nil {
			return fault.New(fault.Misbehaved, "psi.raise", "not a canonical non-identity point")
		}
		sum := tagOf(binding, enc[:])
		copy(dst[i*tag:(i+1)*tag], sum[:])
	}
	return nil
}

// tagOf is T of the package documentation before truncation.
func tagOf(binding [32]byte, point []byte) [32]byte {
	const domain = "tacit/psi/tag/v1"
	var b [len(domain) + 32 + pointBytes]byte
	copy(b[:], domain)
	copy(b[len(domain):], binding[:])
	copy(b[len(domain)+32:], point)
	return sha256.Sum256(b[:])
}

// encodePoint writes the canonical encoding of p, which must not be the identity.
func encodePoint(dst []byte, p group.Element) error {
	b, err := p.MarshalBinaryCompress()
	if err != nil || len(b) != pointBytes {
		return &fault.Error{Code: fault.Internal, Op: "psi.encodePoint", Reason: "a point did not encode", Err: err}
	}
	copy(dst, b)
	if isZero(b) {
		return fault.New(fault.Internal, "psi.encodePoint", "the identity")
	}
	return nil
}

// decodePoint sets p to the element that b encodes: RFC 9496 §4.3.1, and not the identity.
func decodePoint(p group.Element, b []byte) error {
	if isZero(b) || !canonical(b) || p.UnmarshalBinary(b) != nil {
		return fault.New(fault.Misbehaved, "psi.decodePoint", "not a canonical non-identity point")
	}
	return nil
}

// canonical reports whether b, little-endian, is below 2^255−19 and even: RFC 9496 §4.3.1 step 1. circl checks it too;
// an earlier version did not. b is public.
func canonical(b []byte) bool {
	if b[0]&1 != 0 || b[31]&0x80 != 0 {
		return false
	}
	if b[31] != 0x7f {
		return true
	}
	for _, v := range b[1:31] {
		if v != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}

// isZero reports whether b, which is public, is all zero: the encoding of the identity.
func isZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}
