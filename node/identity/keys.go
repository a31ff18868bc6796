package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Keys are one party's private keys. Only Renew changes them; all methods are safe for concurrent use.
type Keys struct {
	id                    party.ID
	dir                   string // <dir>/keys
	root, approval, audit PrivateKey
	rootCert              *x509.Certificate

	mu   sync.RWMutex
	node *tls.Certificate // replaced by Renew, never changed in place
}

// Create makes the keys of a party and writes them to dir/keys, which it creates with mode 0700; files have mode 0600.
// The directory appears whole or not at all. The node certificate is valid for 90 days from now.
//
// Errors: fault.Invalid (id), fault.Exists (dir/keys is there), fault.Unavailable (disk or randomness).
func Create(dir string, id party.ID, rand io.Reader, now time.Time) (*Keys, error) {
	const op = "identity.Create"
	if _, err := party.Parse(string(id)); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "not a party id")
	}
	k := &Keys{id: id, dir: filepath.Join(dir, keysDirName)}
	if _, err := os.Lstat(k.dir); err == nil {
		return nil, fault.New(fault.Exists, op, "the directory of keys exists already")
	}
	if err := k.generate(rand, now); err != nil {
		return nil, err
	}
	if err := k.writeAll(dir); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Keys) generate(rand io.Reader, now time.Time) error {
	for _, dst := range []*PrivateKey{&k.root, &k.approval, &k.audit} {
		key, err := newPrivateKey(rand)
		if err != nil {
			return err
		}
		*dst = key
	}
	cert, err := newRootCert(k.id, k.root, rand, now)
	if err != nil {
		return err
	}
	k.rootCert = cert
	k.node, err = k.newNode(rand, now)
	return err
}

// newNode draws a node key and certifies it.
func (k *Keys) newNode(rand io.Reader, now time.Time) (*tls.Certificate, error) {
	key, err := newPrivateKey(rand)
	if err != nil {
		return nil, err
	}
	leaf, err := newNodeCert(k.id, k.rootCert, k.root, key, rand, now)
	if err != nil {
		return nil, err
	}
	return k.chain(leaf, key), nil
}

func (k *Keys) chain(leaf *x509.Certificate, key PrivateKey) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, k.rootCert.Raw}, PrivateKey: key, Leaf: leaf}
}

// Renew replaces the node certificate once two thirds of its life have passed, in memory and on disk, and reports
// whether it did. Connections that stand keep the certificate they were made with.
//
// Errors: fault.Unavailable (disk or randomness); the old certificate stays in use.
func (k *Keys) Renew(rand io.Reader, now time.Time) (bool, error) {
	if now.Before(k.certificate().Leaf.NotAfter.Add(-nodeCertLife / 3)) {
		return false, nil
	}
	node, err := k.newNode(rand, now)
	if err != nil {
		return false, err
	}
	if err := k.replaceNode(node); err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.node = node
	return true, nil
}

// Party returns whose keys these are.
func (k *Keys) Party() party.ID { return k.id }

// Pin returns the pin of the root.
func (k *Keys) Pin() Pin { return pinOfCert(k.rootCert) }

// Approval returns the key that signs approvals, votes, receipts and control messages; use it with Sign.
func (k *Keys) Approval() crypto.Signer { return k.approval }

// ApprovalPublic returns the public half of Approval.
func (k *Keys) ApprovalPublic() ed25519.PublicKey { return k.approval.publicKey() }

// Audit returns the key that signs checkpoints of the party's log, whose origin is AuditOrigin(k.Party()).
func (k *Keys) Audit() crypto.Signer { return k.audit }

// NotAfter is when the node certificate ends.
func (k *Keys) NotAfter() time.Time { return k.certificate().Leaf.NotAfter }

func (k *Keys) certificate() *tls.Certificate {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.node
}
