package feature

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// Index puts the rows of a table in an order that was agreed with other parties: position i holds row Row[i], from 0, or
// nothing where it is −1. A row may appear several times. It is not changed after construction.
type Index struct{ Row []int64 }

// All returns the Index of n rows in their own order.
func All(n int) Index {
	row := make([]int64, n)
	for i := range row {
		row[i] = int64(i)
	}
	return Index{Row: row}
}

// Len is the number of positions.
func (ix Index) Len() int { return len(ix.Row) }

// Select returns the Index of the given positions of ix, for a part of a Split.
func (ix Index) Select(positions []int32) Index {
	row := make([]int64, len(positions))
	for i, p := range positions {
		row[i] = ix.Row[p]
	}
	return Index{Row: row}
}

// Check refuses an Index that no table can satisfy.
//
// Errors: fault.Invalid (no position, a row below −1), fault.LimitExceeded (MaxRows).
func (ix Index) Check() error {
	if len(ix.Row) == 0 {
		return fault.New(fault.Invalid, "feature.Index", "an index without positions")
	}
	if len(ix.Row) > MaxRows {
		return fault.New(fault.LimitExceeded, "feature.Index", "MaxRows: %d positions, at most %d", len(ix.Row), MaxRows)
	}
	if slices.Min(ix.Row) < -1 {
		return fault.New(fault.Invalid, "feature.Index", "a row number below -1")
	}
	return nil
}

// order returns the positions that hold a row, by ascending row.
func (ix Index) order() []int32 {
	out := make([]int32, 0, len(ix.Row))
	for i, r := range ix.Row {
		if r >= 0 {
			out = append(out, int32(i))
		}
	}
	byRow := func(a, b int32) int { return cmp.Compare(ix.Row[a], ix.Row[b]) }
	if !slices.IsSortedFunc(out, byRow) {
		slices.SortStableFunc(out, byRow)
	}
	return out
}

// pick is one hit of an Index in a batch: local is the row within the batch.
type pick struct{ local, position int32 }

// gather streams s once and calls f with every batch that holds rows of ix, and those rows. It stops reading behind the
// last of them.
//
// Errors: those of Check, s and f; fault.Invalid when ix names a row beyond the table.
func gather(ctx context.Context, s engine.Stream, ix Index, f func(arrow.Record, []pick) error) error {
	if err := ix.Check(); err != nil {
		return err
	}
	order := ix.order()
	var base int64
	var picks []pick
	for len(order) > 0 {
		rec, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return fault.New(fault.Invalid, "feature.Index", "%d positions name rows beyond the %d of the table", len(order), base)
		}
		if err != nil {
			return err
		}
		end := base + rec.NumRows()
		picks = picks[:0]
		for len(order) > 0 && ix.Row[order[0]] < end {
			picks = append(picks, pick{local: int32(ix.Row[order[0]] - base), position: order[0]})
			order = order[1:]
		}
		if len(picks) > 0 {
			err = f(rec, picks)
		}
		rec.Release()
		if err != nil {
			return err
		}
		base = end
	}
	return nil
}
