package table

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// Description is what is known of a file without its values: it may be registered in a catalogue.
type Description struct {
	Schema *arrow.Schema
	Rows   int64
	Nulls  []int64  // per column
	Bytes  int64    // of the file as stored
	Digest [32]byte // the version: SHA-256("tacit/dataset/v1" ‖ file bytes)
}

// Describe reads the file once, to its end, and returns its schema, row and null counts and version digest. With
// Options.Schema it also shows that every cell converts.
//
// Errors: those of Open and of its stream. All ragged rows of a text file are counted in one fault.
func Describe(ctx context.Context, path string, mem memory.Allocator, o Options) (Description, error) {
	format, gzipped, err := FormatOf(path)
	if err != nil {
		return Description{}, err
	}
	if err := o.Check(); err != nil {
		return Description{}, err
	}
	if format == IPC || o.Schema != nil {
		return DescribeStream(ctx, path, mem, o, Open)
	}
	f, err := OpenVerified(ctx, path, o.Digest)
	if err != nil {
		return Description{}, err
	}
	defer f.Close()
	return describeText(ctx, f, format, gzipped, o)
}

// Opener opens a file as a stream, as Open does.
type Opener func(ctx context.Context, path string, mem memory.Allocator, o Options) (engine.Stream, error)

// DescribeStream describes a file through its stream: for formats that store their types. The file is hashed first and
// then opened pinned to that digest, so that both readings are of the same bytes.
//
// Errors: those of open and of its stream.
func DescribeStream(ctx context.Context, path string, mem memory.Allocator, o Options, open Opener) (d Description, err error) {
	f, err := OpenFile(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	if d.Digest, d.Bytes, err = Digest(ctx, f); err != nil {
		return d, err
	}
	if o.Digest == [32]byte{} {
		o.Digest = d.Digest
	}
	s, err := open(ctx, path, mem, o)
	if err != nil {
		return d, err
	}
	defer s.Close()
	d.Schema = s.Schema()
	d.Rows, d.Nulls, err = count(ctx, s)
	return d, err
}

// count drains s and returns its rows, and the nulls of each column.
func count(ctx context.Context, s engine.Stream) (rows int64, nulls []int64, err error) {
	nulls = make([]int64, s.Schema().NumFields())
	rows, err = Each(ctx, s, func(rec arrow.Record) error {
		for i := range nulls {
			nulls[i] += int64(rec.Column(i).NullN())
		}
		return nil
	})
	return rows, nulls, err
}

// describeText infers the schema of a text file while hashing it; f is left at its end.
func describeText(ctx context.Context, f *os.File, format Format, gzipped bool, o Options) (d Description, err error) {
	h := newHash()
	tee := &counter{r: io.TeeReader(f, h)}
	r, err := newRows(tee, format, gzipped)
	if err != nil {
		return d, err
	}
	if err := checkKeys(o.Keys, r.names); err != nil {
		return d, err
	}
	profiles := make([]profile, len(r.names))
	if err := scan(ctx, r, profiles); err != nil {
		return d, err
	}
	if _, err := io.Copy(io.Discard, tee); err != nil { // bytes behind the compressed part belong to the file too
		return d, unreadable(err)
	}
	d.Schema, d.Nulls = inferred(r.names, profiles, o.Keys)
	d.Rows, d.Bytes, d.Digest = r.number, tee.n, sum(h)
	return d, nil
}

// scan adds every row to the profiles. Ragged rows are counted to the end and reported together.
func scan(ctx context.Context, r *rows, profiles []profile) error {
	var ragged, first int64
	for {
		if r.number%4096 == 0 {
			if err := canceled(ctx, "table.Describe"); err != nil {
				return err
			}
		}
		cells, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(cells) != len(profiles) {
			if ragged++; ragged == 1 {
				first = r.number
			}
			continue
		}
		for i, c := range cells {
			profiles[i].add(c)
		}
	}
	if ragged > 0 {
		return r.ragged(ragged, first)
	}
	return nil
}

// counter counts the bytes that pass.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func unreadable(err error) error {
	return fault.Wrap(fault.Unavailable, "table.Open", err, "the data file cannot be read")
}
