package coordinator

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

var holders = []party.ID{"bank", "utility"}

// roles are the positions a party can have in a job of a bank and a utility.
var roles = []struct {
	name       string
	self, lead party.ID
	planOnly   bool
}{
	{"lead with data", "bank", "bank", false},
	{"data holder", "utility", "bank", false},
	{"lead without data", "hub", "hub", false},
	{"data holder of a lead without data", "bank", "hub", false},
	{"plan-only lead", "bank", "bank", true},
	{"plan-only data holder", "utility", "bank", true},
}

// graph is the documented life of a job: doc.go's arrows and nothing else.
var graph = map[Phase][]Phase{
	"":         {Describing},
	Describing: {Approving, Scheduling, Running, Planned, Denied, Expired, Failing, Canceling}, // early messages may complete several phases at once
	Approving:  {Scheduling, Running, Planned, Denied, Expired, Failing, Canceling},
	Scheduling: {Running, Expired, Failing, Canceling},
	Running:    {Settling, Succeeded, SucceededDisputed, Failing, Canceling},
	Settling:   {Succeeded, SucceededDisputed},
	Failing:    {Failed},
	Canceling:  {Canceled},
}

// alphabet is every event kind from everybody, a stranger included.
func alphabet(self party.ID) []Event {
	kinds := []EventKind{
		EvSubmitted, EvDescribed, EvApproved, EvDenied, EvLeaseAsked, EvLeased, EvLeaseFailed, EvRequeued, EvStarted, EvStepsDone,
		EvStepFailed, EvPeerFailed, EvCancel, EvExpired, EvQuiet, EvReceipts, EvDisputed, EvLate, "nonsense",
	}
	var out []Event
	for _, from := range everybody {
		for _, k := range kinds {
			out = append(out, Event{Kind: k, From: from, Failure: Failure{Code: fault.Denied, Party: from, Reason: "why"}})
		}
		for _, d := range []string{"one", "two"} {
			out = append(out, Event{Kind: EvPlanned, From: from, Digest: d, Owners: []party.ID{"utility", "bank"}})
		}
	}
	return append(out, Event{Kind: EvPlanned, From: self, Owners: holders})
}

func fresh(self, lead party.ID, planOnly bool) Job {
	j := NewJob("j", self, lead, holders)
	j.PlanOnly = planOnly
	return j
}

