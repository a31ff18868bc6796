package policy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/right"
)

func grant() right.Grant {
	return right.Grant{
		ID: "g-1", Owner: "utility", Grantees: []party.ID{"bank"}, Asset: "usage@1", Purpose: "credit-risk",
		Columns: map[string][]right.Use{"id_hash": {right.UseKey}, "u0": {right.UseFeature}, "u1": {right.UseFeature, right.UseGroup}},
		Actions: []right.Action{right.ActionAlign, right.ActionTrain}, TrustModels: []string{"2pc-semihonest"}, Leaks: []string{"intersection-size"},
		Outputs: map[right.OutputKind]right.OutputRule{
			right.OutputModel:     {MinRows: 100, Recipients: []party.ID{"bank", "utility"}},
			right.OutputStatistic: {MinRows: 10, Noised: true, Recipients: []party.ID{"bank"}},
		},
		Limits: right.Limits{Uses: 3, Rows: 1000, EpsilonPico: 1e12}, NotBefore: 1000, NotAfter: 2000,
	}
}

func request() Request {
	return Request{
		Stage: StageApprove, Owner: "utility", Grantees: []party.ID{"bank", "utility"}, Asset: "usage@1",
		ColumnUses: []ColumnUse{{"id_hash", right.UseKey}, {"u0", right.UseFeature}, {"u1", right.UseFeature}},
		Purpose:    "credit-risk", Actions: []right.Action{right.ActionAlign, right.ActionTrain}, TrustModel: "2pc-semihonest",
		Outputs: []Output{
			{Kind: right.OutputModel, Recipients: []party.ID{"bank", "utility"}, Columns: []string{"u0", "u1"}, MinRows: 100},
			{Kind: right.OutputStatistic, Recipients: []party.ID{"bank"}, Columns: []string{"u0"}, MinRows: 10, Noised: true, EpsilonPico: 5e11},
		},
		Leaks: []string{"intersection-size"}, PlanDigest: [32]byte{1}, Rows: 1000, Now: 1500,
	}
}

func active(gs ...right.Grant) []right.Held {
	out := make([]right.Held, len(gs))
	for i, g := range gs {
		out[i] = right.Held{Grant: g, State: right.GrantActive}
	}
	return out
}

func evaluate(t testing.TB, held []right.Held, r Request) Decision {
	t.Helper()
	d, err := Evaluate(held, r)
	if err != nil {
		t.Fatal(err)
	}
	if d.Allow != (len(d.Denials) == 0) || d.Allow != (d.Err() == nil) {
		t.Fatalf("allow %v with %d denials and error %v", d.Allow, len(d.Denials), d.Err())
	}
	return d
}

func TestAllowed(t *testing.T) {
	d := evaluate(t, active(grant()), request())
	want := []Obligation{
		{ObligeUses, "", 1},
		{ObligeRows, "", 1000},
		{ObligeEpsilon, "", 5e11},
		{ObligeMinRows, right.OutputModel, 100},
		{ObligeMinRows, right.OutputStatistic, 10},
		{ObligeNoise, right.OutputStatistic, 5e11},
	}
	if !d.Allow || !slices.Equal(d.Grants, []string{"g-1"}) || !slices.Equal(d.Obligations, want) {
		t.Fatalf("%+v", d)
	}
	for _, now := range []int64{1000, 2000} { // both ends belong to the term
		r := request()
		r.Now = now
		if !evaluate(t, active(grant()), r).Allow {
			t.Fatalf("denied at %d", now)
		}
	}
}

