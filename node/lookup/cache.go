package lookup

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// cachedSuffix ends the name of a cached tag file, which begins with its digest.
const cachedSuffix = ".tags"

// cache is what a client keeps of one holder: its tag file, named by its digest, and the client's identity towards it.
type cache struct {
	dir  string
	file *os.File
	tags *oprf.TagFile
}

// openCache makes the part of a cache that belongs to one holder.
func openCache(dir string, holder direct.Pin) (*cache, error) {
	c := &cache{dir: filepath.Join(dir, "holder-"+hex.EncodeToString(holder[:8]))}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, diskFault("lookup.openCache", err)
	}
	return c, nil
}

func (c *cache) path(pin oprf.Pin) string {
	return filepath.Join(c.dir, hex.EncodeToString(pin.File[:])+cachedSuffix)
}

// open reports whether the file is there and whole. A damaged one is removed: it is fetched anew.
//
// Errors: fault.Unavailable, fault.Canceled.
func (c *cache) open(ctx context.Context, pin oprf.Pin, p oprf.Params) (ok, damaged bool, err error) {
	const op = "lookup.cache"
	f, err := os.Open(c.path(pin))
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, diskFault(op, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // read only: nothing is lost
		return false, false, diskFault(op, err)
	}
	tags, err := oprf.OpenTags(ctx, f, info.Size(), p)
	if err == nil && tags.Pin() == pin {
		c.close()
		c.file, c.tags = f, tags
		return true, false, nil
	}
	_ = f.Close() // read only: nothing is lost
	switch fault.CodeOf(err) {
	case fault.Canceled, fault.Timeout, fault.Unavailable:
		if err != nil {
			return false, false, err
		}
	}
	if err := os.Remove(c.path(pin)); err != nil {
		return false, true, diskFault(op, err)
	}
	return false, true, nil
}

// fetch receives the tag file and puts it in place of the holder's earlier ones.
//
// Errors: those of oprf.ReceiveTags; fault.Misbehaved when it is not the file of the catalog; fault.Unavailable (disk).
func (c *cache) fetch(ctx context.Context, s protocols.Session, conn protocols.Conn, want oprf.Pin, p oprf.Params, report func(bytes int64)) (err error) {
	const op = "lookup.fetch"
	f, err := os.CreateTemp(c.dir, "fetch-*"+partialSuffix) // of mode 0600
	if err != nil {
		return diskFault(op, err)
	}
	defer func() {
		_ = f.Close()           // synced, or of no use
		_ = os.Remove(f.Name()) // it has another name where all went well
	}()
	w := &counted{w: bufio.NewWriterSize(f, 1<<20), report: report}
	pin, err := oprf.ReceiveTags(ctx, s, conn, w, p)
	if err != nil {
		return err
	}
	if pin != want {
		return fault.Blame(fault.New(fault.Misbehaved, op, "the tag file is another one than announced"), string(conn.Peer()))
	}
	if err := errors.Join(w.w.Flush(), f.Sync()); err != nil {
		return diskFault(op, err)
	}
	if err := os.Rename(f.Name(), c.path(pin)); err != nil {
		return diskFault(op, err)
	}
	if err := intersect.SyncDir(c.dir); err != nil {
		return err
	}
	c.prune(filepath.Base(c.path(pin)))
	if ok, _, err := c.open(ctx, pin, p); err != nil || !ok {
		return errors.Join(fault.New(fault.Corrupt, op, "what the disk of %s gave back is not what was written to it", c.dir), err)
	}
	return nil
}

// prune removes tag files of earlier epochs, which match nothing any more.
func (c *cache) prune(stays string) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return // they only take space
	}
	for _, e := range entries {
		if e.Name() != stays && strings.HasSuffix(e.Name(), cachedSuffix) {
			_ = os.Remove(filepath.Join(c.dir, e.Name())) // another process may have done it
		}
	}
}

func (c *cache) close() {
	if c.file != nil {
		_ = c.file.Close() // read only: nothing is lost
		c.file, c.tags = nil, nil
	}
}

// counted reports what was written.
type counted struct {
	w      *bufio.Writer
	n      int64
	report func(bytes int64)
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.report(c.n)
	return n, err
}
