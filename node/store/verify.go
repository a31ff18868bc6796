package store

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// Verify checks the whole log and that it explains the tables: every leaf parses and hashes into the tree, the tree
// extends the head file's, and fold(log) = state (Invariants S1 to S3).
//
// Errors: fault.Corrupt naming the leaf, or the row and its table.
func (db *DB) Verify(ctx context.Context) error {
	last := db.head.last() // before the snapshot, which then holds at least as much
	return db.View(ctx, func(tx *Tx) error {
		size, err := tx.TreeSize()
		if err != nil {
			return err
		}
		if last.Batch == 0 && size > 0 {
			return fault.New(fault.Corrupt, "store.Verify", "a log of %d leaves without its head file", size)
		}
		if last.Batch == 0 {
			return nil
		}
		fold := audit.Fold(nil)
		err = audit.VerifyTree(tx, audit.Checkpoint{Size: last.Size, Root: last.Root}, func(_ int64, l audit.Leaf) error {
			fold.Add(l)
			return nil
		})
		if err != nil {
			return err
		}
		return tx.verifyState(fold)
	})
}

// verifyState compares the fold with every audited table.
func (tx *Tx) verifyState(fold audit.Folded) error {
	var failed error
	match := fold.Match(func(yield func(audit.RowChange) bool) {
		for _, t := range tables {
			if !audited[t] {
				continue
			}
			rows, err := tx.list(t, "")
			if err != nil {
				failed = err
				return
			}
			for _, r := range rows {
				if !yield(tx.db.change(t, r)) {
					return
				}
			}
		}
	})
	if failed != nil {
		return failed
	}
	return match
}
