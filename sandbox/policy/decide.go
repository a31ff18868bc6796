package policy

import (
	"cmp"
	"context"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/right"
)

// Source reads the grants of one owner over one asset, in any state.
type Source interface {
	Grants(ctx context.Context, owner party.ID, asset string) ([]right.Held, error)
}

// Grants decides by the grants of its source. It is as safe for concurrent use as the source is.
type Grants struct{ Source Source }

// Decide implements Decider. Nothing is cached: a revocation binds the next call.
//
// Errors: those of Request.Check and of the source. A denial is not an error; see Decision.Err.
func (g Grants) Decide(ctx context.Context, r Request) (Decision, error) {
	if err := r.Check(); err != nil {
		return Decision{}, err
	}
	held, err := g.Source.Grants(ctx, r.Owner, r.Asset)
	if err != nil {
		return Decision{}, fault.Wrap(fault.CodeOf(err), "policy.Decide", err, "grants of %s over %s", r.Owner, r.Asset)
	}
	return Evaluate(held, r)
}

// Evaluate is the decision itself: pure, total, independent of the order of held.
//
// An owner that uses its own data for its own eyes needs no grant. Otherwise one grant must cover the whole request:
// two grants for two halves are two agreements, and neither owner signed their sum. Among several the one with the
// fewest failing fields answers, then an active one, then the smaller id.
//
// Errors: those of Request.Check; fault.Corrupt for a grant that fails its own Check.
func Evaluate(held []right.Held, r Request) (Decision, error) {
	if err := r.Check(); err != nil {
		return Decision{}, err
	}
	if len(r.others()) == 0 {
		return Decision{Allow: true}, nil
	}
	var candidates []candidate
	for _, h := range held {
		if h.Grant.Owner != r.Owner || h.Grant.Asset != r.Asset || h.State == right.GrantProposed {
			continue
		}
		if err := h.Grant.Check(); err != nil {
			return Decision{}, fault.Wrap(fault.Corrupt, "policy.Decide", err, "a stored grant of %s is malformed", r.Owner)
		}
		candidates = append(candidates, candidate{h, deny(h, r)})
	}
	if len(candidates) == 0 {
		return Decision{Denials: []Denial{{Rule: RuleNone, Owner: r.Owner, Field: "grant", Have: "none", Need: r.Asset}}}, nil
	}
	best := slices.MinFunc(candidates, nearer)
	if len(best.denials) > 0 {
		return Decision{Denials: best.denials}, nil
	}
	return Decision{Allow: true, Grants: []string{best.Grant.ID}, Obligations: oblige(best.Grant, r)}, nil
}

// candidate is a grant and what of the request it fails.
type candidate struct {
	right.Held
	denials []Denial
}

func nearer(a, b candidate) int {
	idle := func(c candidate) int {
		if c.State == right.GrantActive {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(len(a.denials), len(b.denials)), cmp.Compare(idle(a), idle(b)), cmp.Compare(a.Grant.ID, b.Grant.ID))
}

// oblige lists what a permission under g asks of whoever runs the step.
func oblige(g right.Grant, r Request) []Obligation {
	out := []Obligation{{Kind: ObligeUses, Value: 1}, {Kind: ObligeRows, Value: r.Rows}}
	if e := r.epsilon(); e > 0 {
		out = append(out, Obligation{Kind: ObligeEpsilon, Value: e})
	}
	seen := make(map[right.OutputKind]bool)
	for _, o := range r.Outputs {
		if len(without(o.Recipients, r.Owner)) == 0 {
			continue
		}
		if !seen[o.Kind] {
			out = append(out, Obligation{ObligeMinRows, o.Kind, g.Outputs[o.Kind].MinRows})
			seen[o.Kind] = true
		}
		if o.Noised {
			out = append(out, Obligation{ObligeNoise, o.Kind, o.EpsilonPico})
		}
	}
	return out
}
