package coordinator

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/identity"
)

const (
	maxSpec       = 1 << 19 // bytes of a job file in canonical JSON; half of a message
	maxResources  = 64      // inputs of a job
	maxResource   = 1 << 18 // bytes of one catalogue entry: 4,096 columns
	maxRequestID  = 64
	maxReason     = 1024
	maxRule       = 128
	maxReceipts   = 512 // steps and releases of a job
	maxReceipt    = 4096
	maxAgreement  = 1 << 16
	maxHolds      = 16
	maxStepID     = 128
	maxVoteDetail = 1024
)

// Ask carries the job to every participant.
type Ask struct {
	Submitter party.ID
	RequestID string
	Spec      []byte // canonical JSON
	Expires   int64  // ms; when the job ends whatever its state
	PlanOnly  bool   // describe, plan and ask every policy; reserve and run nothing
}

// Encode returns the payload.
func (a Ask) Encode() []byte {
	var e wire.Encoder
	e.String(string(a.Submitter))
	e.String(a.RequestID)
	e.Bytes(a.Spec)
	e.I64(a.Expires)
	e.Bool(a.PlanOnly)
	return e.B
}

// DecodeAsk is the inverse of Encode.
func DecodeAsk(b []byte) (Ask, error) {
	d := wire.NewDecoder(b, "coordinator.Ask")
	a := Ask{
		Submitter: party.ID(d.String(party.MaxIDBytes)), RequestID: d.String(maxRequestID),
		Spec: append([]byte(nil), d.Bytes(maxSpec)...), Expires: d.I64(), PlanOnly: d.Bool(),
	}
	return a, d.Done()
}

// Described carries the sender's catalogue entries that the job names, in the order of the job's inputs, or the reason
// why it has none.
type Described struct {
	Resources [][]byte // catalog.Resource, encoded
}

// Encode returns the payload.
func (r Described) Encode() []byte { return encodeList(r.Resources) }

// DecodeDescribed is the inverse of Encode.
func DecodeDescribed(b []byte) (Described, error) {
	list, err := decodeList(b, "coordinator.Described", maxResources, maxResource)
	return Described{Resources: list}, err
}

// PlanSections carries the sender's plan digest.
type PlanSections struct {
	Digest   [32]byte
	Sections [][]byte // the Merkle list of the plan's sections, to name the first that differs
}

// Encode returns the payload.
func (p PlanSections) Encode() []byte {
	var e wire.Encoder
	e.Fixed(p.Digest[:])
	e.Bytes(encodeList(p.Sections))
	return e.B
}

// DecodePlanSections is the inverse of Encode.
func DecodePlanSections(b []byte) (PlanSections, error) {
	d := wire.NewDecoder(b, "coordinator.PlanSections")
	p := PlanSections{Digest: d.Hash()}
	rest := d.Bytes(MaxPayload)
	if err := d.Done(); err != nil {
		return PlanSections{}, err
	}
	var err error
	p.Sections, err = decodeList(rest, "coordinator.PlanSections", 1024, 128)
	return p, err
}

// Approval is an owner's consent to one plan.
type Approval struct {
	Job      string
	Spec     [32]byte // spec digest
	Plan     [32]byte // plan digest
	Party    party.ID
	Decision [32]byte // digest of rules, obligations and reservation keys
	NotAfter int64    // ms
	Approver string   // "policy" when nobody was asked
	Holds    [][]byte // reservation votes, encoded
}

// ApprovalTag is the domain of approval signatures.
const ApprovalTag = string(identity.ForApproval)

// Statement is what the owner signs.
func (a Approval) Statement() []byte {
	var e wire.Encoder
	e.String(a.Job)
	e.Fixed(a.Spec[:])
	e.Fixed(a.Plan[:])
	e.String(string(a.Party))
	e.Fixed(a.Decision[:])
	e.I64(a.NotAfter)
	e.String(a.Approver)
	e.Bytes(encodeList(a.Holds))
	return e.B
}

// DecodeApproval reads a statement followed by its signature.
func DecodeApproval(b []byte) (a Approval, signature []byte, err error) {
	d := wire.NewDecoder(b, "coordinator.Approval")
	a = Approval{Job: d.String(maxJobID), Spec: d.Hash(), Plan: d.Hash()}
	a.Party = party.ID(d.String(party.MaxIDBytes))
	a.Decision, a.NotAfter, a.Approver = d.Hash(), d.I64(), d.String(party.MaxIDBytes)
	holds := d.Bytes(MaxPayload)
	signature = append([]byte(nil), d.Fixed(SignatureBytes)...)
	if err := d.Done(); err != nil {
		return Approval{}, nil, err
	}
	a.Holds, err = decodeList(holds, "coordinator.Approval", maxHolds, maxReceipt)
	return a, signature, err
}

// Stopped says why the sender denies, fails or cancels.
type Stopped struct {
	Code    fault.Code
	Step    string
	Rule    string
	Culprit string
	Reason  string
}

// Encode returns the payload.
func (s Stopped) Encode() []byte {
	var e wire.Encoder
	e.U8(uint8(s.Code))
	e.String(s.Step)
	e.String(s.Rule)
	e.String(s.Culprit)
	e.String(s.Reason)
	return e.B
}

// DecodeStopped is the inverse of Encode.
func DecodeStopped(b []byte) (Stopped, error) {
	d := wire.NewDecoder(b, "coordinator.Stopped")
	s := Stopped{
		Code: fault.Code(d.U8()), Step: d.String(maxStepID), Rule: d.String(maxRule),
		Culprit: d.String(party.MaxIDBytes), Reason: d.String(maxReason),
	}
	if d.Err() == nil && !s.Code.Known() {
		d.Fail(fault.Misbehaved, "failure code %d", s.Code)
	}
	return s, d.Done()
}

// Receipts carries a job's signed receipts or, coming back, the countersignatures in the same order.
type Receipts struct {
	Ended Phase // how the job ended at the sender
	List  [][]byte
}

// Encode returns the payload.
func (r Receipts) Encode() []byte {
	var e wire.Encoder
	e.String(string(r.Ended))
	e.Bytes(encodeList(r.List))
	return e.B
}

// DecodeReceipts is the inverse of Encode.
func DecodeReceipts(b []byte) (Receipts, error) {
	d := wire.NewDecoder(b, "coordinator.Receipts")
	r := Receipts{Ended: Phase(d.String(maxRule))}
	rest := d.Bytes(MaxPayload)
	if err := d.Done(); err != nil {
		return Receipts{}, err
	}
	var err error
	r.List, err = decodeList(rest, "coordinator.Receipts", maxReceipts, maxReceipt)
	return r, err
}

// DefaultExpiry is how long a job may live when its limits do not say.
const DefaultExpiry = 30 * 24 * time.Hour

func encodeList(list [][]byte) []byte {
	var e wire.Encoder
	e.U32(uint32(len(list)))
	for _, b := range list {
		e.Bytes(b)
	}
	return e.B
}

func decodeList(b []byte, op string, maxEntries, maxBytes int) ([][]byte, error) {
	d := wire.NewDecoder(b, op)
	n := d.Count(maxEntries, 4)
	out := make([][]byte, 0, n)
	for range n {
		out = append(out, append([]byte(nil), d.Bytes(maxBytes)...))
	}
	if err := d.Done(); err != nil {
		return nil, err
	}
	return out, nil
}
