package store

import (
	"context"
	"database/sql"

	"github.com/tacit-data/tacit/api/fault"
)

// writer is the one goroutine that changes the database: collect what is queued, one transaction, answer all.
func (db *DB) writer() {
	defer close(db.done)
	for {
		select {
		case <-db.closing:
			db.drain()
			return
		case r := <-db.queue:
			db.commit(db.collect(r))
		}
	}
}

// drain serves what was queued before Close.
func (db *DB) drain() {
	for {
		select {
		case r := <-db.queue:
			db.commit(db.collect(r))
		default:
			return
		}
	}
}

func (db *DB) collect(first *request) []*request {
	group := []*request{first}
	for len(group) < MaxGroup {
		select {
		case r := <-db.queue:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commit runs the group in one transaction and answers every request after the outcome is known.
func (db *DB) commit(group []*request) {
	answers := make([]error, len(group))
	err := db.failure()
	if err == nil {
		err = db.transact(group, answers)
	}
	for i, r := range group {
		if err != nil {
			r.err <- err
			continue
		}
		r.err <- answers[i]
	}
}

func (db *DB) transact(group []*request, answers []error) error {
	// The transaction must end even when a caller has gone: it belongs to the group, not to one context.
	ctx := context.Background()
	sqlTx, err := db.conn.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(err)
	}
	for i, r := range group {
		if answers[i], err = db.savepoint(ctx, sqlTx, r); err != nil {
			_ = sqlTx.Rollback()
			return unavailable(err)
		}
	}
	next := db.batch + 1
	tx := &Tx{ctx: ctx, db: db, q: sqlTx, write: true}
	if err := tx.setMeta("batch", next); err != nil {
		_ = sqlTx.Rollback()
		return unavailable(err)
	}
	size, root, err := tx.Head()
	if err != nil {
		_ = sqlTx.Rollback()
		return err
	}
	if err := db.finish(ctx, sqlTx, next); err != nil {
		return err
	}
	db.batch = next
	if err := db.head.write(head{Batch: next, Size: size, Root: root}); err != nil {
		db.setFailure(err) // durable, but no longer guarded against truncation: stop here
		return err
	}
	return nil
}

// finish commits. When COMMIT fails or its answer is lost, the batch number read back from a fresh connection tells
// whether the transaction is durable; anything but a clear answer breaks the database until a restart.
func (db *DB) finish(ctx context.Context, sqlTx *sql.Tx, batch int64) error {
	if hook := db.cfg.BeforeCommit; hook != nil {
		if err := hook(); err != nil {
			_ = sqlTx.Rollback()
			db.setFailure(fault.Wrap(fault.Unavailable, "store.commit", err, "stopped before a commit"))
			return db.failure()
		}
	}
	err := sqlTx.Commit()
	if hook := db.cfg.AfterCommit; err == nil && hook != nil {
		if herr := hook(); herr != nil {
			db.setFailure(fault.Wrap(fault.Unavailable, "store.commit", herr, "stopped after a commit"))
			return db.failure()
		}
	}
	if err == nil {
		return nil
	}
	var got int64
	row := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'batch'`)
	if rerr := row.Scan(&got); rerr == nil && got == batch {
		return nil
	}
	db.setFailure(fault.Wrap(fault.Unavailable, "store.commit", err, "a commit failed; restart the node"))
	return db.failure()
}

// savepoint runs one closure. The first result is the closure's own refusal, the second a failure of the database.
func (db *DB) savepoint(ctx context.Context, sqlTx *sql.Tx, r *request) (refused, broken error) {
	if err := r.ctx.Err(); err != nil {
		return err, nil
	}
	if _, err := sqlTx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
		return nil, err
	}
	stamp := db.lastStamp
	tx := &Tx{ctx: ctx, db: db, q: sqlTx, write: true}
	err := r.fn(tx)
	if err == nil {
		err = tx.complete()
	}
	if err != nil {
		db.lastStamp = stamp
		if _, rerr := sqlTx.ExecContext(ctx, "ROLLBACK TO one"); rerr != nil {
			return nil, rerr
		}
	}
	if _, rerr := sqlTx.ExecContext(ctx, "RELEASE one"); rerr != nil {
		return nil, rerr
	}
	return err, nil
}
