package exec

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

var three = []party.ID{"a", "b", "c"}

// ballot is what a party finds at the end of its own run.
type ballot struct {
	sealed bool
	common byte
	code   fault.Code
}

func (b ballot) vote(p party.ID) Vote {
	v := Vote{Step: "s", Attempt: 1, Party: p, Sealed: b.sealed}
	if b.sealed {
		v.Common = [32]byte{b.common}
		return v
	}
	v.Code = b.code
	return v
}

// stepPrint is a comparable image of a step.
func stepPrint(s StepState) string {
	f := ""
	if s.Failure != nil {
		f = fmt.Sprint(*s.Failure)
	}
	s.Failure = nil
	return fmt.Sprint(s) + f
}

// checkStep runs one event and judges it by the machine's contract.
func checkStep(t *testing.T, s StepState, e StepEvent) (StepState, []StepEffect) {
	t.Helper()
	before := stepPrint(s)
	next, effects := s.Step(e)
	if stepPrint(s) != before {
		t.Fatalf("%s in %s changed its argument", e.Kind, s.Phase)
	}
	refused := slices.Contains(effects, StepReject)
	switch {
	case refused && (len(effects) != 1 || !reflect.DeepEqual(next, s)):
		t.Fatalf("%s in %s is rejected and does something", e.Kind, s.Phase)
	case !refused && (s.Phase == Done || s.Phase == StepEnded):
		t.Fatalf("%s is not absorbed in %s", e.Kind, s.Phase)
	}
	for p, v := range s.Votes { // INV-1: a vote that is cast stands
		if next.Votes[p] != v {
			t.Fatalf("%s in %s: the vote of %s changed", e.Kind, s.Phase, p)
		}
	}
	if next.Phase == Done {
		for _, p := range next.Parties {
			if v, ok := next.Votes[p]; !ok || !v.Sealed || v.Common != next.Votes[next.Parties[0]].Common {
				t.Fatalf("done without the sealed vote of %s", p)
			}
		}
	}
	return next, effects
}

// Every reachable state meets every event, at a voter and at a watcher.
func TestStepExhaustively(t *testing.T) {
	var events []StepEvent
	for _, k := range []StepEventKind{StepInputsDone, StepBegun, StepCancel, "nonsense"} {
		events = append(events, StepEvent{Kind: k})
	}
	for _, p := range []party.ID{"a", "b", "c", "stranger"} {
		for _, b := range []ballot{{sealed: true, common: 1}, {sealed: true, common: 2}, {code: fault.Timeout}, {code: fault.Invalid}} {
			events = append(events, StepEvent{Kind: StepVoted, Vote: b.vote(p)})
		}
		late := ballot{sealed: true}.vote(p)
		late.Attempt = 2
		events = append(events, StepEvent{Kind: StepVoted, Vote: late})
	}
	reached := map[StepPhase]bool{}
	for _, self := range []party.ID{"a", "watcher"} {
		start := NewStep("s", self, three)
		seen, queue := map[string]bool{stepPrint(start): true}, []StepState{start}
		for len(queue) > 0 {
			s := queue[0]
			queue = queue[1:]
			reached[s.Phase] = true
			for _, e := range events {
				next, _ := checkStep(t, s, e)
				if k := stepPrint(next); !seen[k] {
					seen[k] = true
					queue = append(queue, next)
				}
			}
		}
		t.Logf("%s: %d states", self, len(seen))
	}
	for _, p := range []StepPhase{Waiting, Ready, Active, StepSealed, Done, Abandoned, StepEnded} {
		if !reached[p] {
			t.Errorf("phase %s is not reachable", p)
		}
	}
}

