package table

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/engine"
)

// Open reads the file as a stream of batches of int64, float64 and utf8 columns; its name tells the format. Without a
// declared schema a text file is read twice: once to infer it.
//
// An empty cell is null. In a number column so is one of spaces only, and nan and inf are values; feature.Check refuses
// them. Inside a quoted cell a carriage return before a newline is dropped.
//
// Errors: fault.NotFound, fault.Invalid (not a file, no header, a name twice, a ragged row, not UTF-8, a cell that does
// not convert), fault.SchemaMismatch (a declared column or key is absent), fault.Unsupported (file or column type),
// fault.LimitExceeded (a bound of this package), fault.Corrupt (digest differs, file damaged), fault.Unavailable; those
// about cells come from Next.
func Open(ctx context.Context, path string, mem memory.Allocator, o Options) (engine.Stream, error) {
	format, gzipped, err := FormatOf(path)
	if err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	f, err := OpenVerified(ctx, path, o.Digest)
	if err != nil {
		return nil, err
	}
	if format == IPC {
		return openIPC(f, mem, o)
	}
	if o.Schema == nil {
		d, err := describeText(ctx, f, format, gzipped, o)
		if err == nil {
			_, err = f.Seek(0, 0)
			err = unreadable(err)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		o.Schema = d.Schema
	}
	return openCSV(f, format, gzipped, mem, o)
}
