package element

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// State is where an element stands on its way from a plan to the market. The zero value has no transition.
type State string

// The states. Rejected and retired are final.
const (
	Draft     State = "draft"
	Building  State = "building"
	Built     State = "built"
	InReview  State = "in_review"
	Approved  State = "approved"
	Rejected  State = "rejected"
	Listed    State = "listed"
	Suspended State = "suspended"
	Retired   State = "retired"
)

// Event is what happens to an element.
type Event string

// The events.
const (
	Build   Event = "build"   // its job runs
	Sealed  Event = "sealed"  // its description is final
	Submit  Event = "submit"  // to a reviewer
	Approve Event = "approve" // by a reviewer who is not its author
	Reject  Event = "reject"
	List    Event = "list"    // on the market
	Suspend Event = "suspend" // a freeze, or a right that ended
	Resume  Event = "resume"
	Retire  Event = "retire"
)

// Transition is one row of the table.
type Transition struct {
	From  State
	Event Event
	To    State
}

var table = [...]Transition{
	{Draft, Build, Building},
	{Building, Sealed, Built},
	{Built, Submit, InReview},
	{InReview, Approve, Approved},
	{InReview, Reject, Rejected},
	{Approved, List, Listed},
	{Listed, Suspend, Suspended},
	{Suspended, Resume, Listed},
	{Suspended, Retire, Retired},
}

// Transitions lists the whole table.
func Transitions() []Transition { return slices.Clone(table[:]) }

// Step returns the state after e. It is total and pure: a pair outside the table leaves the state as it is.
//
// Errors: fault.Invalid for a pair outside the table.
func (s State) Step(e Event) (State, error) {
	for _, t := range table {
		if t.From == s && t.Event == e {
			return t.To, nil
		}
	}
	return s, fault.New(fault.Invalid, "element.State", "an element that is %q has no way on %q", s, e)
}
