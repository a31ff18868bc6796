package coordinator

import (
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Phase is where a job stands.
type Phase string

// The phases. Terminal ones absorb every event.
const (
	Describing        Phase = "describing"
	Approving         Phase = "approving"
	Scheduling        Phase = "scheduling"
	Running           Phase = "running"
	Settling          Phase = "settling"
	Succeeded         Phase = "succeeded"
	SucceededDisputed Phase = "succeeded-disputed"
	Planned           Phase = "planned" // plan-only: every owner would approve; nothing was reserved
	Denied            Phase = "denied"
	Expired           Phase = "expired"
	Failing           Phase = "failing"
	Failed            Phase = "failed"
	Canceling         Phase = "canceling"
	Canceled          Phase = "canceled"
)

// Terminal reports whether no event changes the job any more.
func (p Phase) Terminal() bool {
	switch p {
	case Succeeded, SucceededDisputed, Planned, Denied, Expired, Failed, Canceled:
		return true
	}
	return false
}

// Phases lists every phase in life order.
func Phases() []Phase {
	return []Phase{
		Describing, Approving, Scheduling, Running, Settling, Succeeded, SucceededDisputed, Planned, Denied, Expired,
		Failing, Failed, Canceling, Canceled,
	}
}

// Failure is why a job ended without success. Code and Reason are what the failing party said in public.
type Failure struct {
	Code    fault.Code `json:"code"`
	Party   party.ID   `json:"party,omitempty"` // the party that failed or refused
	Step    string     `json:"step,omitempty"`
	Culprit string     `json:"culprit,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

// Job is the state of one job at one party. It is a value: Step never changes its argument.
type Job struct {
	ID      string     `json:"id"`
	Self    party.ID   `json:"self"`
	Lead    party.ID   `json:"lead"`
	Parties []party.ID `json:"parties"` // the data holders, sorted
	Owners  []party.ID `json:"owners"`  // who must approve; known once the plan is built
	Phase   Phase      `json:"phase"`

	PlanOnly  bool                `json:"plan_only"` // ends in Planned once every owner approves
	Described map[party.ID]bool   `json:"described"` // whose catalogue answer is in
	Plans     map[party.ID]string `json:"plans"`     // plan digest by party, lead included
	Approved  map[party.ID]bool   `json:"approved"`
	Asked     party.ID            `json:"asked,omitempty"` // lead only: whose answer to a lease ask is awaited
	Leased    map[party.ID]bool   `json:"leased"`          // lead only
	LeaseAsk  bool                `json:"lease_ask"`       // the lead asked, answered or not
	Started   bool                `json:"started"`         // the lead said start
	Receipts  map[party.ID]bool   `json:"receipts"`        // whose receipts are countersigned both ways
	Disputed  bool                `json:"disputed"`
	Quiet     bool                `json:"quiet"` // own runners have stopped
	Failure   *Failure            `json:"failure,omitempty"`
}

// Participants is everybody who gets the job's messages: the data holders and the lead, sorted.
func (j Job) Participants() []party.ID { return party.Sorted(append(slices.Clone(j.Parties), j.Lead)) }

// Others is Participants without Self.
func (j Job) Others() []party.ID {
	return slices.DeleteFunc(j.Participants(), func(p party.ID) bool { return p == j.Self })
}

// HoldsData reports whether Self is one of the data holders.
func (j Job) HoldsData() bool { return slices.Contains(j.Parties, j.Self) }

// EventKind is what happened.
type EventKind string

// The events: what a peer said, what this party did, what the clock says.
const (
	EvSubmitted   EventKind = "submitted"    // accepted by own node, or asked by the lead
	EvDescribed   EventKind = "described"    // From's catalogue answer is in
	EvPlanned     EventKind = "planned"      // From's plan digest
	EvApproved    EventKind = "approved"     // From's verified approval
	EvDenied      EventKind = "denied"       // From's owner said no
	EvLeaseAsked  EventKind = "lease-asked"  // the lead wants a run slot
	EvLeased      EventKind = "leased"       // From granted one
	EvLeaseFailed EventKind = "lease-failed" // From has none now
	EvRequeued    EventKind = "requeued"     // the lead's jitter is over
	EvStarted     EventKind = "started"      // the lead said start
	EvStepsDone   EventKind = "steps-done"   // the last step is Done
	EvStepFailed  EventKind = "step-failed"  // a step failed for good, here
	EvPeerFailed  EventKind = "peer-failed"  // From says Failing, Canceling or Expired
	EvCancel      EventKind = "cancel"       // submitter or owner at this party
	EvExpired     EventKind = "expired"      // limits.expires or an approval's not-after
	EvQuiet       EventKind = "quiet"        // own runners have stopped
	EvReceipts    EventKind = "receipts"     // From's receipts agree and are countersigned
	EvDisputed    EventKind = "disputed"     // From's receipts differ from ours
	EvLate        EventKind = "late"         // receipts are missing at the end of their term
)

// Event is one input of the machine.
type Event struct {
	Kind    EventKind
	From    party.ID
	Digest  string     // EvPlanned
	Owners  []party.ID // EvPlanned by Self: who must approve
	Failure Failure    // EvDenied, EvStepFailed, EvPeerFailed, EvExpired
}

// EffectKind is what to do after the state is written.
type EffectKind string

// The effects.
const (
	Reject        EffectKind = "reject"         // the event does not fit the state
	AskAll        EffectKind = "ask-all"        // lead: send the spec to everybody
	Describe      EffectKind = "describe"       // answer with own catalogue entries
	BuildPlan     EffectKind = "build-plan"     // all answers are in
	Decide        EffectKind = "decide"         // policy, reservation, approval
	AskLease      EffectKind = "ask-lease"      // lead: ask To for a run slot
	AnswerLease   EffectKind = "answer-lease"   // grant or refuse
	DropLeases    EffectKind = "drop-leases"    // lead: one refused
	Requeue       EffectKind = "requeue"        // lead: try again after a jitter
	TellStart     EffectKind = "tell-start"     // lead: everybody granted
	StartSteps    EffectKind = "start-steps"    // begin running own slice
	StopSteps     EffectKind = "stop-steps"     // cancel own runners; EvQuiet follows
	TellFailure   EffectKind = "tell-failure"   // tell every other participant
	SendReceipts  EffectKind = "send-receipts"  // seal elements, sign and send own receipts
	Settle        EffectKind = "settle"         // post the money
	ReleaseUnused EffectKind = "release-unused" // close own holds that no step used
	ReleaseLease  EffectKind = "release-lease"
)

// Effect is one consequence of an event.
type Effect struct {
	Kind EffectKind
	To   party.ID // AskLease
}

// NewJob returns the state before EvSubmitted.
func NewJob(id string, self, lead party.ID, parties []party.ID) Job {
	return Job{ID: id, Self: self, Lead: lead, Parties: party.Sorted(parties)}
}

// Step is the machine: total and pure. An event that j does not expect returns j unchanged and the effect Reject.
func (j Job) Step(e Event) (Job, []Effect) {
	if j.Phase.Terminal() {
		return j, []Effect{{Kind: Reject}}
	}
	next := j.clone()
	if effects, ok := next.apply(e); ok {
		return next, effects
	}
	return j, []Effect{{Kind: Reject}}
}

// expects reports whether e would change j.
func (j Job) expects(e Event) bool {
	_, effects := j.Step(e)
	return !rejected(effects)
}

func rejected(effects []Effect) bool { return len(effects) == 1 && effects[0].Kind == Reject }

func (j Job) clone() Job {
	j.Parties, j.Owners = slices.Clone(j.Parties), slices.Clone(j.Owners)
	j.Described, j.Plans, j.Approved = maps.Clone(j.Described), maps.Clone(j.Plans), maps.Clone(j.Approved)
	j.Leased, j.Receipts = maps.Clone(j.Leased), maps.Clone(j.Receipts)
	if j.Failure != nil {
		f := *j.Failure
		j.Failure = &f
	}
	return j
}

// apply changes the clone and reports whether the event fits.
func (j *Job) apply(e Event) ([]Effect, bool) {
	switch e.Kind {
	case EvSubmitted:
		return j.submitted()
	case EvDescribed:
		return j.described(e)
	case EvPlanned:
		return j.planned(e)
	case EvApproved:
		return j.approved(e)
	case EvDenied:
		return j.denied(e)
	case EvLeaseAsked, EvLeased, EvLeaseFailed, EvRequeued, EvStarted:
		return j.schedule(e)
	case EvStepsDone, EvReceipts, EvDisputed, EvLate:
		return j.finish(e)
	case EvStepFailed, EvPeerFailed, EvCancel, EvExpired, EvQuiet:
		return j.stop(e)
	}
	return nil, false
}

func (j *Job) submitted() ([]Effect, bool) {
	if j.Phase != "" {
		return nil, false
	}
	j.Phase = Describing
	j.Described, j.Plans, j.Approved = map[party.ID]bool{}, map[party.ID]string{}, map[party.ID]bool{}
	j.Leased, j.Receipts = map[party.ID]bool{}, map[party.ID]bool{}
	var out []Effect
	if j.Self == j.Lead {
		out = append(out, Effect{Kind: AskAll})
	}
	if j.HoldsData() {
		out = append(out, Effect{Kind: Describe})
	}
	return out, true
}

func (j *Job) described(e Event) ([]Effect, bool) {
	if j.Phase != Describing || !slices.Contains(j.Parties, e.From) || j.Described[e.From] {
		return nil, false
	}
	j.Described[e.From] = true
	if len(j.Described) < len(j.Parties) {
		return nil, true
	}
	return []Effect{{Kind: BuildPlan}}, true
}

func (j *Job) planned(e Event) ([]Effect, bool) {
	if j.Phase != Describing || !slices.Contains(j.Participants(), e.From) || j.Plans[e.From] != "" || e.Digest == "" {
		return nil, false
	}
	j.Plans[e.From] = e.Digest
	if e.From == j.Self {
		j.Owners = party.Sorted(e.Owners)
	}
	own := j.Plans[j.Self]
	if own == "" {
		return nil, true
	}
	for _, p := range j.Participants() { // in order: which of two culprits is named must not depend on chance
		if d := j.Plans[p]; d != "" && d != own {
			return j.fail(Failing, Failure{
				Code: fault.PlanMismatch, Party: j.Self, Culprit: string(p), Reason: "two nodes built different plans from the same job",
			}), true
		}
	}
	if len(j.Plans) < len(j.Participants()) {
		return nil, true
	}
	j.Phase = Approving
	var out []Effect
	if slices.Contains(j.Owners, j.Self) {
		out = append(out, Effect{Kind: Decide})
	}
	return append(out, j.allApproved()...), true
}

func (j *Job) approved(e Event) ([]Effect, bool) {
	early := j.Phase == Describing && slices.Contains(j.Parties, e.From)
	if (!early && (j.Phase != Approving || !slices.Contains(j.Owners, e.From))) || j.Approved[e.From] {
		return nil, false
	}
	j.Approved[e.From] = true
	return j.allApproved(), true
}

// allApproved moves to Scheduling once every owner's approval is in.
func (j *Job) allApproved() []Effect {
	if j.Phase != Approving {
		return nil
	}
	for _, o := range j.Owners {
		if !j.Approved[o] {
			return nil
		}
	}
	if j.PlanOnly {
		j.Phase = Planned
		return nil
	}
	j.Phase = Scheduling
	if j.Self == j.Lead {
		return j.nextLease()
	}
	var out []Effect
	if j.LeaseAsk {
		out = append(out, Effect{Kind: AnswerLease})
	}
	if j.Started {
		out = append(out, j.run()...)
	}
	return out
}

func (j *Job) denied(e Event) ([]Effect, bool) {
	if j.Phase != Describing && j.Phase != Approving || !slices.Contains(j.Parties, e.From) {
		return nil, false
	}
	j.Phase = Denied
	f := e.Failure
	f.Party = e.From
	j.Failure = &f
	return []Effect{{Kind: ReleaseUnused}}, true
}

func (j *Job) schedule(e Event) ([]Effect, bool) {
	waiting := j.Phase == Scheduling || j.Phase == Approving || j.Phase == Describing
	lead := j.Self == j.Lead && j.Phase == Scheduling
	switch {
	case e.Kind == EvLeaseAsked && e.From == j.Lead && waiting:
		j.LeaseAsk = true
		if j.Phase == Scheduling {
			return []Effect{{Kind: AnswerLease}}, true
		}
		return nil, true
	case e.Kind == EvStarted && e.From == j.Lead && waiting && !j.Started:
		j.Started = true
		if j.Phase == Scheduling {
			return j.run(), true
		}
		return nil, true
	case e.Kind == EvLeased && lead && j.Asked != "" && e.From == j.Asked:
		j.Leased[e.From] = true
		return j.nextLease(), true
	case e.Kind == EvLeaseFailed && lead && j.Asked != "" && e.From == j.Asked:
		j.Asked, j.Leased = "", map[party.ID]bool{}
		return []Effect{{Kind: DropLeases}, {Kind: Requeue}}, true
	case e.Kind == EvRequeued && lead && j.Asked == "":
		return j.nextLease(), true
	}
	return nil, false
}

// nextLease asks in party order, one at a time: two leads that ask for each other's slots cannot deadlock.
func (j *Job) nextLease() []Effect {
	for _, p := range j.Parties {
		if !j.Leased[p] {
			j.Asked = p
			return []Effect{{Kind: AskLease, To: p}}
		}
	}
	j.Asked = ""
	return append([]Effect{{Kind: TellStart}}, j.run()...)
}

func (j *Job) run() []Effect {
	j.Phase = Running
	return []Effect{{Kind: StartSteps}}
}

func (j *Job) finish(e Event) ([]Effect, bool) {
	switch {
	case e.Kind == EvStepsDone && j.Phase == Running:
		j.Phase = Settling
		if !j.HoldsData() {
			return j.allReceipts(), true
		}
		return append([]Effect{{Kind: SendReceipts}, {Kind: ReleaseLease}}, j.allReceipts()...), true
	case (e.Kind == EvReceipts || e.Kind == EvDisputed) && (j.Phase == Settling || j.Phase == Running) &&
		slices.Contains(j.Parties, e.From) && e.From != j.Self && !j.Receipts[e.From]:
		j.Receipts[e.From] = true
		j.Disputed = j.Disputed || e.Kind == EvDisputed
		return j.allReceipts(), true
	case e.Kind == EvLate && j.Phase == Settling:
		j.Disputed, j.Phase = true, SucceededDisputed
		return nil, true
	}
	return nil, false
}

// allReceipts ends the job once the receipts of every other data holder are settled. A lead without data has none to
// compare and ends with the last step.
func (j *Job) allReceipts() []Effect {
	if j.Phase != Settling {
		return nil
	}
	if j.HoldsData() {
		for _, p := range j.Parties {
			if p != j.Self && !j.Receipts[p] {
				return nil
			}
		}
	}
	j.Phase = Succeeded
	if j.Disputed {
		j.Phase = SucceededDisputed
		return nil
	}
	return []Effect{{Kind: Settle}}
}

func (j *Job) stop(e Event) ([]Effect, bool) {
	ending := j.Phase == Failing || j.Phase == Canceling
	switch {
	case e.Kind == EvQuiet && ending:
		return j.ended(), true
	case j.Phase == Settling || j.Phase == "" || ending:
		return nil, false
	case e.Kind == EvCancel:
		return j.fail(Canceling, Failure{Code: fault.Canceled, Party: j.Self, Reason: "canceled"}), true
	case e.Kind == EvExpired && j.Phase != Running:
		j.Phase = Expired
		f := e.Failure
		j.Failure = &f
		return []Effect{{Kind: TellFailure}, {Kind: ReleaseUnused}, {Kind: ReleaseLease}}, true
	case e.Kind == EvStepFailed, e.Kind == EvExpired:
		return j.fail(Failing, e.Failure), true
	case e.Kind == EvPeerFailed && slices.Contains(j.Participants(), e.From):
		f := e.Failure
		f.Party = e.From
		phase := Failing
		if f.Code == fault.Canceled {
			phase = Canceling
		}
		return j.fail(phase, f), true
	}
	return nil, false
}

// fail begins the end: own runners stop, and the others are told unless they told us.
func (j *Job) fail(phase Phase, f Failure) []Effect {
	j.Phase = phase
	j.Failure = &f
	out := []Effect{{Kind: StopSteps}}
	if f.Party == j.Self || f.Party == "" {
		out = append(out, Effect{Kind: TellFailure})
	}
	return out
}

func (j *Job) ended() []Effect {
	j.Quiet = true
	j.Phase = map[Phase]Phase{Failing: Failed, Canceling: Canceled}[j.Phase]
	return []Effect{{Kind: ReleaseUnused}, {Kind: ReleaseLease}, {Kind: SendReceipts}}
}
