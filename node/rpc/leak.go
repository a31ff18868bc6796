package rpc

import (
	"slices"

	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/sandbox/right"
)

// impliedLeaks are the kinds of leakage that a grant of these actions and outputs cannot do without: what a grant accepts
// that names none. Every plan still states each line, word for word, before it is approved.
func impliedLeaks(actions []right.Action, outputs map[right.OutputKind]right.OutputRule) []string {
	kinds := []protocols.LeakKind{protocols.LeakRowCount}
	for _, a := range actions {
		switch a {
		case right.ActionAlign:
			kinds = append(kinds, protocols.LeakIntersectionSize, protocols.LeakIntersectionMembers)
		case right.ActionTrain:
			kinds = append(kinds, protocols.LeakIterations, protocols.LeakAccessPattern) // the latter: who is in the test part
		case right.ActionPredict:
			kinds = append(kinds, protocols.LeakScore)
		}
	}
	for kind := range outputs {
		switch kind {
		case right.OutputStatistic:
			kinds = append(kinds, plan.LeakMetrics)
		case right.OutputModel:
			kinds = append(kinds, protocols.LeakCoefficients)
		case right.OutputScore:
			kinds = append(kinds, protocols.LeakScore)
		case right.OutputAggregate:
			kinds = append(kinds, plan.LeakCells, plan.LeakMembership)
		}
	}
	slices.Sort(kinds)
	return text(slices.Compact(kinds))
}
