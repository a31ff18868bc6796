package train

import (
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
)

// Cost returns the exact cost of a run that ends after iterations, as the label holder; the host's is its Flip. A run
// ends at a multiple of five or at MaxIter.
func (p GLMParams) Cost(iterations int) protocols.Cost {
	w := p.forward.Weights()
	each := p.forward.Cost().Add(p.backward.cost()).
		Add(p.share.SigmoidCost(p.lit.Rows, 2*w)).
		Add(p.share.TruncateCost(p.lit.Rows, share.SigmoidOut-residualBits)).
		Add(p.share.TruncateCost(w, p.scale+residualBits-weightBits))
	c := PairCost(p.he, p.share).Add(each.Times(iterations))
	if iterations > 1 {
		c = c.Add(p.share.TruncateCost(w, momentumBits).Times(iterations - 1))
	}
	last := 0
	for t := 1; t <= iterations; t++ {
		if p.checks(t) {
			c = c.Add(p.checkCost(t - last))
			last = t
		}
	}
	return c
}

// checkCost is the cost of a check after so many iterations since the last one.
func (p GLMParams) checkCost(iterations int) protocols.Cost {
	w := p.forward.Weights()
	return p.share.MSBCost(4*w, rangeRing).
		Add(p.share.AndTreeCost(2*w*iterations + 2*w)).
		Add(p.share.AndTreeCost(2 * w)).
		Add(p.share.OpenBitsCost(2, share.ToBoth))
}
