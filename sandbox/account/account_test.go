package account

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// memTx keeps encoded rows, so that every operation goes through the codec.
type memTx struct {
	accounts map[Name]string
	entries  map[string]string
	leaves   int
}

func newTx() *memTx { return &memTx{accounts: map[Name]string{}, entries: map[string]string{}} }

// do runs f on a copy and keeps it when f succeeds.
func (tx *memTx) do(f func(Tx) error) error {
	next := &memTx{maps.Clone(tx.accounts), maps.Clone(tx.entries), tx.leaves}
	err := f(next)
	if err == nil {
		*tx = *next
	}
	return err
}

func (tx *memTx) Account(n Name) (Account, bool, error) {
	b, ok := tx.accounts[n]
	if !ok {
		return Account{}, false, nil
	}
	a, err := DecodeAccount([]byte(b))
	return a, true, err
}

func (tx *memTx) PutAccount(a Account) error {
	tx.accounts[a.Name] = string(a.Encode())
	return nil
}

func (tx *memTx) Entry(key string) (Entry, bool, error) {
	b, ok := tx.entries[key]
	if !ok {
		return Entry{}, false, nil
	}
	e, err := DecodeEntry([]byte(b))
	return e, true, err
}

func (tx *memTx) AppendEntry(e Entry) error {
	tx.entries[e.Key] = string(e.Encode())
	return nil
}

func (tx *memTx) Leaf(string, string) error {
	tx.leaves++
	return nil
}

func (tx *memTx) balance(n Name) int64 {
	a, _, _ := tx.Account(n)
	return a.Balance
}

var (
	payer = Name{"bank", Receivable, "CNY"}
	payee = Name{"utility", Payable, "CNY"}
	pot   = Name{"bank", Suspense("agr-1"), "CNY"}
)

