package exec

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxOutput bounds a sealed output read back, in bytes: an index of 2^27 rows.
const MaxOutput = 1 << 30

// Sealed names a step output at rest.
type Sealed struct {
	Path   string   `json:"path"`   // below the node's directory
	Digest [32]byte `json:"digest"` // SHA-256 of salt and content
	Bytes  int64    `json:"bytes"`
}

// A sealed file is its digest, a random salt and the content. The digest covers salt and content and travels in votes
// and elements: without the salt, a peer could find a content of few possible values, such as one coefficient, by trying
// them all.
const (
	sealedHash = sha256.Size
	sealedSalt = 32
)

func outputPath(jobID, step string, attempt uint32) string {
	return filepath.Join("outputs", jobID, fmt.Sprintf("%s.%d", step, attempt))
}

// seal writes content so that a crash leaves the whole file or none: temporary file, sync, rename, sync the directory.
func seal(dir, jobID string, s Slot, content []byte, rnd io.Reader) (Sealed, error) {
	path := outputPath(jobID, s.ID, s.Attempt)
	full := filepath.Join(dir, path)
	var salt [sealedSalt]byte
	if _, err := io.ReadFull(rnd, salt[:]); err != nil {
		return Sealed{}, fault.Wrap(fault.Internal, "exec.seal", err, "no randomness")
	}
	digest := sealedDigest(salt[:], content)
	err := os.MkdirAll(filepath.Dir(full), 0o700)
	if err == nil {
		err = writeSynced(full+".tmp", digest[:], salt[:], content)
	}
	if err == nil {
		err = os.Rename(full+".tmp", full)
	}
	if err == nil {
		err = syncDir(filepath.Dir(full))
	}
	if err != nil {
		_ = os.Remove(full + ".tmp") // a partial output is of no use
		return Sealed{}, fault.Wrap(fault.Unavailable, "exec.seal", err, "the output of step %q cannot be written", s.ID)
	}
	return Sealed{Path: path, Digest: digest, Bytes: int64(len(content))}, nil
}

func sealedDigest(salt, content []byte) [sealedHash]byte {
	h := sha256.New()
	_, _ = h.Write(salt) // a hash never fails
	_, _ = h.Write(content)
	return [sealedHash]byte(h.Sum(nil))
}

func writeSynced(path string, parts ...[]byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			return err
		}
	}
	return f.Sync()
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readSealed returns the content of a sealed output.
//
// Errors: fault.NotFound, fault.Corrupt when it fails its digest.
func readSealed(dir, jobID, step string, attempt uint32) ([]byte, error) {
	const op = "exec.readSealed"
	path := filepath.Join(dir, outputPath(jobID, step, attempt))
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, op, "step %q has no output here", step)
	}
	if err == nil && info.Size() > MaxOutput+sealedHash+sealedSalt {
		return nil, fault.New(fault.LimitExceeded, op, "the output of step %q has %d bytes, at most %d", step, info.Size(), MaxOutput)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the output of step %q cannot be read", step)
	}
	if len(b) < sealedHash+sealedSalt || sha256.Sum256(b[sealedHash:]) != [32]byte(b[:sealedHash]) {
		return nil, fault.New(fault.Corrupt, op, "the output of step %q fails its digest", step)
	}
	return b[sealedHash+sealedSalt:], nil
}

// ReadOutput returns the content of a job's sealed output at this node, for the user API.
func (e *Engine) ReadOutput(jobID, step string) ([]byte, error) {
	return readSealed(e.cfg.Dir, jobID, step, 1)
}
