package oprf

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"io"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// Suite is a group with its hash: RFC 9497 §4. The names are those of the RFC.
type Suite string

// The suites.
const (
	SuiteRistretto255 Suite = "ristretto255-SHA512" // RFC 9497 §4.1
	SuiteP256         Suite = "P256-SHA256"         // RFC 9497 §4.3
	SuiteP384         Suite = "P384-SHA384"         // RFC 9497 §4.4, not built
	SuiteP521         Suite = "P521-SHA512"         // RFC 9497 §4.5, not built
	SuiteDecaf448     Suite = "decaf448-SHAKE256"   // RFC 9497 §4.2, not built
)

// Mode is the protocol variant: RFC 9497 §3.1. The numbers are those of the RFC.
type Mode uint8

// The modes.
const (
	ModeOPRF  Mode = 0 // RFC 9497 §3.3.1: the client cannot tell which key answered
	ModeVOPRF Mode = 1 // RFC 9497 §3.3.2: each batch carries a proof that the committed key answered
	ModePOPRF Mode = 2 // RFC 9497 §3.3.3, not built
)

// scalarBytes is the encoded size of a scalar in both suites.
const scalarBytes = 32

// proofBytes is the encoded size of a proof: two scalars.
const proofBytes = 2 * scalarBytes

// maxDraws bounds the rejection sampling of a scalar: a draw fails with probability at most 1/2, so 128 failures mean a
// broken source.
const maxDraws = 128

// scheme is a suite in one mode. It is immutable.
type scheme struct {
	suite   Suite
	mode    Mode
	number  uint8 // of the suite in tag files, never reused
	group   group.Group
	newHash func() hash.Hash
	element int  // encoded bytes of an element
	output  int  // bytes of an output
	mask    byte // keeps the scalar bits of the most significant byte
	little  bool // scalars are little-endian
	// cheapAdd says that an addition costs a small part of a multiplication, so that sums go by buckets.
	cheapAdd bool
	// The domain separation tags of RFC 9497 §3.1 and §3.2.
	hashToGroup, hashToScalar, seed []byte
}

// newScheme returns the suite in the mode.
//
// Errors: fault.Unsupported (known but not built), fault.Invalid (unknown).
func newScheme(suite Suite, mode Mode) (*scheme, error) {
	const op = "oprf.newScheme"
	s := &scheme{suite: suite, mode: mode}
	switch suite {
	case SuiteRistretto255:
		s.group, s.newHash, s.element, s.output = group.Ristretto255, sha512.New, 32, 64
		s.number, s.mask, s.little, s.cheapAdd = 1, 0x1f, true, true
	case SuiteP256:
		s.group, s.newHash, s.element, s.output = group.P256, sha256.New, 33, 32
		s.number, s.mask = 2, 0xff
	case SuiteP384, SuiteP521, SuiteDecaf448:
		return nil, fault.New(fault.Unsupported, op, "suite %s is not built; use %s", suite, SuiteRistretto255)
	default:
		return nil, fault.New(fault.Invalid, op, "unknown suite; use %s", SuiteRistretto255)
	}
	switch mode {
	case ModeOPRF, ModeVOPRF:
	case ModePOPRF:
		return nil, fault.New(fault.Unsupported, op, "mode POPRF is not built")
	default:
		return nil, fault.New(fault.Invalid, op, "unknown mode %d", mode)
	}
	// RFC 9497 §3.1, CreateContextString.
	context := "OPRFV1-" + string([]byte{byte(mode)}) + "-" + string(suite)
	s.hashToGroup = []byte("HashToGroup-" + context)
	s.hashToScalar = []byte("HashToScalar-" + context)
	s.seed = []byte("Seed-" + context)
	return s, nil
}

// scalar draws a uniform non-zero scalar from r: circl's own draw ignores its reader.
func (s *scheme) scalar(r io.Reader) (group.Scalar, error) {
	const op = "oprf.scalar"
	var b [scalarBytes]byte
	defer clear(b[:])
	top := 0
	if s.little {
		top = scalarBytes - 1
	}
	k := s.group.NewScalar()
	for range maxDraws {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
		}
		b[top] &= s.mask
		if k.UnmarshalBinary(b[:]) == nil && !k.IsZero() {
			return k, nil
		}
	}
	return nil, fault.New(fault.Internal, op, "the randomness source gave no scalar in %d draws", maxDraws)
}

// decodeScalar reads a canonical scalar: RFC 9497 §2.1, DeserializeScalar.
func (s *scheme) decodeScalar(b []byte) (group.Scalar, bool) {
	k := s.group.NewScalar()
	return k, len(b) == scalarBytes && k.UnmarshalBinary(b) == nil
}

// encode writes the canonical encoding of e, which must not be the identity: RFC 9497 §2.1, SerializeElement.
func (s *scheme) encode(dst []byte, e group.Element) error {
	b, err := e.MarshalBinaryCompress()
	if err != nil || len(b) != s.element || isZero(b) {
		return &fault.Error{Code: fault.Internal, Op: "oprf.encode", Reason: "an element is the identity", Err: err}
	}
	copy(dst, b)
	return nil
}

// decode sets e to the element that b encodes, which is public. It accepts canonical encodings of non-identity elements
// only: RFC 9497 §2.1, DeserializeElement. All failures give one reason.
func (s *scheme) decode(e group.Element, b []byte) error {
	ok := len(b) == s.element && !isZero(b)
	if s.little {
		ok = ok && canonical(b)
	} else {
		ok = ok && (b[0] == 2 || b[0] == 3)
	}
	if !ok || e.UnmarshalBinary(b) != nil || e.IsIdentity() {
		return fault.New(fault.Misbehaved, "oprf.decode", "not the canonical encoding of a non-identity element")
	}
	return nil
}

// finalize returns the output for an input and the encoding of its evaluated element: RFC 9497 §3.3.1, Finalize.
func (s *scheme) finalize(dst []byte, h hash.Hash, input, element []byte) {
	h.Reset()
	b := make([]byte, 0, len(input)+len(element)+16)
	b = appendFramed(b, input)
	b = appendFramed(b, element)
	b = append(b, "Finalize"...)
	_, _ = h.Write(b) // a hash never fails
	h.Sum(dst[:0])
	clear(b)
}

// appendFramed appends a two-byte length and v.
func appendFramed(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
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

// isZero reports whether b, which is public, is all zero.
func isZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}