func books(t testing.TB) *memTx {
	t.Helper()
	tx := newTx()
	for _, n := range []Name{payer, payee, pot} {
		if err := tx.do(func(tx Tx) error { return Open(tx, n, n != payer) }); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestNewEntry(t *testing.T) {
	pair := func(a int64) []Posting { return []Posting{{payer, -a}, {pot, a}} }
	many := make([]Posting, MaxPostings+1)
	for name, c := range map[string]struct {
		key, reason string
		t           time.Time
		postings    []Posting
		want        fault.Code
	}{
		"no key":      {"", "r", epoch, pair(1), fault.Invalid},
		"long key":    {strings.Repeat("k", MaxKeyBytes+1), "r", epoch, pair(1), fault.Invalid},
		"no reason":   {"k", "", epoch, pair(1), fault.Invalid},
		"long reason": {"k", strings.Repeat("r", MaxReasonBytes+1), epoch, pair(1), fault.Invalid},
		"zero time":   {"k", "r", time.Time{}, pair(1), fault.Invalid},
		"no postings": {"k", "r", epoch, nil, fault.Invalid},
		"one posting": {"k", "r", epoch, pair(1)[:1], fault.Invalid},
		"too many":    {"k", "r", epoch, many, fault.LimitExceeded},
		"zero":        {"k", "r", epoch, pair(0), fault.Invalid},
		"too large":   {"k", "r", epoch, pair(MaxAmount + 1), fault.Invalid},
		"unbalanced":  {"k", "r", epoch, []Posting{{payer, -1}, {pot, 2}}, fault.Invalid},
		"twice":       {"k", "r", epoch, []Posting{{payer, -1}, {payer, 1}}, fault.Invalid},
		"currencies":  {"k", "r", epoch, []Posting{{payer, -1}, {Name{"bank", Fee, "EUR"}, 1}}, fault.Invalid},
		"wraps":       {"k", "r", epoch, []Posting{{payer, MaxAmount}, {pot, MaxAmount}, {payee, MaxAmount}, {Name{"x", Fee, "CNY"}, MaxAmount}}, fault.Invalid},
		"party":       {"k", "r", epoch, []Posting{{Name{"", Fee, "CNY"}, -1}, {pot, 1}}, fault.Invalid},
		"code":        {"k", "r", epoch, []Posting{{Name{"bank", "cash", "CNY"}, -1}, {pot, 1}}, fault.Invalid},
		"suspense":    {"k", "r", epoch, []Posting{{Name{"bank", Suspense(""), "CNY"}, -1}, {pot, 1}}, fault.Invalid},
		"currency":    {"k", "r", epoch, []Posting{{Name{"bank", Fee, "cny"}, -1}, {pot, 1}}, fault.Invalid},
	} {
		_, err := NewEntry(c.key, c.reason, c.t, c.postings)
		wantCode(t, name, err, c.want)
	}
	if _, err := NewEntry("k", "r", epoch, pair(MaxAmount)); err != nil {
		t.Errorf("the largest amount: %v", err)
	}
}

func TestPost(t *testing.T) {
	tx := books(t)
	post := func(key string, p ...Posting) error {
		return tx.do(func(tx Tx) error {
			e, err := NewEntry(key, "receipt", epoch, p)
			if err != nil {
				return err
			}
			return Post(tx, e)
		})
	}
	for range 2 {
		if err := post("1", Posting{payer, -10}, Posting{pot, 10}); err != nil {
			t.Fatal(err)
		}
	}
	if tx.balance(pot) != 10 || tx.balance(payer) != -10 || tx.leaves != 1 {
		t.Errorf("after a repeated entry: %d, %d, %d leaves", tx.balance(pot), tx.balance(payer), tx.leaves)
	}
	wantCode(t, "other body", post("1", Posting{payer, -11}, Posting{pot, 11}), fault.Exists)
	wantCode(t, "overdraft", post("2", Posting{pot, -11}, Posting{payee, 11}), fault.BudgetExhausted)
	wantCode(t, "not open", post("3", Posting{payer, -1}, Posting{Name{"bank", Fee, "CNY"}, 1}), fault.NotFound)
	wantCode(t, "beyond 2^62", post("4", Posting{payer, -MaxAmount}, Posting{pot, MaxAmount}), fault.LimitExceeded)
	wantCode(t, "unchecked", Post(tx, Entry{Key: "x"}), fault.Invalid)
	if err := post("5", Posting{pot, -10}, Posting{payee, 10}); err != nil {
		t.Errorf("to exactly 0: %v", err)
	}
	e, _, _ := tx.Entry("5")
	back, err := e.Reverse("6", "dispute 3", epoch)
	if err != nil || tx.do(func(tx Tx) error { return Post(tx, back) }) != nil || tx.balance(payee) != 0 || tx.balance(pot) != 10 {
		t.Errorf("after the reversal: %d, %d, %v", tx.balance(payee), tx.balance(pot), err)
	}
	wantCode(t, "open otherwise", tx.do(func(tx Tx) error { return Open(tx, pot, false) }), fault.Exists)
	wantCode(t, "open nothing", tx.do(func(tx Tx) error { return Open(tx, Name{}, false) }), fault.Invalid)
	if err := tx.do(func(tx Tx) error { return Open(tx, pot, true) }); err != nil || tx.balance(pot) != 10 {
		t.Errorf("open again: %v", err)
	}
}

// TestBooksBalance posts at random, with repetitions: all balances sum to 0, no forbidden overdraft, and the balances
// are what the entries say.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := newTx()
		var names []Name
		for _, p := range []party.ID{"a", "b", "c"} {
			for _, c := range []Code{Receivable, Payable} {
				n := Name{p, c, "CNY"}
				names = append(names, n)
				if err := tx.do(func(tx Tx) error { return Open(tx, n, c == Payable) }); err != nil {
					t.Fatal(err)
				}
			}
		}
		amount := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(MaxAmount-1, MaxAmount))
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			m := amount.Draw(t, "amount")
			from, to := rapid.SampledFrom(names).Draw(t, "from"), rapid.SampledFrom(names).Draw(t, "to")
			e, err := NewEntry(fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "key")), "r", epoch, []Posting{{from, -m}, {to, m}})
			if err == nil {
				_ = tx.do(func(tx Tx) error { return Post(tx, e) })
			}
		}
		want := map[Name]int64{}
		for _, b := range tx.entries {
			e, err := DecodeEntry([]byte(b))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range e.Postings {
				want[p.Account] += p.Amount
			}
		}
		sum := int64(0)
		for _, n := range names {
			b := tx.balance(n)
			sum += b
			if b != want[n] || n.Code == Payable && b < 0 {
				t.Fatalf("%v: balance %d, entries say %d", n, b, want[n])
			}
		}
		if sum != 0 || tx.leaves != len(tx.entries) {
			t.Fatalf("I10: balances sum to %d; %d leaves for %d entries", sum, tx.leaves, len(tx.entries))
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	e, err := NewEntry("k", "r", epoch, []Posting{{payer, -5}, {pot, 5}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEntry(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(e.Encode(), b) {
			t.Error("two encodings of one entry")
		}
	})
}

func FuzzDecodeAccount(f *testing.F) {
	f.Add(Account{Name: pot, NoOverdraft: true, Balance: 7}.Encode())
	f.Add(Account{Name: payer, Balance: -7}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAccount(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(a.Encode(), b) {
			t.Error("two encodings of one account")
		}
	})
}

// Example pays a party through the books, then repeats the entry: nothing is paid twice.
func Example() {
	tx := newTx()
	_ = Open(tx, payer, false)
	_ = Open(tx, payee, true)
	e, _ := NewEntry("receipt-1", "model training", epoch, []Posting{{payer, -500}, {payee, 500}})
	fmt.Println(Post(tx, e), Post(tx, e))
	a, _, _ := tx.Account(payee)
	fmt.Println(a.Party, "is owed", a.Balance, a.Currency)
	// Output:
	// <nil> <nil>
	// utility is owed 500 CNY
}
