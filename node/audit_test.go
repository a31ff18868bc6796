package node

import (
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// TestAudit: after a paid job every node's log verifies, what it proves verifies offline, and one changed byte at rest
// is found and named.
func TestAudit(t *testing.T) {
	f := newFederation(t)
	d := f.deal("audit", bankSheet(300, 0), utilitySheet(300, 50))
	contract := f.agree(d)
	bank, utility := f.succeed(d.spec(modelSpec, "trust: 2pc", "contract: "+contract+"\ntrust: 2pc"))
	for _, n := range f.nodes() {
		v, err := n.VerifyAudit(t.Context())
		f.ok(err)
		if v.Size < 20 {
			t.Errorf("%s: a log of %d leaves after a job", n.file.Party, v.Size)
		}
	}
	t.Run("receipts and invoice prove offline", func(t *testing.T) {
		checkProofs(f.in(t), f.bank, bank)
		checkProofs(f.in(t), f.utility, utility)
	})
	f.ok(f.bank.Close())
	t.Run("the closed database verifies offline", func(t *testing.T) {
		if _, err := VerifyAuditOffline(t.Context(), f.home("bank")); err != nil {
			t.Error(err)
		}
	})
	checkTampering(f, "bank")
}

// checkProofs verifies the inclusion proofs of a job's receipts and invoice with the log's public key alone.
func checkProofs(f *federation, n *Node, v JobView) {
	f.t.Helper()
	inv, err := n.Invoice(f.t.Context(), v.ID)
	f.ok(err)
	want := map[int64]string{inv.Leaf: ""}
	for _, r := range v.Receipts {
		if r.Leaf < 0 {
			f.t.Errorf("receipt of %s for %s has no leaf", r.Receipt.Party, r.Receipt.Step)
		}
		if len(r.Countersigned) != 1 || r.Countersigned[0] == r.Receipt.Party {
			f.t.Errorf("receipt of %s for %s is countersigned by %v", r.Receipt.Party, r.Receipt.Step, r.Countersigned)
		}
		digest := r.Receipt.Digest()
		want[r.Leaf] = hex.EncodeToString(digest[:])
	}
	for index, digest := range want {
		file, vkey, err := n.Proof(f.t.Context(), index)
		f.ok(err)
		rec, err := audit.ParseReceipt(file)
		f.ok(err)
		leaf, cp, err := rec.Verify(vkey)
		f.ok(err)
		if index != rec.Index || index >= cp.Size {
			f.t.Errorf("a proof of leaf %d of %d, leaf %d wanted", rec.Index, cp.Size, index)
		}
		if digest == "" && (leaf.Type != audit.SettlePosted || leaf.Refs["job"] != v.ID) {
			f.t.Errorf("the invoice's leaf is %s of job %s", leaf.Type, leaf.Refs["job"])
		}
		if digest != "" && leaf.Refs["receipt"] != digest {
			f.t.Errorf("a receipt's leaf names another receipt")
		}
		rec.Leaf[len(rec.Leaf)/2] ^= 1
		if _, _, err := rec.Verify(vkey); err == nil {
			f.t.Errorf("a proof of a changed leaf %d verifies", index)
		}
	}
	if _, _, err := n.Proof(f.t.Context(), 1<<40); !errors.Is(err, fault.NotFound) {
		f.t.Errorf("a proof of a leaf that is not there: %v", err)
	}
}

// checkTampering changes copies of a closed node at rest.
func checkTampering(f *federation, id party.ID) {
	exec := func(query string, args ...any) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			db := openSQL(t, dir)
			res, err := db.Exec(query, args...)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				t.Fatalf("%d rows changed: %v", n, err)
			}
		}
	}
	cases := []struct {
		name   string
		change func(t *testing.T, dir string)
		names  string // in the reason
	}{
		{"a byte of a leaf", exec(`UPDATE leaf SET bytes = replace(bytes, 'job', 'jpb') WHERE idx = 12`), "leaf 12"},
		{"a stored tree hash", exec(`UPDATE tree_hash SET hash = zeroblob(32) WHERE idx = 9`), "leaf "},
		{"a row's value", exec(`UPDATE "account" SET value = x'00' || substr(value, 2) WHERE key LIKE 'grant/%'`), "account"},
		{"a row's value with its checksum", forgeRow, "account"},
		{"a removed row", exec(`DELETE FROM "receipt" WHERE key LIKE '%bank'`), "receipt"},
		{"a row that nothing explains", exec(`INSERT INTO "grant" SELECT 'grant-x', rev, value, crc FROM "grant"`), "grant"},
		{"a log cut short", func(t *testing.T, dir string) {
			exec(`DELETE FROM leaf WHERE idx = (SELECT max(idx) FROM leaf)`)(t, dir)
		}, "leaves"},
		{"a byte of the head file", flipHead, "head"},
		{"no head file", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "tacit.head")); err != nil {
				t.Fatal(err)
			}
		}, "head"},
		{"the head of an empty log", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "tacit.head"), 0); err != nil {
				t.Fatal(err)
			}
		}, "head"},
		{"not a database", func(t *testing.T, dir string) {
			if err := os.WriteFile(store.Path(dir), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ""},
	}
	for _, c := range cases {
		f.t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(f.home(id))); err != nil {
				t.Fatal(err)
			}
			if err := ownerOnly(dir); err != nil {
				t.Fatal(err)
			}
			c.change(t, dir)
			_, err := VerifyAuditOffline(t.Context(), dir)
			if fault.CodeOf(err) != fault.Corrupt || err == nil {
				t.Fatalf("%v, want Corrupt", err)
			}
			if !strings.Contains(fmt.Sprint(err), c.names) {
				t.Errorf("%v does not name %q", err, c.names)
			}
			if _, err := Open(t.Context(), Config{Dir: dir}); fault.CodeOf(err) != fault.Corrupt || err == nil {
				t.Errorf("a node opens over it: %v", err)
			}
		})
	}
}

// ownerOnly gives copied files the permissions that a node insists on.
func ownerOnly(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
}

func openSQL(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+store.Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// forgeRow changes a budget account and repairs its checksum, as somebody who knows the format would: only the log then
// contradicts it.
func forgeRow(t *testing.T, dir string) {
	db := openSQL(t, dir)
	var key string
	var rev int64
	var value []byte
	if err := db.QueryRow(`SELECT key, rev, value FROM "account" WHERE key LIKE 'grant/%'`).Scan(&key, &rev, &value); err != nil {
		t.Fatal(err)
	}
	value[len(value)-1] ^= 1
	image := append([]byte("account\x00"+key+"\x00"), binary.BigEndian.AppendUint64(nil, uint64(rev))...)
	sum := crc32.Checksum(append(image, value...), crc32.MakeTable(crc32.Castagnoli))
	if _, err := db.Exec(`UPDATE "account" SET value = ?, crc = ? WHERE key = ?`, value, int64(sum), key); err != nil {
		t.Fatal(err)
	}
}

func flipHead(t *testing.T, dir string) {
	path := filepath.Join(dir, "tacit.head")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[20] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