// One field changed, one rule named, with owner, field and column.
func TestEachRule(t *testing.T) {
	cases := []struct {
		name   string
		held   func(*right.Held)
		req    func(*Request)
		rule   string
		column string
		code   fault.Code
	}{
		{"suspended", func(h *right.Held) { h.State = right.GrantSuspended }, nil, RuleState, "", fault.Denied},
		{"exhausted", func(h *right.Held) { h.State = right.GrantExhausted }, nil, RuleState, "", fault.Denied},
		{"zero state", func(h *right.Held) { h.State = "" }, nil, RuleState, "", fault.Denied},
		{"proposed", func(h *right.Held) { h.State = right.GrantProposed }, nil, RuleNone, "", fault.Denied},
		{"revoked state", func(h *right.Held) { h.State = right.GrantRevoked }, nil, RuleRevoked, "", fault.Denied},
		{"revoked time", func(h *right.Held) { h.Grant.Revoked = 1 }, nil, RuleRevoked, "", fault.Denied},
		{"expired state", func(h *right.Held) { h.State = right.GrantExpired }, nil, RuleExpired, "", fault.Expired},
		{"expired", nil, func(r *Request) { r.Now = 2001 }, RuleExpired, "", fault.Expired},
		{"not yet", nil, func(r *Request) { r.Now = 999 }, RuleNotYet, "", fault.Denied},
		{"other asset", nil, func(r *Request) { r.Asset = "usage@2" }, RuleNone, "", fault.Denied},
		{"other owner", nil, func(r *Request) { r.Owner = "bank" }, RuleNone, "", fault.Denied},
		{"grantee", nil, func(r *Request) { r.Grantees = append(r.Grantees, "telco") }, RuleGrantee, "", fault.Denied},
		{"purpose", nil, func(r *Request) { r.Purpose = "fraud" }, RulePurpose, "", fault.Denied},
		{"action", nil, func(r *Request) { r.Actions = append(r.Actions, right.ActionPredict) }, RuleAction, "", fault.Denied},
		{"trust", nil, func(r *Request) { r.TrustModel = "2pc-dealer" }, RuleTrust, "", fault.Denied},
		{"leak", nil, func(r *Request) { r.Leaks = append(r.Leaks, "bin-sums") }, RuleLeak, "", fault.Denied},
		{"column", nil, func(r *Request) { r.ColumnUses = append(r.ColumnUses, ColumnUse{"u9", right.UseFeature}) }, RuleColumn, "u9", fault.Denied},
		{"use", nil, func(r *Request) { r.ColumnUses[1].Use = right.UseLabel }, RuleColumn, "u0", fault.Denied},
		{"lineage", nil, func(r *Request) { r.Outputs[0].Columns = []string{"u7"} }, RuleColumn, "u7", fault.Denied},
		{"rows", nil, func(r *Request) { r.Rows = 1001 }, RuleRows, "", fault.Denied},
		{"output", nil, func(r *Request) { r.Outputs[0].Kind = right.OutputScore }, RuleOutput, "", fault.Denied},
		{"recipient", func(h *right.Held) { h.Grant.Grantees = append(h.Grant.Grantees, "telco") }, func(r *Request) { r.Outputs[0].Recipients = []party.ID{"telco"} }, RuleRecipient, "", fault.Denied},
		{"min rows", nil, func(r *Request) { r.Outputs[0].MinRows = 99 }, RuleMinRows, "", fault.Denied},
		{"noise", nil, func(r *Request) { r.Outputs[1].Noised, r.Outputs[1].EpsilonPico = false, 0 }, RuleNoise, "", fault.Denied},
		{"epsilon", nil, func(r *Request) { r.Outputs[1].EpsilonPico = 1e12 + 1 }, RuleEpsilon, "", fault.Denied},
		{"epsilon overflow", nil, func(r *Request) {
			r.Outputs[1].EpsilonPico = math.MaxInt64
			r.Outputs = append(r.Outputs, r.Outputs[1])
		}, RuleEpsilon, "", fault.Denied},
		{"raw column", nil, func(r *Request) {
			r.Outputs[0] = Output{Kind: right.OutputRows, Recipients: []party.ID{"bank"}, Columns: []string{"u0"}, MinRows: 1000}
		}, RuleRawColumn, "u0", fault.Denied},
		{"raw, no lineage", nil, func(r *Request) {
			r.Outputs[0] = Output{Kind: right.OutputRows, Recipients: []party.ID{"bank"}, MinRows: 1000}
		}, RuleRawColumn, "", fault.Denied},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			held, r := active(grant()), request()
			if c.held != nil {
				c.held(&held[0])
			}
			if c.req != nil {
				c.req(&r)
			}
			d := evaluate(t, held, r)
			if len(d.Denials) != 1 || d.Denials[0].Rule != c.rule || d.Denials[0].Column != c.column || d.Denials[0].Owner != r.Owner || d.Denials[0].Field == "" || d.Denials[0].Need == "" || d.Denials[0].Have == "" {
				t.Fatalf("denials %+v", d.Denials)
			}
			err := d.Err()
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), "rule "+c.rule+": "+string(r.Owner)) || !strings.Contains(err.Error(), c.column) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func TestRawColumnWithExport(t *testing.T) {
	g := grant()
	g.Actions = append(g.Actions, right.ActionExport)
	r := request()
	r.Outputs = []Output{{Kind: right.OutputRows, Recipients: []party.ID{"bank"}, Columns: []string{"u0"}, MinRows: 1000}}
	if d := evaluate(t, active(g), r); d.Allow || d.Denials[0].Rule != RuleOutput {
		t.Fatalf("export without a rule for rows: %+v", d)
	}
	g.Outputs[right.OutputRows] = right.OutputRule{MinRows: 1, Recipients: []party.ID{"bank"}}
	if d := evaluate(t, active(g), r); !d.Allow {
		t.Fatalf("export and a rule: %v", d.Err())
	}
	own := request()
	own.Outputs = []Output{{Kind: right.OutputRows, Recipients: []party.ID{"utility"}, Columns: []string{"u0"}}}
	if d := evaluate(t, active(grant()), own); !d.Allow {
		t.Fatalf("rows to their owner: %v", d.Err())
	}
}

