package settle

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/account"
)

func equal(n int) []Share {
	out := make([]Share, n)
	for i := range out {
		out[i] = Share{party.ID(fmt.Sprintf("p%02d", i)), 1}
	}
	return out
}

func split(t rapid.TB, shares []Share) Split {
	t.Helper()
	s, err := New("agr-1", "keeper", "CNY", shares)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// purse follows postings: what each account holds.
type purse map[account.Name]int64

func (b purse) post(t rapid.TB, list []account.Posting) {
	t.Helper()
	sum := int64(0)
	for _, p := range list {
		if p.Amount == 0 {
			t.Fatal("a posting of 0")
		}
		b[p.Account] += p.Amount
		sum += p.Amount
	}
	if sum != 0 {
		t.Fatalf("postings sum to %d", sum)
	}
}

// paid is a payee's payable less what it owes, minus what it pays as a payer elsewhere.
func (b purse) paid(p party.ID) int64 {
	return b[account.Name{Party: p, Code: account.Payable, Currency: "CNY"}] +
		b[account.Name{Party: p, Code: account.Receivable, Currency: "CNY"}]
}

func (b purse) suspense() int64 {
	return b[account.Name{Party: "keeper", Code: account.Suspense("agr-1"), Currency: "CNY"}]
}

func (b purse) receive(t rapid.TB, s Split, m int64) Split {
	t.Helper()
	next, invoice, list, err := s.Receive(Instalment{Job: "job-1", Payer: "payer", Amount: m})
	if err != nil {
		t.Fatal(err)
	}
	if err := invoice.Check(); err != nil || invoice.Total != m {
		t.Fatalf("invoice of %d for %d: %v", invoice.Total, m, err)
	}
	b.post(t, list)
	return next
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestManySmallReceipts: 100,000 receipts of 0 to 49 among seven equal payees. Everybody gets the same; suspense never
// exceeds six units.
func TestManySmallReceipts(t *testing.T) {
	receipts := 100_000
	if testing.Short() {
		receipts = 10_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	s, b, total := split(t, equal(7)), purse{}, int64(0)
	for range receipts {
		m := r.Int64N(50)
		s, total = b.receive(t, s, m), total+m
		if left := b.suspense(); left < 0 || left > 6 || left != s.Suspense() {
			t.Fatalf("suspense %d, state says %d", left, s.Suspense())
		}
	}
	for _, share := range s.Shares {
		if got := b.paid(share.Payee); got != total/7 {
			t.Errorf("%s has %d of %d, want %d", share.Payee, got, total, total/7)
		}
	}
	s, list := s.Close()
	b.post(t, list)
	if b.suspense() != 0 || s.Suspense() != 0 {
		t.Errorf("suspense %d after closing", b.suspense())
	}
}

// TestSplit follows random weights, instalments and reversals beside exact rationals.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := drawShares(t)
		s, b, total := split(t, shares), purse{}, int64(0)
		amount := rapid.OneOf(rapid.Int64Range(0, 60), rapid.Int64Range(1<<61, 1<<62))
		for range rapid.IntRange(0, 25).Draw(t, "instalments") {
			m := amount.Draw(t, "amount")
			if rapid.Bool().Draw(t, "reversal") {
				m = -m
			}
			if total+m < 0 || total > maxTotal-m {
				_, _, _, err := s.Receive(Instalment{Job: "j", Payer: "payer", Amount: m})
				if c := fault.CodeOf(err); err == nil || m < 0 && c != fault.Invalid || m > 0 && c != fault.LimitExceeded {
					t.Fatalf("instalment beyond the range: %v", err)
				}
				continue
			}
			s, total = b.receive(t, s, m), total+m
			checkSplit(t, s, b, total)
		}
		paid := map[party.ID]int64{}
		for _, share := range s.Shares {
			paid[share.Payee] = b.paid(share.Payee)
		}
		closed, list := s.Close()
		b.post(t, list)
		if b.suspense() != 0 {
			t.Fatalf("suspense %d after closing", b.suspense())
		}
		for _, share := range closed.Shares {
			if d := b.paid(share.Payee) - paid[share.Payee]; d < 0 || d > 1 {
				t.Fatalf("closing gave %d", d)
			}
			apart(t, b.paid(share.Payee), total, share.Weight, s.weight())
		}
		if again, list := closed.Close(); len(list) != 0 || !bytes.Equal(again.Encode(), closed.Encode()) {
			t.Fatal("closing twice")
		}
	})
}

