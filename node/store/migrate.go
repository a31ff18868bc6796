package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// SchemaVersion is the newest schema this binary knows. Migrations are numbered, forward-only and run in one
// transaction each, after a backup.
const SchemaVersion = 1

// migrations[v] brings a database from schema v to v+1.
var migrations = [...]func() []string{schema1}

func schema1() []string {
	out := []string{
		`CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID`,
		`CREATE TABLE leaf (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL)`,
		`CREATE TABLE tree_hash (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL)`,
		// What a leaf is about, to find it again: derived from the leaves, and no part of what is verified.
		`CREATE TABLE leaf_ref (type TEXT, name TEXT, value TEXT, idx INTEGER, PRIMARY KEY (type, name, value, idx)) WITHOUT ROWID`,
	}
	for _, t := range tables {
		out = append(out, fmt.Sprintf(`CREATE TABLE %q (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, value BLOB NOT NULL,
			crc INTEGER NOT NULL) WITHOUT ROWID`, string(t)))
	}
	return out
}

func migrate(ctx context.Context, conn *sql.Conn, cfg Config) error {
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if version > SchemaVersion {
		return fault.New(fault.Unsupported, "store.Open", "the database has schema %d, this binary knows up to %d", version, SchemaVersion)
	}
	for v := version; v < SchemaVersion; v++ {
		if v > 0 {
			if err := backup(ctx, conn, cfg, v); err != nil {
				return err
			}
		}
		if err := migrateOne(ctx, conn, cfg, v); err != nil {
			return fault.Wrap(fault.Unavailable, "store.Open", err, "migration %d failed", v+1)
		}
	}
	return nil
}

// schemaVersion is 0 for an empty file.
func schemaVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var n int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'meta'`).Scan(&n); err != nil {
		return 0, fault.Wrap(fault.Corrupt, "store.Open", err, "the database file cannot be read")
	}
	if n == 0 {
		return 0, nil
	}
	var v int
	if err := conn.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'schema_version'`).Scan(&v); err != nil {
		return 0, fault.Wrap(fault.Corrupt, "store.Open", err, "the schema version cannot be read")
	}
	return v, nil
}

func backup(ctx context.Context, conn *sql.Conn, cfg Config, v int) error {
	name := fmt.Sprintf("tacit.db.schema-%d.%d", v, cfg.Clock().UnixMilli())
	_, err := conn.ExecContext(ctx, `VACUUM INTO ?`, filepath.Join(cfg.Dir, name))
	return fault.Wrap(fault.Unavailable, "store.Open", err, "the backup before a migration failed")
}

func migrateOne(ctx context.Context, conn *sql.Conn, cfg Config, v int) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit this does nothing
	for _, stmt := range migrations[v]() {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	if v == 0 {
		if err := firstMeta(ctx, tx, cfg); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES ('schema_version', ?)`, v+1); err != nil {
		return err
	}
	return tx.Commit()
}

// firstMeta draws the key of the row digests: a bare hash of a short row could be guessed by who reads the log.
func firstMeta(ctx context.Context, tx *sql.Tx, cfg Config) error {
	key := make([]byte, 32)
	r := cfg.Rand
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, key); err != nil {
		return err
	}
	for k, v := range map[string]any{
		"digest_key": hex.EncodeToString(key), "batch": int64(0), "created": cfg.Clock().UTC().Format(time.RFC3339),
	} {
		if _, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES (?, ?)`, k, v); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) loadMeta(ctx context.Context) error {
	var key string
	err := db.conn.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'digest_key'`).Scan(&key)
	if err == nil {
		db.digestKey, err = hex.DecodeString(key)
	}
	if err == nil && len(db.digestKey) != 32 {
		err = errors.New("digest key of another length")
	}
	if err == nil {
		err = db.conn.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'batch'`).Scan(&db.batch)
	}
	return fault.Wrap(fault.Corrupt, "store.Open", err, "the database's own settings cannot be read")
}
