package feature

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
)

// KeyColumn is the keys of a table, ready for an intersection. Digests are of guessable identifiers: they are as secret
// as the keys and are never logged.
type KeyColumn struct {
	Digest    [][32]byte // distinct
	Row       []int64    // Row[i] is the row of Digest[i], from 0, ascending
	Rows      int        // of the table
	Null      int        // rows skipped because a key cell is null or empty
	Malformed int        // rows skipped because a key cell is not of its rule's form
}

// String prints no digest.
func (k KeyColumn) String() string { return "KeyColumn" }

// Keys reads the key columns of s and hashes them as Key does. Rows without a well-formed key are skipped and counted.
//
// Errors: fault.SchemaMismatch (a column is absent, or neither utf8 nor int64), fault.Invalid (no usable key, or the
// same key in several rows: with the count), fault.LimitExceeded (MaxRows), those of s.
func Keys(ctx context.Context, s engine.Stream, columns []string, rules []Rule) (KeyColumn, error) {
	k := Key{Columns: columns, Rules: rules}
	at, err := k.columns(s.Schema())
	if err != nil {
		return KeyColumn{}, err
	}
	r := keyReader{digester: k.digester(), at: at}
	if _, err = table.Each(ctx, s, r.add); err != nil {
		return KeyColumn{}, err
	}
	out := r.column()
	if len(out.Digest) == 0 {
		return KeyColumn{}, fault.New(fault.Invalid, "feature.Keys", "none of %d rows has a usable key: %d null, %d malformed",
			out.Rows, out.Null, out.Malformed)
	}
	if n := duplicates(out.Digest); n > 0 {
		return KeyColumn{}, fault.New(fault.Invalid, "feature.Keys", "%d of %d rows repeat the key of an earlier row, keys must be unique",
			n, out.Rows)
	}
	return out, nil
}

// keyReader gathers the keys of a table batch by batch.
type keyReader struct {
	*digester
	at      []int
	batches [][][sha256.Size]byte
	skipped []int64 // the rows without a key, ascending
	counts  KeyColumn
}

// add is given the batches in order.
func (r *keyReader) add(rec arrow.Record) error {
	n := int(rec.NumRows())
	if r.counts.Rows+n > MaxRows {
		return fault.New(fault.LimitExceeded, "feature.Keys", "MaxRows: more than %d rows", MaxRows)
	}
	cells := cellsOf(rec, r.at)
	digests, next := make([][sha256.Size]byte, n), 0
	for row := range n {
		switch r.row(&digests[next], cells, row) {
		case keyed:
			next++
			continue
		case null:
			r.counts.Null++
		case malformed:
			r.counts.Malformed++
		}
		r.skipped = append(r.skipped, int64(r.counts.Rows+row))
	}
	r.batches = append(r.batches, digests[:next])
	r.counts.Rows += n
	return nil
}

// column returns what was gathered.
func (r *keyReader) column() KeyColumn {
	out := r.counts
	out.Digest = slices.Concat(r.batches...)
	out.Row = make([]int64, 0, len(out.Digest))
	row := int64(0)
	for _, skipped := range append(r.skipped, int64(out.Rows)) {
		for ; row < skipped; row++ {
			out.Row = append(out.Row, row)
		}
		row++
	}
	return out
}