func drawShares(t *rapid.T) []Share {
	shares := equal(rapid.IntRange(1, 8).Draw(t, "payees"))
	for i := range shares {
		shares[i].Weight = rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(1, MaxWeight/8)).Draw(t, "weight")
	}
	return shares
}

func checkSplit(t rapid.TB, s Split, b purse, total int64) {
	t.Helper()
	if left := b.suspense(); left < 0 || left > int64(len(s.Shares))-1 || left != s.Suspense() {
		t.Fatalf("suspense %d among %d payees, state says %d", left, len(s.Shares), s.Suspense())
	}
	if b[account.Name{Party: "payer", Code: account.Receivable, Currency: "CNY"}] != -total {
		t.Fatal("the payer owes something else")
	}
	for i, share := range s.Shares {
		apart(t, b.paid(share.Payee), total, share.Weight, s.weight())
		if b[account.Name{Party: share.Payee, Code: account.Receivable, Currency: "CNY"}] != -s.Owed[i] {
			t.Fatalf("%s owes something else than the state says", share.Payee)
		}
	}
}

// apart checks |paid − total·weight/sum| < 1 in exact rationals.
func apart(t rapid.TB, paid, total, weight, sum int64) {
	t.Helper()
	exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(weight)), big.NewInt(sum))
	gap := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(paid))
	if gap.Abs(gap).Cmp(big.NewRat(1, 1)) >= 0 {
		t.Fatalf("paid %d, entitled to %s", paid, exact.FloatString(3))
	}
}

// TestOrderAndBatches: permuted receipts, random batches and permuted parties end alike.
func TestOrderAndBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := drawShares(t)
		receipts := rapid.SliceOfN(rapid.Int64Range(0, 49), 1, 40).Draw(t, "receipts")
		one, b := split(t, shares), purse{}
		for _, m := range receipts {
			one = b.receive(t, one, m)
		}
		two, c := split(t, rapid.Permutation(shares).Draw(t, "parties")), purse{}
		batch := int64(0)
		for _, m := range rapid.Permutation(receipts).Draw(t, "order") {
			if batch += m; rapid.Bool().Draw(t, "cut") {
				two, batch = c.receive(t, two, batch), 0
			}
		}
		two = c.receive(t, two, batch)
		if !bytes.Equal(one.Encode(), two.Encode()) {
			t.Fatal("the states differ")
		}
		_, list := one.Close()
		_, other := two.Close()
		if !slices.Equal(list, other) {
			t.Fatal("the closings differ")
		}
		for _, share := range shares {
			if b.paid(share.Payee) != c.paid(share.Payee) {
				t.Fatalf("%s has %d and %d", share.Payee, b.paid(share.Payee), c.paid(share.Payee))
			}
		}
	})
}

// TestReversal: nothing is pulled from a payee; the debt is netted from what it earns next.
func TestReversal(t *testing.T) {
	s, b := split(t, equal(2)), purse{}
	payable := account.Name{Party: "p00", Code: account.Payable, Currency: "CNY"}
	debt := account.Name{Party: "p00", Code: account.Receivable, Currency: "CNY"}
	for _, c := range []struct{ m, payable, debt int64 }{
		{100, 50, 0}, {-100, 50, -50}, {60, 50, -20}, {60, 60, 0}, {1, 60, 0}, {1, 61, 0}, {-1, 61, -1}, {1, 61, 0},
	} {
		s = b.receive(t, s, c.m)
		if b[payable] != c.payable || b[debt] != c.debt {
			t.Errorf("after %d: payable %d, debt %d, want %d and %d", c.m, b[payable], b[debt], c.payable, c.debt)
		}
	}
}

