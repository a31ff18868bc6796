package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/right"
)

// TestPolicyAtPlanTime: what a plan or an owner's policy refuses never runs and costs nothing, and the refusal names
// the party, the rule and, where one is the reason, the column with its owner.
func TestPolicyAtPlanTime(t *testing.T) {
	f := newFederation(t)
	at := func(owner party.ID, edit func(*right.Grant)) func(*right.Grant) {
		return func(g *right.Grant) {
			if (owner == "bank") == (g.Grantees[0] == "utility") {
				edit(g)
			}
		}
	}
	utility := func(edit func(*right.Grant)) func(*right.Grant) { return at("utility", edit) }
	cases := []struct {
		name  string
		edit  func(*right.Grant)
		swap  []string // in the job's text
		code  fault.Code
		party party.ID // who refused
		words []string
	}{
		{
			"the aligned rows are asked for", nil,
			[]string{"{id: r-report, from: report, to: [bank, utility], min_rows: 100}", "{id: r-rows, from: joined, to: [bank]}"},
			fault.Denied, "",
			[]string{"rule release/raw-column", `"u0" of utility`, `"u1" of utility`, "r-rows"},
		},
		{
			"the scaled rows are asked for", nil,
			[]string{"{id: r-report, from: report, to: [bank, utility], min_rows: 100}", "{id: r-rows, from: scaled, to: [bank]}"},
			fault.Denied, "",
			[]string{"rule release/raw-column", `"u0" of utility`, "r-rows"},
		},
		{
			"a column is not granted", utility(func(g *right.Grant) { delete(g.Columns, "u1") }), nil,
			fault.Denied, "utility",
			[]string{"rule grant/column", `utility: column "u1"`},
		},
		{
			"a column is granted for another use", at("bank", func(g *right.Grant) { g.Columns["y"] = []right.Use{right.UseFeature} }), nil,
			fault.Denied, "bank",
			[]string{"rule grant/column", `bank: column "y"`, "label"},
		},
		{
			"another purpose is granted", utility(func(g *right.Grant) { g.Purpose = "fraud" }), nil,
			fault.Denied, "utility",
			[]string{"rule grant/purpose", "utility", "fraud", "credit-risk"},
		},
		{
			"an action is not granted", utility(func(g *right.Grant) {
				g.Actions = []right.Action{right.ActionAlign, right.ActionPredict, right.ActionEvaluate}
			}), nil,
			fault.Denied, "utility",
			[]string{"rule grant/action", "utility", "train"},
		},
		{
			"an output is not granted", utility(func(g *right.Grant) { delete(g.Outputs, right.OutputModel) }), nil,
			fault.Denied, "utility",
			[]string{"rule grant/output", "utility", "model"},
		},
		{
			"a leak is not accepted", utility(func(g *right.Grant) { g.Leaks = []string{"row-count"} }), nil,
			fault.Denied, "utility",
			[]string{"rule grant/leak", "utility"},
		},
		{
			"a recipient is not granted", utility(func(g *right.Grant) {
				g.Outputs[right.OutputModel] = right.OutputRule{MinRows: 1, Recipients: []party.ID{"utility"}}
			}), nil,
			fault.Denied, "utility",
			[]string{"rule grant/recipient", "utility", "bank"},
		},
		{
			"more epsilon than granted in one run", at("bank", func(g *right.Grant) { g.Limits.EpsilonPico = 5e11 }), nil,
			fault.Denied, "bank",
			[]string{"rule grant/epsilon", "bank"},
		},
		{
			"the grant has expired", utility(func(g *right.Grant) {
				g.NotBefore, g.NotAfter = time.Now().Add(-2*time.Hour).UnixMilli(), time.Now().Add(-time.Hour).UnixMilli()
			}), nil,
			fault.Expired, "utility",
			[]string{"rule grant/expired", "utility"},
		},
		{
			"the agreement does not exist", nil,
			[]string{"trust: 2pc", "contract: sha256:" + strings.Repeat("ab", 32) + "\ntrust: 2pc"},
			fault.Denied, "",
			[]string{"rule agreement/none"},
		},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := f.in(t)
			var edits []func(*right.Grant)
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			d := f.deal(fmt.Sprint("policy", i), bankSheet(700, 0), utilitySheet(600, 100), edits...)
			bank, utility := f.run(d.spec(fullSpec, c.swap...))
			for _, v := range []JobView{bank, utility} {
				checkFailure(t, v, c.code, c.words...)
				if c.party != "" && v.Failure != nil && v.Failure.Party != c.party {
					t.Errorf("refused by %s, want %s", v.Failure.Party, c.party)
				}
			}
			d.costless()
		})
	}
}

