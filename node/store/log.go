package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// Log appends l to the log. Its id, stamp, actor and rows are filled in here: the rows are every audited change of
// this closure since the previous leaf.
//
// Errors: those of audit.Append; fault.LimitExceeded when the rows do not fit one leaf.
func (tx *Tx) Log(l audit.Leaf) error {
	if err := tx.mayWrite(); err != nil {
		return err
	}
	stamp := max(tx.db.cfg.Clock().UnixMilli(), tx.db.lastStamp) // the log's time never runs back
	id, err := newID(tx.db.cfg.Rand, stamp)
	if err != nil {
		return err
	}
	l.V, l.ID, l.T, l.Rows = audit.Version, id, stamp, tx.changes
	if l.Actor == "" {
		l.Actor = tx.db.cfg.Party
	}
	b, err := l.Encode()
	if err != nil {
		return err
	}
	index, err := audit.Append(tx, b)
	if err != nil {
		return err
	}
	for name, value := range l.Refs {
		if _, err := tx.q.ExecContext(tx.ctx, `INSERT INTO leaf_ref VALUES (?, ?, ?, ?)`, string(l.Type), name, value, index); err != nil {
			return unavailable(err)
		}
	}
	tx.db.lastStamp, tx.changes = stamp, nil
	return nil
}

// newestStamp is the time of the last leaf: the log's time does not run back over a restart either.
func (tx *Tx) newestStamp() (int64, error) {
	size, err := tx.TreeSize()
	if err != nil || size == 0 {
		return 0, err
	}
	b, err := tx.Leaf(size - 1)
	if err != nil {
		return 0, err
	}
	l, err := audit.ParseLeaf(b)
	return l.T, fault.Wrap(fault.Corrupt, "store.Open", err, "leaf %d is damaged", size-1)
}

// NewestLeaf returns the index of the newest leaf of a type whose reference name is value, −1 when there is none.
func (tx *Tx) NewestLeaf(t audit.Type, name, value string) (int64, error) {
	var idx sql.NullInt64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT max(idx) FROM leaf_ref WHERE type = ? AND name = ? AND value = ?`, string(t), name, value).Scan(&idx)
	if err != nil {
		return 0, unavailable(err)
	}
	if !idx.Valid {
		return -1, nil
	}
	return idx.Int64, nil
}

// newID returns a ULID: 48 bits of time, 80 random, in 26 characters.
func newID(r io.Reader, ms int64) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	var b [20]byte // 16 bytes of ULID, padded to whole base32 groups
	binary.BigEndian.PutUint64(b[0:], uint64(ms)<<16)
	if _, err := io.ReadFull(r, b[6:16]); err != nil {
		return "", fault.Wrap(fault.Internal, "store.Log", err, "no randomness")
	}
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(b[:])[:26], nil
}

// TreeSize is the number of leaves.
func (tx *Tx) TreeSize() (int64, error) {
	var n sql.NullInt64
	if err := tx.q.QueryRowContext(tx.ctx, `SELECT max(idx) FROM leaf`).Scan(&n); err != nil {
		return 0, unavailable(err)
	}
	if !n.Valid {
		return 0, nil
	}
	return n.Int64 + 1, nil
}

// Hashes returns the stored tree hashes at the given positions.
func (tx *Tx) Hashes(indexes []int64) ([]audit.Hash, error) {
	out := make([]audit.Hash, len(indexes))
	for i, idx := range indexes {
		var b []byte
		err := tx.q.QueryRowContext(tx.ctx, `SELECT hash FROM tree_hash WHERE idx = ?`, idx).Scan(&b)
		if errors.Is(err, sql.ErrNoRows) || (err == nil && len(b) != len(audit.Hash{})) {
			return nil, fault.New(fault.Corrupt, "store.Hashes", "tree hash %d is missing or damaged", idx)
		}
		if err != nil {
			return nil, unavailable(err)
		}
		copy(out[i][:], b)
	}
	return out, nil
}

// PutHashes stores hashes from index first on.
func (tx *Tx) PutHashes(first int64, hashes []audit.Hash) error {
	for i, h := range hashes {
		if _, err := tx.q.ExecContext(tx.ctx, `INSERT INTO tree_hash VALUES (?, ?)`, first+int64(i), h[:]); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// PutLeaf stores a leaf's bytes.
func (tx *Tx) PutLeaf(index int64, leaf []byte) error {
	_, err := tx.q.ExecContext(tx.ctx, `INSERT INTO leaf VALUES (?, ?)`, index, leaf)
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// Leaf returns the bytes of the leaf at index.
//
// Errors: fault.NotFound.
func (tx *Tx) Leaf(index int64) ([]byte, error) {
	var b []byte
	err := tx.q.QueryRowContext(tx.ctx, `SELECT bytes FROM leaf WHERE idx = ?`, index).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "store.Leaf", "no leaf %d", index)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return b, nil
}

// Head returns the size and root of the log as this transaction sees it.
func (tx *Tx) Head() (int64, [32]byte, error) {
	size, err := tx.TreeSize()
	if err != nil {
		return 0, [32]byte{}, err
	}
	root, err := audit.Root(tx, size)
	return size, root, err
}

func (tx *Tx) setMeta(key string, value any) error {
	_, err := tx.q.ExecContext(tx.ctx, `INSERT OR REPLACE INTO meta VALUES (?, ?)`, key, value)
	return err
}
