package node

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/meter"
	"github.com/tacit-data/tacit/sandbox/right"
)

// Info is what a node says of itself.
type Info struct {
	Party           party.ID
	Version         string
	LinkAddress     string
	APIAddress      string // filled by whoever serves the user API
	RootFingerprint string // lower-case hexadecimal SHA-256 of the root's SPKI
	Leaves          int64
	PeakRSS         int64 // bytes
	CPU             time.Duration
}

// PeerState is how far two nodes know each other.
type PeerState string

// The states of a peer.
const (
	PeerJoining PeerState = "joining" // it proved an invite; a person has not confirmed its fingerprint
	PeerPinned  PeerState = "pinned"
)

// PeerView describes one known party.
type PeerView struct {
	Party           party.ID
	State           PeerState
	Link            string // state of the link
	RootFingerprint string
	Words           string // the fingerprint as words, to compare by voice
	Addresses       []string
}

// AgreementView is a stored agreement.
type AgreementView struct {
	ID        string
	Agreement right.Agreement
	State     right.AgreementState
	SignedBy  []party.ID
}

// GrantView is a stored grant with its budget.
type GrantView struct {
	Grant   right.Grant
	State   right.GrantState
	Account budget.Account
}

// NewDataset registers a file of this node's machine.
type NewDataset struct {
	Name   string
	Path   string
	Keys   []string // columns that identify a row; always text
	Target string   // optional label column
}

// JobView is a job as its node's user sees it.
type JobView struct {
	ID, Name   string
	Phase      string
	Lead       party.ID
	PlanDigest string
	PlanText   string
	Leakage    []string
	Steps      []StepView
	Failure    *FailureView
	Receipts   []ReceiptView
	Approvals  []party.ID
	WaitingFor []party.ID
	Notices    []string
	Created    time.Time
	Ended      time.Time // zero while it lives
}

// Terminal reports whether the job has ended.
func (j JobView) Terminal() bool { return !j.Ended.IsZero() }

// StepView is one slot of a job.
type StepView struct {
	ID, Op, Phase        string
	Done, Total          int64
	Rounds               int64
	SentBytes, RecvBytes int64
	PlannedBytes         int64 // sent, as the plan bounds it
	CPU, Wall            time.Duration
}

// FailureView is why a job ended without success.
type FailureView struct {
	Code    fault.Code
	Party   party.ID
	Step    string
	Culprit string
	Reason  string
}

// ReceiptView is one receipt with who has countersigned it.
type ReceiptView struct {
	Receipt       meter.Receipt
	Countersigned []party.ID
	Leaf          int64 // index of its leaf in this node's log, −1 when it has none
}

// InvoiceView is what a job costs and who is paid.
type InvoiceView struct {
	Job, Agreement string
	Payer          party.ID
	Currency       string
	TotalMinor     int64
	Lines          []InvoiceLine
	Leaf           int64
}

// InvoiceLine is one payee's part.
type InvoiceLine struct {
	Payee       party.ID
	Weight      int64
	AmountMinor int64
}

// ElementView is one sealed element.
type ElementView struct {
	ID, Kind, Job, Step, State string
	Inputs                     []string
	Algorithm                  string
	Grade                      int
}

// AuditView is a verified log.
type AuditView struct {
	Size        int64
	Root        [32]byte
	Checkpoint  string // signed note
	VerifierKey string
}

// Result is one output of a job at this node.
type Result struct {
	Kind string // report, model, aggregate, scores
	JSON []byte
}