func TestStepVotes(t *testing.T) {
	active := func(self party.ID) StepState {
		s, _ := NewStep("s", self, three[:2]).Step(StepEvent{Kind: StepInputsDone})
		s, _ = s.Step(StepEvent{Kind: StepBegun})
		return s
	}
	sealed, lost := ballot{sealed: true, common: 1}, ballot{code: fault.Timeout}
	for _, c := range []struct {
		name    string
		state   StepState
		votes   []Vote
		phase   StepPhase
		effects []StepEffect
	}{
		{"both seal", active("a"), []Vote{sealed.vote("a"), sealed.vote("b")}, Done, []StepEffect{CastVote, StepDone}},
		{"the peer first", active("a"), []Vote{sealed.vote("b"), sealed.vote("a")}, Done, []StepEffect{CastVote, StepDone}},
		{"the peer before we start", NewStep("s", "a", three[:2]), []Vote{sealed.vote("b")}, Waiting, nil},
		{"lost here", active("a"), []Vote{lost.vote("a")}, StepEnded, []StepEffect{CastVote, StepFinal}},
		{"lost there, not voted", active("a"), []Vote{lost.vote("b")}, Abandoned, []StepEffect{StopRunner, VoteLost}},
		{"lost there, before we start", NewStep("s", "a", three[:2]), []Vote{lost.vote("b")}, Abandoned, []StepEffect{VoteLost}},
		{"lost there, sealed here", active("a"), []Vote{sealed.vote("a"), lost.vote("b")}, StepEnded, []StepEffect{CastVote, StepFinal}},
		{"a watcher sees both", NewStep("s", "hub", three[:2]), []Vote{sealed.vote("a"), sealed.vote("b")}, Done, []StepEffect{StepDone}},
		{"a watcher sees one lost", NewStep("s", "hub", three[:2]), []Vote{lost.vote("b")}, StepEnded, []StepEffect{StepFinal}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, got := c.state, []StepEffect(nil)
			for _, v := range c.votes {
				next, effects := checkStep(t, s, StepEvent{Kind: StepVoted, Vote: v})
				got, s = append(got, effects...), next
			}
			if s.Phase != c.phase || !slices.Equal(got, c.effects) {
				t.Errorf("%s with %v, want %s with %v", s.Phase, got, c.phase, c.effects)
			}
		})
	}
}

// Different common results end the step for good; each party blames one that differs from it, a watcher the second.
func TestDifferentResultsAreMisbehaviour(t *testing.T) {
	for self, culprit := range map[party.ID]string{"a": "b", "b": "a", "hub": "b"} {
		s, _ := NewStep("s", self, three[:2]).Step(StepEvent{Kind: StepInputsDone})
		s, _ = s.Step(StepEvent{Kind: StepBegun})
		for i, p := range three[:2] {
			s, _ = checkStep(t, s, StepEvent{Kind: StepVoted, Vote: ballot{sealed: true, common: byte(i)}.vote(p)})
		}
		if s.Phase != StepEnded || s.Failure.Code != fault.Misbehaved || s.Failure.Culprit != culprit {
			t.Errorf("%s: %s %+v", self, s.Phase, s.Failure)
		}
	}
}

// world is one attempt at several voters and a watcher, with the votes in flight.
type world struct {
	steps   []StepState // one per voter, then the watcher
	started []bool
	finish  []bool       // the run has come to its end
	flight  [][]party.ID // per receiver: whose votes are still to come
	cast    []int
}

