package budget

import (
	"crypto/sha256"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	// MaxAccounts bounds the accounts of one hold: a grant, eight ancestors, and a lineage's accounts fit many times.
	MaxAccounts = 64
	// MaxNameBytes bounds a job or step id.
	MaxNameBytes = 63
	// MaxReasonBytes bounds the evidence named by a release.
	MaxReasonBytes = 256
)

// Reservation asks an owner to set Amounts aside on all Accounts.
type Reservation struct {
	Owner     party.ID // whose ledger
	Key       [32]byte // of the question, or of (job, step, owner)
	Round     uint32   // 0, then one more for each time the key was released or expired
	Job, Step string
	Plan      [32]byte
	Accounts  []AccountID // sorted, without repeats
	Amounts   Amounts
	Expires   time.Time // cut to milliseconds when it is stored
}

// check verifies form and bounds.
func (r Reservation) check() error {
	const op = "budget.Reserve"
	switch {
	case !party.Valid(string(r.Owner)):
		return fault.New(fault.Invalid, op, "the owner is not a party id")
	case !name(r.Job) || !name(r.Step):
		return fault.New(fault.Invalid, op, "job and step are 1 to %d bytes of UTF-8", MaxNameBytes)
	case len(r.Accounts) == 0:
		return fault.New(fault.Invalid, op, "no account")
	case len(r.Accounts) > MaxAccounts:
		return fault.New(fault.LimitExceeded, op, "%d accounts, at most %d", len(r.Accounts), MaxAccounts)
	case r.Amounts == Amounts{}:
		return fault.New(fault.Invalid, op, "a reservation of nothing: a release that costs nothing is not one")
	case r.Expires.UnixMilli() < 0 || r.Expires.UnixMilli() > maxMillis:
		return fault.New(fault.Invalid, op, "the expiry lies outside the years 1970 to 9999")
	}
	for i, id := range r.Accounts {
		if !id.valid() || i > 0 && id <= r.Accounts[i-1] {
			return fault.New(fault.Invalid, op, "accounts must be well formed, sorted and without repeats")
		}
	}
	return r.Amounts.check(op)
}

// sameBody reports whether o asks for the same: job, plan and expiry are not compared.
func (r Reservation) sameBody(o Reservation) bool {
	return r.Amounts == o.Amounts && slices.Equal(r.Accounts, o.Accounts)
}

// BodyDigest hashes accounts and amounts: what a vote says about them without naming them.
func (r Reservation) BodyDigest() [32]byte {
	e := wire.Encoder{}
	e.String("tacit/budget/body/v1")
	encodeBody(&e, r)
	return sha256.Sum256(e.B)
}

func name(s string) bool { return len(s) > 0 && len(s) <= MaxNameBytes && utf8.ValidString(s) }

// millis returns t in UTC, cut to the resolution that is stored.
func millis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// State is where a hold stands. The zero value is a hold that does not exist.
type State uint8

// The states.
const (
	Absent State = iota
	Held
	Open
	Committed
	Released
	Expired
)

// String returns the state's name.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "State(?)"
}

var stateNames = [...]string{"absent", "held", "open", "committed", "released", "expired"}

// Hold is a reservation and what became of it. It is a value; Accounts is never changed after construction.
type Hold struct {
	Reservation
	State    State
	Used     bool     // a secret of the step may have left: no refund any more
	Captured bool     // the money is decided
	Actual   Amounts  // what was committed
	Sealed   [32]byte // digest of the stored answer; zero when the step ended without one
	Reason   string   // of a release or abort: the evidence it cites
}

// Vote returns the owner's unsigned statement that the hold exists.
func (h Hold) Vote() Vote {
	return Vote{
		Owner: h.Owner, Key: h.Key, Round: h.Round, Job: h.Job, Step: h.Step, Plan: h.Plan,
		Body: h.BodyDigest(), Expires: millis(h.Expires),
	}
}