// TestReversalRestores: an instalment and its reversal leave every net position as it was.
func TestReversalRestores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := split(t, drawShares(t)), purse{}
		s = b.receive(t, s, rapid.Int64Range(0, 1<<61).Draw(t, "first"))
		before := map[party.ID]int64{}
		for _, share := range s.Shares {
			before[share.Payee] = b.paid(share.Payee)
		}
		left, m := b.suspense(), rapid.Int64Range(0, 1<<61).Draw(t, "second")
		s = b.receive(t, b.receive(t, s, m), 0)
		s = b.receive(t, s, -m)
		for _, share := range s.Shares {
			if b.paid(share.Payee) != before[share.Payee] {
				t.Fatalf("%s has %d, had %d", share.Payee, b.paid(share.Payee), before[share.Payee])
			}
		}
		if b.suspense() != left {
			t.Fatalf("suspense %d, was %d", b.suspense(), left)
		}
	})
}

func TestNewRefusals(t *testing.T) {
	many := make([]Share, MaxPayees+1)
	for name, c := range map[string]struct {
		agreement string
		keeper    party.ID
		currency  string
		shares    []Share
		want      fault.Code
	}{
		"no agreement":  {"", "keeper", "CNY", equal(1), fault.Invalid},
		"no keeper":     {"a", "", "CNY", equal(1), fault.Invalid},
		"currency":      {"a", "keeper", "yuan", equal(1), fault.Invalid},
		"no payee":      {"a", "keeper", "CNY", nil, fault.Invalid},
		"too many":      {"a", "keeper", "CNY", many, fault.LimitExceeded},
		"twice":         {"a", "keeper", "CNY", []Share{{"x", 1}, {"x", 2}}, fault.Invalid},
		"bad payee":     {"a", "keeper", "CNY", []Share{{"", 1}}, fault.Invalid},
		"weight 0":      {"a", "keeper", "CNY", []Share{{"x", 0}}, fault.Invalid},
		"weight -1":     {"a", "keeper", "CNY", []Share{{"x", -1}}, fault.Invalid},
		"weights above": {"a", "keeper", "CNY", []Share{{"x", MaxWeight}, {"y", 1}}, fault.Invalid},
	} {
		_, err := New(c.agreement, c.keeper, c.currency, c.shares)
		wantCode(t, name, err, c.want)
	}
	if _, err := New("a", "keeper", "CNY", []Share{{"x", MaxWeight - 1}, {"y", 1}}); err != nil {
		t.Errorf("weights at the bound: %v", err)
	}
}

func TestReceiveRefusals(t *testing.T) {
	s := split(t, equal(2))
	ok := Instalment{Job: "job-1", Payer: "payer", Amount: 5}
	for name, c := range map[string]struct {
		f    func(*Instalment)
		want fault.Code
	}{
		"no job":            {func(i *Instalment) { i.Job = "" }, fault.Invalid},
		"long job":          {func(i *Instalment) { i.Job = strings.Repeat("j", MaxJobBytes+1) }, fault.Invalid},
		"no payer":          {func(i *Instalment) { i.Payer = "" }, fault.Invalid},
		"nothing to return": {func(i *Instalment) { i.Amount = -1 }, fault.Invalid},
		"beyond 2^62":       {func(i *Instalment) { i.Amount = maxTotal + 1 }, fault.LimitExceeded},
		"receipts unsorted": {func(i *Instalment) { i.Receipts = [][32]byte{{2}, {1}} }, fault.Invalid},
		"receipt twice":     {func(i *Instalment) { i.Receipts = [][32]byte{{1}, {1}} }, fault.Invalid},
		"too many receipts": {func(i *Instalment) { i.Receipts = make([][32]byte, MaxReceipts+1) }, fault.LimitExceeded},
	} {
		in := ok
		c.f(&in)
		_, _, _, err := s.Receive(in)
		wantCode(t, name, err, c.want)
	}
	closed, _ := s.Close()
	_, _, _, err := closed.Receive(ok)
	wantCode(t, "closed", err, fault.Invalid)
	ok.Amount = maxTotal
	if _, _, _, err := s.Receive(ok); err != nil {
		t.Errorf("the largest instalment: %v", err)
	}
	before := s.Encode()
	ok.Amount = 7
	if _, _, _, err := s.Receive(ok); err != nil || !bytes.Equal(before, s.Encode()) {
		t.Errorf("Receive changed its receiver: %v", err)
	}
}

