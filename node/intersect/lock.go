package intersect

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tacit-data/tacit/api/fault"
)

// Hold is a state directory that this process has to itself. Nobody else changes or removes anything in it meanwhile.
type Hold struct {
	dir  string
	file *os.File
}

// Take makes a directory, if need be, and takes it.
//
// Errors: fault.Exists (another process has it), fault.Unavailable (disk).
func Take(dir string) (*Hold, error) {
	const op = "intersect.Take"
	path := filepath.Join(dir, lockFile)
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, diskFault(op, err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if os.IsNotExist(err) {
			continue // its last user has just removed the directory
		}
		if err != nil {
			return nil, diskFault(op, err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			_ = f.Close() // nothing was written
			return nil, fault.Wrap(fault.Exists, op, err, "another process works in %s: wait for it, or name another directory with --state", dir)
		}
		if sameFile(f, path) {
			return &Hold{dir: dir, file: f}, nil
		}
		_ = f.Close() // its last user removed it in between: the name is another file's, or nobody's
	}
}

func sameFile(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(have, named)
}

// Release lets others take the directory, which stays. Only the first Release or Remove counts.
func (h *Hold) Release() {
	_ = h.file.Close() // the lock goes with it
}

// Remove removes the lock and the directory, where nothing else is in it, and lets others take it. Call it last.
func (h *Hold) Remove() {
	if sameFile(h.file, filepath.Join(h.dir, lockFile)) {
		_ = os.Remove(h.file.Name())
		_ = os.Remove(h.dir) // not empty: somebody keeps other things there
	}
	h.Release()
}
