package right

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func pub(seed byte) ed25519.PublicKey { return key(seed).Public().(ed25519.PublicKey) }

func deal() Agreement {
	return Agreement{
		Parties: []party.ID{"utility", "bank"}, Assets: []Asset{{"utility", "usage@1"}, {"bank", "loans@3"}}, Purpose: "credit-risk",
		Price: Price{"CNY", 12_50}, Payer: "bank", Shares: []Share{{"utility", 7}, {"bank", 3}},
		NotBefore: 1000, NotAfter: 2000, Text: [32]byte{5},
	}
}

func usageGrant() Grant {
	id, _ := deal().ID()
	return Grant{
		ID: "g-1", Owner: "utility", Grantees: []party.ID{"bank"}, Asset: "usage@1", Agreement: id, Purpose: "credit-risk",
		Columns: map[string][]Use{"id_hash": {UseKey}, "u0": {UseFeature}, "u1": {UseGroup, UseFeature}},
		Actions: []Action{ActionTrain, ActionAlign, ActionPredict}, TrustModels: []string{"2pc-semihonest"}, Leaks: []string{"intersection-size", "row-count"},
		Outputs: map[OutputKind]OutputRule{OutputModel: {MinRows: 100, Recipients: []party.ID{"utility", "bank"}}, OutputStatistic: {MinRows: 10, Noised: true, Recipients: []party.ID{"bank"}}},
		Limits:  Limits{Uses: 10, Rows: Unlimited, EpsilonPico: 1e12}, NotBefore: 1000, NotAfter: 2000,
	}
}

func TestAgreementContract(t *testing.T) {
	many := make([]party.ID, MaxParties+1)
	for i := range many {
		many[i] = party.ID(fmt.Sprintf("p%d", i))
	}
	cases := []struct {
		name string
		edit func(*Agreement)
		want fault.Code
	}{
		{"zero", func(a *Agreement) { *a = Agreement{} }, fault.Invalid},
		{"one party", func(a *Agreement) { a.Parties = []party.ID{"bank", "bank"} }, fault.Invalid},
		{"bad party", func(a *Agreement) { a.Parties = append(a.Parties, "X") }, fault.Invalid},
		{"parties", func(a *Agreement) { a.Parties = many }, fault.LimitExceeded},
		{"assets", func(a *Agreement) { a.Assets = make([]Asset, MaxAssets+1) }, fault.LimitExceeded},
		{"no asset", func(a *Agreement) { a.Assets = nil }, fault.Invalid},
		{"asset id", func(a *Agreement) { a.Assets[0].ID = "usage" }, fault.Invalid},
		{"asset of outsider", func(a *Agreement) { a.Assets[0].Owner = "telco" }, fault.Invalid},
		{"purpose", func(a *Agreement) { a.Purpose = "*" }, fault.Invalid},
		{"term", func(a *Agreement) { a.NotAfter = 999 }, fault.Invalid},
		{"negative time", func(a *Agreement) { a.NotBefore = -1 }, fault.Invalid},
		{"payer", func(a *Agreement) { a.Payer = "telco" }, fault.Invalid},
		{"negative price", func(a *Agreement) { a.Price.Minor = -1 }, fault.Invalid},
		{"price", func(a *Agreement) { a.Price.Minor = MaxMinor + 1 }, fault.LimitExceeded},
		{"no currency", func(a *Agreement) { a.Price.Currency = "" }, fault.Invalid},
		{"currency", func(a *Agreement) { a.Price.Currency = "yuan" }, fault.Invalid},
		{"nobody paid", func(a *Agreement) { a.Shares = nil }, fault.Invalid},
		{"share of outsider", func(a *Agreement) { a.Shares[0].Party = "telco" }, fault.Invalid},
		{"two shares", func(a *Agreement) { a.Shares[1].Party = "utility" }, fault.Invalid},
		{"no weight", func(a *Agreement) { a.Shares[0].Weight = 0 }, fault.Invalid},
		{"weights", func(a *Agreement) { a.Shares[0].Weight = MaxWeight - 2 }, fault.LimitExceeded},
		{"overflow", func(a *Agreement) { a.Shares[0].Weight = 1<<63 - 1 }, fault.LimitExceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := deal()
			c.edit(&a)
			_, err := a.Encode()
			wantCode(t, err, c.want)
			_, err = a.ID()
			wantCode(t, err, c.want)
		})
	}
	a := deal()
	a.Shares[0].Weight, a.Price.Minor, a.NotAfter = MaxWeight-3, MaxMinor, a.NotBefore
	if err := a.Check(); err != nil {
		t.Fatalf("at the bounds: %v", err)
	}
	a.Price, a.Shares = Price{}, nil
	if err := a.Check(); err != nil {
		t.Fatalf("free of charge: %v", err)
	}
}