// TestUnusedColumn: what no step needs is not asked for.
func TestUnusedColumn(t *testing.T) {
	f := newFederation(t)
	d := f.deal("unused", bankSheet(300, 0), utilitySheet(300, 50))
	bank, utility := f.run(d.spec(statSpec, "columns: [region]", "columns: [region, x1]"))
	for _, v := range []JobView{bank, utility} {
		checkFailure(t, v, fault.Invalid, `column "x1"`, "bank", "no step uses it")
	}
	d.costless()
}

// checkFailure checks that a job ended with the code and that its reason has the words.
func checkFailure(t *testing.T, v JobView, code fault.Code, words ...string) {
	t.Helper()
	if v.Failure == nil {
		t.Errorf("%s without a failure, want %s", v.Phase, code)
		return
	}
	if v.Failure.Code != code {
		t.Errorf("%s: %s %q, want %s", v.Phase, v.Failure.Code, v.Failure.Reason, code)
	}
	for _, w := range words {
		if !strings.Contains(v.Failure.Reason, w) {
			t.Errorf("%s: reason %q does not name %q", v.Phase, v.Failure.Reason, w)
		}
	}
}

// costless checks that neither party was charged anything, and that nothing is held or open.
func (d deal) costless() {
	d.f.t.Helper()
	for _, n := range []*Node{d.f.bank, d.f.utility} {
		if got := d.settled(n); got != (budget.Amounts{}) {
			d.f.t.Errorf("%s was charged %v though nothing of it moved", n.file.Party, got)
		}
	}
}

// TestUsesRunOut: a grant with three uses serves three jobs; the fourth is refused before anything runs.
func TestUsesRunOut(t *testing.T) {
	if testing.Short() {
		t.Skip("runs three jobs")
	}
	f := newFederation(t)
	d := f.deal("uses", bankSheet(300, 0), utilitySheet(300, 50))
	for range grantedUses {
		f.succeed(d.spec(modelSpec))
	}
	before := d.settled(f.utility)
	if want := (budget.Amounts{budget.Uses: 3, budget.Rows: 900}); before != want {
		t.Errorf("three jobs charged %v, want %v", before, want)
	}
	bank, utility := f.run(d.spec(modelSpec))
	for _, v := range []JobView{bank, utility} {
		checkFailure(t, v, fault.BudgetExhausted, "uses requested 1, remaining 0")
	}
	if after := d.settled(f.utility); after != before {
		t.Errorf("the refused job changed the charges from %v to %v", before, after)
	}
	// The used-up grants stay in the books and must not stand before fresh ones, whatever their ids.
	for range 3 {
		f.grant(f.bank, bankTerms(d.asset(f.bank)))
		f.grant(f.utility, utilityTerms(d.asset(f.utility)))
		f.succeed(d.spec(modelSpec))
	}
}

// TestPlanOnlyReservesNothing: every owner's policy answers, and no budget moves.
func TestPlanOnlyReservesNothing(t *testing.T) {
	f := newFederation(t)
	d := f.deal("dry", bankSheet(300, 0), utilitySheet(300, 50))
	id, err := f.bank.Submit(t.Context(), "dry-run", []byte(d.spec(modelSpec)), job.YAML, true)
	f.ok(err)
	for _, n := range f.nodes() {
		v := f.await(n, id, nil)
		if v.Phase != "planned" || v.PlanText == "" || len(v.Leakage) == 0 || len(v.Receipts) != 0 {
			t.Errorf("%s: %s with %d leakage lines and %d receipts, planned with a plan wanted", n.file.Party, v.Phase, len(v.Leakage), len(v.Receipts))
		}
	}
	d.costless()
	if _, err := f.bank.Result(t.Context(), id, "r-model"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a result of a job that was only planned: %v", err)
	}
}
