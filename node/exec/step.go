package exec

import (
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// StepPhase is where one step of a job stands at one party.
type StepPhase string

// The phases of a step. Done and StepFailed are final.
const (
	Waiting    StepPhase = "waiting" // for its inputs
	Ready      StepPhase = "ready"
	Active     StepPhase = "active"    // the attempt runs here
	StepSealed StepPhase = "sealed"    // own vote is cast, others' are awaited
	Done       StepPhase = "done"      // every party sealed the attempt
	Abandoned  StepPhase = "abandoned" // the attempt is lost; own vote is cast
	StepEnded  StepPhase = "failed"    // no further attempt
)

// MaxAttempts bounds the attempts of a step. It is 1 while a crash ends the job: the attempt number is in every vote
// and binding all the same, so that raising it changes no format.
const MaxAttempts = 1

// StepState is the state of one step at one party: a value that Step never changes in place.
type StepState struct {
	ID      string            `json:"id"`
	Parties []party.ID        `json:"parties"` // who votes, sorted
	Self    party.ID          `json:"self"`    // may be none of Parties: a lead without data only watches
	Phase   StepPhase         `json:"phase"`
	Attempt uint32            `json:"attempt"`
	Mark    uint32            `json:"mark"` // the mark the attempt started from; 0 is the beginning
	Votes   map[party.ID]Vote `json:"votes"`
	Failure *Vote             `json:"failure,omitempty"` // the first vote that abandoned the last attempt
}

// StepEventKind is what happened to a step.
type StepEventKind string

// The events of a step.
const (
	StepInputsDone StepEventKind = "inputs-done"
	StepBegun      StepEventKind = "begun"  // the runner starts
	StepVoted      StepEventKind = "voted"  // Vote.Party's verified vote, own ones included
	StepCancel     StepEventKind = "cancel" // the job ends
)

// StepEvent is one input of the step machine.
type StepEvent struct {
	Kind StepEventKind
	Vote Vote
}

// StepEffect is one consequence of an event.
type StepEffect string

// The effects of a step.
const (
	StepReject StepEffect = "reject"
	RunAttempt StepEffect = "run"         // start the runner for Attempt
	CastVote   StepEffect = "cast-vote"   // sign, store and send the event's own vote
	VoteLost   StepEffect = "vote-lost"   // cast an Abandoned vote: a peer abandoned and we had not voted
	StopRunner StepEffect = "stop-runner" // cancel the running attempt
	StepDone   StepEffect = "done"
	StepFinal  StepEffect = "failed-finally"
)

// NewStep returns a step that waits for its inputs.
func NewStep(id string, self party.ID, parties []party.ID) StepState {
	return StepState{ID: id, Self: self, Parties: party.Sorted(parties), Phase: Waiting, Attempt: 1, Votes: map[party.ID]Vote{}}
}

// Step is the machine: total and pure. The outcome of an attempt is a function of the signed votes alone: Done when all
// sealed, Abandoned as soon as one says so. A pair that does not fit returns s unchanged and StepReject.
func (s StepState) Step(e StepEvent) (StepState, []StepEffect) {
	next := s
	next.Parties, next.Votes = slices.Clone(s.Parties), maps.Clone(s.Votes)
	var effects []StepEffect
	ok := false
	switch e.Kind {
	case StepInputsDone:
		if ok = s.Phase == Waiting; ok {
			next.Phase = Ready
			effects = []StepEffect{RunAttempt}
		}
	case StepBegun:
		if ok = s.Phase == Ready; ok {
			next.Phase = Active
		}
	case StepVoted:
		effects, ok = next.voted(e.Vote)
	case StepCancel:
		effects, ok = next.cancel()
	}
	if !ok {
		return s, []StepEffect{StepReject}
	}
	return next, effects
}

func (s *StepState) final() bool { return s.Phase == Done || s.Phase == StepEnded }

func (s *StepState) voted(v Vote) ([]StepEffect, bool) {
	if _, twice := s.Votes[v.Party]; twice || s.final() || v.Attempt != s.Attempt || !slices.Contains(s.Parties, v.Party) {
		return nil, false
	}
	own := v.Party == s.Self
	if own && v.Sealed && s.Phase != Active {
		return nil, false
	}
	s.Votes[v.Party] = v
	var out []StepEffect
	if own {
		out = append(out, CastVote)
	}
	if !v.Sealed {
		return append(out, s.abandon(v)...), true
	}
	if own {
		s.Phase = StepSealed
	}
	return append(out, s.allSealed()...), true
}

func (s *StepState) allSealed() []StepEffect {
	for _, p := range s.Parties {
		if !s.Votes[p].Sealed {
			return nil
		}
	}
	own := s.Parties[0] // a watcher compares with the first
	if slices.Contains(s.Parties, s.Self) {
		own = s.Self
	}
	for _, p := range s.Parties {
		if s.Votes[p].Common != s.Votes[own].Common {
			s.Phase = StepEnded
			s.Failure = &Vote{
				Step: s.ID, Attempt: s.Attempt, Party: own, Code: fault.Misbehaved, Culprit: string(p),
				Reason: "the parties sealed different results of one step",
			}
			return []StepEffect{StepFinal}
		}
	}
	s.Phase = Done
	return []StepEffect{StepDone}
}

// abandon ends the attempt at its first Abandoned vote: who has not voted votes Abandoned too.
func (s *StepState) abandon(v Vote) []StepEffect {
	var out []StepEffect
	if s.Failure == nil {
		s.Failure = &v
	}
	_, voted := s.Votes[s.Self]
	if slices.Contains(s.Parties, s.Self) && !voted {
		if s.Phase == Active {
			out = append(out, StopRunner)
		}
		s.Phase = Abandoned
		return append(out, VoteLost)
	}
	s.Phase = Abandoned
	if !retryable(s.Failure.Code) || s.Attempt >= MaxAttempts {
		s.Phase = StepEnded
		out = append(out, StepFinal)
	}
	return out
}

func retryable(c fault.Code) bool { return c.Retryable() }

func (s *StepState) cancel() ([]StepEffect, bool) {
	if s.final() {
		return nil, false
	}
	var out []StepEffect
	if s.Phase == Active {
		out = append(out, StopRunner)
	}
	s.Phase = StepEnded
	return out, true
}