func TestAgreementIdentity(t *testing.T) {
	want, err := deal().ID()
	if err != nil {
		t.Fatal(err)
	}
	b, err := deal().Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeAgreement(b)
	if err != nil || !reflect.DeepEqual(back, deal().Normal()) {
		t.Fatalf("got %+v, %v", back, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := deal()
		a.Parties = append(rapid.Permutation(a.Parties).Draw(t, "parties"), "bank")
		a.Assets = append(rapid.Permutation(a.Assets).Draw(t, "assets"), a.Assets[1])
		a.Shares = rapid.Permutation(a.Shares).Draw(t, "shares")
		if got, err := a.ID(); err != nil || got != want {
			t.Fatalf("the order of a set changed the id: %s, %v", got, err)
		}
	})
	for name, edit := range map[string]func(*Agreement){
		"party": func(a *Agreement) { a.Parties = append(a.Parties, "telco") }, "asset": func(a *Agreement) { a.Assets[0].ID = "usage@2" },
		"purpose": func(a *Agreement) { a.Purpose = "fraud" }, "price": func(a *Agreement) { a.Price.Minor++ },
		"currency": func(a *Agreement) { a.Price.Currency = "EUR" }, "payer": func(a *Agreement) { a.Payer = "utility" },
		"share": func(a *Agreement) { a.Shares[0].Weight++ }, "from": func(a *Agreement) { a.NotBefore++ },
		"until": func(a *Agreement) { a.NotAfter++ }, "text": func(a *Agreement) { a.Text[0]++ },
	} {
		a := deal()
		edit(&a)
		if got, err := a.ID(); err != nil || got == want {
			t.Fatalf("another %s, same id (%v)", name, err)
		}
	}
}

func TestVerifyAgreement(t *testing.T) {
	a := deal()
	payload, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[party.ID]ed25519.PublicKey{"bank": pub(1), "utility": pub(2), "telco": pub(3)}
	sign := func(p party.ID, seed byte) Signature {
		s, err := Sign(p, payload, key(seed))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bank, utility := sign("bank", 1), sign("utility", 2)
	if err := VerifyAgreement(a, []Signature{utility, bank}, keys); err != nil {
		t.Fatal(err)
	}
	forged := Signature{"bank", bytes.Clone(bank.Sig)}
	forged.Sig[0] ^= 1
	dearer := a
	dearer.Price.Minor++
	for name, c := range map[string]struct {
		a    Agreement
		sigs []Signature
		keys map[party.ID]ed25519.PublicKey
		want fault.Code
	}{
		"none":           {a, nil, keys, fault.Denied},
		"one missing":    {a, []Signature{bank}, keys, fault.Denied},
		"forged":         {a, []Signature{forged, utility}, keys, fault.Misbehaved},
		"short":          {a, []Signature{{"bank", nil}, utility}, keys, fault.Misbehaved},
		"other key":      {a, []Signature{sign("bank", 2), utility}, keys, fault.Misbehaved},
		"outsider":       {a, []Signature{bank, utility, sign("telco", 3)}, keys, fault.Unauthenticated},
		"twice":          {a, []Signature{bank, bank}, keys, fault.Invalid},
		"no pinned key":  {a, []Signature{bank, utility}, map[party.ID]ed25519.PublicKey{"bank": pub(1)}, fault.Unauthenticated},
		"other contract": {dearer, []Signature{bank, utility}, keys, fault.Misbehaved},
		"zero":           {Agreement{}, nil, nil, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := VerifyAgreement(c.a, c.sigs, c.keys)
			wantCode(t, err, c.want)
			var f *fault.Error
			if f, _ = err.(*fault.Error); c.want == fault.Misbehaved && f.Culprit != "bank" {
				t.Fatalf("culprit %q, want bank", f.Culprit)
			}
		})
	}
}

