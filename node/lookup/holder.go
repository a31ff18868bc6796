package lookup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// epoch is one opened epoch of a holder.
type epoch struct {
	name   string
	record Record
	params oprf.Params
	key    oprf.Key
	file   *os.File
	tags   *oprf.TagFile
	ledger *ledger
	refs   int // of sessions, and one while it is in force
}

// openEpoch reads an epoch and checks its tag file.
//
// Errors: fault.Corrupt, fault.Unavailable.
func openEpoch(ctx context.Context, dir, name string) (e *epoch, err error) {
	dir = filepath.Join(dir, name)
	e = &epoch{name: name, refs: 1}
	defer func() {
		if err != nil {
			e.close()
			e = nil
		}
	}()
	b, err := sealedFile(dir, recordFile)
	if err != nil {
		return e, err
	}
	if e.record, err = decodeRecord(b); err != nil {
		return e, err
	}
	if e.params, err = oprf.NewParams(e.record.lit); err != nil {
		return e, fault.Wrap(fault.Corrupt, "lookup.openEpoch", err, "the record of %s: publish again", name)
	}
	if e.key, err = loadKey(dir); err != nil {
		return e, err
	}
	if e.ledger, err = openLedger(dir, e.record.lit.Queries); err != nil {
		return e, err
	}
	if e.file, err = os.Open(filepath.Join(dir, tagsFile)); err != nil {
		return e, diskFault("lookup.openEpoch", err)
	}
	info, err := e.file.Stat()
	if err != nil {
		return e, diskFault("lookup.openEpoch", err)
	}
	if e.tags, err = oprf.OpenTags(ctx, e.file, info.Size(), e.params); err != nil {
		return e, err
	}
	if e.tags.Pin() != e.record.Pin || e.key.Commitment() != e.record.Pin.Key {
		return e, fault.New(fault.Corrupt, "lookup.openEpoch", "the files of %s do not belong together: publish again", name)
	}
	return e, nil
}

func (e *epoch) close() {
	if e.file != nil {
		_ = e.file.Close() // read only: nothing is lost
	}
	if e.key.Suite() != "" {
		e.key.Wipe()
	}
}

// holder gives sessions the epoch in force.
type holder struct {
	dir string

	mu  sync.Mutex
	now *epoch
}

// acquire returns the epoch in force; release gives it back.
func (h *holder) acquire(ctx context.Context) (*epoch, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for again := true; ; again = false {
		name, err := currentEpoch(h.dir)
		if err != nil {
			return nil, err
		}
		if h.now != nil && h.now.name == name {
			break
		}
		e, err := openEpoch(ctx, h.dir, name)
		if again && (errors.Is(err, fs.ErrNotExist) || fault.CodeOf(err) == fault.Corrupt) && err != nil {
			continue // it may have been replaced between the two reads
		}
		if err != nil {
			return nil, err
		}
		h.drop()
		h.now = e
		break
	}
	h.now.refs++
	return h.now, nil
}

func (h *holder) release(e *epoch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.unref()
}

// drop takes the epoch out of force. The caller holds the lock.
func (h *holder) drop() {
	if h.now != nil {
		h.now.unref()
		h.now = nil
	}
}

func (e *epoch) unref() {
	if e.refs--; e.refs == 0 {
		e.close()
	}
}

func (h *holder) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
}
