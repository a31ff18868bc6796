package plan

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// total sums the cost of every party and compares it with the limits. CPU seconds depend on the machine: limits.cpu_s is
// enforced where steps run, and is no part of the plan's cost.
func (b *builder) total() error {
	for _, id := range b.spec.Parties {
		sum := PartyCost{Party: id}
		for _, st := range b.plan.Steps {
			sum.Cost = sum.Add(st.CostOf(id).Cost)
		}
		if l := b.spec.Limits.SentBytes; l != 0 && sum.SentBytes > l {
			return fault.New(fault.LimitExceeded, opBuild, "%s would send %d bytes, limits.sent_bytes is %d", id, sum.SentBytes, l)
		}
		b.plan.Cost = append(b.plan.Cost, sum)
	}
	return nil
}

// CostOf returns what p transfers in s.
func (s Step) CostOf(p party.ID) PartyCost {
	i := slices.IndexFunc(s.Cost, func(c PartyCost) bool { return c.Party == p })
	if i < 0 {
		return PartyCost{Party: p}
	}
	return s.Cost[i]
}
