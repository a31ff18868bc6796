package right

import (
	"crypto"
	"crypto/ed25519"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Signature is one party's Ed25519 signature over a canonical encoding. The encoding opens with its own tag, so that no
// signature is ever valid for a record of another kind.
type Signature struct {
	Party party.ID
	Sig   []byte // 64 bytes
}

// Sign signs the canonical bytes of an agreement or grant (its Encode, or Grant.SigningBytes) with an Ed25519 key,
// which may live in a token.
//
// Errors: fault.Invalid for a key of another kind, fault.Internal when the key refuses.
func Sign(signer party.ID, payload []byte, key crypto.Signer) (Signature, error) {
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return Signature{}, fault.New(fault.Invalid, "right.Sign", "an Ed25519 key expected, not %T", key.Public())
	}
	sig, err := key.Sign(nil, payload, crypto.Hash(0))
	if err != nil {
		return Signature{}, fault.Wrap(fault.Internal, "right.Sign", err, "the key of %s did not sign", signer)
	}
	return Signature{signer, sig}, nil
}

// VerifyAgreement checks that every party of a signed it. keys are the pinned keys of the parties.
//
// Errors: fault.Unauthenticated (a signer without a pinned key, or no party of a), fault.Misbehaved with the signer as
// culprit (a bad signature), fault.Invalid (two signatures of one party), fault.Denied (a signature missing).
func VerifyAgreement(a Agreement, sigs []Signature, keys map[party.ID]ed25519.PublicKey) error {
	const op = "right.VerifyAgreement"
	payload, err := a.Encode()
	if err != nil {
		return err
	}
	signed := make(map[party.ID]bool, len(sigs))
	for _, s := range sigs {
		if signed[s.Party] {
			return fault.New(fault.Invalid, op, "two signatures of %s", s.Party)
		}
		if !slices.Contains(a.Parties, s.Party) {
			return fault.New(fault.Unauthenticated, op, "%s signed and is no party of the agreement", s.Party)
		}
		if err := verify(op, s, payload, keys[s.Party]); err != nil {
			return err
		}
		signed[s.Party] = true
	}
	for _, p := range party.Sorted(a.Parties) {
		if !signed[p] {
			return fault.New(fault.Denied, op, "rule agreement/signature: %s has not signed", p)
		}
	}
	return nil
}

// VerifyGrant checks that the owner of g signed it; key is the owner's pinned key.
//
// Errors: fault.Unauthenticated (another signer, no pinned key), fault.Misbehaved with the owner as culprit.
func VerifyGrant(g Grant, sig Signature, key ed25519.PublicKey) error {
	payload, err := g.SigningBytes()
	if err != nil {
		return err
	}
	if sig.Party != g.Owner {
		return fault.New(fault.Unauthenticated, "right.VerifyGrant", "grant %s is signed by %s, its owner is %s", g.ID, sig.Party, g.Owner)
	}
	return verify("right.VerifyGrant", sig, payload, key)
}

func verify(op string, s Signature, payload []byte, key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fault.New(fault.Unauthenticated, op, "no pinned key of %s", s.Party)
	}
	if !ed25519.Verify(key, payload, s.Sig) {
		return fault.Blame(fault.New(fault.Misbehaved, op, "bad signature of %s", s.Party), string(s.Party))
	}
	return nil
}
