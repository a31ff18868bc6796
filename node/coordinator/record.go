package coordinator

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// Record is a job's row: the machine's state and what its effects need.
type Record struct {
	Job       Job                   `json:"job"`
	Name      string                `json:"name"`
	Submitter party.ID              `json:"submitter"`
	RequestID string                `json:"request_id"`
	Spec      json.RawMessage       `json:"spec"` // canonical
	Expires   int64                 `json:"expires"`
	PlanOnly  bool                  `json:"plan_only,omitempty"`
	Resources map[party.ID][][]byte `json:"resources"` // catalogue answers, encoded
	Holds     map[string][]byte     `json:"holds"`     // own reservations: slot → hold key
	Grants    map[string]string     `json:"grants"`    // own inputs: asset → grant
	Notices   []string              `json:"notices,omitempty"`
	Created   int64                 `json:"created"`
	Settling  int64                 `json:"settling,omitempty"` // ms; when the receipts' term began
	Ended     int64                 `json:"ended,omitempty"`
}

// receiptTerm is how long a job waits for its peers' receipts before it ends in dispute.
const receiptTerm = 7 * 24 * time.Hour

// deadline is when the job's phase ends by itself, and the event that ends it.
func (r *Record) deadline() (time.Time, Event) {
	self := r.Job.Self
	if r.Job.Phase == Settling {
		return time.UnixMilli(r.Settling).Add(receiptTerm), Event{Kind: EvLate, From: self}
	}
	return time.UnixMilli(r.Expires), Event{Kind: EvExpired, From: self, Failure: Failure{
		Code: fault.Expired, Party: self, Reason: "the job's limits.expires has passed",
	}}
}

// slot is a step's row.
type slot struct {
	State   exec.StepState `json:"state"`
	Output  exec.Sealed    `json:"output"`
	Reading exec.Reading   `json:"reading"`
	Began   int64          `json:"began,omitempty"`
}

func stepKey(jobID, slotID string) string { return jobID + "/" + slotID }

func (c *change) record(jobID string) (Record, error) {
	r := Record{Resources: map[party.ID][][]byte{}, Holds: map[string][]byte{}, Grants: map[string]string{}}
	return r, c.GetJSON(store.Job, jobID, &r)
}

// missing reports a row that is not there, as opposed to one that cannot be read.
func missing(err error) bool { return errors.Is(err, fault.NotFound) }

// leafOf names the leaf that a phase is entered with.
var leafOf = map[Phase]audit.Type{
	Describing: audit.JobDescribing, Approving: audit.JobApproving, Scheduling: audit.JobScheduling, Running: audit.JobRunning,
	Settling: audit.JobSettling, Succeeded: audit.JobSucceeded, SucceededDisputed: audit.JobSucceeded, Denied: audit.JobDenied,
	Planned: audit.JobSucceeded, Expired: audit.JobExpired, Failing: audit.JobFailing, Failed: audit.JobFailed, Canceling: audit.JobCanceling,
	Canceled: audit.JobCanceled,
}

// load reads the row of a sandbox package's transaction interface; a row that is not there is not an error.
func load[T any](tx *store.Tx, t store.Table, key string, decode func([]byte) (T, error), op, undecoded string) (v T, found bool, err error) {
	row, err := tx.Get(t, key)
	if missing(err) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	v, err = decode(row.Value)
	return v, true, fault.Wrap(fault.Corrupt, op, err, "%s", undecoded)
}
