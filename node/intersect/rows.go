package intersect

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
)

// Rows is a file of rows as every command that works on keys reads it: package lookup shares it.
type Rows struct{ in *input }

// OpenRows digests the file, which must then stay as it is.
//
// Errors: those of table.Open.
func OpenRows(ctx context.Context, path string) (*Rows, error) {
	in, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Rows{in}, nil
}

// CheckName refuses a file whose name tells no format.
//
// Errors: fault.Unsupported.
func CheckName(path string) error { return checkName(path) }

// Keys streams the key columns and calls f with the digest of each usable row, rows ascending from 0. Of the counts,
// Duplicates and Keys are left to the caller.
//
// Errors: fault.SchemaMismatch (column absent or neither text nor integer), fault.Invalid (no usable key),
// fault.LimitExceeded (MaxRows), those of the file and of f.
func (r *Rows) Keys(ctx context.Context, columns []string, rules []Rule, report func(rows int64), f func(row int64, digest [32]byte) error) (Counts, error) {
	var n Counts
	src, err := r.in.open(ctx, columns)
	if err != nil {
		return n, err
	}
	err = n.scan(ctx, r.in, src, feature.Key{Columns: columns, Rules: rules}, report, f)
	return n, err
}

// Check refuses a file whose columns cannot be written.
//
// Errors: those of table.Open.
func (r *Rows) Check(ctx context.Context) error {
	src, err := r.in.open(ctx, nil)
	if err != nil {
		return err
	}
	return src.Close()
}

// Profiles describes the key columns, for the eyes of this party.
func (r *Rows) Profiles(ctx context.Context, columns []string) ([]Profile, error) {
	return profiles(ctx, r.in, columns)
}

// Keep writes the rows numbered in keep, which ascend, to the output: whole or not at all.
//
// Errors: those of the file and of the disk.
func (r *Rows) Keep(ctx context.Context, output string, keep []uint32, report func(rows int64)) (int64, error) {
	src, err := r.in.open(ctx, nil)
	if err != nil {
		return 0, err
	}
	k := &kept{Stream: src, keep: keep, mem: r.in.mem, report: report}
	defer func() { _ = k.Close() }() // read only: nothing is lost
	written, err := createOutput(ctx, output, r.in.mem, k)
	if err == nil && len(k.keep) > 0 {
		err = fault.New(fault.Invalid, "intersect.Keep", "the data file has become shorter")
	}
	return written.Rows, err
}

// kept is a stream of the rows that are kept, in the order of the file.
type kept struct {
	engine.Stream
	keep   []uint32
	mem    memory.Allocator
	done   int64
	report func(rows int64)
}

// Next implements engine.Stream.
func (k *kept) Next(ctx context.Context) (arrow.Record, error) {
	for len(k.keep) > 0 {
		rec, err := k.Stream.Next(ctx)
		if err != nil {
			return nil, err
		}
		out := k.some(rec)
		rec.Release()
		k.report(k.done)
		if out.NumRows() > 0 {
			return out, nil
		}
		out.Release()
	}
	return nil, io.EOF
}

// some returns the rows of rec that are kept.
func (k *kept) some(rec arrow.Record) arrow.Record {
	b := array.NewRecordBuilder(k.mem, rec.Schema())
	defer b.Release()
	row := []byte{0} // offset 0 would be a row of nulls
	for end := k.done + rec.NumRows(); len(k.keep) > 0 && int64(k.keep[0]) < end; k.keep = k.keep[1:] {
		row = appendRow(row[:1], rec, int(int64(k.keep[0])-k.done))
		emitRow(b.Fields(), row, 1)
	}
	k.done += rec.NumRows()
	return b.NewRecord()
}

// Ruleset is the digest of key rules: parties whose digests differ would miss matches silently.
func Ruleset(rules []Rule) [32]byte { return feature.RulesetDigest(rules) }
