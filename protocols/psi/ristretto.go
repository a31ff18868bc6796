package psi

import (
	"io"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// ristrettoBytes is the encoded size of a ristretto255 element.
const ristrettoBytes = 32

// ristretto is suite ristretto255: RFC 9496, with ristretto255_XMD:SHA-512_R255MAP_RO_ of RFC 9380 Appendix B.
type ristretto struct {
	k   group.Scalar
	tag []byte
}

// newRistretto draws a uniform non-zero scalar from r: circl's own draw ignores its reader.
func newRistretto(r io.Reader, _ bool) (multiplier, error) {
	k := group.Ristretto255.NewScalar()
	b, err := drawScalar(r, func(b *[32]byte) bool {
		b[31] &= 0x1f // 253 bits, little-endian
		return k.UnmarshalBinary(b[:]) == nil && !k.IsZero()
	})
	if err != nil {
		return nil, err
	}
	clear(b[:])
	return &ristretto{k: k, tag: []byte(hashTag(SuiteRistretto255))}, nil
}

func (s *ristretto) wipe() { s.k.SetUint64(0) }

func (s *ristretto) mask(dst []byte, items []Item) error {
	for i := range items {
		p := group.Ristretto255.HashToElement(items[i][:], s.tag)
		if err := encodeRistretto(dst[i*ristrettoBytes:(i+1)*ristrettoBytes], p.Mul(p, s.k)); err != nil {
			return err
		}
	}
	return nil
}

func (s *ristretto) raise(dst, src []byte) error {
	p := group.Ristretto255.NewElement()
	for lo := 0; lo < len(src); lo += ristrettoBytes {
		if err := decodeRistretto(p, src[lo:lo+ristrettoBytes]); err != nil {
			return err
		}
		if encodeRistretto(dst[lo:lo+ristrettoBytes], p.Mul(p, s.k)) != nil {
			return errNotAPoint()
		}
	}
	return nil
}

// encodeRistretto writes the canonical encoding of p, which must not be the identity.
func encodeRistretto(dst []byte, p group.Element) error {
	const op = "psi.encodeRistretto"
	b, err := p.MarshalBinaryCompress()
	if err != nil || len(b) != ristrettoBytes {
		return &fault.Error{Code: fault.Internal, Op: op, Reason: "a point did not encode", Err: err}
	}
	copy(dst, b)
	if isZero(b) {
		return fault.New(fault.Internal, op, "the identity")
	}
	return nil
}

// decodeRistretto sets p to the element that b encodes: RFC 9496 §4.3.1, and not the identity.
func decodeRistretto(p group.Element, b []byte) error {
	if isZero(b) || !canonicalRistretto(b) || p.UnmarshalBinary(b) != nil {
		return errNotAPoint()
	}
	return nil
}

// canonicalRistretto reports whether b, little-endian, is below 2^255−19 and even: RFC 9496 §4.3.1 step 1. circl checks
// it too; an earlier version did not. b is public.
func canonicalRistretto(b []byte) bool {
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
