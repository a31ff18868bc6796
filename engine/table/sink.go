package table

import (
	"compress/gzip"
	"context"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// Written is what a sink has made.
type Written struct {
	Rows   int64
	Bytes  int64
	Digest [32]byte // the version digest of the new file
}

// Create writes s to the file, whose name tells the format. The file appears whole or not at all: it is written beside
// its place, synced and renamed, over an older one if there is one. Its mode is 0600.
//
// s is read to its end and stays the caller's to close. CSV does not tell null from an empty text: both read as null.
//
// Errors: fault.Unsupported (file name or column type), fault.Unavailable (not writable), those of s.
func Create(ctx context.Context, path string, mem memory.Allocator, s engine.Stream) (Written, error) {
	format, gzipped, err := FormatOf(path)
	if err != nil {
		return Written{}, err
	}
	return CreateFile(path, func(w io.WriteSeeker) (int64, error) {
		switch {
		case format == IPC:
			return WriteIPC(ctx, w, mem, s)
		case gzipped:
			z := gzip.NewWriter(w)
			rows, err := WriteCSV(ctx, z, format, s)
			if err != nil {
				return rows, err
			}
			return rows, unwritable(z.Close())
		}
		return WriteCSV(ctx, w, format, s)
	})
}

// CreateFile hands a writer to write and puts what came out in place as Create says. The writer's Seek only tells the
// position.
//
// Errors: fault.Unavailable (not writable), those of write.
func CreateFile(path string, write func(w io.WriteSeeker) (rows int64, err error)) (out Written, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return out, unwritable(err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := &hashed{w: f, h: newHash()}
	if out.Rows, err = write(w); err != nil {
		return Written{}, err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return Written{}, unwritable(err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return Written{}, unwritable(err)
	}
	out.Bytes, out.Digest = w.n, sum(w.h)
	return out, nil
}

// hashed hashes and counts what it passes on.
type hashed struct {
	w io.Writer
	h hash.Hash
	n int64
}

// Write implements io.Writer.
func (w *hashed) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.h.Write(p[:n])
	w.n += int64(n)
	return n, err
}

// Seek tells the position; it goes nowhere.
func (w *hashed) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.ErrUnsupported
	}
	return w.n, nil
}

// WriteIPC writes s in the file form of Arrow IPC and returns the rows.
//
// Errors: fault.Unavailable (w fails), those of s.
func WriteIPC(ctx context.Context, w io.WriteSeeker, mem memory.Allocator, s engine.Stream) (rows int64, err error) {
	out, err := ipc.NewFileWriter(w, ipc.WithSchema(s.Schema()), ipc.WithAllocator(mem))
	if err != nil {
		return 0, unwritable(err)
	}
	rows, err = Each(ctx, s, func(rec arrow.Record) error { return unwritable(out.Write(rec)) })
	if err != nil {
		return 0, err
	}
	return rows, unwritable(out.Close())
}

// Each calls f with every batch of s, releases it, and returns the rows. f borrows the batch.
//
// Errors: those of s and f.
func Each(ctx context.Context, s engine.Stream, f func(arrow.Record) error) (rows int64, err error) {
	for {
		rec, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += rec.NumRows()
		err = f(rec)
		rec.Release()
		if err != nil {
			return rows, err
		}
	}
}

func unwritable(err error) error {
	return fault.Wrap(fault.Unavailable, "table.Create", err, "the file cannot be written")
}