// TestPayerIsPayee: a party that pays and earns has one receivable account; postings name it once.
func TestPayerIsPayee(t *testing.T) {
	s := split(t, []Share{{"bank", 1}, {"utility", 1}})
	for _, m := range []int64{10, -10, 10} {
		next, _, list, err := s.Receive(Instalment{Job: "j", Payer: "bank", Amount: m})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := account.NewEntry("k", "r", time.UnixMilli(0), list); err != nil {
			t.Errorf("%d: %v", m, err)
		}
		s = next
	}
}

func TestCharges(t *testing.T) {
	third := Price{1, 3}
	c, total := Charges{}, int64(0)
	for i := range int64(10) { // thirds of a unit: 0 0 1 0 0 1 …
		next, due, err := c.Add(third, 1)
		if err != nil || due != (i%3)/2 {
			t.Errorf("run %d is charged %d, %v", i, due, err)
		}
		c, total = next, total+due
	}
	if total != 3 || c.Charged() != 3 {
		t.Errorf("ten thirds cost %d, %d", total, c.Charged())
	}
	if next, due, err := c.Add(third, -10); err != nil || due != -3 || next.Charged() != 0 {
		t.Errorf("taken back: %d, %v", due, err)
	}
	for name, x := range map[string]struct {
		p     Price
		units int64
		want  fault.Code
	}{
		"negative price":  {Price{-1, 1}, 1, fault.Invalid},
		"no denominator":  {Price{1, 0}, 1, fault.Invalid},
		"taken back":      {third, -11, fault.Invalid},
		"units":           {third, maxTotal + 1, fault.LimitExceeded},
		"negative units":  {third, -maxTotal - 1, fault.LimitExceeded},
		"sum beyond 2^62": {Price{2, 1}, maxTotal, fault.LimitExceeded},
	} {
		next, due, err := c.Add(x.p, x.units)
		wantCode(t, name, err, x.want)
		if due != 0 || next.Charged() != c.Charged() {
			t.Errorf("%s: changed", name)
		}
	}
	if _, due, err := (Charges{}).Add(Price{1, 1}, maxTotal); err != nil || due != maxTotal {
		t.Errorf("the largest sum: %d, %v", due, err)
	}
}

func TestChargesDenominatorIsBounded(t *testing.T) {
	c, err := Charges{}, error(nil)
	for den := int64(1_000_003); err == nil; den += 2 {
		if den > 1_010_000 {
			t.Fatal("unbounded")
		}
		c, _, err = c.Add(Price{1, den}, 1)
	}
	wantCode(t, "many denominators", err, fault.LimitExceeded)
	if got, err := DecodeCharges(c.Encode()); err != nil || got.rat().Cmp(c.rat()) != 0 {
		t.Errorf("the largest sum does not survive its encoding: %v", err)
	}
}

// TestChargesIgnoreOrder: any order of runs and prices ends at the same sum.
func TestChargesIgnoreOrder(t *testing.T) {
	type run struct {
		p     Price
		units int64
	}
	draw := rapid.Custom(func(t *rapid.T) run {
		return run{Price{rapid.Int64Range(0, 99).Draw(t, "num"), rapid.Int64Range(1, 9).Draw(t, "den")}, rapid.Int64Range(0, 99).Draw(t, "units")}
	})
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfN(draw, 0, 20).Draw(t, "runs")
		sum := func(list []run) (c Charges, total int64) {
			for _, r := range list {
				next, due, err := c.Add(r.p, r.units)
				if err != nil || due < 0 {
					t.Fatal(due, err)
				}
				c, total = next, total+due
			}
			return c, total
		}
		a, x := sum(runs)
		b, y := sum(rapid.Permutation(runs).Draw(t, "order"))
		if x != y || a.Charged() != x || !bytes.Equal(a.Encode(), b.Encode()) {
			t.Fatalf("%d and %d", x, y)
		}
	})
}