func TestGrantContract(t *testing.T) {
	cases := []struct {
		name string
		edit func(*Grant)
		want fault.Code
	}{
		{"zero", func(g *Grant) { *g = Grant{} }, fault.Invalid},
		{"id", func(g *Grant) { g.ID = "a b" }, fault.Invalid},
		{"long id", func(g *Grant) { g.ID = strings.Repeat("x", catalog.MaxTokenBytes+1) }, fault.Invalid},
		{"owner", func(g *Grant) { g.Owner = "" }, fault.Invalid},
		{"no grantee", func(g *Grant) { g.Grantees = nil }, fault.Invalid},
		{"owner as grantee", func(g *Grant) { g.Grantees = append(g.Grantees, "utility") }, fault.Invalid},
		{"wildcard", func(g *Grant) { g.Grantees = []party.ID{"*"} }, fault.Invalid},
		{"grantees", func(g *Grant) { g.Grantees = make([]party.ID, MaxParties+1) }, fault.LimitExceeded},
		{"asset", func(g *Grant) { g.Asset = "usage@latest" }, fault.Invalid},
		{"agreement", func(g *Grant) { g.Agreement = "sha256:zz" }, fault.Invalid},
		{"agreement upper case", func(g *Grant) { g.Agreement = "sha256:" + strings.Repeat("A", 64) }, fault.Invalid},
		{"purpose", func(g *Grant) { g.Purpose = "" }, fault.Invalid},
		{"no column", func(g *Grant) { g.Columns = nil }, fault.Invalid},
		{"column name", func(g *Grant) { g.Columns[""] = []Use{UseKey} }, fault.Invalid},
		{"column without use", func(g *Grant) { g.Columns["u0"] = nil }, fault.Invalid},
		{"use", func(g *Grant) { g.Columns["u0"] = []Use{"anything"} }, fault.Invalid},
		{"no action", func(g *Grant) { g.Actions = nil }, fault.Invalid},
		{"action", func(g *Grant) { g.Actions = []Action{"copy"} }, fault.Invalid},
		{"no trust model", func(g *Grant) { g.TrustModels = nil }, fault.Invalid},
		{"trust model", func(g *Grant) { g.TrustModels = []string{""} }, fault.Invalid},
		{"leak", func(g *Grant) { g.Leaks = []string{"a b"} }, fault.Invalid},
		{"leaks", func(g *Grant) { g.Leaks = make([]string, MaxLeaks+1) }, fault.LimitExceeded},
		{"output", func(g *Grant) { g.Outputs["all"] = OutputRule{MinRows: 1} }, fault.Invalid},
		{"no rows", func(g *Grant) { g.Outputs[OutputModel] = OutputRule{} }, fault.Invalid},
		{"outsider receives", func(g *Grant) {
			g.Outputs[OutputModel] = OutputRule{MinRows: 1, Recipients: []party.ID{"telco"}}
		}, fault.Invalid},
		{"recipients", func(g *Grant) {
			g.Outputs[OutputModel] = OutputRule{MinRows: 1, Recipients: make([]party.ID, MaxParties+2)}
		}, fault.LimitExceeded},
		{"rows without export", func(g *Grant) { g.Outputs[OutputRows] = OutputRule{MinRows: 1} }, fault.Invalid},
		{"no uses", func(g *Grant) { g.Limits.Uses = 0 }, fault.Invalid},
		{"no rows in a run", func(g *Grant) { g.Limits.Rows = 0 }, fault.Invalid},
		{"negative ε", func(g *Grant) { g.Limits.EpsilonPico = -1 }, fault.Invalid},
		{"term", func(g *Grant) { g.NotAfter = g.NotBefore - 1 }, fault.Invalid},
		{"negative revocation", func(g *Grant) { g.Revoked = -1 }, fault.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := usageGrant()
			c.edit(&g)
			_, err := g.Encode()
			wantCode(t, err, c.want)
		})
	}
	g := usageGrant()
	g.Actions = append(g.Actions, ActionExport)
	g.Outputs[OutputRows] = OutputRule{MinRows: 1, Recipients: []party.ID{"bank"}}
	g.ID, g.NotAfter, g.Limits.Uses = strings.Repeat("x", catalog.MaxTokenBytes), g.NotBefore, 1
	if err := g.Check(); err != nil {
		t.Fatalf("at the bounds: %v", err)
	}
}

