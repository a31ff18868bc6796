// Package policy decides whether a step may touch an owner's columns now, and under which obligations. The decision is
// pure: the same grants and the same request give the same answer, whatever the data. What no grant covers is denied,
// and every failing field of the nearest grant is listed, so that an owner sees the smallest change that would pass.
package policy

import (
	"context"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

// Bounds of a request; beyond them it is refused with fault.LimitExceeded.
const (
	MaxColumnUses = 4 * catalog.MaxColumns
	MaxOutputs    = 64 // as many as a job may have releases
	MaxCodes      = 64 // grantees, actions, leak kinds, recipients: each list
)

// Stage is when the question is asked. Each stage asks again: a grant revoked in between binds the next one.
type Stage string

// The stages.
const (
	StagePlan    Stage = "plan"    // while the job is described
	StageApprove Stage = "approve" // before the owner signs the plan
	StageReserve Stage = "reserve" // before the budget holds anything, and at the start of each step
	StageEgress  Stage = "egress"  // before a result leaves, with what the release operator measured
)

// Request is what the plan really does with one asset of one owner.
type Request struct {
	Stage      Stage
	Owner      party.ID
	Grantees   []party.ID // every party and receiver of the job; the owner may be among them
	Asset      string     // "usage@1"
	ColumnUses []ColumnUse
	Purpose    string
	Actions    []right.Action
	TrustModel string
	Outputs    []Output
	Leaks      []string // kinds of leakage the plan states about this owner
	PlanDigest [32]byte // zero only at StagePlan
	Rows       int64    // of the asset, the bound the plan declares
	Now        int64    // UTC milliseconds
}

// ColumnUse is one use of one column. A column used twice appears twice.
type ColumnUse struct {
	Column string
	Use    right.Use
}

// Output is one release that this asset flows into.
type Output struct {
	Kind        right.OutputKind
	Recipients  []party.ID
	Columns     []string // this owner's columns in its lineage
	MinRows     int64    // units behind it, or behind its smallest group, that the plan guarantees or the release measured
	Noised      bool
	EpsilonPico int64 // ε it costs this owner in units of 1e-12; 0 for an exact output
}

// Decider answers requests. The zero Decision denies. An error is a failure to decide, never a permission.
type Decider interface {
	Decide(ctx context.Context, r Request) (Decision, error)
}

// others lists the parties that the request opens the asset to: all but the owner, sorted.
func (r Request) others() []party.ID {
	out := slices.Clone(r.Grantees)
	for _, o := range r.Outputs {
		out = append(out, o.Recipients...)
	}
	return without(out, r.Owner)
}

func without(list []party.ID, p party.ID) []party.ID {
	return slices.DeleteFunc(party.Sorted(list), func(q party.ID) bool { return q == p })
}

// epsilon is the ε of one run, saturating.
func (r Request) epsilon() int64 {
	sum := int64(0)
	for _, o := range r.Outputs {
		if o.EpsilonPico > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += o.EpsilonPico
	}
	return sum
}

// Check verifies the form of the request.
//
// Errors: fault.Invalid (unknown stage, name, action, use or kind; a negative count; no plan digest after StagePlan),
// fault.LimitExceeded (a list beyond its bound).
func (r Request) Check() error {
	const op = "policy.Request"
	if len(r.ColumnUses) > MaxColumnUses || len(r.Outputs) > MaxOutputs || max(len(r.Grantees), len(r.Actions), len(r.Leaks)) > MaxCodes {
		return fault.New(fault.LimitExceeded, op, "%d column uses, %d outputs, %d grantees", len(r.ColumnUses), len(r.Outputs), len(r.Grantees))
	}
	if _, _, err := catalog.ParseID(r.Asset); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]Stage{StagePlan, StageApprove, StageReserve, StageEgress}, r.Stage):
		return fault.New(fault.Invalid, op, "unknown stage")
	case !party.Valid(string(r.Owner)):
		return fault.New(fault.Invalid, op, "the owner is not a party id")
	case !party.Valid(r.Purpose):
		return fault.New(fault.Invalid, op, "the purpose is not a name")
	case len(r.Actions) == 0 || slices.ContainsFunc(r.Actions, func(a right.Action) bool { return !a.Known() }):
		return fault.New(fault.Invalid, op, "no action, or an unknown one")
	case r.TrustModel == "":
		return fault.New(fault.Invalid, op, "no trust model")
	case r.Rows < 0 || r.Now <= 0:
		return fault.New(fault.Invalid, op, "a negative row count, or no time")
	case r.Stage != StagePlan && r.PlanDigest == [32]byte{}:
		return fault.New(fault.Invalid, op, "no plan digest at stage %s", r.Stage)
	}
	for _, p := range slices.Concat(r.Grantees, r.others()) {
		if !party.Valid(string(p)) {
			return fault.New(fault.Invalid, op, "a grantee or recipient is not a party id")
		}
	}
	return r.checkFlows()
}

func (r Request) checkFlows() error {
	const op = "policy.Request"
	for _, c := range r.ColumnUses {
		if !catalog.ValidColumn(c.Column) || !c.Use.Known() {
			return fault.New(fault.Invalid, op, "a column use without a column or with an unknown use")
		}
	}
	for i, o := range r.Outputs {
		switch {
		case !o.Kind.Known():
			return fault.New(fault.Invalid, op, "output %d has an unknown kind", i)
		case len(o.Columns) > catalog.MaxColumns || len(o.Recipients) > MaxCodes:
			return fault.New(fault.LimitExceeded, op, "output %d: %d columns, %d recipients", i, len(o.Columns), len(o.Recipients))
		case o.MinRows < 0 || o.EpsilonPico < 0 || (o.Noised != (o.EpsilonPico > 0)):
			return fault.New(fault.Invalid, op, "output %d: a negative count, noise without ε, or ε without noise", i)
		}
	}
	return nil
}
