package lookup

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols/oprf"
)

type inviteOf = direct.Invite

// TestLedger: whatever the order of reservations, commits, failures and crashes, what is durable covers every evaluation
// made, used counts never fall, and no bound is crossed.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "ledger")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		const life, quota = 100, 60
		l := newLedger(filepath.Join(dir, ledgerFile), life)
		if err := l.save(); err != nil {
			t.Fatal(err)
		}
		made := map[uint32]int64{} // what each client got answers for
		open := map[uint32]int64{} // reservations of this process
		floor := map[uint32]int64{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			client := uint32(rapid.IntRange(1, 3).Draw(t, "client"))
			switch rapid.SampledFrom([]string{"reserve", "commit", "crash"}).Draw(t, "step") {
			case "reserve":
				n := int64(rapid.IntRange(0, 70).Draw(t, "n"))
				if open[client] > 0 {
					continue
				}
				_, err := l.reserve(client, n, quota)
				switch fault.CodeOf(err) {
				case fault.BudgetExhausted, fault.LimitExceeded:
				default:
					if err != nil {
						t.Fatal(err)
					}
				}
				if err == nil {
					open[client] = n
				}
			case "commit":
				n := open[client]
				answered := int64(rapid.IntRange(0, int(n)).Draw(t, "answered"))
				if err := l.commit(client, n, answered); err != nil {
					t.Fatal(err)
				}
				made[client] += answered
				delete(open, client)
			case "crash":
				for c, n := range open {
					made[c] += n // all of it may have been answered
				}
				clear(open)
				if l, err = openLedger(dir, life); err != nil {
					t.Fatal(err)
				}
			}
			stored, err := openLedger(dir, life)
			if err != nil {
				t.Fatal(err)
			}
			total := int64(0)
			for c := uint32(1); c <= 3; c++ {
				own, all := stored.used(c)
				total = all
				if own != made[c]+open[c] || own > quota || made[c] < floor[c] {
					t.Fatalf("client %d: stored %d, made %d, reserved %d", c, own, made[c], open[c])
				}
				floor[c] = made[c]
			}
			if total > life {
				t.Fatalf("%d of %d", total, life)
			}
		}
	})
}

// TestDiskFails: without a durable reservation nothing is granted, and the count in memory is that of the disk.
func TestDiskFails(t *testing.T) {
	dir := t.TempDir()
	l := newLedger(filepath.Join(dir, "gone", ledgerFile), 10)
	if _, err := l.reserve(1, 5, 0); fault.CodeOf(err) != fault.Expired {
		t.Error(err)
	}
	blocked := filepath.Join(dir, ledgerFile)
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil { // a rename cannot replace it
		t.Fatal(err)
	}
	l = newLedger(blocked, 10)
	if _, err := l.reserve(1, 5, 0); fault.CodeOf(err) != fault.Unavailable {
		t.Error(err)
	}
	if own, all := l.used(1); own != 0 || all != 0 {
		t.Errorf("%d, %d", own, all)
	}
}

func testCatalog() catalog {
	return catalog{
		lit: oprf.ParamsLiteral{Suite: oprf.SuiteRistretto255, SSP: 40, ServerItems: 1 << 20, Queries: 1 << 30, SessionQueries: 1 << 24},
		pin: oprf.Pin{Epoch: [32]byte{1}, Key: [32]byte{2}, File: [32]byte{3}}, records: 1 << 19,
	}
}

// TestMessages: what is encoded decodes to the same.
func TestMessages(t *testing.T) {
	o := opening{holder: true, ruleset: [32]byte{1}, nonce: [32]byte{2}}
	if got, err := decodeOpening(o.encode()); err != nil || got != o {
		t.Error(got, err)
	}
	c := testCatalog()
	if got, err := decodeCatalog(c.encode()); err != nil || !reflect.DeepEqual(got, c) {
		t.Error(got, err)
	}
	w := want{fetch: true, queries: oprf.MaxSessionQueries}
	if got, err := decodeWant(w.encode()); err != nil || got != w {
		t.Error(got, err)
	}
	for _, v := range []verdict{{granted: true, left: 5}, {code: fault.Expired}, {code: fault.BudgetExhausted, left: 1}} {
		if got, err := decodeVerdict(v.encode()); err != nil || got != v {
			t.Error(got, err)
		}
	}
	r := Record{Counts: Counts{Rows: 9, Null: 1, Keys: 1 << 19}, Made: time.Unix(5, 0).UTC(), lit: c.lit, Pin: c.pin}
	r.lit.Ruleset = [32]byte{7}
	if got, err := decodeRecord(r.encode()); err != nil || !reflect.DeepEqual(got, r) {
		t.Error(got, err)
	}
}