func TestGrantEncoding(t *testing.T) {
	want, err := usageGrant().Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeGrant(want)
	if err != nil || !reflect.DeepEqual(back, usageGrant().Normal()) {
		t.Fatalf("got %+v, %v", back, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		g := usageGrant()
		g.Actions = append(rapid.Permutation(g.Actions).Draw(t, "actions"), g.Actions[0])
		g.Leaks = rapid.Permutation(g.Leaks).Draw(t, "leaks")
		g.Columns["u1"] = rapid.Permutation(g.Columns["u1"]).Draw(t, "uses")
		if got, err := g.Encode(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("the order of a set changed the bytes (%v)", err)
		}
	})
	g := usageGrant()
	_ = g.Normal()
	if !reflect.DeepEqual(g, usageGrant()) {
		t.Fatal("Normal changed its receiver")
	}
	// Two entries of the set of actions exchanged: decodes, but is not what is signed.
	swapped := bytes.Replace(want, []byte("\x00\x00\x00\x05align\x00\x00\x00\x07predict"), []byte("\x00\x00\x00\x07predict\x00\x00\x00\x05align"), 1)
	if bytes.Equal(swapped, want) {
		t.Fatal("the actions were not found")
	}
	_, err = DecodeGrant(swapped)
	wantCode(t, err, fault.Misbehaved)
	for i := range want {
		if _, err := DecodeGrant(want[:i]); err == nil {
			t.Fatalf("%d of %d bytes were enough", i, len(want))
		}
	}
	other := bytes.Clone(want)
	other[4+len(grantTag)-1] = '2'
	_, err = DecodeGrant(other)
	wantCode(t, err, fault.Unsupported)
	_, err = DecodeAgreement(want)
	wantCode(t, err, fault.Unsupported)
}

func TestVerifyGrant(t *testing.T) {
	g := usageGrant()
	payload, err := g.SigningBytes()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := Sign("utility", payload, key(2))
	if err != nil {
		t.Fatal(err)
	}
	g.Revoked = 1500 // comes after the signature and does not break it
	if err := VerifyGrant(g, sig, pub(2)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, VerifyGrant(g, sig, pub(1)), fault.Misbehaved)
	wantCode(t, VerifyGrant(g, sig, nil), fault.Unauthenticated)
	wantCode(t, VerifyGrant(g, Signature{"bank", sig.Sig}, pub(2)), fault.Unauthenticated)
	wider := usageGrant()
	wider.Limits.Uses++
	wantCode(t, VerifyGrant(wider, sig, pub(2)), fault.Misbehaved)
	wantCode(t, VerifyGrant(Grant{}, sig, pub(2)), fault.Invalid)
}

func TestCovers(t *testing.T) {
	if err := deal().Covers(usageGrant()); err != nil {
		t.Fatal(err)
	}
	for rule, edit := range map[string]func(*Grant){
		"agreement/id": func(g *Grant) { g.Agreement = "" }, "agreement/asset": func(g *Grant) { g.Asset = "usage@2" },
		"agreement/purpose": func(g *Grant) { g.Purpose = "fraud" }, "agreement/term": func(g *Grant) { g.NotAfter = 2001 },
		"agreement/grantee": func(g *Grant) { g.Grantees = append(g.Grantees, "telco") },
	} {
		g := usageGrant()
		edit(&g)
		err := deal().Covers(g)
		wantCode(t, err, fault.Denied)
		if !strings.Contains(err.Error(), "rule "+rule+":") {
			t.Fatalf("%v does not name %s", err, rule)
		}
	}
	wantCode(t, Agreement{}.Covers(usageGrant()), fault.Invalid)
}

