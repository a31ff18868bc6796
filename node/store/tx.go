package store

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/invariant"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// Row is one stored value. Value belongs to the caller.
type Row struct {
	Key   string
	Rev   int64 // 1 after the first Put, one more after each
	Value []byte
}

// Tx is one closure's view: in Update it also changes. It must not be kept.
type Tx struct {
	ctx     context.Context
	db      *DB
	q       querier
	write   bool
	changes []audit.RowChange // of audited tables, not yet named in a leaf
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Get returns the row of key.
//
// Errors: fault.NotFound, fault.Corrupt (Invariant S1).
func (tx *Tx) Get(t Table, key string) (Row, error) {
	r := Row{Key: key}
	var crc int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT rev, value, crc FROM `+quoted(t)+` WHERE key = ?`, key).Scan(&r.Rev, &r.Value, &crc)
	if errors.Is(err, sql.ErrNoRows) {
		return Row{}, fault.New(fault.NotFound, "store.Get", "no such %s", t)
	}
	if err != nil {
		return Row{}, unavailable(err)
	}
	return r, check(t, r, crc)
}

// Has reports whether key is stored.
func (tx *Tx) Has(t Table, key string) (bool, error) {
	_, err := tx.Get(t, key)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Scan calls fn for every row whose key has the prefix, in key order, until fn fails.
func (tx *Tx) Scan(t Table, prefix string, fn func(Row) error) error {
	rows, err := tx.list(t, prefix)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// list reads the rows before the caller sees the first: the callback may use tx, which has one connection.
func (tx *Tx) list(t Table, prefix string) (out []Row, err error) {
	err = tx.each(t, prefix, func(r Row) error {
		out = append(out, r)
		return nil
	})
	return out, err
}

var errKey = errors.New("a key that is no text")

// each streams the checked rows; fn must not use tx.
func (tx *Tx) each(t Table, prefix string, fn func(Row) error) (err error) {
	query, args := `SELECT key, rev, value, crc FROM `+quoted(t), []any(nil)
	if prefix != "" { // without one the whole table is read: a key of a damaged type sorts outside every range of texts
		query, args = query+` WHERE key >= ? AND key < ?`, []any{prefix, prefix + "\U0010FFFF"}
	}
	rows, err := tx.q.QueryContext(tx.ctx, query+` ORDER BY key`, args...)
	if err != nil {
		return unavailable(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Row
		var crc int64
		var key any
		err := rows.Scan(&key, &r.Rev, &r.Value, &crc)
		if err != nil && tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		text, ok := key.(string)
		if err != nil || !ok {
			return fault.Wrap(fault.Corrupt, "store.Scan", cmp.Or(err, errKey), "a row of table %s has other types than were stored", t)
		}
		r.Key = text
		if err := check(t, r, crc); err != nil {
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Put stores value under key with the next revision. value is borrowed.
//
// Errors: fault.LimitExceeded beyond MaxValue.
func (tx *Tx) Put(t Table, key string, value []byte) error {
	if len(value) > MaxValue {
		return fault.New(fault.LimitExceeded, "store.Put", "a %s of %d bytes, at most %d", t, len(value), MaxValue)
	}
	if err := tx.mayWrite(); err != nil {
		return err
	}
	rev, err := tx.revision(t, key)
	if err != nil {
		return err
	}
	if value == nil {
		value = []byte{} // SQL's NULL is not the empty value
	}
	r := Row{Key: key, Rev: rev + 1, Value: value}
	_, err = tx.q.ExecContext(tx.ctx, `INSERT OR REPLACE INTO `+quoted(t)+` VALUES (?, ?, ?, ?)`, key, r.Rev, value, int64(sum(t, r)))
	if err != nil {
		return unavailable(err)
	}
	tx.changed(t, r, false)
	return nil
}

// Delete removes key; a key that is not stored is no error.
func (tx *Tx) Delete(t Table, key string) error {
	if err := tx.mayWrite(); err != nil {
		return err
	}
	rev, err := tx.revision(t, key)
	if err != nil || rev == 0 {
		return err
	}
	if _, err := tx.q.ExecContext(tx.ctx, `DELETE FROM `+quoted(t)+` WHERE key = ?`, key); err != nil {
		return unavailable(err)
	}
	tx.changed(t, Row{Key: key, Rev: rev + 1}, true)
	return nil
}

// Try runs fn and undoes what it wrote when it fails, so that a closure may go on after a refusal: nothing half done is
// left, neither rows nor leaves. It nests. It returns fn's error.
func (tx *Tx) Try(fn func() error) error {
	if err := tx.mayWrite(); err != nil {
		return err
	}
	if _, err := tx.q.ExecContext(tx.ctx, "SAVEPOINT try"); err != nil {
		return unavailable(err)
	}
	changes, stamp := slices.Clone(tx.changes), tx.db.lastStamp
	err := fn()
	if err != nil {
		tx.changes, tx.db.lastStamp = changes, stamp
		if _, rerr := tx.q.ExecContext(tx.ctx, "ROLLBACK TO try"); rerr != nil {
			return unavailable(rerr)
		}
	}
	if _, rerr := tx.q.ExecContext(tx.ctx, "RELEASE try"); rerr != nil {
		return unavailable(rerr)
	}
	return err
}

func (tx *Tx) mayWrite() error {
	return invariant.Check(tx.write, "store.Tx", "a write through a read-only transaction")
}

func (tx *Tx) revision(t Table, key string) (int64, error) {
	var rev int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT rev FROM `+quoted(t)+` WHERE key = ?`, key).Scan(&rev)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable(err)
	}
	return rev, nil
}

func (tx *Tx) changed(t Table, r Row, deleted bool) {
	if !audited[t] {
		return
	}
	c := tx.db.change(t, r)
	if deleted {
		c.Digest = ""
	}
	// Only the last change of a row in a leaf counts.
	tx.changes = slices.DeleteFunc(tx.changes, func(o audit.RowChange) bool { return o.Table == c.Table && o.Key == c.Key })
	tx.changes = append(tx.changes, c)
}

// change describes a row as a leaf does.
func (db *DB) change(t Table, r Row) audit.RowChange {
	return audit.RowChange{Table: string(t), Key: r.Key, Revision: r.Rev, Digest: db.digest(t, r)}
}

// complete asserts Invariant S2 at the end of a closure.
func (tx *Tx) complete() error {
	return invariant.Check(len(tx.changes) == 0, "store.Update", "S2: %d audited rows changed without a leaf", len(tx.changes))
}

// digest is the keyed digest of a row in the log.
func (db *DB) digest(t Table, r Row) string {
	m := hmac.New(sha256.New, db.digestKey)
	m.Write(image(t, r))
	return hex.EncodeToString(m.Sum(nil))
}

func image(t Table, r Row) []byte {
	b := make([]byte, 0, len(t)+len(r.Key)+len(r.Value)+10)
	b = append(append(b, t...), 0)
	b = append(append(b, r.Key...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Rev))
	return append(b, r.Value...)
}

func sum(t Table, r Row) uint32 {
	return crc32.Checksum(image(t, r), crc32.MakeTable(crc32.Castagnoli))
}

func check(t Table, r Row, crc int64) error {
	if int64(sum(t, r)) != crc {
		return fault.New(fault.Corrupt, "store.Get", "a row of table %s fails its checksum", t)
	}
	return nil
}

func quoted(t Table) string { return `"` + string(t) + `"` }
