package he

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a decryption key: a ternary polynomial, fresh per job and step. It is immutable, safe for concurrent use,
// and prints as its type's name; the zero value is refused everywhere. Nothing serialises it.
type Secret struct {
	// Two pointers: %s of a struct that holds a Secret in an unexported field follows one, whatever Format says.
	k **secretKey
}

type secretKey struct {
	p Params
	s poly // NTT and Montgomery form
}

// NewSecret draws a key from rand.
//
// Errors: fault.Invalid (zero Params, no source), fault.Unavailable (rand fails or ends early).
func NewSecret(p Params, rand io.Reader) (Secret, error) {
	if err := p.same("he.NewSecret", p); err != nil {
		return Secret{}, err
	}
	rng, err := newSampler(rand)
	if err != nil {
		return Secret{}, err
	}
	small := make([]int64, p.N())
	rng.ternary(small)
	s := newPoly(p.Limbs(), p.N())
	for i, sub := range p.t.subs {
		lift(s[i], small, sub.Modulus)
		sub.NTTLazy(s[i], s[i])
		sub.MForm(s[i], s[i])
	}
	clear(small)
	key := &secretKey{p: p, s: s}
	return Secret{&key}, nil
}

// open returns the key, nil for the zero Secret.
func (s Secret) open() *secretKey {
	if s.k == nil {
		return nil
	}
	return *s.k
}

// Params returns the key's parameter set.
func (s Secret) Params() Params {
	if s.k == nil {
		return Params{}
	}
	return s.open().p
}

// Format prints the type's name, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { redact(f, "he.Secret") }

// LogValue is the type's name.
func (Secret) LogValue() slog.Value { return slog.StringValue("he.Secret") }

// PublicKey encrypts zeros under a Secret: c0 = −c1·s + e, where c1 is expanded from a seed that both parties derive
// from the transcript (session binding and party), so that the key holder does not choose it. It is immutable and safe
// for concurrent use.
type PublicKey struct {
	p      Params
	c0, c1 poly // NTT and Montgomery form
}

// PublicKey makes the public key of s for a seed that the protocol derives. The seed is used once per key.
//
// Errors: fault.Invalid (other parameter set).
func (k *Kit) PublicKey(s Secret, seed [SeedBytes]byte) (*PublicKey, error) {
	if err := k.s.p.same("he.PublicKey", s.Params()); err != nil {
		return nil, err
	}
	ct := newCiphertext(k.s.p)
	k.s.encrypt(ct, s.open(), seed, nil)
	return newPublicKey(ct), nil
}

// newPublicKey takes over ct's polynomials.
func newPublicKey(ct *Ciphertext) *PublicKey {
	for i, sub := range ct.p.t.subs {
		sub.MForm(ct.c0[i], ct.c0[i])
		sub.MForm(ct.c1[i], ct.c1[i])
	}
	return &PublicKey{p: ct.p, c0: ct.c0, c1: ct.c1}
}

// Params returns the key's parameter set.
func (pk *PublicKey) Params() Params {
	if pk == nil {
		return Params{}
	}
	return pk.p
}

// redact writes only name: what a secret or private value prints as.
func redact(f fmt.State, name string) { _, _ = io.WriteString(f, name) }

// lift writes the residues of small to dst.
func lift(dst []uint64, small []int64, q uint64) {
	for j, v := range small {
		dst[j] = liftSmall(v, q)
	}
}

// addSmall adds the residues of small to dst.
func addSmall(dst []uint64, small []int64, q uint64) {
	for j, v := range small {
		dst[j] = reduceOnce(dst[j]+liftSmall(v, q), q)
	}
}