// copyOf shares nothing with j.
func copyOf(t *testing.T, j Job) Job {
	t.Helper()
	b, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var out Job
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// everybody is who the alphabet's events come from.
var everybody = [...]party.ID{"bank", "utility", "hub", "stranger"}

// print is a comparable image of a job: two jobs of one test with equal prints are equal.
type print struct {
	phase                                                Phase
	planOnly, leaseAsk, started, disputed, quiet, failed bool
	asked                                                party.ID
	parties, owners                                      int
	plans                                                [len(everybody)]string
	marks                                                uint32
}

func printOf(j Job) print {
	out := print{
		phase: j.Phase, planOnly: j.PlanOnly, leaseAsk: j.LeaseAsk, started: j.Started, disputed: j.Disputed, quiet: j.Quiet,
		asked: j.Asked, parties: len(j.Parties), owners: len(j.Owners),
	}
	out.failed = j.Failure != nil
	for i, p := range everybody {
		out.plans[i] = j.Plans[p]
		for _, m := range []map[party.ID]bool{j.Described, j.Approved, j.Leased, j.Receipts} {
			out.marks <<= 1
			if m[p] {
				out.marks |= 1
			}
		}
	}
	return out
}

// checkStep runs one event and judges it by the machine's contract.
func checkStep(t *testing.T, j Job, e Event) (Job, []Effect) {
	t.Helper()
	before := printOf(j)
	next, effects := j.Step(e)
	if printOf(j) != before {
		t.Fatalf("%s in %s changed its argument", e.Kind, j.Phase)
	}
	switch {
	case rejected(effects):
		if printOf(next) != before {
			t.Fatalf("%s in %s is rejected and changes the state", e.Kind, j.Phase)
		}
	case j.Phase.Terminal():
		t.Fatalf("%s is not absorbed in %s", e.Kind, j.Phase)
	case slices.ContainsFunc(effects, func(f Effect) bool { return f.Kind == Reject }):
		t.Fatalf("%s in %s: a rejection among effects", e.Kind, j.Phase)
	case next.Phase != j.Phase && !slices.Contains(graph[j.Phase], next.Phase):
		t.Fatalf("%s leads from %s to %s", e.Kind, j.Phase, next.Phase)
	}
	if !slices.ContainsFunc(effects, func(f Effect) bool { return f.Kind == StartSteps }) {
		return next, effects
	}
	if next.PlanOnly || next.Phase != Running || len(next.Owners) == 0 {
		t.Fatalf("steps start in %s", next.Phase)
	}
	for _, o := range next.Owners { // INV-5
		if !next.Approved[o] {
			t.Fatalf("steps start without the approval of %s", o)
		}
	}
	for _, p := range next.Participants() {
		if next.Plans[p] != next.Plans[next.Self] {
			t.Fatalf("steps start although %s built another plan", p)
		}
	}
	return next, effects
}

// Every reachable state meets every event.
func TestJobExhaustively(t *testing.T) {
	t.Parallel()
	reached := map[Phase]bool{}
	for _, role := range roles {
		if role.self != role.lead && role.lead == "hub" || role.self == role.lead && role.planOnly || testing.Short() && role.name != "data holder" {
			continue // these visit no state of another kind
		}
		start := fresh(role.self, role.lead, role.planOnly)
		events := alphabet(role.self)
		if role.self == "hub" { // strangers are met in the other roles
			events = slices.DeleteFunc(events, func(e Event) bool { return e.From == "stranger" })
		}
		seen, queue := map[print]bool{printOf(start): true}, []Job{start}
		for len(queue) > 0 {
			j := queue[0]
			queue = queue[1:]
			reached[j.Phase] = true
			var deep Job
			sampled := len(queue)%32 == 0
			if sampled {
				deep = copyOf(t, j)
			}
			for _, e := range events {
				next, _ := checkStep(t, j, e)
				if k := printOf(next); !seen[k] {
					seen[k] = true
					queue = append(queue, next)
				}
			}
			if sampled && !reflect.DeepEqual(copyOf(t, j), deep) {
				t.Fatalf("%s: a state that was stepped from has changed", role.name)
			}
		}
		t.Logf("%s: %d states × %d events", role.name, len(seen), len(events))
	}
	if testing.Short() {
		return
	}
	for _, p := range Phases() {
		if !reached[p] {
			t.Errorf("phase %s is not reachable", p)
		}
	}
}

// No result shares memory with the state it came from.
func TestJobStatesShareNothing(t *testing.T) {
	j, _ := run(t, fresh("utility", "bank", false), script("submitted", "described bank", "planned bank"))
	next, _ := j.Step(Event{Kind: EvDescribed, From: "utility"})
	next.Parties[0], next.Described["x"], next.Plans["bank"] = "changed", true, "changed"
	if j.Parties[0] != "bank" || j.Described["x"] || j.Plans["bank"] != "d" {
		t.Error("the new state shares memory with the old one")
	}
}

func script(lines ...string) (out []Event) {
	for _, l := range lines {
		var e Event
		_, _ = fmt.Sscan(l, &e.Kind, &e.From) // From may be absent
		if e.Kind == EvPlanned {
			e.Digest, e.Owners = "d", holders
		}
		e.Failure = Failure{Code: fault.Denied, Party: e.From, Reason: "why"}
		out = append(out, e)
	}
	return out
}

// run steps through a script in which nothing is rejected, and returns all effects by kind in order.
func run(t *testing.T, j Job, events []Event) (Job, []EffectKind) {
	t.Helper()
	var out []EffectKind
	for i, e := range events {
		next, effects := checkStep(t, j, e)
		if rejected(effects) {
			t.Fatalf("event %d, %s from %s, is rejected in %s", i, e.Kind, e.From, j.Phase)
		}
		for _, f := range effects {
			out = append(out, f.Kind)
		}
		j = next
	}
	return j, out
}

var (
	toApproving  = []string{"submitted", "described bank", "described utility", "planned bank", "planned utility"}
	toScheduling = append(slices.Clone(toApproving), "approved bank", "approved utility")
	leadToRun    = append(slices.Clone(toScheduling), "leased bank", "leased utility")
	hubToRun     = []string{
		"submitted", "described bank", "described utility", "planned hub", "planned bank", "planned utility", "approved utility",
		"approved bank", "leased bank", "leased utility",
	}
)

func TestJobPaths(t *testing.T) {
	also := func(s []string, more ...string) []string { return append(slices.Clone(s), more...) }
	for _, c := range []struct {
		name       string
		self, lead party.ID
		planOnly   bool
		events     []string
		phase      Phase
		effects    []EffectKind
	}{
		{
			"lead with data", "bank", "bank", false, also(leadToRun, "steps-done bank", "receipts utility"), Succeeded,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, TellStart, StartSteps, SendReceipts, ReleaseLease, Settle},
		},
		{
			"data holder", "utility", "bank", false,
			also(toScheduling, "lease-asked bank", "started bank", "steps-done utility", "receipts bank"), Succeeded,
			[]EffectKind{Describe, BuildPlan, Decide, AnswerLease, StartSteps, SendReceipts, ReleaseLease, Settle},
		},
		{
			"lead without data", "hub", "hub", false, also(hubToRun, "steps-done hub"), Succeeded,
			[]EffectKind{AskAll, BuildPlan, AskLease, AskLease, TellStart, StartSteps, Settle},
		},
		{
			"plan only", "bank", "bank", true, also(toApproving, "approved bank", "approved utility"), Planned,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide},
		},
		{
			"everything early", "utility", "bank", false,
			[]string{
				"submitted", "planned bank", "approved bank", "described bank", "lease-asked bank", "started bank", "described utility",
				"planned utility", "approved utility",
			},
			Running,
			[]EffectKind{Describe, BuildPlan, Decide, AnswerLease, StartSteps},
		},
		{
			"early receipts", "utility", "bank", false,
			also(toScheduling, "started bank", "receipts bank", "steps-done utility"), Succeeded,
			[]EffectKind{Describe, BuildPlan, Decide, StartSteps, SendReceipts, ReleaseLease, Settle},
		},
		{
			"denied by the other", "bank", "bank", false, also(toApproving, "approved bank", "denied utility"), Denied,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide, ReleaseUnused},
		},
		{
			"denied early", "bank", "bank", false,
			[]string{"submitted", "described bank", "denied utility"},
			Denied,
			[]EffectKind{AskAll, Describe, ReleaseUnused},
		},
		{
			"lease refused and requeued", "bank", "bank", false,
			also(toScheduling, "leased bank", "lease-failed utility", "requeued bank", "leased bank", "leased utility"), Running,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, DropLeases, Requeue, AskLease, AskLease, TellStart, StartSteps},
		},
		{
			"step failed here", "bank", "bank", false, also(leadToRun, "step-failed bank", "quiet bank"), Failed,
			[]EffectKind{
				AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, TellStart, StartSteps, StopSteps, TellFailure, ReleaseUnused,
				ReleaseLease, SendReceipts,
			},
		},
		{
			"peer failed", "bank", "bank", false, also(leadToRun, "peer-failed utility", "quiet bank"), Failed,
			[]EffectKind{
				AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, TellStart, StartSteps, StopSteps, ReleaseUnused, ReleaseLease,
				SendReceipts,
			},
		},
		{
			"canceled", "utility", "bank", false, also(toScheduling, "cancel utility", "quiet utility"), Canceled,
			[]EffectKind{Describe, BuildPlan, Decide, StopSteps, TellFailure, ReleaseUnused, ReleaseLease, SendReceipts},
		},
		{
			"expired before the run", "utility", "bank", false, also(toScheduling, "expired utility"), Expired,
			[]EffectKind{Describe, BuildPlan, Decide, TellFailure, ReleaseUnused, ReleaseLease},
		},
		{
			"expired in the run", "utility", "bank", false, also(toScheduling, "started bank", "expired utility", "quiet utility"), Failed,
			[]EffectKind{Describe, BuildPlan, Decide, StartSteps, StopSteps, TellFailure, ReleaseUnused, ReleaseLease, SendReceipts},
		},
		{
			"disputed", "bank", "bank", false, also(leadToRun, "steps-done bank", "disputed utility"), SucceededDisputed,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, TellStart, StartSteps, SendReceipts, ReleaseLease},
		},
		{
			"receipts never come", "bank", "bank", false, also(leadToRun, "steps-done bank", "late bank"), SucceededDisputed,
			[]EffectKind{AskAll, Describe, BuildPlan, Decide, AskLease, AskLease, TellStart, StartSteps, SendReceipts, ReleaseLease},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, effects := run(t, fresh(c.self, c.lead, c.planOnly), script(c.events...))
			if j.Phase != c.phase || !slices.Equal(effects, c.effects) {
				t.Errorf("%s with\n%v, want %s with\n%v", j.Phase, effects, c.phase, c.effects)
			}
		})
	}
}

