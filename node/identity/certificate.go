package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"io"
	"math/big"
	"net/url"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const (
	nodeCertLife = 90 * 24 * time.Hour
	nodeCertSkew = time.Hour // a certificate made now is valid at a peer whose clock is behind
	rootCertLife = 30 * 365 * 24 * time.Hour
	uriScheme    = "party" // the certificate names its party as the URI party:<id>
)

// Pin identifies a party's root: SHA-256 of its DER-encoded SubjectPublicKeyInfo. It is public.
type Pin [32]byte

// String returns the pin in lower-case hexadecimal.
func (p Pin) String() string { return hex.EncodeToString(p[:]) }

// PinOf returns the pin of a root key.
//
// Errors: fault.Invalid when root is not an Ed25519 public key.
func PinOf(root ed25519.PublicKey) (Pin, error) {
	if len(root) != ed25519.PublicKeySize {
		return Pin{}, fault.New(fault.Invalid, "identity.PinOf", "a root key of %d bytes, expected %d", len(root), ed25519.PublicKeySize)
	}
	spki, err := x509.MarshalPKIXPublicKey(root)
	if err != nil {
		return Pin{}, fault.Wrap(fault.Invalid, "identity.PinOf", err, "root key cannot be encoded")
	}
	return sha256.Sum256(spki), nil
}

func pinOfCert(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// partyOf returns the party a certificate names. It is a claim until the chain is verified.
func partyOf(c *x509.Certificate) (party.ID, error) {
	for _, u := range c.URIs {
		if u.Scheme == uriScheme {
			return party.Parse(u.Opaque)
		}
	}
	return "", fault.New(fault.Unauthenticated, "identity.partyOf", "the certificate names no party")
}

func partyURI(id party.ID) []*url.URL {
	return []*url.URL{{Scheme: uriScheme, Opaque: string(id)}}
}

func serialNumber(rand io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "identity.serialNumber", err, "no randomness")
	}
	b[0] = b[0]&0x7f | 0x40 // positive and never zero, RFC 5280 §4.1.2.2
	return new(big.Int).SetBytes(b[:]), nil
}

// newRootCert makes the self-signed certificate that carries the root key through TLS. Only its key matters to a peer.
func newRootCert(id party.ID, root PrivateKey, rand io.Reader, now time.Time) (*x509.Certificate, error) {
	serial, err := serialNumber(rand)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: uriScheme + ":" + string(id)}, URIs: partyURI(id),
		NotBefore: now.Add(-nodeCertSkew), NotAfter: now.Add(rootCertLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return signCert(t, t, root.publicKey(), root, rand)
}

// newNodeCert makes the certificate of a node key, signed by the root.
func newNodeCert(id party.ID, rootCert *x509.Certificate, root, node PrivateKey, rand io.Reader, now time.Time) (*x509.Certificate, error) {
	serial, err := serialNumber(rand)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: uriScheme + ":" + string(id)}, URIs: partyURI(id),
		NotBefore: now.Add(-nodeCertSkew), NotAfter: now.Add(nodeCertLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	return signCert(t, rootCert, node.publicKey(), root, rand)
}

func signCert(t, parent *x509.Certificate, pub ed25519.PublicKey, signer PrivateKey, rand io.Reader) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand, t, parent, pub, signer)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "identity.signCert", err, "certificate not made")
	}
	c, err := x509.ParseCertificate(der)
	return c, fault.Wrap(fault.Internal, "identity.signCert", err, "certificate not readable")
}

// verifyChain checks that certs is exactly leaf and root, that the root's key has the wanted pin, and that the leaf is the
// root's, in term, and of the same party. Names and addresses are not looked at.
func verifyChain(certs []*x509.Certificate, want party.ID, pin Pin, now time.Time) error {
	const op = "identity.verifyChain"
	if len(certs) != 2 {
		return fault.New(fault.Unauthenticated, op, "a chain of %d certificates, expected node and root", len(certs))
	}
	leaf, root := certs[0], certs[1]
	if pinOfCert(root) != pin {
		return fault.New(fault.Unauthenticated, op, "party %s: the root key is not the pinned one", want)
	}
	for _, c := range certs {
		if id, err := partyOf(c); err != nil || id != want {
			return fault.New(fault.Unauthenticated, op, "party %s: the certificate names another party", want)
		}
	}
	if leaf.IsCA {
		return fault.New(fault.Unauthenticated, op, "party %s: the node certificate is an authority", want)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	opts := x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := leaf.Verify(opts); err != nil {
		return fault.Wrap(fault.Unauthenticated, op, err, "party %s: the node certificate does not verify", want)
	}
	return nil
}
