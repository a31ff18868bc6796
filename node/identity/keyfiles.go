package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// The files of dir/keys. node.pem holds key and certificate together, so that one rename replaces both.
const (
	keysDirName  = "keys"
	rootKeyFile  = "root.key"
	rootCertFile = "root.crt"
	approvalFile = "approval.key"
	auditFile    = "audit.key"
	nodeFile     = "node.pem"

	pemKey  = "PRIVATE KEY"
	pemCert = "CERTIFICATE"

	maxKeyFileBytes = 16 << 10 // an Ed25519 key and a certificate take under 2 KiB
	looseBits       = 0o077    // any right of group or others
)

// Load reads the keys that Create wrote to dir/keys.
//
// Errors: fault.NotFound (no keys), fault.Unauthenticated (a file or the directory is open to group or others),
// fault.Corrupt (unreadable, or keys and certificates that do not belong together).
func Load(dir string) (*Keys, error) {
	k := &Keys{dir: filepath.Join(dir, keysDirName)}
	if err := checkMode(k.dir); err != nil {
		return nil, err
	}
	if err := k.readRoot(); err != nil {
		return nil, err
	}
	var err error
	if k.approval, err = k.readKey(approvalFile); err != nil {
		return nil, err
	}
	if k.audit, err = k.readKey(auditFile); err != nil {
		return nil, err
	}
	return k, k.readNode()
}

func (k *Keys) readRoot() error {
	var err error
	if k.root, err = k.readKey(rootKeyFile); err != nil {
		return err
	}
	blocks, err := k.readPEM(rootCertFile)
	if err != nil {
		return err
	}
	if k.rootCert, err = x509.ParseCertificate(blocks[pemCert]); err != nil {
		return corrupt(rootCertFile, err)
	}
	var id party.ID
	if id, err = partyOf(k.rootCert); err != nil {
		return corrupt(rootCertFile, err)
	}
	if !k.root.publicKey().Equal(k.rootCert.PublicKey) {
		return corrupt(rootCertFile, nil)
	}
	k.id = id
	return nil
}

func (k *Keys) readNode() error {
	blocks, err := k.readPEM(nodeFile)
	if err != nil {
		return err
	}
	key, err := parsePrivateKey(blocks[pemKey])
	if err != nil {
		return corrupt(nodeFile, err)
	}
	leaf, err := x509.ParseCertificate(blocks[pemCert])
	if err != nil {
		return corrupt(nodeFile, err)
	}
	if !key.publicKey().Equal(leaf.PublicKey) || leaf.CheckSignatureFrom(k.rootCert) != nil {
		return corrupt(nodeFile, nil)
	}
	k.node = k.chain(leaf, key)
	return nil
}

func (k *Keys) readKey(name string) (PrivateKey, error) {
	blocks, err := k.readPEM(name)
	if err != nil {
		return PrivateKey{}, err
	}
	key, err := parsePrivateKey(blocks[pemKey])
	if err != nil {
		return PrivateKey{}, corrupt(name, err)
	}
	return key, nil
}

// readPEM returns the blocks of a file by type, the last of a type winning.
func (k *Keys) readPEM(name string) (map[string][]byte, error) {
	b, err := readSecret(filepath.Join(k.dir, name))
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		out[block.Type] = block.Bytes
	}
	return out, nil
}

func corrupt(name string, err error) error {
	return &fault.Error{
		Code: fault.Corrupt, Op: "identity.Load", Err: err,
		Reason: "key file " + name + " is damaged or of another identity; restore it from a backup",
	}
}

// readSecret reads a file that only its owner may read. The mode is that of the opened file, not of a name that may
// change in between.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, openFault(path, err)
	}
	if err := checkInfo(info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
	if err != nil {
		return nil, openFault(path, err)
	}
	if len(b) > maxKeyFileBytes {
		return nil, fault.New(fault.Corrupt, "identity.Load", "key file %s is longer than %d bytes", filepath.Base(path), maxKeyFileBytes)
	}
	return b, nil
}

func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return openFault(path, err)
	}
	return checkInfo(info)
}

func checkInfo(info fs.FileInfo) error {
	if info.Mode().Perm()&looseBits != 0 {
		return fault.New(fault.Unauthenticated, "identity.Load",
			"%s has mode %04o, so others may hold the key: set it to %s and consider new keys",
			info.Name(), info.Mode().Perm(), map[bool]string{true: "0700", false: "0600"}[info.IsDir()])
	}
	return nil
}

func openFault(path string, err error) error {
	code := fault.Unavailable
	if os.IsNotExist(err) {
		code = fault.NotFound
	}
	return fault.Wrap(code, "identity.Load", err, "%s cannot be read", filepath.Base(path))
}

// writeAll writes every file into a fresh directory beside the final one and renames it: a crash leaves no half identity.
func (k *Keys) writeAll(parent string) error {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return writeFault(err)
	}
	tmp, err := os.MkdirTemp(parent, ".keys-") // mode 0700
	if err != nil {
		return writeFault(err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	files := []struct {
		name string
		key  *PrivateKey
		cert *x509.Certificate
	}{
		{rootKeyFile, &k.root, nil},
		{rootCertFile, nil, k.rootCert},
		{approvalFile, &k.approval, nil},
		{auditFile, &k.audit, nil},
	}
	for _, f := range files {
		if err := writePEM(filepath.Join(tmp, f.name), f.key, f.cert); err != nil {
			return err
		}
	}
	if err := writeNode(filepath.Join(tmp, nodeFile), k.node); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, k.dir); err != nil {
		return writeFault(err)
	}
	return syncDir(parent)
}

func (k *Keys) replaceNode(node *tls.Certificate) error {
	tmp := filepath.Join(k.dir, "."+nodeFile+".new")
	_ = os.Remove(tmp) // what a crash left
	if err := writeNode(tmp, node); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(k.dir, nodeFile)); err != nil {
		return writeFault(err)
	}
	return syncDir(k.dir)
}

func writeNode(path string, node *tls.Certificate) error {
	key, ok := node.PrivateKey.(PrivateKey)
	if !ok {
		return fault.New(fault.Internal, "identity.writeNode", "node key of another kind")
	}
	return writePEM(path, &key, node.Leaf)
}

func writePEM(path string, key *PrivateKey, cert *x509.Certificate) error {
	var b bytes.Buffer
	if key != nil {
		der, err := key.pkcs8Insecure()
		if err != nil {
			return fault.Wrap(fault.Internal, "identity.writePEM", err, "key cannot be encoded")
		}
		_ = pem.Encode(&b, &pem.Block{Type: pemKey, Bytes: der})
	}
	if cert != nil {
		_ = pem.Encode(&b, &pem.Block{Type: pemCert, Bytes: cert.Raw})
	}
	return writeSynced(path, b.Bytes())
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return writeFault(err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return writeFault(err)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return writeFault(err)
	}
	defer func() { _ = d.Close() }()
	return writeFault(d.Sync())
}

func writeFault(err error) error {
	return fault.Wrap(fault.Unavailable, "identity.write", err, "keys cannot be written")
}
