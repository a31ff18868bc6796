package he

import (
	"fmt"
	"log/slog"

	"github.com/tuneinsight/lattigo/v5/ring"

	"github.com/tacit-data/tacit/api/fault"
)

// Ciphertext is an RLWE encryption (c0, c1) of N plaintext coefficients: c0 + c1·s = ⌊Q·m/T⌉ + noise. It also counts
// what was accumulated into it, so that Seal can hold it to its Noise. It is not safe for concurrent writes.
type Ciphertext struct {
	p       Params
	c0, c1  poly // NTT form
	seed    [SeedBytes]byte
	seeded  bool  // c1 is the expansion of seed
	product bool  // a factor of EncodeInt is in it
	polys   int   // products and fresh ciphertexts accumulated
	xmax    int64 // the largest |x| of their factors
}

func newCiphertext(p Params) *Ciphertext {
	return &Ciphertext{p: p, c0: newPoly(p.Limbs(), p.N()), c1: newPoly(p.Limbs(), p.N())}
}

// NewCiphertext returns an encryption of zero without noise, the empty accumulator.
//
// Errors: fault.Invalid (zero Params).
func NewCiphertext(p Params) (*Ciphertext, error) {
	if err := p.same("he.NewCiphertext", p); err != nil {
		return nil, err
	}
	return newCiphertext(p), nil
}

// Params returns the ciphertext's parameter set.
func (c *Ciphertext) Params() Params {
	if c == nil {
		return Params{}
	}
	return c.p
}

// clear makes c the empty accumulator again.
func (c *Ciphertext) clear() {
	c.c0.clear()
	c.c1.clear()
	c.seeded, c.product, c.polys, c.xmax = false, false, 0, 0
}

// encrypt sets ct to (−c1·s + e + ⌊Q·m/T⌉, c1) with c1 expanded from seed.
func (s *scratch) encrypt(ct *Ciphertext, key *secretKey, seed [SeedBytes]byte, m []uint64) {
	s.rng.errors(s.small)
	s.public.reset(seed)
	s.public.uniform(ct.c1, s.p.t.subs)
	for i, sub := range s.p.t.subs {
		lift(ct.c0[i], s.small, sub.Modulus)
		s.p.addEncoded(i, ct.c0[i], m)
		sub.NTT(ct.c0[i], ct.c0[i])
		sub.MulCoeffsMontgomeryThenSub(ct.c1[i], key.s[i], ct.c0[i])
	}
	clear(s.small)
	ct.seed, ct.seeded, ct.product, ct.polys, ct.xmax = seed, true, false, 1, 1
}

// Encrypt sets dst to a fresh symmetric encryption of m, at most N values modulo T; missing ones are 0. c1 is expanded
// from a fresh seed, which Append sends in its place.
//
// Errors: fault.Invalid (other parameter set, more than N values).
func (k *Kit) Encrypt(dst *Ciphertext, s Secret, m []uint64) error {
	const op = "he.Encrypt"
	p := k.s.p
	if err := p.same(op, s.Params(), dst.Params()); err != nil {
		return err
	}
	if len(m) > p.N() {
		return fault.New(fault.Invalid, op, "%d values, a polynomial holds %d", len(m), p.N())
	}
	k.s.encrypt(dst, s.open(), k.s.rng.seed(), m)
	return nil
}

// addEncoded adds ⌊Q·m/T⌉ mod q_i to limb i. With v = m·2^64/T and t = (Q·v + 2^63) mod 2^64 the rounded quotient is
// (Q·v + 2^63 − t)/2^64, and Q ≡ 0 modulo q_i leaves 2^-1 − t·2^-64: one multiplication.
func (p Params) addEncoded(i int, dst, m []uint64) {
	sub, shift := p.t.subs[i], 64-p.t.lit.logT
	q, half := sub.Modulus, p.t.half[i]
	for j, v := range m {
		t := p.t.q64*(v<<shift) + 1<<63
		enc := reduceOnce(half+q-ring.IMForm(t, q, sub.MRedConstant), q)
		dst[j] = reduceOnce(dst[j]+enc, q)
	}
}

// decode sets dst[j] = ⌊T·x_j/Q'⌉ mod T. It is exact unless T·x_j/Q' lies within 2^-61 of half an integer, which
// Invariant N1 excludes for everything an honest evaluator produces.
func (p Params) decode(dst []uint64, x poly, c *crt) {
	shift := 64 - p.t.lit.logT
	for j := range dst {
		hi, lo := c.fraction(x, j)
		if shift == 0 {
			dst[j] = hi + lo>>63
			continue
		}
		dst[j] = (hi + 1<<(shift-1)) >> shift
	}
}

