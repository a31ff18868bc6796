package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/invariant"
	"github.com/tacit-data/tacit/sandbox/audit"
)

func open(t *testing.T, dir string, change func(*Config)) *DB {
	t.Helper()
	cfg := Config{Dir: dir, Party: "bank"}
	if change != nil {
		change(&cfg)
	}
	db, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func put(t *testing.T, db *DB, key, value string) {
	t.Helper()
	err := db.Update(context.Background(), func(tx *Tx) error {
		if err := tx.Put(Job, key, []byte(value)); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.JobSubmitted, Refs: map[string]string{"job": key}})
	})
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func get(t *testing.T, db *DB, key string) (Row, error) {
	t.Helper()
	var r Row
	err := db.View(context.Background(), func(tx *Tx) (err error) {
		r, err = tx.Get(Job, key)
		return err
	})
	return r, err
}

func TestPutGetReopen(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	for i := range 3 {
		put(t, db, "a", fmt.Sprint("v", i))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, nil)
	r, err := get(t, db, "a")
	if err != nil || string(r.Value) != "v2" || r.Rev != 3 {
		t.Fatalf("got %q rev %d, %v; want v2 rev 3", r.Value, r.Rev, err)
	}
	if _, err := get(t, db, "b"); !errors.Is(err, fault.NotFound) {
		t.Fatalf("missing key: %v, want NotFound", err)
	}
}

func TestRefusalRollsBackAlone(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := db.Update(context.Background(), func(tx *Tx) error {
				if err := tx.Put(Job, fmt.Sprint(i), []byte("x")); err != nil {
					return err
				}
				if err := tx.Log(audit.Leaf{Type: audit.JobSubmitted}); err != nil {
					return err
				}
				if i%2 == 1 {
					return fault.New(fault.Denied, "test", "odd")
				}
				return nil
			})
			if (i%2 == 1) != errors.Is(err, fault.Denied) {
				t.Errorf("closure %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if _, err := get(t, db, fmt.Sprint(i)); (i%2 == 1) != errors.Is(err, fault.NotFound) {
			t.Errorf("row %d: %v", i, err)
		}
	}
	if err := db.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Invariant S1: a flipped bit in a stored value is reported, never served.
func TestFlippedValueIsCorrupt(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	put(t, db, "a", "value")
	if _, err := db.conn.ExecContext(context.Background(), `UPDATE job SET value = x'00'`); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, db, "a"); !errors.Is(err, fault.Corrupt) {
		t.Fatalf("got %v, want Corrupt", err)
	}
}

// Invariant S2: a row that the log does not explain, even with a right checksum, stops the node.
func TestRowOutsideTheLog(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	put(t, db, "a", "value")
	r := Row{Key: "b", Rev: 1, Value: []byte("smuggled")}
	if _, err := db.conn.ExecContext(context.Background(), `INSERT INTO job VALUES (?,?,?,?)`, r.Key, r.Rev, r.Value, int64(sum(Job, r))); err != nil {
		t.Fatal(err)
	}
	if err := db.Verify(context.Background()); !errors.Is(err, fault.Corrupt) {
		t.Fatalf("got %v, want Corrupt", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Config{Dir: dir}); !errors.Is(err, fault.Corrupt) {
		t.Fatalf("reopened: %v, want Corrupt", err)
	}
}

// Invariant S3: an old copy of the database beside the newer head file is refused.
func TestOldCopyIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	put(t, db, "a", "one")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, nil)
	put(t, db, "a", "two")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Path(dir), old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Config{Dir: dir}); !errors.Is(err, fault.Corrupt) {
		t.Fatalf("got %v, want Corrupt", err)
	}
}