func TestOwnUse(t *testing.T) {
	r := request()
	r.Grantees = []party.ID{"utility"}
	r.Outputs = []Output{{Kind: right.OutputRows, Recipients: []party.ID{"utility"}}}
	if d := evaluate(t, nil, r); !d.Allow || len(d.Grants) != 0 {
		t.Fatalf("own data, own eyes: %+v", d)
	}
	r.Outputs[0].Recipients = append(r.Outputs[0].Recipients, "bank")
	if d := evaluate(t, nil, r); d.Allow || d.Denials[0].Rule != RuleNone {
		t.Fatalf("own data, other eyes: %+v", d)
	}
}

func TestNearestGrant(t *testing.T) {
	far := grant()
	far.ID, far.Purpose, far.NotAfter = "g-0", "fraud", 1400
	near := grant()
	near.ID, near.Purpose = "g-9", "marketing"
	d := evaluate(t, active(far, near), request())
	if len(d.Denials) != 1 || d.Denials[0].Grant != "g-9" || d.Denials[0].Have != "marketing" || d.Denials[0].Need != "credit-risk" {
		t.Fatalf("the nearest grant fails one field: %+v", d.Denials)
	}
	revoked := right.Held{Grant: grant(), State: right.GrantRevoked}
	d = evaluate(t, append(active(near), revoked), request())
	if d.Denials[0].Grant != "g-9" {
		t.Fatalf("at equal distance an active grant answers: %+v", d.Denials)
	}
	twin := grant()
	twin.ID = "g-2"
	if d := evaluate(t, active(twin, grant()), request()); d.Grants[0] != "g-1" {
		t.Fatalf("among equals the smaller id answers: %v", d.Grants)
	}
	// Two halves are not a whole.
	a, b := grant(), grant()
	a.Columns, b.Columns = map[string][]right.Use{"id_hash": {right.UseKey}, "u0": {right.UseFeature}}, map[string][]right.Use{"u1": {right.UseFeature}}
	b.ID = "g-b"
	if evaluate(t, active(a, b), request()).Allow {
		t.Fatal("two grants were added up")
	}
}

func TestZeroDecisionDenies(t *testing.T) {
	var d Decision
	if d.Allow || fault.CodeOf(d.Err()) != fault.Denied {
		t.Fatalf("zero decision: %v", d.Err())
	}
	both := Decision{Denials: []Denial{{Rule: RuleExpired, Owner: "utility"}, {Rule: RulePurpose, Owner: "utility"}}}
	if fault.CodeOf(both.Err()) != fault.Denied {
		t.Fatal("a renewal alone would not help")
	}
	many := Decision{Denials: make([]Denial, maxShown+3)}
	if !strings.HasSuffix(many.Err().Error(), "and 3 more") {
		t.Fatalf("%v", many.Err())
	}
}

