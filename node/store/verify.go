package store

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// Verify checks the whole log and that it explains the tables: every leaf parses and hashes into the tree, the tree
// extends the head file's, and fold(log) = state (Invariants S1 to S3). The mailboxes, which no leaf names, must hold
// every message up to their newest number, and the pages of the file must add up: a page that lost rows which no leaf
// names is found by that alone.
//
// Errors: fault.Corrupt naming the leaf, or the row and its table.
func (db *DB) Verify(ctx context.Context) error {
	last := db.head.last() // before the snapshot, which then holds at least as much
	err := db.View(ctx, func(tx *Tx) error {
		if err := tx.verifyPages(); err != nil {
			return err
		}
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
		if err := tx.verifyState(fold); err != nil {
			return err
		}
		for _, t := range []Table{Outbox, Inbox} {
			if err := tx.verifyMailbox(t); err != nil {
				return err
			}
		}
		for _, t := range []Table{Parked, PeerHead} {
			if err := tx.each(t, "", func(Row) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Corrupt, "store.Verify", err, "something that the log counts is missing")
	}
	return err
}

// verifyPages lets SQLite check the structure of its file.
func (tx *Tx) verifyPages() error {
	var first string
	if err := tx.q.QueryRowContext(tx.ctx, `PRAGMA quick_check(1)`).Scan(&first); err != nil {
		return unavailable(err)
	}
	if first != "ok" {
		return fault.New(fault.Corrupt, "store.Verify", "the pages of the database file do not add up")
	}
	return nil
}

// verifyMailbox checks that each peer's messages are numbered 1 to its counter without a hole: a row that went missing
// would otherwise look like one that was never sent, and its number would be given twice.
func (tx *Tx) verifyMailbox(t Table) error {
	type box struct{ rows, newest, last uint64 }
	boxes := map[string]box{}
	err := tx.each(t, "", func(r Row) error {
		peer, tail, _ := strings.Cut(r.Key, "/")
		b := boxes[peer]
		switch "/" + tail {
		case ackedKey:
		case lastKey:
			last, err := decodeCounter(t, r.Value)
			if err != nil {
				return err
			}
			b.last = last
		default:
			seq, err := strconv.ParseUint(tail, 10, 64)
			if err != nil {
				return fault.New(fault.Corrupt, "store.Verify", "a key of table %s is no message number", t)
			}
			b.rows, b.newest = b.rows+1, max(b.newest, seq)
		}
		boxes[peer] = b
		return nil
	})
	if err != nil {
		return err
	}
	for peer, b := range boxes {
		if b.rows != b.last || b.newest != b.last {
			return fault.New(fault.Corrupt, "store.Verify", "table %s holds %d messages of %s, its counter says %d", t, b.rows, peer, b.last)
		}
	}
	return nil
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
