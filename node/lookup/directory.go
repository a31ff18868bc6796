package lookup

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// The names in a holder's directory.
const (
	currentFile   = "current"
	publishLock   = "lock.publish"
	serveLock     = "lock.serve"
	epochPrefix   = "epoch-"
	partialSuffix = ".partial"
	clientsDir    = "clients"
	identityFile  = "identity"

	keyFile    = "key"
	tagsFile   = "tags"
	recordFile = "record"
	ledgerFile = "ledger"
)

const (
	keyTag     = "tacit/lookup/key/v1"
	recordTag  = "tacit/lookup/record/v1"
	currentTag = "tacit/lookup/current/v1"
)

// maxFileBytes bounds the files of the directory that are read whole, the ledger's 256 lines included.
const maxFileBytes = 64 << 10

// Record is what was published. It holds nothing secret.
type Record struct {
	Counts
	Made time.Time
	Pin  oprf.Pin
	lit  oprf.ParamsLiteral
}

// Suite returns the group of the key.
func (r Record) Suite() Suite { return r.lit.Suite }

// Queries returns how many evaluations the key may make in its life.
func (r Record) Queries() int64 { return r.lit.Queries }

// FileBytes returns the size of the tag file.
func (r Record) FileBytes() int64 {
	p, err := oprf.NewParams(r.lit)
	if err != nil {
		return 0
	}
	return p.FileBytes(int(r.Keys))
}

func (r Record) catalog() catalog { return catalog{lit: r.lit, pin: r.Pin, records: int(r.Keys)} }

func (r Record) encode() []byte {
	var e wire.Encoder
	e.String(recordTag)
	e.I64(r.Made.Unix())
	for _, n := range []int64{r.Rows, r.Null, r.Malformed, r.Duplicates, r.Keys} {
		e.I64(n)
	}
	e.Fixed(r.lit.Ruleset[:])
	r.catalog().append(&e)
	return e.B
}

func decodeRecord(b []byte) (Record, error) {
	const op = "lookup.decodeRecord"
	d := wire.NewDecoder(b, op)
	if d.String(len(recordTag)) != recordTag {
		d.Fail(fault.Corrupt, "the record of another program or version")
	}
	r := Record{Made: time.Unix(d.I64(), 0).UTC()}
	for _, n := range []*int64{&r.Rows, &r.Null, &r.Malformed, &r.Duplicates, &r.Keys} {
		*n = d.I64()
	}
	rules := d.Hash()
	c := readCatalog(d)
	if err := d.Done(); err != nil {
		return Record{}, wire.Stored(op, err)
	}
	r.lit, r.Pin = c.lit, c.pin
	r.lit.Ruleset = rules
	if r.Keys != int64(c.records) {
		return Record{}, fault.New(fault.Corrupt, op, "a record that contradicts itself")
	}
	return r, nil
}

// sealedFile reads a file that must be there.
func sealedFile(dir, name string) ([]byte, error) {
	b, err := intersect.ReadSealed(filepath.Join(dir, name), maxFileBytes)
	if err == nil && b == nil {
		err = fault.New(fault.Corrupt, "lookup.read", "%s is gone from %s: publish again", name, dir)
	}
	return b, err
}

// currentEpoch returns the name of the epoch in force.
//
// Errors: fault.NotFound (nothing was published), fault.Corrupt.
func currentEpoch(dir string) (string, error) {
	const op = "lookup.current"
	b, err := intersect.ReadSealed(filepath.Join(dir, currentFile), maxFileBytes)
	if err != nil {
		return "", err
	}
	if b == nil {
		return "", fault.New(fault.NotFound, op, "nothing is published in %s: tacit psi publish does", dir)
	}
	d := wire.NewDecoder(b, op)
	if d.String(len(currentTag)) != currentTag {
		d.Fail(fault.Corrupt, "made by another program or version")
	}
	id := d.Hash()
	if err := d.Done(); err != nil {
		return "", wire.Stored(op, err)
	}
	return epochName(id), nil
}

func setCurrent(dir string, id [32]byte) error {
	var e wire.Encoder
	e.String(currentTag)
	e.Fixed(id[:])
	return intersect.WriteSealed(filepath.Join(dir, currentFile), e.B)
}

func epochName(id [32]byte) string { return epochPrefix + hex.EncodeToString(id[:8]) }

// saveKey writes the secret key; its file is of mode 0600.
func saveKey(dir string, k oprf.Key) error {
	secret, err := k.MarshalInsecure()
	if err != nil {
		return err
	}
	defer clear(secret)
	e := wire.Encoder{B: make([]byte, 0, 256)}
	defer func() { clear(e.B) }()
	e.String(keyTag)
	e.String(string(k.Suite()))
	e.Bytes(secret)
	return intersect.WriteSealed(filepath.Join(dir, keyFile), e.B)
}

func loadKey(dir string) (oprf.Key, error) {
	const op = "lookup.loadKey"
	b, err := sealedFile(dir, keyFile)
	if err != nil {
		return oprf.Key{}, err
	}
	defer clear(b)
	d := wire.NewDecoder(b, op)
	if d.String(len(keyTag)) != keyTag {
		d.Fail(fault.Corrupt, "the key of another program or version")
	}
	suite, secret := oprf.Suite(d.String(maxWordBytes)), d.Bytes(64)
	if err := d.Done(); err != nil {
		return oprf.Key{}, wire.Stored(op, err)
	}
	defer clear(secret)
	return oprf.ParseKeyInsecure(suite, secret)
}

// take locks a directory for one process at a time.
//
// Errors: fault.Exists (another process has it), fault.Unavailable.
func take(dir, name, what string) (*os.File, error) {
	const op = "lookup.take"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, diskFault(op, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, diskFault(op, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fault.Wrap(fault.Exists, op, err, "another process %s %s: wait for it or stop it", what, dir)
	}
	return f, nil
}

// sweep removes every epoch but the one that stays, and what interrupted publishes left.
func sweep(dir, stays string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return diskFault("lookup.sweep", err)
	}
	for _, e := range entries {
		if e.Name() != stays && strings.HasPrefix(e.Name(), epochPrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return diskFault("lookup.sweep", err)
			}
		}
	}
	return nil
}

// diskFault gives a failure of the disk its code; a full one says so.
func diskFault(op string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(fault.Unavailable, op, err, "the disk is full: free space and run the same command again")
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Unavailable, op, err, "this user may not write there")
	}
	return fault.Wrap(fault.Unavailable, op, err, "the disk cannot be used")
}
