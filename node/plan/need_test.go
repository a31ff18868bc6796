package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

func TestWhatOwnersDecideOn(t *testing.T) {
	p := mustBuild(t, readSpec(t, "credit-lr.yaml"), catalog(t, "catalog-small.json"))
	if got := fmt.Sprint(p.Owners()); got != "[bank utility]" {
		t.Errorf("owners %s", got)
	}
	if got := fmt.Sprint(p.Uses("utility")); got != "[{usage@1 id_hash key} {usage@1 u0 feature} {usage@1 u1 feature}]" {
		t.Errorf("uses %s", got)
	}
	if got := fmt.Sprint(p.Uses("bank")); !strings.Contains(got, "{loans@3 y label}") || len(p.Uses("bank")) != 5 {
		t.Errorf("uses %s", got)
	}
	for _, who := range p.Owners() {
		if got := fmt.Sprint(p.Actions(who)); got != "[predict psi train]" {
			t.Errorf("%s: actions %s", who, got)
		}
	}
	want := "[{r-model model [bank utility] 0 false} {r-report report [bank utility] 100 false} {scores.open scores [bank] 0 false}]"
	if got := fmt.Sprint(p.Outputs("utility")); got != want {
		t.Errorf("outputs %s", got)
	}
	if got := fmt.Sprint(p.LeakKinds("utility")); got != "[coefficients intersection-members iterations metrics row-count score]" {
		t.Errorf("leaks %s", got)
	}
	n, err := p.Needs("utility")
	if err != nil || n != (Needs{Uses: 1, Rows: 10000}) {
		t.Errorf("needs %+v, %v", n, err)
	}
	if n, err := p.Needs("stranger"); err != nil || n != (Needs{}) || p.Uses("stranger") != nil || p.Outputs("stranger") != nil {
		t.Errorf("a stranger needs %+v, %v", n, err)
	}
}

func TestNoiseIsReservedAtEveryOwnerInTheLineage(t *testing.T) {
	p := mustBuild(t, readSpec(t, "two-answers.yaml"), catalog(t, "catalog-small.json"))
	// One histogram each: ρ = ε²/2, rounded up to 10⁻¹². 0.5²/2 = 0.125; (10⁻⁶)²/2 is half a unit, which costs one.
	for _, owner := range p.Owners() {
		n, err := p.Needs(owner)
		if err != nil || n.Rho != 125_000_000_001 || n.Delta != 0 || n.Uses != 1 {
			t.Errorf("%s needs %+v, %v", owner, n, err)
		}
	}
	// count and rate draw two histograms of ε/2: 2·(1/2)²/2 = 0.25.
	p = mustBuild(t, readSpec(t, "group-rate.yaml"), catalog(t, "catalog-small.json"))
	if n, err := p.Needs("bank"); err != nil || n.Rho != 250_000_000_000 {
		t.Errorf("bank needs %+v, %v", n, err)
	}
	r := p.Releases[0]
	if r.Exact || !r.Labels[0].Equal(label.NoisedTo(1e12, 0, "regulator", "utility")) || fmt.Sprint(r.Owners) != "[bank utility]" {
		t.Errorf("release %+v", r)
	}
	last := p.Leaks[len(p.Leaks)-1]
	if last.Kind != LeakMembership || !strings.HasPrefix(last.Detail, "DP does not cover membership") || fmt.Sprint(last.To) != "[bank]" {
		t.Errorf("last leak %+v", last)
	}
}

func TestNoMembershipLineWithoutAnIntersection(t *testing.T) {
	p := mustBuild(t, readSpec(t, "group-local.yaml"), catalog(t, "catalog-small.json"))
	for _, l := range p.Leaks {
		if l.Kind == LeakMembership {
			t.Errorf("leak %+v", l)
		}
	}
}

func TestNoiseParameters(t *testing.T) {
	p := mustBuild(t, readSpec(t, "group-local.yaml"), catalog(t, "catalog-small.json"))
	st, _ := p.Step("counts")
	n, err := st.Noise()
	if err != nil || fmt.Sprint(n.Keys) != "[1 2 30]" || n.Epsilon != 250_000_000_000 || len(n.Measures) != 1 {
		t.Errorf("noise %+v, %v", n, err)
	}
	if _, err := (Step{ID: "s", Op: job.Scale}).Noise(); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("scale has noise: %v", err)
	}
}

func TestPSIParametersCostWhatThePlanSays(t *testing.T) {
	for _, name := range []string{"overlap-both.yaml", "overlap-one.yaml", "two-keys.yaml"} {
		p := mustBuild(t, readSpec(t, name), catalog(t, "catalog-small.json"))
		params, err := p.PSI("joined")
		if err != nil {
			t.Fatal(err)
		}
		lit, st := params.Literal(), p.Steps[0]
		for _, r := range st.Roles {
			want := params.Cost(lit.ReceiverItems, lit.SenderItems)
			if r.Role == psi.Sender {
				want = want.Flip()
			}
			if got := st.CostOf(r.Party).Cost; got != want {
				t.Errorf("%s: %s costs %+v, want %+v", name, r.Party, got, want)
			}
		}
		if len(st.Leaks) != len(params.Leaks()) {
			t.Errorf("%s: %d leaks, want %d", name, len(st.Leaks), len(params.Leaks()))
		}
	}
	p := mustBuild(t, readSpec(t, "overlap-one.yaml"), catalog(t, "catalog-small.json"))
	params, _ := p.PSI("joined")
	if lit := params.Literal(); lit.Output != psi.OutputReceiver || lit.ReceiverItems != 10000 || lit.SenderItems != 12000 {
		t.Errorf("utility alone learns, got %+v", lit)
	}
	if r, _ := p.Steps[0].RoleOf("utility"); r != psi.Receiver {
		t.Errorf("utility is %q", r)
	}
	if _, ok := p.Steps[0].RoleOf("nobody"); ok || len(p.Steps[0].Parties()) != 2 {
		t.Error("a role for nobody")
	}
	if _, err := p.PSI("nothing"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("no such step: %v", err)
	}
}