// Every (state, event) pair of both machines: where it leads, or "." for refused. Written by hand from the
// specification's prose, not from the tables.
func TestStateMachines(t *testing.T) {
	events := []GrantEvent{GrantActivate, GrantSuspend, GrantResume, GrantExhaust, GrantExpire, GrantRevoke, "", "nonsense"}
	rows := map[GrantState]string{
		GrantProposed:  "active . . . expired revoked . .",
		GrantActive:    ". suspended . exhausted expired revoked . .",
		GrantSuspended: ". . active exhausted expired revoked . .",
		GrantExhausted: ". . . . . . . .",
		GrantExpired:   ". . . . . . . .",
		GrantRevoked:   ". . . . . . . .",
		"":             ". . . . . . . .",
		"nonsense":     ". . . . . . . .",
	}
	count := 0
	for from, row := range rows {
		for i, want := range strings.Fields(row) {
			got, err := from.Step(events[i])
			if want == "." {
				wantCode(t, err, fault.Invalid)
				want = string(from)
			} else {
				count++
			}
			if string(got) != want {
				t.Fatalf("%s + %s = %s, want %s", from, events[i], got, want)
			}
		}
	}
	if n := len(GrantTransitions()); n != count {
		t.Fatalf("%d transitions, %d in the table", count, n)
	}

	states := []AgreementState{"", AgreementRequested, AgreementOffered, AgreementAccepted, AgreementAgreed, AgreementVerified, AgreementFinalized, AgreementTerminated, "nonsense"}
	allowed := map[AgreementState]string{ // target:who
		"":                 "REQUESTED:consumer OFFERED:provider",
		AgreementRequested: "OFFERED:provider AGREED:provider TERMINATED:consumer TERMINATED:provider",
		AgreementOffered:   "REQUESTED:consumer ACCEPTED:consumer TERMINATED:consumer TERMINATED:provider",
		AgreementAccepted:  "AGREED:provider TERMINATED:provider",
		AgreementAgreed:    "VERIFIED:consumer TERMINATED:consumer",
		AgreementVerified:  "FINALIZED:provider TERMINATED:provider",
	}
	count = 0
	for _, from := range states {
		for _, to := range states {
			for _, by := range []Side{Provider, Consumer, ""} {
				got, err := from.Step(AgreementEvent{by, to})
				if slices.Contains(strings.Fields(allowed[from]), string(to)+":"+string(by)) {
					if count++; err != nil || got != to {
						t.Fatalf("%s to %s by %s: %s, %v", from, to, by, got, err)
					}
					continue
				}
				wantCode(t, err, fault.Invalid)
				if got != from {
					t.Fatalf("a refused event moved %s to %s", from, got)
				}
			}
		}
	}
	if n := len(AgreementTransitions()); n != count {
		t.Fatalf("%d transitions, %d in the table", count, n)
	}
}

func TestClosedLists(t *testing.T) {
	uses := []Use{UseKey, UseFeature, UseLabel, UseGroup, UseAggregate, UseFilter}
	kinds := []OutputKind{OutputStatistic, OutputModel, OutputScore, OutputAggregate, OutputRows}
	if len(uses) != maxUses || len(kinds) != maxKinds || Use("").Known() || OutputKind("").Known() || Action("").Known() {
		t.Fatal("a decoder's bound and its closed list differ")
	}
	for _, u := range uses {
		if !u.Known() {
			t.Fatalf("use %s", u)
		}
	}
	for _, k := range kinds {
		if !k.Known() {
			t.Fatalf("output %s", k)
		}
	}
}