func TestPlanMismatchNamesTheFirstCulprit(t *testing.T) {
	j, _ := run(t, fresh("hub", "hub", false), script("submitted", "described bank", "described utility"))
	for _, p := range []party.ID{"utility", "bank"} {
		j, _ = j.Step(Event{Kind: EvPlanned, From: p, Digest: "other"})
	}
	for range 20 {
		got, effects := checkStep(t, j, Event{Kind: EvPlanned, From: "hub", Digest: "own", Owners: holders})
		if got.Phase != Failing || got.Failure.Code != fault.PlanMismatch || got.Failure.Culprit != "bank" || effects[1].Kind != TellFailure {
			t.Fatalf("%s %+v %v", got.Phase, got.Failure, effects)
		}
	}
}

// A failure, a cancellation or a peer's end is accepted in every phase before Settling and leads to one end.
func TestFailureInEveryPhase(t *testing.T) {
	full := leadToRun
	for n := 1; n <= len(full); n++ {
		for _, c := range []struct {
			event string
			end   Phase
		}{{"step-failed bank", Failed}, {"peer-failed utility", Failed}, {"cancel bank", Canceled}} {
			j, _ := run(t, fresh("bank", "bank", false), script(append(slices.Clone(full[:n]), c.event, "quiet bank")...))
			if j.Phase != c.end || j.Failure == nil {
				t.Errorf("after %q, %s: %s", full[n-1], c.event, j.Phase)
			}
		}
	}
}

