package element

import (
	"cmp"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// Product is what a buyer receives. Its inputs are elements only: a product never touches raw data.
type Product struct {
	Name   string
	Seller party.ID
	Inputs []Node
}

// CheckClosedLoop verifies Invariant I6: every input of p is an element that l knows, and everything behind it is an
// element or a resource at the foot of one.
//
// Errors: fault.Denied "rule element/closed-loop" when an input is a resource; fault.NotFound for an element that l
// does not know; fault.Invalid for a product without name, seller or input; fault.LimitExceeded beyond MaxInputs.
func (l *Lineage) CheckClosedLoop(p Product) error {
	const op = "element.CheckClosedLoop"
	switch {
	case !catalog.ValidToken(p.Name) || !party.Valid(string(p.Seller)) || len(p.Inputs) == 0:
		return fault.New(fault.Invalid, op, "a product has a name, a seller and at least one element")
	case len(p.Inputs) > MaxInputs:
		return fault.New(fault.LimitExceeded, op, "%d inputs, at most %d", len(p.Inputs), MaxInputs)
	}
	for _, in := range p.Inputs {
		if in.Kind != FromElement {
			return fault.New(fault.Denied, op, "rule element/closed-loop: product %s refers to resource %s of %s; build an element first", p.Name, in.ID, in.Owner)
		}
		for _, n := range append(l.Ancestors(in), in) {
			if _, known := l.up[n]; n.Kind == FromElement && !known {
				return fault.New(fault.NotFound, op, "product %s rests on an element whose description is not here: %s", p.Name, n.ID)
			}
		}
	}
	return nil
}

// compareNodes puts elements before resources, then sorts by owner and id.
func compareNodes(a, b Node) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.ID, b.ID))
}