func TestRulesReachThePSIParameters(t *testing.T) {
	digest := func(name, from, to string) [32]byte {
		text := strings.Replace(string(readGolden(t, name)), from, to, 1)
		params, err := mustBuild(t, parseSpec(t, text), catalog(t, "catalog-small.json")).PSI("joined")
		if err != nil {
			t.Fatal(err)
		}
		return params.Literal().Ruleset
	}
	index := "index: [bank, utility]"
	plain, raw := digest("overlap-both", "", ""), digest("overlap-both", index, index+", rules: [raw]")
	if plain != raw || plain != feature.RulesetDigest([]feature.Rule{feature.Raw}) {
		t.Error("no rules are not raw")
	}
	if digest("overlap-both", index, index+", rules: [text]") == raw {
		t.Error("the rules do not count")
	}
}

func TestEveryRuleOfTheSpecIsTheOperators(t *testing.T) {
	fields, _ := job.Fields(job.Align)
	for _, f := range fields {
		if f.Name != "rules" {
			continue
		}
		for i, r := range keyRules(f.Words, len(f.Words)) {
			if r.String() != f.Words[i] {
				t.Errorf("rule %q is %q to the operator", f.Words[i], r)
			}
		}
	}
}

func TestPartRows(t *testing.T) {
	for _, c := range []struct {
		rows  int64
		test  float64
		part  string
		bound int64
	}{
		{100, 0, "all", 100},
		{100, 0.2, "all", 100},
		{100, 0.2, "test", 21},
		{100, 0.2, "train", 81},
		{1, 0.5, "test", 1},
		{3, 0.999, "test", 3},
	} {
		if got := partRows(Output{Rows: c.rows, Test: c.test}, c.part); got != c.bound {
			t.Errorf("%+v: %d", c, got)
		}
	}
	// Whatever two classes are drawn as, each rounded up or down, the bound holds.
	for n := int64(1); n <= 60; n++ {
		for ones := int64(0); ones <= n; ones++ {
			for _, f := range []float64{0.1, 0.2, 0.5, 0.75} {
				up := func(k int64) int64 { return int64(f*float64(k) + 0.999999) }
				if got := partRows(Output{Rows: n, Test: f}, "test"); got < min(n, up(ones)+up(n-ones)) {
					t.Fatalf("n=%d ones=%d f=%v: bound %d", n, ones, f, got)
				}
			}
		}
	}
}

func TestSplitWithoutStratifyMovesNothing(t *testing.T) {
	p := mustBuild(t, readSpec(t, "prepare.yaml"), catalog(t, "catalog-small.json"))
	st, _ := p.Step("parts")
	if len(st.Cost) != 0 || len(st.Leaks) != 0 {
		t.Errorf("cost %v, leaks %v", st.Cost, st.Leaks)
	}
	p = mustBuild(t, readSpec(t, "one-holder.yaml"), catalog(t, "catalog-small.json"))
	st, _ = p.Step("parts")
	if len(st.Cost) != 0 || len(st.Leaks) != 0 {
		t.Errorf("one holder: cost %v, leaks %v", st.Cost, st.Leaks)
	}
}

func TestLeakText(t *testing.T) {
	l := Leak{Step: "s", To: []party.ID{"a", "b"}, About: []party.ID{"b"}, Kind: protocols.LeakRowCount, Detail: "the rows"}
	if got := l.Text("en"); got != "reveals: the rows to a, b" {
		t.Errorf("en %q", got)
	}
	if got := l.Text("zh"); got != "向 a、b 披露：b 的记录数" {
		t.Errorf("zh %q", got)
	}
	for _, k := range []protocols.LeakKind{
		protocols.LeakRowCount, protocols.LeakIntersectionSize, protocols.LeakIntersectionMembers, protocols.LeakBinSums,
		protocols.LeakNodeMembership, protocols.LeakScore, protocols.LeakCoefficients, protocols.LeakIterations,
		protocols.LeakAccessPattern, LeakMetrics, LeakCells, LeakMembership,
	} {
		if zhKind(k) == string(k) {
			t.Errorf("%s has no Chinese name", k)
		}
	}
	if zhKind("new") != "new" {
		t.Error("an unknown kind loses its name")
	}
}

func TestJSON(t *testing.T) {
	p := mustBuild(t, readSpec(t, "group-rate.yaml"), catalog(t, "catalog-small.json"))
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"digest":"` + p.Digest.String() + `"`, `"label":"Private(bank)"`, `"op":"align"`, `{"epsilon":"1"}`,
		`"lineage":["bank/loans/id_hash"`, `"kind":"membership-outside-dp"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestLookups(t *testing.T) {
	p := mustBuild(t, readSpec(t, "overlap-both.yaml"), catalog(t, "catalog-small.json"))
	if _, ok := p.Step("nothing"); ok {
		t.Error("a step that is not there")
	}
	if _, ok := p.Input("nothing"); ok {
		t.Error("an input that is not there")
	}
}

func BenchmarkBuild(b *testing.B) {
	s, c := readSpec(b, "credit-lr.yaml"), catalog(b, "catalog-small.json")
	b.ReportAllocs()
	for b.Loop() {
		mustBuild(b, s, c)
	}
}
