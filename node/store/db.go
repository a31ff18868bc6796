package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite" // also registers the database/sql driver "sqlite"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const (
	// MaxGroup bounds the closures that share one commit: more would make the first of them wait too long.
	MaxGroup = 256
	// MaxValue bounds one row's value, in bytes: larger things are files named by digest.
	MaxValue = 1 << 20
	// maxQueued bounds closures waiting for the writer; beyond it callers block.
	maxQueued = 1024
	// maxReaders bounds concurrent read connections.
	maxReaders = 4
	busyWait   = 10 * time.Second
)

// Config says where a database lives and what it depends on.
type Config struct {
	Dir    string           // the node's directory; the files are tacit.db and tacit.head
	Party  party.ID         // actor of every leaf written here
	Clock  func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand.Reader
	Logger *slog.Logger     // nil: discard

	// BeforeCommit and AfterCommit are called around each commit; an error simulates a crash there. Tests only.
	BeforeCommit, AfterCommit func() error
}

// DB is an open database. It is safe for concurrent use; Close waits for the writer.
type DB struct {
	cfg     Config
	read    *sql.DB
	write   *sql.DB
	conn    *sql.Conn // the one writer connection
	queue   chan *request
	done    chan struct{}
	stop    sync.Once
	closing chan struct{}
	head    *headFile

	mu     sync.Mutex
	broken error // set when a commit's outcome is unknown or failed; the node must restart

	digestKey []byte
	lastStamp int64 // ms; touched by the writer only
	batch     int64 // touched by the writer only
}

type request struct {
	ctx context.Context
	fn  func(*Tx) error
	err chan error
}

// Path returns the database file of a node's directory.
func Path(dir string) string { return filepath.Join(dir, "tacit.db") }

// Open opens or creates the database in cfg.Dir, migrates it, and verifies the log and fold(log) = state.
//
// Errors: fault.Corrupt when a row, a leaf, the tree or the head file disagree; fault.Unsupported when the schema is
// newer than this binary; fault.Unavailable when the file cannot be opened.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	db := &DB{
		cfg: cfg, queue: make(chan *request, maxQueued), done: make(chan struct{}), closing: make(chan struct{}),
	}
	if err := db.connect(ctx); err != nil {
		return nil, err
	}
	if err := db.prepare(ctx); err != nil {
		_ = db.disconnect() // the first error is the one to report
		return nil, err
	}
	go db.writer()
	return db, nil
}

func (db *DB) connect(ctx context.Context) error {
	q := url.Values{}
	for _, p := range []string{
		"journal_mode(WAL)", "synchronous(FULL)", fmt.Sprintf("busy_timeout(%d)", busyWait.Milliseconds()), "foreign_keys(ON)",
	} {
		q.Add("_pragma", p)
	}
	path := Path(db.cfg.Dir)
	if err := touch(path); err != nil {
		return fault.Wrap(fault.Unavailable, "store.Open", err, "the database file cannot be created")
	}
	var err error
	if db.write, err = sql.Open("sqlite", "file:"+path+"?_txlock=immediate&"+q.Encode()); err != nil {
		return fault.Wrap(fault.Unavailable, "store.Open", err, "the database cannot be opened")
	}
	q.Add("_pragma", "query_only(ON)")
	if db.read, err = sql.Open("sqlite", "file:"+path+"?"+q.Encode()); err != nil {
		return fault.Wrap(fault.Unavailable, "store.Open", err, "the database cannot be opened")
	}
	db.read.SetMaxOpenConns(maxReaders)
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return unavailable(err) // a full disk is no damage
	}
	return nil
}

// touch makes the file with owner-only permissions before SQLite would make it with the umask's.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (db *DB) prepare(ctx context.Context) error {
	if err := migrate(ctx, db.conn, db.cfg); err != nil {
		return err
	}
	if err := db.loadMeta(ctx); err != nil {
		return err
	}
	var err error
	if db.head, err = openHead(db.cfg.Dir); err != nil {
		return err
	}
	if err := db.Verify(ctx); err != nil {
		return err
	}
	return db.View(ctx, func(tx *Tx) (err error) {
		db.lastStamp, err = tx.newestStamp()
		return err
	})
}

func (db *DB) disconnect() error {
	var errs []error
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	if db.head != nil {
		errs = append(errs, db.head.close())
	}
	return errors.Join(errs...)
}

// Close stops the writer after what is queued, and closes the files. Later calls return fault.Unavailable.
func (db *DB) Close() error {
	db.stop.Do(func() { close(db.closing) })
	<-db.done
	return db.disconnect()
}

// Update runs fn in the writer. When it returns nil, everything fn did is durable. fn may run more than once and must
// have no effect but through tx; it must not keep tx.
//
// Errors: fn's own error; fault.Corrupt from a bad row; fault.Unavailable when the database is closed or a commit
// failed.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	r := &request{ctx: ctx, fn: fn, err: make(chan error, 1)}
	select {
	case <-db.closing:
		return fault.New(fault.Unavailable, "store.Update", "the database is closed")
	case <-ctx.Done():
		return ctx.Err()
	case db.queue <- r:
	}
	select {
	case err := <-r.err: // the outcome is awaited even when ctx ends: it may have committed
		return err
	case <-db.done:
		select {
		case err := <-r.err:
			return err
		default:
			return fault.New(fault.Unavailable, "store.Update", "the database is closed")
		}
	}
}

// View runs fn on a consistent snapshot. fn must not keep tx or write through it.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) error {
	sqlTx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = sqlTx.Rollback() }() // a read has nothing to keep
	return fn(&Tx{ctx: ctx, db: db, q: sqlTx})
}

func (db *DB) failure() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.broken
}

func (db *DB) setFailure(err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.broken == nil {
		db.broken = err
	}
}

func unavailable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqliteError, sqliteCorrupt, sqliteNotADB:
			return fault.Wrap(fault.Corrupt, "store", err, "the database file is damaged")
		}
	}
	return fault.Wrap(fault.Unavailable, "store", err, "the database did not answer; is its disk full or gone?")
}

// SQLite's primary result codes for a damaged file. Our statements never change: one that SQLite does not understand meets
// tables that are not ours.
const (
	sqliteError   = 1
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)
