package plan

import (
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// combining is how an op's output label follows from its input labels: the only ways there are.
type combining uint8

const (
	keep  combining = iota + 1 // each column alone, unchanged: taking, splitting
	local                      // columns in the clear at one party, which keeps them
	joint                      // a protocol: the result is in shares of the holders
)

// combine returns the label of a result of in. Invariant L1: it is never weaker than any of in.
//
// Errors: fault.Invalid when owners meet outside a protocol, a holder is missing, or a label is None.
func combine(c combining, holders []party.ID, in ...label.Label) (label.Label, error) {
	switch c {
	case keep:
		return label.Local(true, in...)
	case local:
		return label.Local(false, in...)
	case joint:
		return label.Joint(holders, in...)
	}
	return label.Label{}, fault.New(fault.Internal, "plan.combine", "an op without a label rule")
}

// labels returns the labels of cols.
func labels(cols []Column) []label.Label {
	out := make([]label.Label, len(cols))
	for i, c := range cols {
		out[i] = c.Label
	}
	return out
}

// lineage returns the union of the lineages of cols, sorted.
func lineage(cols ...Column) []Source {
	var out []Source
	for _, c := range cols {
		out = append(out, c.Lineage...)
	}
	slices.SortFunc(out, compareSources)
	return slices.Compact(out)
}

func compareSources(a, b Source) int {
	if d := strings.Compare(string(a.Owner), string(b.Owner)); d != 0 {
		return d
	}
	if d := strings.Compare(a.Input, b.Input); d != 0 {
		return d
	}
	return strings.Compare(a.Column, b.Column)
}

// owners returns the parties in list, sorted.
func owners(list []Source) []party.ID {
	out := make([]party.ID, len(list))
	for i, s := range list {
		out[i] = s.Owner
	}
	return party.Sorted(out)
}
