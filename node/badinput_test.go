package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/sandbox/budget"
)

// badInput is one thing that is wrong with one party's data.
type badInput struct {
	name    string
	bank    func(*sheet)               // before registration
	utility func(*sheet)               // before registration
	later   func(t *testing.T, d deal) // after registration
	swap    []string                   // in the job's text
	code    fault.Code
	party   party.ID // at whom it is found; empty: at every node alike
	words   []string
	charged bool // the align session ran: one use and the rows at both
}

func badInputs() []badInput {
	return []badInput{
		{
			name: "the bank's file is gone", later: func(t *testing.T, d deal) { remove(t, d.bankFile) },
			code: fault.NotFound, party: "bank",
		},
		{
			name: "the utility's file is gone", later: func(t *testing.T, d deal) { remove(t, d.utilityFile) },
			code: fault.NotFound, party: "utility",
		},
		{
			name: "the bank's data changed", later: func(t *testing.T, d deal) { appendTo(t, d.bankFile) },
			code: fault.Corrupt, party: "bank", words: []string{"changed since it was registered"},
		},
		{
			name: "the utility's data changed", later: func(t *testing.T, d deal) { appendTo(t, d.utilityFile) },
			code: fault.Corrupt, party: "utility", words: []string{"changed since it was registered"},
		},
		{
			name: "no such id column", swap: []string{"dataset: LOANS, key: [id]", "dataset: LOANS, key: [customer]"},
			code: fault.SchemaMismatch, words: []string{`"customer"`},
		},
		{
			name: "no such label column", swap: []string{"target: y", "target: churned"},
			code: fault.SchemaMismatch, words: []string{`"churned"`},
		},
		{
			name: "no such feature column", swap: []string{"columns: [u0, u1]", "columns: [u0, u9]"},
			code: fault.SchemaMismatch, words: []string{`"u9"`},
		},
		{
			name: "the bank's ids repeat", bank: func(s *sheet) { s.set(7, "id", s.rows[8][0]) },
			code: fault.Invalid, party: "bank", words: []string{"rows repeat the key of an earlier row"},
		},
		{
			name: "the utility's ids repeat", utility: func(s *sheet) { s.set(7, "id", s.rows[8][0]) },
			code: fault.Invalid, party: "utility", words: []string{"rows repeat the key of an earlier row"},
		},
		{
			name: "all ids are empty", bank: func(s *sheet) { s.fill("id", "") },
			code: fault.Invalid, party: "bank", words: []string{"has a usable key"},
		},
		{
			name: "a feature is text", utility: func(s *sheet) { s.set(5, "u0", "high") },
			code: fault.Invalid, words: []string{`column "u0"`, "utility"},
		},
		{
			name: "a feature holds NaN", utility: func(s *sheet) { s.set(5, "u0", "NaN") },
			code: fault.Invalid, party: "utility", words: []string{`column "u0"`, "NaN or an infinity in"},
		},
		{
			name: "a feature holds an infinity", bank: func(s *sheet) { s.set(5, "x1", "Inf") },
			code: fault.Invalid, party: "bank", words: []string{`column "x1"`, "NaN or an infinity in"},
		},
		{
			name: "a label is neither 0 nor 1", bank: func(s *sheet) { s.set(5, "y", "2") },
			code: fault.Invalid, party: "bank", words: []string{`label "y"`, `neither "0" nor "1" in`},
		},
		{
			name: "the label has one class", bank: func(s *sheet) { s.fill("y", "1") },
			code: fault.Invalid, party: "bank", words: []string{`label "y"`, "one class"},
		},
		{
			name: "a column has zero variance", utility: func(s *sheet) { s.fill("u1", "0.5") },
			code: fault.Invalid, party: "utility", words: []string{`column "u1"`, "zero variance"},
		},
		{
			name: "nobody is common", utility: func(s *sheet) { renumber(s, 90_000) },
			code: fault.Invalid, words: []string{"too-few-rows", "intersection is empty"}, charged: true,
		},
		{
			name: "too few are common", utility: func(s *sheet) { renumber(s, 250) },
			code: fault.Invalid, words: []string{"too-few-rows", "50 rows"}, charged: true,
		},
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-2] ^= 1 // the last digit of the last cell
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// renumber gives the rows the ids of other customers.
func renumber(s *sheet, first int) {
	for i := range s.rows {
		s.set(i, "id", customerID(first+i))
	}
}

// TestBadInputs: what is wrong with a party's data ends the job with one code at every node, charges only what moved,
// holds nothing, and leaves both nodes usable.
func TestBadInputs(t *testing.T) {
	f := newFederation(t)
	for i, c := range badInputs() {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			f := f.in(t)
			bankRows, utilityRows := bankSheet(300, 0), utilitySheet(300, 50)
			if c.bank != nil {
				c.bank(bankRows)
			}
			if c.utility != nil {
				c.utility(utilityRows)
			}
			d := f.deal(fmt.Sprint("bad", i), bankRows, utilityRows)
			if c.later != nil {
				c.later(t, d)
			}
			bank, utility := f.run(d.spec(modelSpec, c.swap...))
			for _, v := range []JobView{bank, utility} {
				checkFailure(t, v, c.code, c.words...)
				if c.party != "" && v.Failure != nil && v.Failure.Party != c.party {
					t.Errorf("found at %s, want %s", v.Failure.Party, c.party)
				}
			}
			if !c.charged {
				d.costless()
				return
			}
			for _, n := range []*Node{f.bank, f.utility} {
				if got, want := d.settled(n), (budget.Amounts{budget.Uses: 1, budget.Rows: 300}); got != want {
					t.Errorf("%s was charged %v, one use and its rows %v wanted", n.file.Party, got, want)
				}
			}
			for _, v := range []JobView{bank, utility} {
				if len(v.Receipts) == 0 {
					t.Error("no receipts of a job that had begun")
				}
			}
		})
	}
	d := f.deal("good", bankSheet(300, 0), utilitySheet(300, 50))
	f.succeed(d.spec(modelSpec))
}

