package exec

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
	Digest [32]byte `json:"digest"` // SHA-256 of the file
	Bytes  int64    `json:"bytes"`
}

// sealedHash is the length of the digest in front of the file's content.
const sealedHash = sha256.Size

func outputPath(jobID, step string, attempt uint32) string {
	return filepath.Join("outputs", jobID, fmt.Sprintf("%s.%d", step, attempt))
}

// seal writes content so that a crash leaves the whole file or none: temporary file, sync, rename, sync the directory.
func seal(dir, jobID string, s Slot, content []byte) (Sealed, error) {
	path := outputPath(jobID, s.ID, s.Attempt)
	full := filepath.Join(dir, path)
	digest := sha256.Sum256(content)
	err := os.MkdirAll(filepath.Dir(full), 0o700)
	if err == nil {
		err = writeSynced(full+".tmp", digest[:], content)
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
	if err == nil && info.Size() > MaxOutput+sealedHash {
		return nil, fault.New(fault.LimitExceeded, op, "the output of step %q has %d bytes, at most %d", step, info.Size(), MaxOutput)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the output of step %q cannot be read", step)
	}
	if len(b) < sealedHash || sha256.Sum256(b[sealedHash:]) != [32]byte(b[:sealedHash]) {
		return nil, fault.New(fault.Corrupt, op, "the output of step %q fails its digest", step)
	}
	return b[sealedHash:], nil
}

// ReadOutput returns the content of a job's sealed output at this node, for the user API.
func (e *Engine) ReadOutput(jobID, step string) ([]byte, error) {
	return readSealed(e.cfg.Dir, jobID, step, 1)
}