// Decrypt sets dst to the first len(dst) plaintext coefficients of ct, which only the key holder's own side has
// computed on: the noise of an unsealed ciphertext tells the key holder what it was multiplied with.
//
// Errors: fault.Invalid (other parameter set, more than N values wanted).
func (k *Kit) Decrypt(dst []uint64, s Secret, ct *Ciphertext) error {
	const op = "he.Decrypt"
	p := k.s.p
	if err := p.same(op, s.Params(), ct.Params()); err != nil {
		return err
	}
	if len(dst) > p.N() {
		return fault.New(fault.Invalid, op, "%d values wanted, a polynomial holds %d", len(dst), p.N())
	}
	for i, sub := range p.t.subs {
		copy(k.s.t[i], ct.c0[i])
		sub.MulCoeffsMontgomeryThenAdd(ct.c1[i], s.open().s[i], k.s.t[i])
		sub.INTT(k.s.t[i], k.s.t[i])
	}
	p.decode(dst, k.s.t, &p.t.whole)
	return nil
}

// Plain is a small signed polynomial, encoded for multiplication. It holds private data and prints as its type's name.
type Plain struct{ v *plain }

type plain struct {
	p    Params
	x    poly  // NTT and Montgomery form
	xmax int64 // the largest |coefficient|
}

func newPlain(p Params) *Plain { return &Plain{&plain{p: p, x: newPoly(p.Limbs(), p.N())}} }

// NewPlain returns the zero polynomial, for EncodeInt to fill.
//
// Errors: fault.Invalid (zero Params).
func NewPlain(p Params) (*Plain, error) {
	if err := p.same("he.NewPlain", p); err != nil {
		return nil, err
	}
	return newPlain(p), nil
}

// Params returns the parameter set, the zero Params for a nil or zero Plain.
func (x *Plain) Params() Params {
	if x == nil || x.v == nil {
		return Params{}
	}
	return x.v.p
}

// Format prints the type's name, whatever the verb.
func (Plain) Format(f fmt.State, _ rune) { redact(f, "he.Plain") }

// LogValue is the type's name.
func (Plain) LogValue() slog.Value { return slog.StringValue("he.Plain") }

// EncodeInt sets dst to the polynomial with the given coefficients, at most N; missing ones are 0.
//
// Errors: fault.Precision (|x| > XMax), fault.Invalid (other parameter set, more than N coefficients).
func (k *Kit) EncodeInt(dst *Plain, coeff []int64) error {
	const op = "he.EncodeInt"
	p := k.s.p
	if err := p.same(op, dst.Params()); err != nil {
		return err
	}
	if len(coeff) > p.N() {
		return fault.New(fault.Invalid, op, "%d coefficients, a polynomial holds %d", len(coeff), p.N())
	}
	largest := maxAbs(coeff)
	if largest > XMax {
		return fault.New(fault.Precision, op, "a coefficient beyond ±%d", XMax)
	}
	dst.v.xmax = largest
	for i, sub := range p.t.subs {
		limb := dst.v.x[i]
		lift(limb, coeff, sub.Modulus)
		clear(limb[len(coeff):])
		sub.NTTLazy(limb, limb)
		sub.MForm(limb, limb)
	}
	return nil
}

// maxAbs returns the largest |x|, saturating at MaxInt64, without a branch on any value.
func maxAbs(x []int64) (m int64) {
	var seen uint64
	for _, v := range x {
		sign := uint64(v >> 63)
		seen = max(seen, (uint64(v)^sign)-sign)
	}
	return int64(min(seen, 1<<63-1))
}

// MulAcc adds ct·x to acc. ct is a fresh ciphertext or a sum of such: products are one level deep.
//
// Errors: fault.Invalid (other parameter set), fault.Precision (ct holds a product already).
func (k *Kit) MulAcc(acc, ct *Ciphertext, x *Plain) error {
	const op = "he.MulAcc"
	p := k.s.p
	if err := p.same(op, acc.Params(), ct.Params(), x.Params()); err != nil {
		return err
	}
	if ct.product {
		return fault.New(fault.Precision, op, "the ciphertext is a product already")
	}
	for i, sub := range p.t.subs {
		sub.MulCoeffsMontgomeryThenAdd(ct.c0[i], x.v.x[i], acc.c0[i])
		sub.MulCoeffsMontgomeryThenAdd(ct.c1[i], x.v.x[i], acc.c1[i])
	}
	acc.count(max(ct.polys, 1), max(x.v.xmax, 1), true)
	return nil
}

// count notes that polys polynomials with factors up to xmax were accumulated. Invariant N2: the noise of a ciphertext
// is at most polys·N·xmax·(B_e + ½).
func (c *Ciphertext) count(polys int, xmax int64, product bool) {
	c.polys += polys
	c.xmax = max(c.xmax, xmax)
	c.product = c.product || product
	c.seeded = false
}

// Add adds ct to acc.
//
// Errors: fault.Invalid (other parameter set).
func (k *Kit) Add(acc, ct *Ciphertext) error {
	p := k.s.p
	if err := p.same("he.Add", acc.Params(), ct.Params()); err != nil {
		return err
	}
	for i, sub := range p.t.subs {
		sub.Add(acc.c0[i], ct.c0[i], acc.c0[i])
		sub.Add(acc.c1[i], ct.c1[i], acc.c1[i])
	}
	acc.count(ct.polys, ct.xmax, ct.product)
	return nil
}