// TestRegistration: what is wrong with a file is told when it is registered.
func TestRegistration(t *testing.T) {
	f := newFederation(t)
	good := f.write("good.csv", bankSheet(10, 0))
	empty := filepath.Join(f.dir, "empty.csv")
	f.ok(os.WriteFile(empty, nil, 0o600))
	ragged := filepath.Join(f.dir, "ragged.csv")
	f.ok(os.WriteFile(ragged, []byte("id,y\na,1\nb\n"), 0o600))
	for _, c := range []struct {
		name string
		d    NewDataset
		code fault.Code
	}{
		{"no such file", NewDataset{Name: "a", Path: filepath.Join(f.dir, "none.csv"), Keys: []string{"id"}}, fault.NotFound},
		{"no such id column", NewDataset{Name: "a", Path: good, Keys: []string{"customer"}}, fault.SchemaMismatch},
		{"no such label column", NewDataset{Name: "a", Path: good, Keys: []string{"id"}, Target: "churned"}, fault.SchemaMismatch},
		{"no id column named", NewDataset{Name: "a", Path: good}, fault.Invalid},
		{"an empty file", NewDataset{Name: "a", Path: empty, Keys: []string{"id"}}, fault.Invalid},
		{"a ragged row", NewDataset{Name: "a", Path: ragged, Keys: []string{"id"}}, fault.Invalid},
		{"a directory", NewDataset{Name: "a.csv", Path: f.dir, Keys: []string{"id"}}, fault.Unsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := f.bank.AddDataset(t.Context(), c.d); !errors.Is(err, c.code) {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
	list, err := f.bank.Datasets(t.Context())
	f.ok(err)
	if len(list) != 0 {
		t.Errorf("%d datasets after refused registrations", len(list))
	}
}

// TestUnknownPeer: a node that nobody pinned gets no link, and no job names it.
func TestUnknownPeer(t *testing.T) {
	f := newFederation(t)
	mallory := f.start("mallory")
	card, err := f.bank.card()
	f.ok(err)
	peer, err := card.Peer()
	f.ok(err)
	_, err = mallory.pin(t.Context(), peer) // it knows the bank; the bank does not know it
	f.ok(err)
	f.eventually("the bank refuses the link", func() bool { return mallory.link.State("bank").Code == fault.Unauthenticated })
	if st := f.bank.link.State("mallory"); st.State == link.Up {
		t.Errorf("the bank's link to a party it does not know is %s", st.State)
	}
	d := f.deal("unknown", bankSheet(300, 0), utilitySheet(300, 50))
	spec := d.spec(modelSpec, "coordinator: coordinator", "coordinator: mallory")
	if _, err := f.bank.Submit(t.Context(), "unknown", []byte(spec), job.YAML, false); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("a job whose coordinator is not pinned: %v, want Unauthenticated", err)
	}
	peers, err := f.bank.Peers(t.Context())
	f.ok(err)
	if slices.ContainsFunc(peers, func(p PeerView) bool { return p.Party == "mallory" }) {
		t.Error("the bank lists a party that never joined")
	}
	f.succeed(d.spec(modelSpec))
}

// TestPortTaken: a second node on a taken port does not open, and says why.
func TestPortTaken(t *testing.T) {
	f := newFederation(t)
	dir := f.home("second")
	f.ok(Init(dir, "second", InitOptions{Listen: f.bank.linkAddress(), API: "127.0.0.1:0"}))
	n, err := Open(t.Context(), Config{Dir: dir})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("%v, want Unavailable", err)
	}
	if n != nil {
		t.Error("a node that did not open")
	}
	n, err = Open(t.Context(), Config{Dir: dir, Listen: "127.0.0.1:0"}) // the failed start left nothing behind
	f.ok(err)
	f.ok(n.Close())
}