func TestCrashAroundCommit(t *testing.T) {
	for _, after := range []bool{false, true} {
		dir := t.TempDir()
		armed := false
		crash := func() error {
			if armed {
				return errors.New("crash")
			}
			return nil
		}
		db := open(t, dir, func(c *Config) {
			if after {
				c.AfterCommit = crash
			} else {
				c.BeforeCommit = crash
			}
		})
		put(t, db, "a", "kept")
		armed = true
		err := db.Update(context.Background(), func(tx *Tx) error {
			if err := tx.Put(Job, "b", []byte("maybe")); err != nil {
				return err
			}
			return tx.Log(audit.Leaf{Type: audit.JobSubmitted})
		})
		if !errors.Is(err, fault.Unavailable) {
			t.Fatalf("after=%v: %v, want Unavailable", after, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = open(t, dir, nil) // fold(log) = state is verified here
		_, err = get(t, db, "b")
		if after != (err == nil) {
			t.Fatalf("after=%v: row b: %v", after, err)
		}
	}
}

func TestNewerSchemaIsUnsupported(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	if _, err := db.conn.ExecContext(context.Background(), `UPDATE meta SET value = 99 WHERE key = 'schema_version'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Config{Dir: dir}); !errors.Is(err, fault.Unsupported) {
		t.Fatalf("got %v, want Unsupported", err)
	}
}

func TestMailbox(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	ctx := context.Background()
	update := func(fn func(tx *Tx) error) error { return db.Update(ctx, fn) }
	for i := range 3 {
		if err := update(func(tx *Tx) error {
			return tx.Send("utility", func(seq uint64) ([]byte, error) { return []byte{byte(i), byte(seq)}, nil })
		}); err != nil {
			t.Fatal(err)
		}
	}
	var got []Message
	if err := db.View(ctx, func(tx *Tx) (err error) { got, err = tx.Pending("utility", 0, 10); return err }); err != nil || len(got) != 3 || got[2].Seq != 3 {
		t.Fatalf("pending %v, %v", got, err)
	}
	if err := update(func(tx *Tx) error { return tx.Acked("utility", 4) }); !errors.Is(err, fault.Misbehaved) {
		t.Fatalf("ack of an unsent message: %v", err)
	}
	if err := update(func(tx *Tx) error { return tx.Acked("utility", 2) }); err != nil {
		t.Fatal(err)
	}
	_ = db.View(ctx, func(tx *Tx) (err error) { got, err = tx.Pending("utility", 0, 10); return err })
	if len(got) != 1 || got[0].Seq != 3 {
		t.Fatalf("after the ack: %v", got)
	}
	consume := func(seq uint64, body string) (fresh bool, err error) {
		err = update(func(tx *Tx) (err error) {
			fresh, err = tx.Consume("bank", Message{Seq: seq, Body: []byte(body)})
			return err
		})
		return fresh, err
	}
	if fresh, err := consume(1, "a"); err != nil || !fresh {
		t.Fatalf("first: %v %v", fresh, err)
	}
	if fresh, err := consume(1, "a"); err != nil || fresh {
		t.Fatalf("repeat: %v %v", fresh, err)
	}
	if _, err := consume(1, "b"); !errors.Is(err, fault.Misbehaved) {
		t.Fatalf("two bodies: %v", err)
	}
	if _, err := consume(3, "c"); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("gap: %v", err)
	}
}

func TestChangeWithoutLeafIsInternal(t *testing.T) {
	if invariant.Enabled {
		t.Skip("this build panics instead")
	}
	db := open(t, t.TempDir(), nil)
	err := db.Update(context.Background(), func(tx *Tx) error { return tx.Put(Job, "a", []byte("x")) })
	if !errors.Is(err, fault.Internal) {
		t.Fatalf("got %v, want Internal", err)
	}
}

func TestGarbageFileIsCorrupt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tacit.db"), []byte("this is no database at all, but long enough to be read"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Config{Dir: dir}); !errors.Is(err, fault.Corrupt) {
		t.Fatalf("got %v, want Corrupt", err)
	}
}

func FuzzHead(f *testing.F) {
	f.Add(head{Batch: 3, Size: 7}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHead(b)
		if err == nil && string(h.encode()) != string(b) {
			t.Fatal("an encoding that does not round-trip")
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	db, err := Open(context.Background(), Config{Dir: b.TempDir(), Party: "bank"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	value := make([]byte, 512)
	for b.Loop() {
		err := db.Update(context.Background(), func(tx *Tx) error {
			if err := tx.Put(Job, "a", value); err != nil {
				return err
			}
			return tx.Log(audit.Leaf{Type: audit.JobSubmitted})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
