package right

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// GrantState is where a grant stands. The zero value is no state: it permits nothing and has no transition.
type GrantState string

// The states. Exhausted, expired and revoked are final.
const (
	GrantProposed  GrantState = "proposed"
	GrantActive    GrantState = "active"
	GrantSuspended GrantState = "suspended"
	GrantExhausted GrantState = "exhausted"
	GrantExpired   GrantState = "expired"
	GrantRevoked   GrantState = "revoked"
)

// GrantEvent is what happens to a grant.
type GrantEvent string

// The events.
const (
	GrantActivate GrantEvent = "activate" // the owner's signature is stored
	GrantSuspend  GrantEvent = "suspend"  // the owner or an incident stops it for now
	GrantResume   GrantEvent = "resume"
	GrantExhaust  GrantEvent = "exhaust" // the last use was committed
	GrantExpire   GrantEvent = "expire"  // NotAfter has passed
	GrantRevoke   GrantEvent = "revoke"  // the owner takes it back; binds from the next reservation on
)

// GrantTransition is one row of the table.
type GrantTransition struct {
	From  GrantState
	Event GrantEvent
	To    GrantState
}

var grantTable = [...]GrantTransition{
	{GrantProposed, GrantActivate, GrantActive},
	{GrantProposed, GrantExpire, GrantExpired},
	{GrantProposed, GrantRevoke, GrantRevoked},
	{GrantActive, GrantSuspend, GrantSuspended},
	{GrantActive, GrantExhaust, GrantExhausted},
	{GrantActive, GrantExpire, GrantExpired},
	{GrantActive, GrantRevoke, GrantRevoked},
	{GrantSuspended, GrantResume, GrantActive},
	{GrantSuspended, GrantExhaust, GrantExhausted}, // a use reserved before the suspension was the last one
	{GrantSuspended, GrantExpire, GrantExpired},
	{GrantSuspended, GrantRevoke, GrantRevoked},
}

// GrantTransitions lists the whole table.
func GrantTransitions() []GrantTransition { return slices.Clone(grantTable[:]) }

// Step returns the state after e. It is total and pure: a pair outside the table leaves the state as it is.
//
// Errors: fault.Invalid for a pair outside the table.
func (s GrantState) Step(e GrantEvent) (GrantState, error) {
	for _, t := range grantTable {
		if t.From == s && t.Event == e {
			return t.To, nil
		}
	}
	return s, fault.New(fault.Invalid, "right.GrantState", "a grant that is %q cannot %q", s, e)
}

// Held is a grant and where it stands: what a decision reads.
type Held struct {
	Grant Grant
	State GrantState
}
