package he

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// poly is a polynomial in residues: one slice of N coefficients per limb, each below its prime.
type poly [][]uint64

func newPoly(limbs, n int) poly {
	flat := make([]uint64, limbs*n)
	out := make(poly, limbs)
	for i := range out {
		out[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}

func (a poly) clear() {
	for _, limb := range a {
		clear(limb)
	}
}

// reduceOnce returns x mod q for x < 2q, without a branch.
func reduceOnce(x, q uint64) uint64 {
	d, borrow := bits.Sub64(x, q, 0)
	return d + q&-borrow
}

// liftSmall returns the residue of a signed x with |x| < q, without a branch.
func liftSmall(x int64, q uint64) uint64 { return uint64(x) + q&uint64(x>>63) }

// montgomery returns a·2^64 mod q for a < q.
func montgomery(s *ring.SubRing, a uint64) uint64 { return ring.MForm(a, s.Modulus, s.BRedConstant) }

// inverse returns a^-1 mod q for 0 < a < q.
func inverse(s *ring.SubRing, a uint64) uint64 { return ring.ModExp(a, s.Modulus-2, s.Modulus) }

// mulMont returns x·y·2^-64 mod q for any x and y < q.
func mulMont(s *ring.SubRing, x, y uint64) uint64 { return ring.MRed(x, y, s.Modulus, s.MRedConstant) }

// crt turns residues modulo q_i into the fraction x/Q' of the unit circle: x/Q' ≡ Σ y_i/q_i (mod 1) with
// y_i = x_i·(Q'/q_i)^-1 mod q_i. Division is multiplication by a 192-bit reciprocal, so that its time does not depend
// on the plaintext.
type crt struct {
	subs  []*ring.SubRing
	inv   []uint64    // (Q'/q_i)^-1 mod q_i, Montgomery form
	recip [][3]uint64 // ⌊2^192/q_i⌋, low word first
}

func newCRT(subs []*ring.SubRing) crt {
	c := crt{subs: subs}
	for i, s := range subs {
		rest := uint64(1)
		for j, o := range subs {
			if j != i {
				rest = mulMont(s, rest, montgomery(s, o.Modulus%s.Modulus))
			}
		}
		c.inv = append(c.inv, montgomery(s, inverse(s, rest)))
		r2, rem := bits.Div64(1, 0, s.Modulus)
		r1, rem := bits.Div64(rem, 0, s.Modulus)
		r0, _ := bits.Div64(rem, 0, s.Modulus)
		c.recip = append(c.recip, [3]uint64{r0, r1, r2})
	}
	return c
}

// fraction returns ⌊2^128·x/Q'⌋ mod 2^128 for the residues x[i][j], at most 2·limbs too small.
func (c *crt) fraction(x poly, j int) (hi, lo uint64) {
	for i, s := range c.subs {
		y := mulMont(s, x[i][j], c.inv[i])
		r := &c.recip[i]
		h0, _ := bits.Mul64(y, r[0])
		h1, l1 := bits.Mul64(y, r[1])
		w1, c1 := bits.Add64(h0, l1, 0)
		var carry uint64
		lo, carry = bits.Add64(lo, w1, 0)
		hi += h1 + y*r[2] + c1 + carry
	}
	return hi, lo
}

// dropper divides by the product P of the last two primes with exact rounding: ⌊x/P⌉ over the remaining limbs.
// (Lattigo's DivRoundByLastModulus overwrites its input and rounds once per limb.)
type dropper struct {
	subs   []*ring.SubRing
	a, b   *ring.SubRing // the primes dropped
	invA   uint64        // a^-1 mod b, Montgomery form
	halfHi uint64        // ⌊P/2⌋
	halfLo uint64
	limbs  []dropLimb
}

// dropLimb is what one remaining limb needs, in Montgomery form except p.
type dropLimb struct{ aMont, invP, p uint64 }

func newDropper(subs []*ring.SubRing) dropper {
	keep := len(subs) - sealedLimbs
	d := dropper{subs: subs[:keep], a: subs[keep], b: subs[keep+1]}
	d.invA = montgomery(d.b, inverse(d.b, d.a.Modulus%d.b.Modulus))
	hi, lo := bits.Mul64(d.a.Modulus, d.b.Modulus)
	d.halfHi, d.halfLo = hi>>1, hi<<63|lo>>1
	for _, s := range d.subs {
		aMont := montgomery(s, d.a.Modulus%s.Modulus)
		p := mulMont(s, d.b.Modulus%s.Modulus, aMont)
		d.limbs = append(d.limbs, dropLimb{aMont: aMont, invP: montgomery(s, inverse(s, p)), p: p})
	}
	return d
}

// round writes ⌊x/P⌉ to dst. x has all limbs, dst the remaining ones; the lengths of their rows are equal.
func (d *dropper) round(dst, x poly) {
	xa, xb := x[len(d.subs)], x[len(d.subs)+1]
	qa, qb := d.a.Modulus, d.b.Modulus
	for j := range xa {
		// r = ra + a·v is x mod P (Garner), and over = 1 where r > P/2, so that x − r + over·P is the nearest multiple.
		ra := xa[j]
		v := mulMont(d.b, xb[j]+qb-reduceOnce(ra, qb), d.invA)
		hi, lo := bits.Mul64(qa, v)
		lo, carry := bits.Add64(lo, ra, 0)
		hi += carry
		_, under := bits.Sub64(d.halfLo, lo, 0)
		_, over := bits.Sub64(d.halfHi, hi, under)
		for i, s := range d.subs {
			l, q := &d.limbs[i], s.Modulus
			r := reduceOnce(reduceOnce(ra, q)+mulMont(s, v, l.aMont), q)
			up := x[i][j] + l.p&-over
			dst[i][j] = mulMont(s, up+q-r, l.invP)
		}
	}
}
