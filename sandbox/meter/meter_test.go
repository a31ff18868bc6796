package meter

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func key(p party.ID) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{p[0]}, ed25519.SeedSize))
}

func pinned(p party.ID) (ed25519.PublicKey, bool) {
	return key(p).Public().(ed25519.PublicKey), p != "stranger"
}

func receipt(p party.ID) Receipt {
	return Receipt{
		Job: "job-1", Step: "model", Plan: [32]byte{9}, Party: p, Attempt: 2, Outcome: Done, T: epoch,
		Reading: Reading{Uses: 1, RowsIn: 10, RowsOut: 9, CellsOut: 8, SentBytes: 700, RecvBytes: 600, Rounds: 5, DPRho: 4, CPU: 3, Wall: 2},
	}
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestNewReceipt(t *testing.T) {
	for name, f := range map[string]func(*Receipt){
		"no job":           func(r *Receipt) { r.Job = "" },
		"long step":        func(r *Receipt) { r.Step = strings.Repeat("s", MaxNameBytes+1) },
		"not UTF-8":        func(r *Receipt) { r.Step = "\xff" },
		"no party":         func(r *Receipt) { r.Party = "" },
		"no outcome":       func(r *Receipt) { r.Outcome = 0 },
		"unknown outcome":  func(r *Receipt) { r.Outcome = Unused + 1 },
		"before 1970":      func(r *Receipt) { r.T = time.Time{} },
		"after 9999":       func(r *Receipt) { r.T = epoch.AddDate(8000, 0, 0) },
		"negative":         func(r *Receipt) { r.Reading.RowsIn = -1 },
		"too many":         func(r *Receipt) { r.Reading.DPRho = maxUnits + 1 },
		"negative time":    func(r *Receipt) { r.Reading.CPU = -1 },
		"unused with uses": func(r *Receipt) { r.Outcome = Unused },
	} {
		r := receipt("bank")
		f(&r)
		_, err := NewReceipt(r)
		wantCode(t, name, err, fault.Invalid)
	}
	r := receipt("bank")
	r.T = epoch.Add(999 * time.Microsecond).In(time.FixedZone("x", 3600))
	got, err := NewReceipt(r)
	if err != nil || got.T != epoch {
		t.Errorf("NewReceipt cuts the time to %v, %v", got.T, err)
	}
}

func TestBillable(t *testing.T) {
	r := receipt("bank")
	want := r.Reading
	want.CPU, want.Wall = 0, 0
	if got := r.Billable(); got != want {
		t.Errorf("done bills %+v", got)
	}
	for _, o := range []Outcome{Aborted, Unused} {
		r.Outcome = o
		if got := r.Billable(); got != (Reading{}) {
			t.Errorf("%v bills %+v", o, got)
		}
	}
}

func TestSignatures(t *testing.T) {
	s := must(receipt("bank").Sign(key("bank")))
	both, err := s.Countersign("utility", key("utility"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := both.Countersign("insurer", key("insurer"))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []Signed{s, both, all} {
		if err := v.Verify(pinned); err != nil || len(v.Counter) != i {
			t.Errorf("%d countersignatures: %v", i, err)
		}
	}
	parties := []party.ID{"bank", "insurer", "utility"}
	if both.Complete(parties) || !all.Complete(parties) || !both.Complete(parties[:1]) {
		t.Error("Complete is wrong")
	}
	for _, p := range []party.ID{"bank", "utility", ""} {
		_, err := both.Countersign(p, key("x"))
		wantCode(t, "countersigner "+string(p), err, fault.Invalid)
	}
	stranger, _ := s.Countersign("stranger", key("stranger"))
	wantCode(t, "unknown countersigner", stranger.Verify(pinned), fault.Unauthenticated)
	foreign := must(receipt("stranger").Sign(key("stranger")))
	wantCode(t, "unknown signer", foreign.Verify(pinned), fault.Unauthenticated)
	stolen := must(receipt("bank").Sign(key("utility")))
	wantCode(t, "another's key", stolen.Verify(pinned), fault.Misbehaved)
	changed := s
	changed.Reading.RowsIn++
	wantCode(t, "changed after signing", changed.Verify(pinned), fault.Misbehaved)
	// A signature is no countersignature, and a countersignature of one party is none of another.
	turned := all
	turned.Counter = slices.Clone(all.Counter)
	turned.Counter[0].Signature = s.Signature
	wantCode(t, "signature as countersignature", turned.Verify(pinned), fault.Misbehaved)
	turned.Counter[0].Signature = all.Counter[1].Signature
	wantCode(t, "exchanged countersignatures", turned.Verify(pinned), fault.Misbehaved)
	full := s
	for i := range MaxCountersigners {
		full.Counter = append(full.Counter, Countersignature{Party: party.ID(fmt.Sprintf("p%02d", i))})
	}
	_, err = full.Countersign("zoo", key("zoo"))
	wantCode(t, "one too many", err, fault.Invalid)
}

func TestCompare(t *testing.T) {
	mine, theirs := receipt("bank"), receipt("utility")
	theirs.Reading.SentBytes, theirs.Reading.RecvBytes = 600, 700
	theirs.Reading.CPU, theirs.Reading.RowsIn, theirs.Attempt = 99, 77, 1 // each party's own business
	if got, err := Compare(mine, theirs); err != nil || len(got) != 0 {
		t.Errorf("Compare = %v, %v", got, err)
	}
	theirs.Reading.RecvBytes--
	theirs.Reading.Rounds++
	theirs.Outcome = Aborted
	got, err := Compare(mine, theirs)
	want := []Mismatch{{"outcome", 1, 2}, {"sent_bytes", 700, 699}, {"rounds", 5, 6}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Compare = %v, %v, want %v", got, err, want)
	}
	for name, f := range map[string]func(*Receipt){
		"same party": func(r *Receipt) { r.Party = "bank" },
		"other job":  func(r *Receipt) { r.Job = "x" },
		"other step": func(r *Receipt) { r.Step = "x" },
		"other plan": func(r *Receipt) { r.Plan[0]++ },
	} {
		r := theirs
		f(&r)
		_, err := Compare(mine, r)
		wantCode(t, name, err, fault.Invalid)
	}
}

type memTx struct {
	receipts map[string]Signed
	leaves   []string
}

func (tx *memTx) Receipt(job, step string, p party.ID) (Signed, bool, error) {
	s, ok := tx.receipts[job+"/"+step+"/"+string(p)]
	return s, ok, nil
}

func (tx *memTx) PutReceipt(s Signed) error {
	tx.receipts[s.Job+"/"+s.Step+"/"+string(s.Party)] = s
	return nil
}

func (tx *memTx) Leaf(kind string, _ [32]byte) error {
	tx.leaves = append(tx.leaves, kind)
	return nil
}

func TestRecord(t *testing.T) {
	tx := &memTx{receipts: map[string]Signed{}}
	s := must(receipt("bank").Sign(key("bank")))
	u, _ := s.Countersign("utility", key("utility"))
	i, _ := s.Countersign("insurer", key("insurer"))
	for _, v := range []Signed{s, s, u, s, i, u, i} {
		if err := Record(tx, v); err != nil {
			t.Fatal(err)
		}
	}
	got, _, _ := tx.Receipt("job-1", "model", "bank")
	if err := got.Verify(pinned); err != nil || !got.Complete([]party.ID{"bank", "insurer", "utility"}) || len(got.Counter) != 2 {
		t.Errorf("stored %d countersignatures, %v", len(got.Counter), err)
	}
	if want := []string{"meter.receipt", "meter.countersigned", "meter.countersigned"}; !slices.Equal(tx.leaves, want) {
		t.Errorf("leaves %v, want %v", tx.leaves, want)
	}
	other := receipt("bank")
	other.Reading.RowsIn++
	wantCode(t, "another body", Record(tx, must(other.Sign(key("bank")))), fault.Exists)
	if err := Record(tx, must(receipt("utility").Sign(key("utility")))); err != nil {
		t.Errorf("another party: %v", err)
	}
}

func TestCodec(t *testing.T) {
	s, _ := must(receipt("bank").Sign(key("bank"))).Countersign("utility", key("utility"))
	b := s.Encode()
	got, err := DecodeSigned(b)
	if err != nil || got.Receipt != s.Receipt || got.Verify(pinned) != nil {
		t.Fatalf("DecodeSigned = %+v, %v", got, err)
	}
	for i := range b {
		if _, err := DecodeSigned(b[:i]); err == nil {
			t.Fatalf("cut to %d bytes it decodes", i)
		}
		flipped := bytes.Clone(b)
		flipped[i] ^= 1
		if v, err := DecodeSigned(flipped); err == nil && v.Verify(pinned) == nil {
			t.Fatalf("byte %d may be flipped", i)
		}
	}
	_, err = DecodeSigned(append(bytes.Clone(b), 0))
	wantCode(t, "a byte too many", err, fault.Misbehaved)
	newer := bytes.Clone(b)
	newer[0]++
	_, err = DecodeSigned(newer)
	wantCode(t, "newer version", err, fault.Unsupported)
}

func TestPlus(t *testing.T) {
	full := Reading{Uses: maxUnits, CPU: maxUnits}
	if full.Plus(full) != full {
		t.Error("two full readings wrap")
	}
	units := rapid.Int64Range(0, maxUnits)
	reading := rapid.Custom(func(t *rapid.T) (r Reading) {
		for _, v := range r.units() {
			*v = units.Draw(t, "unit")
		}
		r.CPU, r.Wall = time.Duration(units.Draw(t, "cpu")), time.Duration(units.Draw(t, "wall"))
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := reading.Draw(t, "a"), reading.Draw(t, "b"), reading.Draw(t, "c")
		if a.Plus(b) != b.Plus(a) || a.Plus(b).Plus(c) != a.Plus(b.Plus(c)) || a.Plus(Reading{}) != a {
			t.Fatal("the order of attempts matters")
		}
		if a.Plus(b).check() != nil {
			t.Fatal("a sum out of range")
		}
	})
}

func FuzzDecodeSigned(f *testing.F) {
	s := must(receipt("bank").Sign(key("bank")))
	f.Add(s.Encode())
	u, _ := s.Countersign("utility", key("utility"))
	f.Add(u.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeSigned(b); err == nil && !bytes.Equal(s.Encode(), b) {
			t.Error("two encodings of one receipt")
		}
	})
}

// Example meters a step at two parties, signs, countersigns and compares.
func Example() {
	bank, _ := NewReceipt(receipt("bank"))
	utility := receipt("utility")
	utility.Reading.SentBytes, utility.Reading.RecvBytes = 600, 701 // one byte more than the bank sent

	signed := must(bank.Sign(key("bank")))
	signed, _ = signed.Countersign("utility", key("utility"))
	fmt.Println("verifies:", signed.Verify(pinned) == nil)
	mismatches, _ := Compare(bank, utility)
	fmt.Println(mismatches)
	// Output:
	// verifies: true
	// [{sent_bytes 700 701}]
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
