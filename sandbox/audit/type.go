package audit

import "slices"

// Type says what happened. The list is closed: a reader of the log knows every word in it.
type Type string

// The leaf types, one family per state machine.
const (
	DatasetRegistered Type = "dataset.registered" // a resource version entered the catalogue
	DatasetWithdrawn  Type = "dataset.withdrawn"

	AgreementRequested  Type = "agreement.requested"
	AgreementOffered    Type = "agreement.offered"
	AgreementAccepted   Type = "agreement.accepted"
	AgreementAgreed     Type = "agreement.agreed"
	AgreementVerified   Type = "agreement.verified"
	AgreementFinalized  Type = "agreement.finalized"
	AgreementTerminated Type = "agreement.terminated"

	GrantCreated   Type = "grant.created"
	GrantSuspended Type = "grant.suspended"
	GrantResumed   Type = "grant.resumed"
	GrantExhausted Type = "grant.exhausted"
	GrantExpired   Type = "grant.expired"
	GrantRevoked   Type = "grant.revoked"

	PlanApproved  Type = "plan.approved"
	PlanDenied    Type = "plan.denied"
	LeakageStated Type = "leakage.stated" // what each party learns beyond its result, signed with the plan digest

	BudgetHeld      Type = "budget.held"
	BudgetOpen      Type = "budget.open"
	BudgetUsed      Type = "budget.used"
	BudgetCommitted Type = "budget.committed"
	BudgetCaptured  Type = "budget.captured"
	BudgetReleased  Type = "budget.released"
	BudgetExpired   Type = "budget.expired"
	BudgetSpent     Type = "budget.spent"

	EgressAllowed Type = "egress.allowed" // a result may leave; cited by I8
	EgressHeld    Type = "egress.held"
	EgressRefused Type = "egress.refused"

	StepStarted Type = "step.started"
	StepVoted   Type = "step.voted"
	StepFailed  Type = "step.failed"

	JobSubmitted  Type = "job.submitted"
	JobDescribing Type = "job.describing"
	JobApproving  Type = "job.approving"
	JobScheduling Type = "job.scheduling"
	JobRunning    Type = "job.running"
	JobSuspended  Type = "job.suspended"
	JobSettling   Type = "job.settling"
	JobCanceling  Type = "job.canceling"
	JobFailing    Type = "job.failing"
	JobSucceeded  Type = "job.succeeded"
	JobFailed     Type = "job.failed"
	JobCanceled   Type = "job.canceled"
	JobDenied     Type = "job.denied"
	JobExpired    Type = "job.expired"

	ElementSealed    Type = "element.sealed"
	ElementReviewed  Type = "element.reviewed" // approved or rejected, said in the body
	ElementListed    Type = "element.listed"
	ElementSuspended Type = "element.suspended"
	ElementRetired   Type = "element.retired"

	MeterReceipt       Type = "meter.receipt"
	MeterCountersigned Type = "meter.countersigned"
	SettlePosted       Type = "settle.posted"

	PeerPinned   Type = "peer.pinned"
	PeerUnpinned Type = "peer.unpinned"

	StoreMigrated Type = "store.migrated"
	LogReopened   Type = "log.reopened" // first leaf of origin n+1, cites the last checkpoint of origin n
)

// types is the closed list, in the order above.
var types = [...]Type{
	DatasetRegistered, DatasetWithdrawn,
	AgreementRequested, AgreementOffered, AgreementAccepted, AgreementAgreed, AgreementVerified, AgreementFinalized,
	AgreementTerminated,
	GrantCreated, GrantSuspended, GrantResumed, GrantExhausted, GrantExpired, GrantRevoked,
	PlanApproved, PlanDenied, LeakageStated,
	BudgetHeld, BudgetOpen, BudgetUsed, BudgetCommitted, BudgetCaptured, BudgetReleased, BudgetExpired, BudgetSpent,
	EgressAllowed, EgressHeld, EgressRefused,
	StepStarted, StepVoted, StepFailed,
	JobSubmitted, JobDescribing, JobApproving, JobScheduling, JobRunning, JobSuspended, JobSettling, JobCanceling,
	JobFailing, JobSucceeded, JobFailed, JobCanceled, JobDenied, JobExpired,
	ElementSealed, ElementReviewed, ElementListed, ElementSuspended, ElementRetired,
	MeterReceipt, MeterCountersigned, SettlePosted, PeerPinned, PeerUnpinned, StoreMigrated, LogReopened,
}

// Types lists every leaf type.
func Types() []Type { return slices.Clone(types[:]) }

// Known reports whether t is one of the types above.
func (t Type) Known() bool { return slices.Contains(types[:], t) }