func TestStrangersAndWrongSendersAreRejected(t *testing.T) {
	j, _ := run(t, fresh("utility", "bank", false), script(toScheduling...))
	for _, e := range script("started utility", "started stranger", "lease-asked stranger", "approved bank", "described bank", "peer-failed stranger", "leased bank") {
		if j.expects(e) {
			t.Errorf("%s from %s is accepted", e.Kind, e.From)
		}
	}
	lead, _ := run(t, fresh("bank", "bank", false), script(toScheduling...))
	for _, e := range script("leased utility", "lease-failed utility", "lease-failed stranger", "requeued bank", "started bank") {
		if lead.expects(e) && e.Kind != EvStarted {
			t.Errorf("lead: %s from %s is accepted while bank is asked", e.Kind, e.From)
		}
	}
}

// Random histories keep to the graph, and what is approved stays approved.
func TestJobHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		role := rapid.SampledFrom(roles).Draw(rt, "role")
		events := alphabet(role.self)
		j := fresh(role.self, role.lead, role.planOnly)
		j, _ = checkStep(t, j, Event{Kind: EvSubmitted, From: role.lead})
		started := 0
		for range rapid.IntRange(0, 200).Draw(rt, "length") {
			next, effects := checkStep(t, j, rapid.SampledFrom(events).Draw(rt, "event"))
			for p := range maps.Keys(j.Approved) {
				if !next.Approved[p] {
					t.Fatalf("the approval of %s is forgotten", p)
				}
			}
			for _, f := range effects {
				if f.Kind == StartSteps {
					started++
				}
			}
			j = next
		}
		if started > 1 {
			t.Fatal("steps started twice")
		}
	})
}

func TestWaitingFor(t *testing.T) {
	for _, c := range []struct {
		events []string
		want   []party.ID
	}{
		{[]string{"submitted"}, []party.ID{"bank", "utility"}},
		{append(slices.Clone(toApproving), "approved bank"), []party.ID{"utility"}},
		{toScheduling, []party.ID{"bank", "utility"}},
		{leadToRun, nil},
		{append(slices.Clone(leadToRun), "steps-done bank"), []party.ID{"utility"}},
	} {
		j, _ := run(t, fresh("bank", "bank", false), script(c.events...))
		if got := j.WaitingFor(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", j.Phase, got, c.want)
		}
	}
}
