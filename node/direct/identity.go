package direct

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	maxPEMBytes = 8 << 10 // an Ed25519 key and its certificate take less than 1 KiB
	certSkew    = time.Hour
	certLife    = 10 * 365 * 24 * time.Hour // nobody checks it: pins are the identity
	keyBlock    = "PRIVATE KEY"
	certBlock   = "CERTIFICATE"
)

// Pin identifies a side: SHA-256 of its certificate. It is public.
type Pin [sha256.Size]byte

// String returns the pin in lower-case hexadecimal.
func (p Pin) String() string { return hex.EncodeToString(p[:]) }

// Identity is one side's Ed25519 key with its self-signed certificate. It is immutable and safe for concurrent use.
type Identity struct {
	key  *ed25519.PrivateKey
	cert []byte // DER
}

// NewIdentity draws an identity from rand. A side that wants to come back after a crash keeps PEMInsecure.
//
// Errors: fault.Unavailable (no randomness).
func NewIdentity(rand io.Reader, now time.Time) (*Identity, error) {
	const op = "direct.NewIdentity"
	var draw [ed25519.SeedSize + 16]byte
	if _, err := io.ReadFull(rand, draw[:]); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "no randomness")
	}
	defer clear(draw[:])
	key := ed25519.NewKeyFromSeed(draw[:ed25519.SeedSize])
	serial := draw[ed25519.SeedSize:]
	serial[0] = serial[0]&0x7f | 0x40 // positive and never zero, RFC 5280 §4.1.2.2
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: "tacit direct"},
		NotBefore: now.Add(-certSkew), NotAfter: now.Add(certLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand, t, t, key.Public(), key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the certificate is not made")
	}
	return &Identity{&key, der}, nil
}

// ParseIdentity reads what PEMInsecure returned.
//
// Errors: fault.Corrupt; none quotes the bytes.
func ParseIdentity(b []byte) (*Identity, error) {
	bad := fault.New(fault.Corrupt, "direct.ParseIdentity", "not a key with its certificate")
	if len(b) > maxPEMBytes {
		return nil, bad
	}
	keyPart, rest := pem.Decode(b)
	certPart, rest := pem.Decode(rest)
	if keyPart == nil || certPart == nil || keyPart.Type != keyBlock || certPart.Type != certBlock || len(rest) != 0 {
		return nil, bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyPart.Bytes)
	if err != nil {
		return nil, bad
	}
	key, isEd25519 := parsed.(ed25519.PrivateKey)
	cert, err := x509.ParseCertificate(certPart.Bytes)
	if err != nil || !isEd25519 || !key.Public().(ed25519.PublicKey).Equal(cert.PublicKey) {
		return nil, bad
	}
	return &Identity{&key, cert.Raw}, nil
}

// PEMInsecure returns key and certificate for a file that only their owner may read.
func (id *Identity) PEMInsecure() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(*id.key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "direct.PEMInsecure", err, "the key does not encode")
	}
	out := pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})
	clear(der)
	return append(out, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: id.cert})...), nil
}

// Pin returns the digest of the certificate.
func (id *Identity) Pin() Pin { return sha256.Sum256(id.cert) }

// Format implements fmt.Formatter; every verb prints the type's name.
func (id *Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "direct.Identity") }

// LogValue implements slog.LogValuer.
func (id *Identity) LogValue() slog.Value { return slog.StringValue("direct.Identity") }

// alpn is the application protocol of version 1 of hello and frames.
const alpn = "tacit-direct/1"

// tlsConfig is what both sides share: tickets are off, so that every connection presents its certificates.
func (id *Identity) tlsConfig() *tls.Config {
	cert := tls.Certificate{Certificate: [][]byte{id.cert}, PrivateKey: crypto.PrivateKey(*id.key)}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}, NextProtos: []string{alpn},
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true, Certificates: []tls.Certificate{cert},
	}
}

func (id *Identity) serverTLS() *tls.Config {
	c := id.tlsConfig()
	c.ClientAuth = tls.RequireAnyClientCert // hello decides who it is
	return c
}

func (id *Identity) clientTLS(listener Pin) *tls.Config {
	c := id.tlsConfig()
	c.InsecureSkipVerify = true // names are not the identity; VerifyConnection checks the pin instead
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if got, err := pinOf(s); err != nil || got != listener {
			return fault.New(fault.Unauthenticated, "direct.Dial", "who answers is not who made the invite")
		}
		return nil
	}
	return c
}

// pinOf returns the pin of the other end of a connection.
func pinOf(s tls.ConnectionState) (Pin, error) {
	if len(s.PeerCertificates) != 1 {
		return Pin{}, fault.New(fault.Unauthenticated, "direct.pinOf", "%d certificates, expected one", len(s.PeerCertificates))
	}
	return sha256.Sum256(s.PeerCertificates[0].Raw), nil
}
