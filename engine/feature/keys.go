package feature

import (
	"bytes"
	"context"
	"encoding/binary"
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
	var out KeyColumn
	d := k.digester()
	_, err = table.Each(ctx, s, func(rec arrow.Record) error { return out.add(d, rec, at) })
	if err != nil {
		return KeyColumn{}, err
	}
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

func (k *KeyColumn) add(d *digester, rec arrow.Record, at []int) error {
	n := int(rec.NumRows())
	if k.Rows+n > MaxRows {
		return fault.New(fault.LimitExceeded, "feature.Keys", "MaxRows: more than %d rows", MaxRows)
	}
	cells := cellsOf(rec, at)
	for row := range n {
		switch digest, state := d.row(cells, row); state {
		case keyed:
			k.Digest = append(k.Digest, digest)
			k.Row = append(k.Row, int64(k.Rows+row))
		case null:
			k.Null++
		case malformed:
			k.Malformed++
		}
	}
	k.Rows += n
	return nil
}

// duplicates counts the digests that an earlier one equals. Only digests whose first eight bytes repeat are compared
// whole, so that memory is eight bytes a row.
func duplicates(digests [][32]byte) int {
	prefixes := make([]uint64, len(digests))
	for i := range digests {
		prefixes[i] = binary.BigEndian.Uint64(digests[i][:8])
	}
	slices.Sort(prefixes)
	var repeated []uint64
	for i := 1; i < len(prefixes); i++ {
		if prefixes[i] == prefixes[i-1] {
			repeated = append(repeated, prefixes[i])
		}
	}
	if repeated = slices.Compact(repeated); len(repeated) == 0 {
		return 0
	}
	var suspects [][32]byte
	for i := range digests {
		if _, ok := slices.BinarySearch(repeated, binary.BigEndian.Uint64(digests[i][:8])); ok {
			suspects = append(suspects, digests[i])
		}
	}
	slices.SortFunc(suspects, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return len(suspects) - len(slices.Compact(suspects))
}
