package intersect

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/parquet"
)

// input is a file of rows. Its bytes are pinned by a digest that is taken once; afterwards size and time of the file
// must stay as they were.
type input struct {
	path    string
	parquet bool
	text    bool     // CSV or TSV
	names   []string // of a text file's columns
	mem     memory.Allocator
	digest  [32]byte
	stat    os.FileInfo
}

func isParquet(path string) bool { return strings.EqualFold(filepath.Ext(path), ".parquet") }

// checkName refuses a file whose name tells no format.
func checkName(path string) error {
	if isParquet(path) {
		return nil
	}
	_, _, err := table.FormatOf(path)
	return err
}

// openInput digests the file and reads the header of a text file.
//
// Errors: those of table.Open.
func openInput(ctx context.Context, path string) (*input, error) {
	in := &input{path: path, parquet: isParquet(path), mem: memory.DefaultAllocator}
	if err := checkName(path); err != nil {
		return nil, err
	}
	f, err := table.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	if in.stat, err = f.Stat(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "intersect.openInput", err, "the data file cannot be reached")
	}
	if in.digest, _, err = table.Digest(ctx, f); err != nil {
		return nil, err
	}
	if in.parquet {
		return in, nil
	}
	format, gzipped, err := table.FormatOf(path)
	if err != nil || format == table.IPC {
		return in, err
	}
	in.text = true
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "intersect.openInput", err, "the data file cannot be read twice")
	}
	in.names = headerOf(f, format, gzipped)
	return in, nil
}

// headerOf reads the column names of a text file, so that its cells can be read as text: what a party wrote as 007 or
// 1.10 comes out as 007 or 1.10. It returns nil for a header that table.Open refuses better.
func headerOf(r io.Reader, f table.Format, gzipped bool) []string {
	if gzipped {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil
		}
		r = z
	}
	b := bufio.NewReader(io.LimitReader(r, table.MaxRowBytes))
	if head, err := b.Peek(3); err == nil && string(head) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3) // the bytes were peeked
	}
	c := csv.NewReader(b)
	if f == table.TSV {
		c.Comma = '\t'
	}
	names, err := c.Read()
	if err != nil {
		return nil
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// open returns the columns named, nil for all, as a stream. Text files give text; the others what they store.
//
// Errors: those of table.Open; fault.Invalid when the file changed during the run.
func (in *input) open(ctx context.Context, columns []string) (engine.Stream, error) {
	if err := in.unchanged(); err != nil {
		return nil, err
	}
	if in.parquet {
		return in.stored(ctx, columns, parquet.Open)
	}
	if !in.text {
		return in.stored(ctx, columns, table.Open)
	}
	o := table.Options{Keys: columns}
	if columns == nil {
		columns = in.names
	}
	if len(columns) > 0 && table.CheckNames(in.names) == nil {
		fields := make([]arrow.Field, len(columns))
		for i, name := range columns {
			fields[i] = table.Field(name, arrow.BinaryTypes.String)
		}
		o.Schema = arrow.NewSchema(fields, nil)
	}
	return table.Open(ctx, in.path, in.mem, o)
}

// stored opens a file that stores its types; key columns alone are read as text.
func (in *input) stored(ctx context.Context, columns []string, open table.Opener) (engine.Stream, error) {
	if columns == nil {
		return open(ctx, in.path, in.mem, table.Options{})
	}
	fields := make([]arrow.Field, len(columns))
	for i, name := range columns {
		fields[i] = table.Field(name, arrow.BinaryTypes.String)
	}
	return open(ctx, in.path, in.mem, table.Options{Keys: columns, Schema: arrow.NewSchema(fields, nil)})
}

func (in *input) unchanged() error {
	now, err := os.Stat(in.path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "intersect.input", err, "the data file cannot be reached any more")
	}
	if now.Size() != in.stat.Size() || !now.ModTime().Equal(in.stat.ModTime()) || !os.SameFile(now, in.stat) {
		return fault.New(fault.Invalid, "intersect.input", "the data file changed during the run: leave it alone until the run ends, remove the state directory and start anew")
	}
	return nil
}

// tap is a stream that keeps hold of the batch it handed out last.
type tap struct {
	engine.Stream
	last arrow.Record
}

// Next implements engine.Stream.
func (t *tap) Next(ctx context.Context) (arrow.Record, error) {
	t.release()
	rec, err := t.Stream.Next(ctx)
	if err == nil {
		rec.Retain()
		t.last = rec
	}
	return rec, err
}

// Close implements engine.Stream.
func (t *tap) Close() error {
	t.release()
	return t.Stream.Close()
}

func (t *tap) release() {
	if t.last != nil {
		t.last.Release()
		t.last = nil
	}
}

// isEOF reports the end of a stream.
func isEOF(err error) bool { return errors.Is(err, io.EOF) }
