package psi

import (
	"crypto/elliptic"
	"crypto/sha256"
	"io"
	"math/big"

	"github.com/emmansun/gmsm/sm2/sm2ec"
	"github.com/emmansun/gmsm/sm3"

	"github.com/tacit-data/tacit/api/fault"
)

// compressedBytes is the size of a compressed point: SEC 1 §2.3.3.
const compressedBytes = 33

// curveGroup is what the suites use of a curve. Both implementations multiply in constant time and panic when a point is
// not on the curve, which is why the standard library advises against these two methods: here every point is either the
// image of the map or was decoded by the curve.
type curveGroup interface {
	Add(x1, y1, x2, y2 *big.Int) (x, y *big.Int)
	ScalarMult(x, y *big.Int, k []byte) (*big.Int, *big.Int)
}

// weierstrass is the suites p256 and sm2: curves y² = x³ − 3x + b of prime order.
type weierstrass struct {
	curve elliptic.Curve
	group curveGroup
	hash  *sswu
	k     *[32]byte // big-endian, 0 < k < order
}

// newP256 is P256_XMD:SHA-256_SSWU_RO_ of RFC 9380 §8.2 over the standard library's P-256.
func newP256(r io.Reader, _ bool) (multiplier, error) {
	c := elliptic.P256()
	return newWeierstrass(r, c, newSSWU(c, p256Z, hashTag(SuiteP256), sha256.Sum256))
}

// newSM2 is the recipe of RFC 9380 §6.6.2 and §5.3.1 for the curve of GB/T 32918.5 and the hash of GB/T 32905.
func newSM2(r io.Reader, _ bool) (multiplier, error) {
	c := sm2ec.P256()
	return newWeierstrass(r, c, newSSWU(c, sm2Z, hashTag(SuiteSM2), sm3.Sum))
}

// The constants Z of the simplified SWU map, of smallest magnitude that meets RFC 9380 §6.6.2.
const (
	p256Z = -10
	sm2Z  = -9
)

func newWeierstrass(r io.Reader, c elliptic.Curve, hash *sswu) (multiplier, error) {
	order := limbs(c.Params().N)
	k, err := drawScalar(r, func(b *[32]byte) bool {
		v := load(b[:])
		return v.less(&order) == 1 && isZeroLimbs(&v) == 0
	})
	if err != nil {
		return nil, err
	}
	return &weierstrass{curve: c, group: c, hash: hash, k: k}, nil
}

func (s *weierstrass) wipe() { clear(s.k[:]) }

func (s *weierstrass) mask(dst []byte, items []Item) error {
	halves := make([]affine, 2*len(items))
	s.hash.points(halves, func(i int) []byte { return items[i][:] })
	for i := range items {
		x, y := s.group.Add(addends(&halves[2*i], &halves[2*i+1]))
		if !s.encode(dst[i*compressedBytes:(i+1)*compressedBytes], x, y) {
			return fault.New(fault.Internal, "psi.weierstrass.mask", "the identity")
		}
	}
	return nil
}

// addends are two points in the form that curveGroup.Add takes.
func addends(a, b *affine) (x1, y1, x2, y2 *big.Int) {
	n := func(v *[32]byte) *big.Int { return new(big.Int).SetBytes(v[:]) }
	return n(&a.x), n(&a.y), n(&b.x), n(&b.y)
}

func (s *weierstrass) raise(dst, src []byte) error {
	for lo := 0; lo < len(src); lo += compressedBytes {
		x, y := elliptic.UnmarshalCompressed(s.curve, src[lo:lo+compressedBytes])
		if x == nil || !s.encode(dst[lo:lo+compressedBytes], x, y) {
			return errNotAPoint()
		}
	}
	return nil
}

// encode writes k·(x, y) in compressed form and reports whether it is a point other than infinity.
func (s *weierstrass) encode(dst []byte, x, y *big.Int) bool {
	if x.Sign() == 0 && y.Sign() == 0 {
		return false
	}
	x, y = s.group.ScalarMult(x, y, s.k[:])
	dst[0] = 2 | byte(y.Bit(0))
	x.FillBytes(dst[1:])
	return x.Sign() != 0 || y.Sign() != 0
}
