package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
)

// PrivateKey is an Ed25519 key that signs and never shows itself: its bytes sit behind a pointer and every way of
// printing it prints the type's name. It is a crypto.Signer, immutable and safe for concurrent use.
type PrivateKey struct{ p *ed25519.PrivateKey }

// newPrivateKey draws a key from rand.
func newPrivateKey(rand io.Reader) (PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return PrivateKey{}, fault.Wrap(fault.Unavailable, "identity.newPrivateKey", err, "no randomness")
	}
	k := ed25519.NewKeyFromSeed(seed)
	clear(seed)
	return PrivateKey{&k}, nil
}

// Public returns the ed25519.PublicKey.
func (k PrivateKey) Public() crypto.PublicKey { return k.p.Public() }

// Sign implements crypto.Signer: plain Ed25519 over the message itself.
func (k PrivateKey) Sign(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.p.Sign(rand, msg, opts)
}

// Format implements fmt.Formatter; every verb prints the type's name.
func (k PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "identity.PrivateKey") }

// LogValue implements slog.LogValuer.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue("identity.PrivateKey") }

// pkcs8Insecure returns the key's bytes for its own file.
func (k PrivateKey) pkcs8Insecure() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(*k.p) }

func (k PrivateKey) publicKey() ed25519.PublicKey { return k.p.Public().(ed25519.PublicKey) }

func parsePrivateKey(der []byte) (PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return PrivateKey{}, err
	}
	k, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fault.New(fault.Unsupported, "identity.parsePrivateKey", "a key that is not Ed25519")
	}
	return PrivateKey{&k}, nil
}