func TestRequestContract(t *testing.T) {
	cases := map[string]struct {
		edit func(*Request)
		want fault.Code
	}{
		"zero":           {func(r *Request) { *r = Request{} }, fault.Invalid},
		"stage":          {func(r *Request) { r.Stage = "later" }, fault.Invalid},
		"owner":          {func(r *Request) { r.Owner = "" }, fault.Invalid},
		"asset":          {func(r *Request) { r.Asset = "usage" }, fault.Invalid},
		"purpose":        {func(r *Request) { r.Purpose = "" }, fault.Invalid},
		"no action":      {func(r *Request) { r.Actions = nil }, fault.Invalid},
		"action":         {func(r *Request) { r.Actions = []right.Action{"copy"} }, fault.Invalid},
		"trust":          {func(r *Request) { r.TrustModel = "" }, fault.Invalid},
		"rows":           {func(r *Request) { r.Rows = -1 }, fault.Invalid},
		"now":            {func(r *Request) { r.Now = 0 }, fault.Invalid},
		"no plan":        {func(r *Request) { r.PlanDigest = [32]byte{} }, fault.Invalid},
		"grantee":        {func(r *Request) { r.Grantees = []party.ID{"*"} }, fault.Invalid},
		"recipient":      {func(r *Request) { r.Outputs[0].Recipients = []party.ID{""} }, fault.Invalid},
		"column":         {func(r *Request) { r.ColumnUses[0].Column = "" }, fault.Invalid},
		"use":            {func(r *Request) { r.ColumnUses[0].Use = "all" }, fault.Invalid},
		"kind":           {func(r *Request) { r.Outputs[0].Kind = "all" }, fault.Invalid},
		"min rows":       {func(r *Request) { r.Outputs[0].MinRows = -1 }, fault.Invalid},
		"ε":              {func(r *Request) { r.Outputs[0].EpsilonPico = -1 }, fault.Invalid},
		"ε, exact":       {func(r *Request) { r.Outputs[0].EpsilonPico = 1 }, fault.Invalid},
		"noise, no ε":    {func(r *Request) { r.Outputs[0].Noised = true }, fault.Invalid},
		"column uses":    {func(r *Request) { r.ColumnUses = make([]ColumnUse, MaxColumnUses+1) }, fault.LimitExceeded},
		"outputs":        {func(r *Request) { r.Outputs = make([]Output, MaxOutputs+1) }, fault.LimitExceeded},
		"grantees":       {func(r *Request) { r.Grantees = make([]party.ID, MaxCodes+1) }, fault.LimitExceeded},
		"recipient list": {func(r *Request) { r.Outputs[0].Recipients = slices.Repeat([]party.ID{"bank"}, MaxCodes+1) }, fault.LimitExceeded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := request()
			c.edit(&r)
			d, err := Grants{memory(active(grant()))}.Decide(context.Background(), r)
			if err == nil || fault.CodeOf(err) != c.want || d.Allow {
				t.Fatalf("%+v, %v; want %v", d, err, c.want)
			}
		})
	}
	r := request()
	r.Stage, r.PlanDigest = StagePlan, [32]byte{}
	if !evaluate(t, active(grant()), r).Allow {
		t.Fatal("a plan has no digest while it is made")
	}
}

// memory is a Source.
type memory []right.Held

func (m memory) Grants(context.Context, party.ID, string) ([]right.Held, error) { return m, nil }

// broken is a Source that fails.
type broken struct{ err error }

func (b broken) Grants(context.Context, party.ID, string) ([]right.Held, error) { return nil, b.err }

func TestSourceFailures(t *testing.T) {
	d, err := Grants{broken{fault.New(fault.Unavailable, "store", "locked")}}.Decide(context.Background(), request())
	if d.Allow || fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("%+v, %v", d, err)
	}
	d, err = Grants{broken{errors.New("disk")}}.Decide(context.Background(), request())
	if d.Allow || fault.CodeOf(err) != fault.Internal {
		t.Fatalf("%+v, %v", d, err)
	}
	bad := grant()
	bad.Actions = nil
	d, err = Evaluate(active(bad), request())
	if d.Allow || fault.CodeOf(err) != fault.Corrupt {
		t.Fatalf("%+v, %v", d, err)
	}
}