// TestInvoiceIsChecked: one changed byte is found by arithmetic, form or digest.
func TestInvoiceIsChecked(t *testing.T) {
	s := split(t, []Share{{"bank", 2}, {"utility", 1}})
	_, v, _, err := s.Receive(Instalment{Job: "job-1", Payer: "payer", Amount: 100, Receipts: [][32]byte{{1}, {2}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeInvoice(v.Encode())
	if err != nil || got.Digest() != v.Digest() || got.Suspense != 1 || got.Lines[0].Amount != 66 {
		t.Fatalf("DecodeInvoice = %+v, %v", got, err)
	}
	for name, f := range map[string]func(*Invoice){
		"total":     func(v *Invoice) { v.Total++ },
		"suspense":  func(v *Invoice) { v.Suspense++ },
		"amount":    func(v *Invoice) { v.Lines[0].Amount++ },
		"negative":  func(v *Invoice) { v.Lines[0].Amount, v.Lines[1].Amount = -1, 100 },
		"order":     func(v *Invoice) { slices.Reverse(v.Lines) },
		"no lines":  func(v *Invoice) { v.Lines = nil },
		"weight":    func(v *Invoice) { v.Lines[0].Weight = 0 },
		"overflow":  func(v *Invoice) { v.Total = maxTotal + 1 },
		"lines sum": func(v *Invoice) { v.Lines[0].Amount, v.Lines[1].Amount = maxTotal, maxTotal },
	} {
		bad := v
		bad.Lines = slices.Clone(v.Lines)
		f(&bad)
		wantCode(t, name, bad.Check(), fault.Invalid)
		_, err := DecodeInvoice(bad.Encode())
		wantCode(t, name+", decoded", err, fault.Misbehaved)
	}
}

func FuzzDecodeSplit(f *testing.F) {
	s, err := New("agr-1", "keeper", "CNY", []Share{{"a", 1}, {"b", 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSplit(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(s.Encode(), b) {
			t.Error("two encodings of one split")
		}
		closed, list := s.Close()
		if closed.Suspense() != 0 || len(list) > 2*len(s.Shares)+1 {
			t.Error("a decoded split does not close")
		}
	})
}

func FuzzDecodeInvoice(f *testing.F) {
	s, err := New("agr-1", "keeper", "CNY", []Share{{"a", 1}, {"b", 2}})
	if err != nil {
		f.Fatal(err)
	}
	_, v, _, err := s.Receive(Instalment{Job: "j", Payer: "p", Amount: 10, Receipts: [][32]byte{{1}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeInvoice(b); err == nil && !bytes.Equal(v.Encode(), b) {
			t.Error("two encodings of one invoice")
		}
	})
}

func FuzzDecodeCharges(f *testing.F) {
	c, _, err := Charges{}.Add(Price{1, 3}, 10)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Encode())
	f.Add(Charges{}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCharges(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(c.Encode(), b) || c.Charged() < 0 {
			t.Error("two encodings of one sum")
		}
	})
}

// Example divides ten receipts of 10 fen among three equal payees.
func Example() {
	s, _ := New("agr-1", "platform", "CNY", []Share{{"bank", 1}, {"insurer", 1}, {"utility", 1}})
	for range 10 {
		s, _, _, _ = s.Receive(Instalment{Job: "job-1", Payer: "shop", Amount: 10})
	}
	fmt.Println("received", s.Total, "waiting", s.Suspense())
	_, invoice, postings, _ := s.Receive(Instalment{Job: "job-2", Payer: "shop", Amount: 1})
	for _, l := range invoice.Lines {
		fmt.Println(l.Payee, l.Amount)
	}
	for _, p := range postings {
		fmt.Println(p.Account.Party, p.Account.Code, p.Amount)
	}
	// Output:
	// received 100 waiting 1
	// bank 0
	// insurer 0
	// utility 0
	// platform suspense:agr-1 1
	// shop receivable -1
}
