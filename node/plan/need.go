package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/protocols"
)

// Use is what a column is used as.
type Use string

// The uses. The first four are what owners grant; the others are of computed columns.
const (
	UseKey         Use = "key"
	UseFeature     Use = "feature"
	UseLabel       Use = "label"
	UseGroup       Use = "group"
	UseCoefficient Use = "coefficient"
	UseScore       Use = "score"
	UseMetric      Use = "metric"
	UseMeasure     Use = "measure"
)

// Action is what a policy calls a step.
type Action string

// The actions.
const (
	ActionPSI       Action = "psi"
	ActionTrain     Action = "train"
	ActionPredict   Action = "predict"
	ActionAggregate Action = "aggregate"
)

// ColumnUse is one use of one column of an owner's dataset that the steps really make.
type ColumnUse struct {
	Asset  string // the dataset, as the Spec names it
	Column string
	Use    Use
}

// OutputFact is one release as an owner's policy sees it.
type OutputFact struct {
	Release string
	Kind    Kind
	To      []party.ID
	MinRows int64
	Noised  bool // false: exact, needs the owner's waiver
}

// Needs is what one owner's ledger must hold for the job. Rho and Delta are in 10⁻¹².
type Needs struct {
	Uses, Rows int64
	Rho, Delta int64
}

// markedUse is a use with its input.
type markedUse struct {
	input, column string
	use           Use
}

// use records that a step uses cols.
func (b *builder) use(as Use, cols ...Column) {
	for _, c := range cols {
		b.plan.uses = append(b.plan.uses, markedUse{input: c.Input, column: c.Name, use: as})
	}
}

// minimise refuses a requested column that no step uses: what is not needed is not asked for.
func (b *builder) minimise() error {
	slices.SortFunc(b.plan.uses, func(x, y markedUse) int {
		return cmp.Or(strings.Compare(x.input, y.input), strings.Compare(x.column, y.column), compare(x.use, y.use))
	})
	b.plan.uses = slices.Compact(b.plan.uses)
	used := map[markedUse]bool{}
	for _, u := range b.plan.uses {
		used[markedUse{input: u.input, column: u.column}] = true
	}
	for _, in := range b.plan.Inputs {
		for _, c := range slices.Concat(in.Keys, in.Columns) {
			if !used[markedUse{input: in.ID, column: c.Name}] {
				return fault.New(fault.Invalid, opBuild, "column %q of input %q (%s) is requested and no step uses it; remove it",
					c.Name, in.ID, in.Party)
			}
		}
	}
	return nil
}

// Uses returns what the steps do with owner's columns, sorted.
func (p *Plan) Uses(owner party.ID) []ColumnUse {
	var out []ColumnUse
	for _, u := range p.uses {
		if in, ok := p.Input(u.input); ok && in.Party == owner {
			out = append(out, ColumnUse{Asset: in.Dataset, Column: u.column, Use: u.use})
		}
	}
	slices.SortFunc(out, func(a, b ColumnUse) int {
		return cmp.Or(strings.Compare(a.Asset, b.Asset), strings.Compare(a.Column, b.Column), compare(a.Use, b.Use))
	})
	return slices.Compact(out)
}

// Owners returns the parties whose data the job touches: every one of them approves. Sorted.
func (p *Plan) Owners() []party.ID {
	out := make([]party.ID, len(p.Inputs))
	for i, in := range p.Inputs {
		out[i] = in.Party
	}
	return party.Sorted(out)
}

// Actions returns what the steps that touch owner's data do, in policy's words, sorted.
func (p *Plan) Actions(owner party.ID) []Action {
	var out []Action
	for _, st := range p.Steps {
		row, _ := rowOf(st.Op)
		_, takesPart := st.RoleOf(owner)
		touches := slices.Contains(owners(st.Out.Sources()), owner)
		if row.action != "" && (takesPart || touches) {
			out = append(out, row.action)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Outputs returns the releases that open something computed from owner's data, in the plan's order.
func (p *Plan) Outputs(owner party.ID) []OutputFact {
	var out []OutputFact
	for _, r := range p.Releases {
		if slices.Contains(r.Owners, owner) {
			out = append(out, OutputFact{Release: r.ID, Kind: r.Kind, To: r.To, MinRows: r.MinRows, Noised: !r.Exact})
		}
	}
	return out
}

// LeakKinds returns the kinds of leakage about owner, sorted.
func (p *Plan) LeakKinds(owner party.ID) []protocols.LeakKind {
	var out []protocols.LeakKind
	for _, l := range p.Leaks {
		if slices.Contains(l.About, owner) {
			out = append(out, l.Kind)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Needs returns what owner's ledger reserves: one use, its declared rows, and the noise budget of every aggregate over
// its data. An owner without data needs nothing.
//
// Errors: fault.Internal when an aggregate that Build admitted has no price.
func (p *Plan) Needs(owner party.ID) (Needs, error) {
	if !slices.Contains(p.Owners(), owner) {
		return Needs{}, nil
	}
	n := Needs{Uses: 1}
	for _, in := range p.Inputs {
		if in.Party == owner {
			n.Rows += in.Rows
		}
	}
	var charge dp.Charge
	for _, st := range p.Steps {
		if st.Out.Kind != Cells || !slices.Contains(owners(st.Out.Sources()), owner) {
			continue
		}
		noise, err := st.Noise()
		if err != nil {
			return Needs{}, err
		}
		c, _, err := noise.Quote()
		if err != nil {
			return Needs{}, fault.Wrap(fault.Internal, "plan.Plan.Needs", err, "step %q has no price", st.ID)
		}
		charge = charge.Plus(c)
	}
	n.Rho, n.Delta = int64(charge.Rho), int64(charge.Delta)
	return n, nil
}
