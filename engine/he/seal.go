package he

import (
	"github.com/tacit-data/tacit/api/fault"
)

// Kept names the coefficients of a sealed ciphertext that hold results: Offset, Offset+Stride, … Count of them.
type Kept struct{ Stride, Offset, Count int }

// check refuses a pattern that is empty or leaves the polynomial.
func (k Kept) check(op string, n int) error {
	if k.Stride < 1 || k.Stride > n || k.Offset < 0 || k.Offset >= n || k.Count < 1 || (n-1-k.Offset)/k.Stride < k.Count-1 {
		return fault.New(fault.Invalid, op, "kept pattern of stride %d, offset %d, count %d in %d coefficients",
			k.Stride, k.Offset, k.Count, n)
	}
	return nil
}

// Sealed is a result on its way back to the key holder: c1 whole, c0 at the kept coefficients only, over two limbs.
// It is immutable.
type Sealed struct {
	p    Params
	kept Kept
	c0   poly // sealedLimbs × Count
	c1   poly // sealedLimbs × N, coefficient form
}

// Seal makes acc safe to return to the holder of to: the decrypted value at the i-th kept coefficient is the plaintext
// plus mask[i] modulo T, and nothing else about the factors can be learnt (doc.go, Sealing). acc is overwritten.
//
// The mask and the flooding noise go to the kept coefficients of c0 only: the others are not sent, and neither step
// touches c1.
//
// Errors: fault.Invalid (other parameter set, bad pattern, mask of another length), fault.Unsupported (no room to
// flood), fault.Precision (acc or kept exceed n). Source: secure-modelling §2.3.
func (k *Kit) Seal(acc *Ciphertext, to *PublicKey, mask []uint64, kept Kept, n Noise) (*Sealed, error) {
	const op = "he.Seal"
	p := k.s.p
	if err := p.same(op, acc.Params(), to.Params()); err != nil {
		return nil, err
	}
	if err := kept.check(op, p.N()); err != nil {
		return nil, err
	}
	switch {
	case !p.Floods():
		return nil, fault.New(fault.Unsupported, op, "parameter set %s has no room to flood", p.ID())
	case len(mask) != kept.Count:
		return nil, fault.New(fault.Invalid, op, "%d masks for %d kept coefficients", len(mask), kept.Count)
	case !n.covers(acc, kept.Count):
		return nil, fault.New(fault.Precision, op, "%d polynomials and %d kept exceed the noise proof", acc.polys, kept.Count)
	}
	c0 := k.s.addPublicZero(acc, to, kept)
	for i := range c0 {
		p.addEncoded(i, c0[i], mask)
	}
	k.s.rng.addFlood(c0, p.t.subs, p.t.flood)
	return p.drop(c0, acc.c1, kept), nil
}

// addPublicZero adds a fresh public-key encryption (pk0·u + e0, pk1·u + e1) of zero, leaves acc in coefficient form
// and returns the kept coefficients of c0. Only those get e0.
func (s *scratch) addPublicZero(acc *Ciphertext, to *PublicKey, kept Kept) poly {
	s.rng.ternary(s.small)
	for i, sub := range s.p.t.subs {
		u := s.t[i]
		lift(u, s.small, sub.Modulus)
		sub.NTT(u, u)
		sub.MulCoeffsMontgomeryThenAdd(to.c0[i], u, acc.c0[i])
		sub.MulCoeffsMontgomeryThenAdd(to.c1[i], u, acc.c1[i])
	}
	s.rng.errors(s.small)
	for i, sub := range s.p.t.subs {
		sub.INTT(acc.c1[i], acc.c1[i])
		addSmall(acc.c1[i], s.small, sub.Modulus)
	}
	e0 := s.small[:kept.Count]
	s.rng.errors(e0)
	c0 := newPoly(s.p.Limbs(), kept.Count)
	for i, sub := range s.p.t.subs {
		sub.INTT(acc.c0[i], acc.c0[i])
		for j := range c0[i] {
			c0[i][j] = acc.c0[i][kept.Offset+j*kept.Stride]
		}
		addSmall(c0[i], e0, sub.Modulus)
	}
	clear(s.small)
	return c0
}

// drop rescales both parts to the first two limbs.
func (p Params) drop(c0, c1 poly, kept Kept) *Sealed {
	out := &Sealed{p: p, kept: kept, c0: newPoly(sealedLimbs, kept.Count), c1: newPoly(sealedLimbs, p.N())}
	p.t.drop.round(out.c0, c0)
	p.t.drop.round(out.c1, c1)
	return out
}

// Open sets dst to the kept values of a sealed ciphertext.
//
// Errors: fault.Invalid (other parameter set, dst of another length).
func (k *Kit) Open(dst []uint64, s Secret, c *Sealed) error {
	const op = "he.Open"
	p := k.s.p
	if err := p.same(op, s.Params(), c.Params()); err != nil {
		return err
	}
	if len(dst) != c.kept.Count {
		return fault.New(fault.Invalid, op, "%d values wanted, %d kept", len(dst), c.kept.Count)
	}
	x := k.s.phase(s.open(), c)
	p.decode(dst, x, &p.t.sealed)
	return nil
}

// phase returns c0 + c1·s at the kept coefficients, in scratch.
func (s *scratch) phase(key *secretKey, c *Sealed) poly {
	out := make(poly, sealedLimbs)
	for i := range out {
		sub, t := s.p.t.subs[i], s.t[i]
		sub.NTT(c.c1[i], t)
		sub.MulCoeffsMontgomery(t, key.s[i], t)
		sub.INTT(t, t)
		out[i] = s.u[i][:c.kept.Count]
		for j := range out[i] {
			out[i][j] = reduceOnce(c.c0[i][j]+t[c.kept.Offset+j*c.kept.Stride], sub.Modulus)
		}
	}
	return out
}

// Params returns the parameter set, the zero Params for a nil or zero Sealed.
func (c *Sealed) Params() Params {
	if c == nil {
		return Params{}
	}
	return c.p
}

// Kept returns the pattern.
func (c *Sealed) Kept() Kept { return c.kept }