// TestMessagesRefused: what cannot be meant has its code.
func TestMessagesRefused(t *testing.T) {
	over := testCatalog()
	over.records = over.lit.ServerItems + 1
	for name, c := range map[string]struct {
		err  error
		want fault.Code
	}{
		"another command": {second(decodeOpening([]byte{64, 0, 1})), fault.PlanMismatch},
		"another version": {second(decodeOpening([]byte{kindOpening, 0, 9})), fault.Unsupported},
		"cut":             {second(decodeOpening(opening{}.encode()[:9])), fault.Misbehaved},
		"records":         {second(decodeCatalog(over.encode())), fault.LimitExceeded},
		"queries":         {second(decodeWant(want{queries: oprf.MaxSessionQueries + 1}.encode())), fault.LimitExceeded},
		"refusal":         {second(decodeVerdict(verdict{code: fault.Internal}.encode())), fault.Misbehaved},
		"negative":        {second(decodeVerdict(verdict{granted: true, left: -1}.encode())), fault.Misbehaved},
		"kind":            {second(decodeWant([]byte{kindVerdict, 1, 0, 0, 0, 0})), fault.Misbehaved},
	} {
		if fault.CodeOf(c.err) != c.want {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// FuzzMessages: a value that encodes to the same bytes, or a fault.
func FuzzMessages(f *testing.F) {
	f.Add(opening{holder: true}.encode())
	f.Add(testCatalog().encode())
	f.Add(want{fetch: true, queries: 3}.encode())
	f.Add(verdict{granted: true}.encode())
	f.Add(verdict{code: fault.Expired}.encode())
	f.Add(Record{lit: testCatalog().lit}.encode())
	f.Fuzz(func(t *testing.T, msg []byte) {
		check := func(again []byte, err error) {
			if err == nil && !bytes.Equal(again, msg) {
				t.Errorf("%x encodes to %x", msg, again)
			}
			if err != nil && !fault.CodeOf(err).Known() {
				t.Error(err)
			}
		}
		o, err := decodeOpening(msg)
		check(o.encode(), err)
		c, err := decodeCatalog(msg)
		check(c.encode(), err)
		w, err := decodeWant(msg)
		check(w.encode(), err)
		v, err := decodeVerdict(msg)
		check(v.encode(), err)
		r, err := decodeRecord(msg)
		check(r.encode(), err)
	})
}

// TestPrices: a published set is a candidate where one side is at least 64 times the other and the smaller may learn alone.
func TestPrices(t *testing.T) {
	q := intersect.Question{Own: 100_000, Peer: 10_000_000, Side: intersect.Listener, Net: intersect.NetLAN(), Workers: 2}
	got, err := Prices(q)
	if err != nil || len(got) != 2 || got[0].Cost.SentBytes < 3_200_000 || got[1].Cost.RecvBytes-got[0].Cost.RecvBytes < 10_000_000*11 || got[1].Wall < got[0].Wall {
		t.Fatalf("%+v, %v", got, err)
	}
	q.Own, q.Peer = q.Peer, q.Own
	if flipped, err := Prices(q); err != nil || flipped[0].Cost != got[0].Cost.Flip() {
		t.Errorf("%+v, %v", flipped, err)
	}
	for name, change := range map[string]func(*intersect.Question){
		"alike":          func(q *intersect.Question) { q.Peer = q.Own/64 + 1 },
		"empty":          func(q *intersect.Question) { q.Peer = 0 },
		"holder learns":  func(q *intersect.Question) { q.Terms.OutputTo = intersect.ToListener },
		"cannot be held": func(q *intersect.Question) { q.Own = 1 << 30 },
	} {
		q := q
		change(&q)
		if got, err := Prices(q); err != nil || got != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
