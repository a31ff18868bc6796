package rpc

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	announceFile     = "api.addr"
	maxAnnounceBytes = 256 // host:port
)

// Announce writes where the API listens into the node's directory, for Dial. remove takes it back.
//
// Errors: fault.Unavailable when the directory cannot be written.
func Announce(dir string, addr net.Addr) (remove func(), err error) {
	const op = "rpc.Announce"
	path := filepath.Join(dir, announceFile)
	text := []byte(addr.String() + "\n")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "cannot write %s", announceFile)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "cannot write %s", announceFile)
	}
	return func() {
		// Another process may have taken over in between: only the own announcement is removed.
		if now, err := os.ReadFile(path); err == nil && string(now) == string(text) {
			_ = os.Remove(path)
		}
	}, nil
}

// announced returns the address the node of dir listens on.
func announced(dir string) (string, error) {
	const op = "rpc.Dial"
	b, err := os.ReadFile(filepath.Join(dir, announceFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(dir); errors.Is(statErr, fs.ErrNotExist) {
			return "", fault.New(fault.NotFound, op, "%s does not exist: no node was made there", dir)
		}
		return "", fault.New(fault.Unavailable, op, "no node serves from %s", dir)
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, op, err, "cannot read %s in %s", announceFile, dir)
	}
	addr := strings.TrimSpace(string(b[:min(len(b), maxAnnounceBytes)]))
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return "", fault.Wrap(fault.Corrupt, op, err, "%s in %s is not an address", announceFile, dir)
	}
	return addr, nil
}