// permits is the plain twin: one expression, no explanation.
func permits(h right.Held, r Request) bool {
	g := h.Grant
	in := func(p party.ID, list []party.ID) bool { return p == r.Owner || slices.Contains(list, p) }
	ok := h.State == right.GrantActive && g.Owner == r.Owner && g.Asset == r.Asset && g.Revoked == 0 && r.Now >= g.NotBefore && r.Now <= g.NotAfter &&
		g.Purpose == r.Purpose && slices.Contains(g.TrustModels, r.TrustModel) && r.Rows <= g.Limits.Rows
	for _, p := range r.Grantees {
		ok = ok && in(p, g.Grantees)
	}
	for _, a := range r.Actions {
		ok = ok && slices.Contains(g.Actions, a)
	}
	for _, l := range r.Leaks {
		ok = ok && slices.Contains(g.Leaks, l)
	}
	for _, u := range r.ColumnUses {
		ok = ok && slices.Contains(g.Columns[u.Column], u.Use)
	}
	spent := 0.0
	for _, o := range r.Outputs {
		spent += float64(o.EpsilonPico)
		for _, c := range o.Columns {
			ok = ok && len(g.Columns[c]) > 0
		}
		rule, granted := g.Outputs[o.Kind]
		for _, p := range o.Recipients {
			if p != r.Owner {
				ok = ok && granted && in(p, g.Grantees) && slices.Contains(rule.Recipients, p) && o.MinRows >= rule.MinRows && (o.Noised || !rule.Noised)
				ok = ok && (o.Kind != right.OutputRows || slices.Contains(g.Actions, right.ActionExport))
			}
		}
	}
	return ok && spent <= float64(g.Limits.EpsilonPico)
}

// drawGrant is a wide grant with up to two fields narrowed.
func drawGrant(t *rapid.T, id int) right.Held {
	g := grant()
	g.ID = fmt.Sprintf("g-%d", id)
	g.Grantees = []party.ID{"bank", "telco"}
	g.Actions = append(g.Actions, right.ActionExport)
	g.Outputs[right.OutputRows] = right.OutputRule{MinRows: 1, Recipients: []party.ID{"bank"}}
	h := right.Held{Grant: g, State: right.GrantActive}
	narrow := []func(*right.Held){
		func(h *right.Held) { h.State = right.GrantSuspended },
		func(h *right.Held) { h.Grant.Revoked = 7 },
		func(h *right.Held) { h.Grant.Grantees = []party.ID{"telco"}; h.Grant.Outputs = nil },
		func(h *right.Held) { h.Grant.Purpose = "fraud" },
		func(h *right.Held) { h.Grant.Actions = []right.Action{right.ActionAlign, right.ActionExport} },
		func(h *right.Held) {
			h.Grant.Actions = []right.Action{right.ActionAlign, right.ActionTrain}
			delete(h.Grant.Outputs, right.OutputRows)
		},
		func(h *right.Held) { delete(h.Grant.Columns, "u1") },
		func(h *right.Held) { h.Grant.Columns["u0"] = []right.Use{right.UseLabel} },
		func(h *right.Held) { delete(h.Grant.Outputs, right.OutputModel) },
		func(h *right.Held) { h.Grant.Limits.Rows, h.Grant.Limits.EpsilonPico = 1, 0 },
		func(h *right.Held) { h.Grant.Leaks = nil },
		func(h *right.Held) { h.Grant.TrustModels = []string{"2pc-dealer"} },
	}
	for range rapid.IntRange(0, 2).Draw(t, "narrower") {
		rapid.SampledFrom(narrow).Draw(t, "field")(&h)
	}
	return h
}

