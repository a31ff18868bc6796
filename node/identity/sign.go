package identity

import (
	"crypto"
	"crypto/ed25519"

	"github.com/tacit-data/tacit/api/fault"
)

// Purpose names what a signature is for. The signed bytes begin with "tacit/<purpose>/v1", so a signature made for one
// purpose verifies for no other; a purpose holds no slash, so no two prefixes overlap.
type Purpose string

// The purposes in use.
const (
	ForApproval Purpose = "approve" // an owner's consent to a plan digest
	ForControl  Purpose = "control" // a message between nodes
	ForVote     Purpose = "vote"    // the outcome of one attempt
	ForReceipt  Purpose = "receipt" // what a step consumed
	ForCard     Purpose = "card"    // a party's keys and addresses, by its root
)

const (
	// SignatureBytes is the length of every signature.
	SignatureBytes = ed25519.SignatureSize

	maxPurposeBytes = 32
)

func (p Purpose) valid() bool {
	for i := range len(p) {
		if c := p[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(p) > 0 && len(p) <= maxPurposeBytes
}

func signedBytes(p Purpose, payload []byte) []byte {
	const head, tail = "tacit/", "/v1"
	b := make([]byte, 0, len(head)+len(p)+len(tail)+len(payload))
	b = append(b, head...)
	b = append(b, p...)
	b = append(b, tail...)
	return append(b, payload...)
}

// Sign signs payload for one purpose with an Ed25519 key, usually Keys.Approval. The result has SignatureBytes bytes.
//
// Errors: fault.Invalid (a purpose that is not 1 to 32 of a-z, 0-9 and '-'; a key that is not Ed25519), fault.Unavailable
// (the signer failed).
func Sign(key crypto.Signer, purpose Purpose, payload []byte) ([]byte, error) {
	const op = "identity.Sign"
	if !purpose.valid() {
		return nil, fault.New(fault.Invalid, op, "a purpose is 1 to %d of a-z, 0-9 and '-'", maxPurposeBytes)
	}
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return nil, fault.New(fault.Invalid, op, "the key is not Ed25519")
	}
	sig, err := key.Sign(nil, signedBytes(purpose, payload), crypto.Hash(0))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the key did not sign")
	}
	return sig, nil
}

// Verify checks a signature of Sign.
//
// Errors: fault.Unauthenticated, always with the same reason.
func Verify(key ed25519.PublicKey, purpose Purpose, payload, sig []byte) error {
	if len(key) != ed25519.PublicKeySize || !purpose.valid() || !ed25519.Verify(key, signedBytes(purpose, payload), sig) {
		return fault.New(fault.Unauthenticated, "identity.Verify", "the signature for %q does not verify", string(purpose))
	}
	return nil
}
