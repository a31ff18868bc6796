package node

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
)

// Version is the product's version.
const Version = "0.1.0"

const (
	configFile = "tacit.yaml"
	tokenFile  = "api.token"
	tokenBytes = 32
	maxConfig  = 1 << 16 // bytes of tacit.yaml
)

// Config says where a node lives. Fields that are empty come from tacit.yaml.
type Config struct {
	Dir     string
	Listen  string // host:port of the link; port 0 lets the system choose
	API     string // host:port of the user API
	Workers int    // goroutines a step may use; 0: 2
	// Idle is how long a step may make no progress before it fails; 0: 10 minutes.
	Idle time.Duration
	// Silence is how long a job outlives the last word of one of its participants; 0: 2 minutes.
	Silence time.Duration
	Clock   func() time.Time // nil: time.Now
	Rand    io.Reader        // nil: crypto/rand.Reader
	Logger  *slog.Logger     // nil: discard
}

// File is tacit.yaml.
type File struct {
	Party  party.ID `yaml:"party"`
	Listen string   `yaml:"listen"`
	API    string   `yaml:"api"`
}

// InitOptions are the addresses written to tacit.yaml.
type InitOptions struct {
	Listen string // default 127.0.0.1:7601
	API    string // default 127.0.0.1:7600
}

// Init makes a node: directory, keys, API token and tacit.yaml.
//
// Errors: fault.Invalid (party id), fault.Exists (the directory has a node), fault.Unavailable (it cannot be written).
func Init(dir string, id party.ID, o InitOptions) error {
	const op = "node.Init"
	if _, err := party.Parse(string(id)); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return fault.New(fault.Exists, op, "the directory holds a node already")
	}
	f := File{Party: id, Listen: o.Listen, API: o.API}
	if f.Listen == "" {
		f.Listen = "127.0.0.1:7601"
	}
	if f.API == "" {
		f.API = "127.0.0.1:7600"
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "the directory cannot be made")
	}
	if _, err := identity.Create(dir, id, rand.Reader, time.Now()); err != nil {
		return err
	}
	token := make([]byte, tokenBytes)
	if _, err := io.ReadFull(rand.Reader, token); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "no randomness")
	}
	if err := os.WriteFile(filepath.Join(dir, tokenFile), []byte(hex.EncodeToString(token)+"\n"), 0o600); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "the API token cannot be written")
	}
	b, err := yaml.Marshal(f)
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "the configuration does not encode")
	}
	// The configuration comes last: a directory that has it is complete.
	return fault.Wrap(fault.Unavailable, op, os.WriteFile(filepath.Join(dir, configFile), b, 0o600), "tacit.yaml cannot be written")
}

// ReadFile reads tacit.yaml strictly: an unknown field is refused.
//
// Errors: fault.NotFound (no node here), fault.Invalid.
func ReadFile(dir string) (File, error) {
	const op = "node.ReadFile"
	f, err := os.Open(filepath.Join(dir, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, fault.New(fault.NotFound, op, "no node in %s; make one with: tacit init --party NAME --dir %s", dir, dir)
	}
	if err != nil {
		return File{}, fault.Wrap(fault.Unavailable, op, err, "tacit.yaml cannot be read")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err = errors.Join(err, f.Close()); err != nil || len(b) > maxConfig {
		return File{}, fault.Wrap(fault.Invalid, op, errors.Join(err, errTooLong), "tacit.yaml is longer than %d bytes or cannot be read", maxConfig)
	}
	var out File
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&out); err != nil {
		return File{}, fault.Wrap(fault.Invalid, op, err, "tacit.yaml is not what init writes")
	}
	if _, err := party.Parse(string(out.Party)); err != nil {
		return File{}, err
	}
	return out, nil
}

var errTooLong = errors.New("too long")

// APIToken reads the bearer token of the user API.
//
// Errors: fault.NotFound, fault.Unauthenticated (the file may be read by others).
func APIToken(dir string) (string, error) {
	const op = "node.APIToken"
	path := filepath.Join(dir, tokenFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.NotFound, op, "no node in %s", dir)
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, op, err, "the API token cannot be read")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Unauthenticated, op, "%s may be read by others; set its mode to 0600", tokenFile)
	}
	b, err := os.ReadFile(path)
	return string(bytes.TrimSpace(b)), fault.Wrap(fault.Unavailable, op, err, "the API token cannot be read")
}