// drawRequest is a request that a wide grant covers, with up to two fields widened or narrowed.
func drawRequest(t *rapid.T) Request {
	r := request()
	change := []func(*Request){
		func(r *Request) { r.Grantees = []party.ID{"utility"} },
		func(r *Request) { r.Grantees = append(r.Grantees, "telco") },
		func(r *Request) { r.Outputs = nil },
		func(r *Request) { r.Outputs = r.Outputs[:min(1, len(r.Outputs))] },
		func(r *Request) { r.ColumnUses, r.Outputs = r.ColumnUses[:2], nil },
		func(r *Request) { r.ColumnUses = append(r.ColumnUses, ColumnUse{"u9", right.UseKey}) },
		func(r *Request) { r.Actions = []right.Action{right.ActionAlign} },
		func(r *Request) { r.Actions = append(r.Actions, right.ActionPredict) },
		func(r *Request) { r.Leaks = nil },
		func(r *Request) { r.Rows = 1 },
		func(r *Request) { r.Now = 2001 },
		func(r *Request) {
			r.Outputs = append(r.Outputs, Output{Kind: right.OutputRows, Recipients: []party.ID{"bank"}, Columns: []string{"u0"}, MinRows: 5})
		},
		func(r *Request) {
			r.Outputs = append(r.Outputs, Output{Kind: right.OutputScore, Recipients: []party.ID{"utility"}, Columns: []string{"u1"}})
		},
		func(r *Request) { r.Outputs = append(r.Outputs, r.Outputs...) },
	}
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		rapid.SampledFrom(change).Draw(t, "change")(&r)
	}
	return r
}

// The decision is the twin's, does not depend on the order of grants, and one more grant never takes anything away.
func TestAgainstTwin(t *testing.T) {
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		if againstTwin(t) {
			allowed++
		}
	})
	if allowed < 20 && !testing.Short() { // -short draws too few to tell
		t.Fatalf("only %d requests were allowed: the draw tests denials alone", allowed)
	}
}

// againstTwin compares one drawn decision and says whether a grant allowed it.
func againstTwin(t *rapid.T) bool {
	var held []right.Held
	for i := range rapid.IntRange(0, 3).Draw(t, "grants") {
		held = append(held, drawGrant(t, i))
	}
	r := drawRequest(t)
	d, err := Evaluate(held, r)
	if err != nil {
		t.Fatal(err)
	}
	want := len(r.others()) == 0 || slices.ContainsFunc(held, func(h right.Held) bool { return permits(h, r) })
	if d.Allow != want {
		t.Fatalf("allow %v, the twin says %v: %v", d.Allow, want, d.Err())
	}
	shuffled, err := Evaluate(rapid.Permutation(held).Draw(t, "order"), r)
	if err != nil || !slices.Equal(shuffled.Denials, d.Denials) || !slices.Equal(shuffled.Grants, d.Grants) {
		t.Fatalf("another order, another answer: %+v and %+v", d, shuffled)
	}
	more, err := Evaluate(append(slices.Clone(held), drawGrant(t, 9)), r)
	if err != nil || (d.Allow && !more.Allow) || (!d.Allow && !more.Allow && d.Denials[0].Rule != RuleNone && len(more.Denials) > len(d.Denials)) {
		t.Fatalf("one more grant took something away: %+v and %+v", d, more)
	}
	return len(d.Grants) > 0
}

// What a decision lists is enough: each failing field mended in turn leads to a permission.
func TestDenialsAreComplete(t *testing.T) {
	g := grant()
	g.Purpose, g.NotAfter, g.Leaks = "fraud", 1400, nil
	delete(g.Columns, "u1")
	var rules []string
	for _, d := range evaluate(t, active(g), request()).Denials {
		rules = append(rules, d.Rule)
	}
	if want := []string{RuleExpired, RulePurpose, RuleLeak, RuleColumn}; !slices.Equal(rules, want) {
		t.Fatalf("rules %v, want %v", rules, want)
	}
	g.Purpose, g.NotAfter, g.Leaks, g.Columns["u1"] = "credit-risk", 2000, []string{"intersection-size"}, []right.Use{right.UseFeature}
	if !evaluate(t, active(g), request()).Allow {
		t.Fatal("all listed fields were mended")
	}
}

func ExampleGrants() {
	g := grant()
	delete(g.Columns, "u1")
	d, err := Grants{memory(active(g))}.Decide(context.Background(), request())
	fmt.Println(d.Allow, err)
	fmt.Println(d.Err())
	// Output:
	// false <nil>
	// policy.Decide: Denied: rule grant/column: utility: column "u1": columns of grant g-1: have none, need feature
}

func BenchmarkEvaluate(b *testing.B) {
	held, r := active(grant()), request()
	b.ReportAllocs()
	for b.Loop() {
		if d, err := Evaluate(held, r); err != nil || !d.Allow {
			b.Fatal(err)
		}
	}
}
