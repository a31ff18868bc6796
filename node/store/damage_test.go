package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// contents is everything that a reader can see: the rows of all tables, the leaves and the mailboxes' numbers.
func contents(db *DB) (string, error) {
	var out bytes.Buffer
	err := db.View(context.Background(), func(tx *Tx) error {
		for _, t := range tables {
			if err := tx.Scan(t, "", func(r Row) error {
				fmt.Fprintf(&out, "%s %q %d %x\n", t, r.Key, r.Rev, r.Value)
				return nil
			}); err != nil {
				return err
			}
			if r, err := tx.Get(t, "key-7"); !errors.Is(err, fault.NotFound) {
				fmt.Fprintf(&out, "%d %x %v\n", r.Rev, r.Value, err)
			}
		}
		n, err := tx.TreeSize()
		for i := int64(0); err == nil && i < n; i++ {
			var b []byte
			b, err = tx.Leaf(i)
			fmt.Fprintf(&out, "%x\n", b)
		}
		if err != nil {
			return err
		}
		for _, peer := range []string{"utility", "nobody"} {
			list, err := tx.Pending("utility", 0, 100)
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, peer, list)
		}
		return nil
	})
	return out.String(), err
}

// fill writes rows of several tables, messages in and out, and revisions.
func fill(t *testing.T, db *DB) {
	t.Helper()
	for i := range 24 {
		err := db.Update(context.Background(), func(tx *Tx) error {
			key := fmt.Sprint("key-", i%16)
			for _, tab := range []Table{Job, Step, Hold, Binding} {
				if err := tx.Put(tab, key, bytes.Repeat([]byte{byte(i)}, 150)); err != nil {
					return err
				}
			}
			if err := tx.Send("utility", func(seq uint64) ([]byte, error) { return bytes.Repeat([]byte{byte(seq)}, 120), nil }); err != nil {
				return err
			}
			if _, err := tx.Consume("utility", Message{Seq: uint64(i + 1), Body: bytes.Repeat([]byte{9}, 120)}); err != nil {
				return err
			}
			if i%5 == 4 {
				if err := tx.Acked("utility", uint64(i)); err != nil {
					return err
				}
			}
			if err := tx.Put(Parked, key, []byte("waits")); err != nil {
				return err
			}
			return tx.Log(audit.Leaf{Type: audit.JobSubmitted, Refs: map[string]string{"job": key}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// One flipped bit anywhere in the database file is found, or changes nothing that is read. SQLite alone serves most of
// them.
func TestFlippedBits(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	fill(t, db)
	want, err := contents(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	headBytes, err := os.ReadFile(filepath.Join(dir, "tacit.head"))
	if err != nil {
		t.Fatal(err)
	}
	flips := 400
	if testing.Short() {
		flips = 60
	}
	rng := rand.New(rand.NewPCG(1, 2))
	found, other := 0, map[fault.Code]int{}
	for range flips {
		at, bit := rng.IntN(len(whole)), rng.IntN(8)
		if whole[at] == 0 && rng.IntN(4) != 0 {
			at = rng.IntN(len(whole)) // fewer in the empty space
		}
		b := bytes.Clone(whole)
		b[at] ^= 1 << bit
		err := inspect(t, b, headBytes, want)
		if err != nil {
			found++
			other[fault.CodeOf(err)]++
		}
	}
	t.Logf("%d bytes, %d flips, %d found: %v", len(whole), flips, found, other)
	if found < flips/3 {
		t.Errorf("%d of %d flips found", found, flips)
	}
	for c := range other {
		if c != fault.Corrupt && c != fault.Unsupported { // a schema version may become a newer one
			t.Errorf("a flip is reported as %s", c)
		}
	}
}

// inspect opens a damaged copy. What it serves without an error must be what was stored.
func inspect(t *testing.T, file, head []byte, want string) error {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "copy")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := errors.Join(os.WriteFile(Path(dir), file, 0o600), os.WriteFile(filepath.Join(dir, "tacit.head"), head, 0o600)); err != nil {
		t.Fatal(err)
	}
	db, err := Open(context.Background(), Config{Dir: dir, Party: "bank"})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	got, err := contents(db)
	if err == nil && got != want {
		t.Fatalf("served wrong:\n%s", firstDifference(got, want))
	}
	return err
}

func firstDifference(got, want string) string {
	g, w := bytes.Split([]byte(got), []byte("\n")), bytes.Split([]byte(want), []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("line %d: %.200s\nwant %.200s", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// A file cut anywhere is found too.
func TestTruncatedFile(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	fill(t, db)
	want, err := contents(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	headBytes, err := os.ReadFile(filepath.Join(dir, "tacit.head"))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 512 * 17 {
		if err := inspect(t, whole[:n], headBytes, want); fault.CodeOf(err) != fault.Corrupt || err == nil {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for n := range headBytes {
		b := bytes.Clone(headBytes)
		b[n] ^= 2
		if err := inspect(t, whole, b, want); !errors.Is(err, fault.Corrupt) {
			t.Errorf("byte %d of the head file: %v", n, err)
		}
		if err := inspect(t, whole, headBytes[:n], want); !errors.Is(err, fault.Corrupt) {
			t.Errorf("the head file cut to %d bytes: %v", n, err)
		}
	}
}

// Messages that went missing are found: a counter that starts again would number two messages alike.
func TestMissingMessages(t *testing.T) {
	for _, stmt := range []string{
		`DELETE FROM outbox WHERE key = 'utility/!last'`, `DELETE FROM outbox WHERE key = 'utility/00000000000000000003'`,
		`DELETE FROM inbox WHERE key = 'utility/!last'`, `DELETE FROM inbox WHERE key = 'utility/00000000000000000024'`,
		`UPDATE inbox SET value = x'00'`, `UPDATE parked SET value = x'00'`, `UPDATE outbox SET key = 'utility/x' WHERE key = 'utility/00000000000000000003'`,
	} {
		db := open(t, t.TempDir(), nil)
		fill(t, db)
		if err := db.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := db.conn.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
		if err := db.Verify(t.Context()); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s: %v", stmt, err)
		}
	}
}

// Many callers at once: each closure is applied once, alone, and all changes survive.
func TestConcurrentUpdates(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	const callers, rounds = 16, 12
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for range rounds {
				err := db.Update(context.Background(), func(tx *Tx) error {
					n, err := tx.counter(Parked, "n")
					if err == nil {
						err = tx.setCounter(Parked, "n", n+1)
					}
					if err == nil {
						err = tx.Put(Job, fmt.Sprint(c), []byte{byte(n)})
					}
					return errors.Join(err, tx.Log(audit.Leaf{Type: audit.JobSubmitted}))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, nil)
	var n uint64
	var size int64
	if err := db.View(t.Context(), func(tx *Tx) (err error) {
		if n, err = tx.counter(Parked, "n"); err == nil {
			size, err = tx.TreeSize()
		}
		return err
	}); err != nil || n != callers*rounds || size != callers*rounds {
		t.Fatalf("%d increments, %d leaves, %v", n, size, err)
	}
	for c := range callers {
		if r, err := get(t, db, fmt.Sprint(c)); err != nil || r.Rev != rounds {
			t.Errorf("caller %d: revision %d, %v", c, r.Rev, err)
		}
	}
}

// A View sees one state however long it looks, and writes nothing.
func TestViewIsASnapshot(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	put(t, db, "a", "one")
	err := db.View(t.Context(), func(tx *Tx) error {
		for i := range 3 {
			r, err := tx.Get(Job, "a")
			if err != nil || string(r.Value) != "one" {
				return fmt.Errorf("look %d: %q %w", i, r.Value, err)
			}
			put(t, db, "a", fmt.Sprint("two", i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := get(t, db, "a"); string(r.Value) != "two2" {
		t.Errorf("%q", r.Value)
	}
}

func TestViewDoesNotWrite(t *testing.T) {
	for name, write := range map[string]func(*Tx) error{
		"put":    func(tx *Tx) error { return tx.Put(Job, "a", nil) },
		"delete": func(tx *Tx) error { return tx.Delete(Job, "a") },
		"log":    func(tx *Tx) error { return tx.Log(audit.Leaf{Type: audit.JobSubmitted}) },
		"try":    func(tx *Tx) error { return tx.Try(func() error { return nil }) },
		"send":   func(tx *Tx) error { return tx.Send("p", func(uint64) ([]byte, error) { return nil, nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { _ = recover() }() // builds with assertions panic
			db := open(t, t.TempDir(), nil)
			if err := db.View(t.Context(), write); !errors.Is(err, fault.Internal) {
				t.Errorf("%v, want Internal", err)
			}
		})
	}
}

// A failed Try leaves no row, leaf or message; what came before and after it stays.
func TestTry(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	refused := fault.New(fault.Denied, "test", "no")
	err := db.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Put(Job, "before", []byte("1")); err != nil {
			return err
		}
		err := tx.Try(func() error {
			if err := errors.Join(tx.Put(Job, "before", []byte("2")), tx.Put(Job, "inside", nil),
				tx.Send("p", func(uint64) ([]byte, error) { return []byte("m"), nil }), tx.Log(audit.Leaf{Type: audit.JobFailed}),
				tx.Put(Job, "unnamed", nil)); err != nil {
				return err
			}
			if err := tx.Try(func() error { return refused }); !errors.Is(err, fault.Denied) {
				return fmt.Errorf("the inner try: %w", err)
			}
			return refused
		})
		if !errors.Is(err, fault.Denied) {
			return fmt.Errorf("try: %w", err)
		}
		if err := tx.Try(func() error { return tx.Put(Job, "after", []byte("3")) }); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.JobSubmitted})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, nil)
	for key, want := range map[string]string{"before": "1", "after": "3"} {
		if r, err := get(t, db, key); err != nil || string(r.Value) != want || r.Rev != 1 {
			t.Errorf("%s: %q rev %d %v", key, r.Value, r.Rev, err)
		}
	}
	for _, key := range []string{"inside", "unnamed"} {
		if _, err := get(t, db, key); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	_ = db.View(t.Context(), func(tx *Tx) error {
		list, err := tx.Pending("p", 0, 10)
		if n, _ := tx.TreeSize(); n != 1 || len(list) != 0 || err != nil {
			t.Errorf("%d leaves, %d messages, %v", n, len(list), err)
		}
		return nil
	})
}

func TestMaxOutstanding(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	send := func(n int) error {
		return db.Update(t.Context(), func(tx *Tx) error {
			for range n {
				if err := tx.Send("p", func(uint64) ([]byte, error) { return []byte("m"), nil }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := send(MaxOutstanding); err != nil {
		t.Fatal(err)
	}
	if err := send(1); !errors.Is(err, fault.LimitExceeded) {
		t.Fatalf("one more: %v", err)
	}
	if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Acked("p", 1) }); err != nil {
		t.Fatal(err)
	}
	if err := send(1); err != nil {
		t.Fatalf("after an acknowledgement: %v", err)
	}
}

func TestBounds(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	store := func(n int) error {
		return db.Update(t.Context(), func(tx *Tx) error {
			return errors.Join(tx.Put(Job, "a", make([]byte, n)), tx.Log(audit.Leaf{Type: audit.JobSubmitted}))
		})
	}
	for _, n := range []int{0, 1, MaxValue} {
		if err := store(n); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if err := store(MaxValue + 1); fault.CodeOf(err) == fault.Internal || err == nil {
		t.Errorf("a byte more: %v", err)
	}
	if r, err := get(t, db, "a"); err != nil || len(r.Value) != MaxValue || r.Rev != 3 {
		t.Errorf("%d bytes rev %d, %v", len(r.Value), r.Rev, err)
	}
}

func TestDeleteAndHas(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, nil)
	put(t, db, "a", "v")
	if err := db.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.Delete(Job, "a"), tx.Delete(Job, "never"), tx.Log(audit.Leaf{Type: audit.JobFailed}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, nil)
	if err := db.View(t.Context(), func(tx *Tx) error {
		have, err := tx.Has(Job, "a")
		if have {
			t.Error("the row is still there")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// The log's time does not run back, neither while the node runs nor over a restart.
func TestClockRunsBack(t *testing.T) {
	dir := t.TempDir()
	now := time.UnixMilli(2_000_000)
	clock := func(c *Config) { c.Clock = func() time.Time { return now } }
	db := open(t, dir, clock)
	put(t, db, "a", "1")
	now = time.UnixMilli(1_000_000)
	put(t, db, "a", "2")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, clock)
	put(t, db, "a", "3")
	if err := db.View(t.Context(), func(tx *Tx) error {
		for i := range int64(3) {
			b, err := tx.Leaf(i)
			if err != nil {
				return err
			}
			l, err := audit.ParseLeaf(b)
			if err != nil || l.T != 2_000_000 {
				t.Errorf("leaf %d at %d, %v", i, l.T, err)
			}
		}
		_, err := tx.Leaf(3)
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestClosedAndCanceled(t *testing.T) {
	db := open(t, t.TempDir(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	if err := db.Update(ctx, func(*Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("canceled: %v", err)
	}
	if err := db.View(ctx, func(*Tx) error { return nil }); err == nil {
		t.Error("a canceled view")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := db.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, fault.Unavailable) {
			t.Errorf("closed: %v", err)
		}
	}
	if err := db.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, fault.Unavailable) {
		t.Errorf("closed: %v", err)
	}
}