// explore follows every order of starts, ends of runs and deliveries.
func explore(t *testing.T, voters []party.ID, ballots []ballot) {
	t.Helper()
	w := world{started: make([]bool, len(voters)), finish: make([]bool, len(voters)), cast: make([]int, len(voters))}
	members := slices.Clone(voters)
	if len(voters) == 2 {
		members = append(members, "watcher") // its deliveries commute with everything else
	}
	for _, p := range members {
		w.steps = append(w.steps, NewStep("s", p, voters))
		w.flight = append(w.flight, nil)
	}
	seen := map[string]bool{}
	var walk func(w world)
	walk = func(w world) {
		// A party's state follows from its phase and whose votes it has; the votes themselves are fixed or PeerAborted.
		k := fmt.Sprint(w.started, w.finish, w.flight)
		for _, s := range w.steps {
			k += string(s.Phase)
			for _, p := range voters {
				if v, ok := s.Votes[p]; ok {
					k += string(p) + v.Code.String()
				}
			}
		}
		if seen[k] {
			return
		}
		seen[k] = true
		moved := false
		next := func(change func(w *world)) {
			moved = true
			n := world{slices.Clone(w.steps), slices.Clone(w.started), slices.Clone(w.finish), nil, slices.Clone(w.cast)}
			for _, f := range w.flight {
				n.flight = append(n.flight, slices.Clone(f))
			}
			change(&n)
			walk(n)
		}
		for i, p := range voters {
			switch {
			case !w.started[i]:
				next(func(w *world) {
					w.started[i] = true
					w.steps[i], _ = checkStep(t, w.steps[i], StepEvent{Kind: StepInputsDone})
					w.steps[i], _ = checkStep(t, w.steps[i], StepEvent{Kind: StepBegun})
				})
			case !w.finish[i]:
				next(func(w *world) {
					w.finish[i] = true
					w.vote(t, i, ballots[i].vote(p))
				})
			}
		}
		for i := range w.flight {
			for at, from := range w.flight[i] {
				next(func(w *world) {
					w.flight[i] = slices.Delete(w.flight[i], at, at+1)
					v := w.steps[slices.Index(voters, from)].Votes[from]
					w.vote(t, i, v)
				})
			}
		}
		if moved {
			return
		}
		all, same := true, true
		for i := range ballots {
			all, same = all && ballots[i].sealed, same && ballots[i].common == ballots[0].common
		}
		want := StepEnded
		if all && same {
			want = Done
		}
		for i, s := range w.steps {
			if s.Phase != want { // INV-2: the outcome is a function of the votes alone
				t.Fatalf("%v: %s ends %s, want %s", ballots, s.Self, s.Phase, want)
			}
			if i < len(voters) && w.cast[i] != 1 { // INV-1
				t.Fatalf("%v: %s cast %d votes", ballots, s.Self, w.cast[i])
			}
		}
	}
	walk(w)
}

// vote delivers v at party i and carries out what follows.
func (w *world) vote(t *testing.T, i int, v Vote) {
	next, effects := checkStep(t, w.steps[i], StepEvent{Kind: StepVoted, Vote: v})
	w.steps[i] = next
	for _, e := range effects {
		switch e {
		case CastVote:
			w.cast[i]++
			for q := range w.flight {
				if q != i {
					w.flight[q] = append(w.flight[q], next.Self)
					slices.Sort(w.flight[q]) // every order of delivery is followed anyway
				}
			}
		case VoteLost:
			w.vote(t, i, ballot{code: fault.PeerAborted}.vote(next.Self))
		}
	}
}

// Two and three parties, every combination of outcomes, every order: one vote each, the same end everywhere.
func TestEveryOrderOfVotes(t *testing.T) {
	choices := []ballot{{sealed: true, common: 1}, {sealed: true, common: 2}, {code: fault.Timeout}}
	for n := 2; n <= 3; n++ {
		if n == 3 && testing.Short() {
			return
		}
		picks := 1
		for range n {
			picks *= len(choices)
		}
		for pick := range picks {
			ballots := make([]ballot, n)
			order := make([]int, n)
			for i, rest := 0, pick; i < n; i, rest = i+1, rest/len(choices) {
				order[i] = rest % len(choices)
				ballots[i] = choices[order[i]]
			}
			if n == 3 && !slices.IsSorted(order) {
				continue // the same among other names
			}
			explore(t, three[:n], ballots)
		}
	}
}

func TestWithoutNumbers(t *testing.T) {
	for in, want := range map[string]string{
		`label "y1" is neither "0" nor "1" in 569 rows`: `label "y1" is neither "0" nor "1" in … rows`,
		"no number": "no number",
		`column "x0" holds NaN in 12 rows, 3 of 40`: `column "x0" holds NaN in … rows, … of …`,
		"": "",
	} {
		if got := WithoutNumbers(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
