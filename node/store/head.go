package store

import (
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// head is the newest acknowledged commit: it is written and synced after the commit and before anybody is answered.
type head struct {
	Batch, Size int64
	Root        [32]byte
}

const headBytes = 8 + 8 + 32 + 4

// headFile keeps the newest head in a file of fixed size beside the database.
type headFile struct {
	f   *os.File
	mu  sync.Mutex
	cur head
}

// last returns the newest head.
func (h *headFile) last() head {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cur
}

func openHead(dir string) (*headFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, "tacit.head"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "store.Open", err, "the log head file cannot be opened")
	}
	h := &headFile{f: f}
	buf := make([]byte, headBytes+1)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_ = f.Close()
		return nil, fault.Wrap(fault.Unavailable, "store.Open", err, "the log head file cannot be read")
	}
	if n == 0 {
		return h, nil // a new node
	}
	if h.cur, err = decodeHead(buf[:n]); err != nil {
		_ = f.Close()
		return nil, err
	}
	return h, nil
}

func (h head) encode() []byte {
	var e wire.Encoder
	e.I64(h.Batch)
	e.I64(h.Size)
	e.Fixed(h.Root[:])
	e.U32(crc32.Checksum(e.B, crc32.MakeTable(crc32.Castagnoli)))
	return e.B
}

func decodeHead(b []byte) (head, error) {
	d := wire.NewDecoder(b, "store.head")
	h := head{Batch: d.I64(), Size: d.I64(), Root: d.Hash()}
	sum := d.U32()
	if d.Done() != nil || sum != crc32.Checksum(b[:headBytes-4], crc32.MakeTable(crc32.Castagnoli)) {
		return head{}, fault.New(fault.Corrupt, "store.Open", "the log head file fails its checksum")
	}
	return h, nil
}

func (h *headFile) write(v head) error {
	if _, err := h.f.WriteAt(v.encode(), 0); err != nil {
		return fault.Wrap(fault.Unavailable, "store.commit", err, "the log head file cannot be written")
	}
	if err := h.f.Sync(); err != nil {
		return fault.Wrap(fault.Unavailable, "store.commit", err, "the log head file cannot be synced")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cur = v
	return nil
}

func (h *headFile) close() error { return h.f.Close() }
