package psi

import (
	"io"
	"unsafe"

	"github.com/cloudflare/circl/dh/x25519"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/curve25519"
)

// montgomeryBytes is the size of a u coordinate.
const montgomeryBytes = 32

// A group of lanes is what the widest kernel multiplies at once. One group of checkedGroups is checked to lie on the
// curve and not on its twist; under Strict all are. The twist is as secure as the curve, so that this is hygiene: a peer
// gains nothing by sending such a point.
const (
	lanes         = 8
	checkedGroups = 64
)

// montgomery is suite x25519-ell2: u coordinates of Curve25519, the map curve25519_XMD:SHA-512_ELL2_NU_ of RFC 9380
// §8.5, and X25519 of RFC 7748 §5, whose clamped scalar clears the cofactor.
type montgomery struct {
	k      *curve25519.Scalar
	tag    []byte
	strict bool
	sample int // which group of each call is checked
}

func newX25519(r io.Reader, strict bool) (multiplier, error) {
	const op = "psi.newX25519"
	k, err := curve25519.NewScalar(r)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	var sample [1]byte
	if _, err := io.ReadFull(r, sample[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	return &montgomery{k: k, tag: []byte(hashTag(SuiteX25519)), strict: strict, sample: int(sample[0] % checkedGroups)}, nil
}

func (s *montgomery) wipe() { s.k.Wipe() }

func (s *montgomery) mask(dst []byte, items []Item) error {
	out, in := coordinates(dst), unsafe.Slice((*[32]byte)(unsafe.Pointer(unsafe.SliceData(items))), len(items))
	if curve25519.Accelerated() {
		curve25519.MapMulBatch(out, in, s.tag, s.k)
		return nil
	}
	curve25519.MapBatch(out, in, s.tag)
	s.ladder(out)
	return nil
}

func (s *montgomery) raise(dst, src []byte) error {
	p := coordinates(dst[:copy(dst, src)])
	if curve25519.CanonicalBatch(p) >= 0 || curve25519.OnCurveBatch(s.checked(p)) >= 0 {
		return errNotAPoint()
	}
	if curve25519.Accelerated() {
		if curve25519.MulBatch(p, p, s.k) >= 0 {
			return errNotAPoint()
		}
	} else if !s.ladder(p) {
		return errNotAPoint()
	}
	return nil
}

// coordinates returns the bytes of b as u coordinates, without a copy: both are arrays of bytes.
func coordinates(b []byte) []curve25519.U {
	return unsafe.Slice((*curve25519.U)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/montgomeryBytes)
}

// checked returns the points that are to be on the curve.
func (s *montgomery) checked(p []curve25519.U) []curve25519.U {
	groups := (len(p) + lanes - 1) / lanes
	if s.strict || groups == 0 {
		return p
	}
	lo := s.sample % groups * lanes
	return p[lo:min(lo+lanes, len(p))]
}

// ladder multiplies every point of p, where the kernel has neither AVX-512 IFMA nor AVX2: circl's assembly needs BMI2 and
// ADX at most. It reports whether none was of low order.
func (s *montgomery) ladder(p []curve25519.U) bool {
	k := x25519.Key(s.k.BytesInsecure())
	defer clear(k[:])
	fine := true
	for i := range p {
		in := x25519.Key(p[i])
		fine = x25519.Shared((*x25519.Key)(&p[i]), &k, &in) && fine
	}
	return fine
}
