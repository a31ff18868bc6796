package plan

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// Build compiles spec. Equal Specs and equal catalogue answers give equal digests on every node.
//
// Errors: those of job.Parse for a Spec built by hand; fault.NotFound (dataset, party), fault.SchemaMismatch (a column
// that is not there or has the wrong type), fault.Invalid (names, owners meeting outside a protocol, a column that no
// step uses), fault.Denied (a release that no policy could allow, with its rule), fault.Unsupported (lawful, but not
// built), fault.LimitExceeded (rows or bytes over the Spec's limits).
func Build(spec job.Spec, cat Catalog) (*Plan, error) { return build(spec, cat, builtin) }

// builder carries one compilation through its passes.
type builder struct {
	spec      job.Spec
	protocols func(job.Op) (protocol, bool)
	plan      *Plan
	out       map[string]Output // by input or step id; looked up, never ranged over
}

// build is Build with a table of protocols.
func build(spec job.Spec, cat Catalog, protocols func(job.Op) (protocol, bool)) (*Plan, error) {
	spec, err := admit(spec)
	if err != nil {
		return nil, err
	}
	steps, err := order(spec)
	if err != nil {
		return nil, err
	}
	b := &builder{spec: spec, protocols: protocols, out: map[string]Output{}, plan: &Plan{
		Compiler: spec.Compiler, Name: spec.Name, Purpose: spec.Purpose, Trust: spec.Trust, limits: spec.Limits,
	}}
	if err := b.describe(cat); err != nil {
		return nil, err
	}
	for _, in := range b.plan.Inputs {
		b.out[in.ID] = in.table()
	}
	for _, s := range steps {
		if err := b.step(s); err != nil {
			return nil, err
		}
	}
	for _, pass := range []func() error{b.releases, b.minimise, b.total, b.statement} {
		if err := pass(); err != nil {
			return nil, err
		}
	}
	b.seal(steps)
	return b.plan, nil
}

// admit checks spec and fills the compiler version.
func admit(spec job.Spec) (job.Spec, error) {
	spec, err := spec.Canonical()
	if err != nil {
		return job.Spec{}, err
	}
	if spec.Compiler == 0 {
		spec.Compiler = Compiler
	}
	if spec.Compiler != Compiler {
		return job.Spec{}, fault.New(fault.Unsupported, opBuild, "compiler %d; this build has %d", spec.Compiler, Compiler)
	}
	if spec.Inherit != nil {
		return job.Spec{}, fault.New(fault.Unsupported, opBuild, "inherit: steps of another job cannot be reused yet")
	}
	return spec, nil
}

// step binds one step and appends it to the plan.
func (b *builder) step(s job.Step) error {
	row, ok := rowOf(s.Op)
	if !ok {
		return fault.New(fault.Internal, opBuild, "op %q has no row", s.Op)
	}
	in := make([]Output, len(s.In))
	for i, id := range s.In {
		in[i] = b.out[id]
	}
	st := Step{ID: s.ID, Op: s.Op, In: s.In, With: s.With}
	if err := row.bind(b, row, &st, in); err != nil {
		return err
	}
	slices.SortFunc(st.Roles, func(x, y Role) int { return compare(x.Party, y.Party) })
	if err := b.price(&st, in); err != nil {
		return err
	}
	b.out[st.ID] = st.Out
	b.plan.Steps = append(b.plan.Steps, st)
	return nil
}

// opRow is what the compiler knows of one op.
type opRow struct {
	op     job.Op
	rule   combining
	action Action // what policy calls it; empty = not an action of its own
	bind   func(b *builder, row opRow, st *Step, in []Output) error
}

// rowOf returns the row of op.
func rowOf(op job.Op) (opRow, bool) {
	for _, r := range opRows() {
		if r.op == op {
			return r, true
		}
	}
	return opRow{}, false
}

func opRows() []opRow {
	return []opRow{
		{op: job.Align, rule: keep, action: ActionPSI, bind: (*builder).bindAlign},
		{op: job.Split, rule: keep, bind: (*builder).bindSplit},
		{op: job.Scale, rule: local, bind: (*builder).bindScale},
		{op: job.TrainGLM, rule: joint, action: ActionTrain, bind: (*builder).bindGLM},
		{op: job.Predict, rule: joint, action: ActionPredict, bind: (*builder).bindPredict},
		{op: job.Evaluate, rule: local, action: ActionPredict, bind: (*builder).bindEvaluate},
		{op: job.Aggregate, rule: local, action: ActionAggregate, bind: (*builder).bindAggregate},
	}
}

// relabel returns cols, each labelled by row's rule alone: the ops that keep columns apart.
func relabel(row opRow, st *Step, cols []Column) ([]Column, error) {
	out := slices.Clone(cols)
	for i, c := range out {
		l, err := combine(row.rule, nil, c.Label)
		if err != nil {
			return nil, fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: column %q of %s: %s",
				st.ID, c.Name, c.Owner, fault.ReasonOf(err))
		}
		out[i].Label = l
	}
	return out, nil
}

// meet returns the one label of a result of all cols.
func meet(row opRow, st *Step, holders []party.ID, cols []Column) (label.Label, error) {
	l, err := combine(row.rule, holders, labels(cols)...)
	return l, fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: %s", st.ID, reasonOf(err))
}

// reasonOf is fault.ReasonOf that admits nil.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.ReasonOf(err)
}

// single returns the one table that st reads.
func single(st *Step, in []Output) (Output, error) {
	if len(in) != 1 || in[0].Kind != Table {
		return Output{}, fault.New(fault.Invalid, opBuild, "step %q: %s reads one table", st.ID, st.Op)
	}
	return in[0], nil
}

// columnOwners returns who has columns of t, sorted.
func columnOwners(cols []Column) []party.ID {
	out := make([]party.ID, len(cols))
	for i, c := range cols {
		out[i] = c.Owner
	}
	return party.Sorted(out)
}

// indexed refuses a party that cannot put its rows in t's order.
func indexed(st *Step, t Output, ps ...party.ID) error {
	for _, p := range ps {
		if !slices.Contains(t.Index, p) {
			return fault.New(fault.Invalid, opBuild, "step %q needs the matched rows of %s: list it in the align step's index",
				st.ID, p)
		}
	}
	return nil
}

// labelColumn returns the one label column of t, and whether there is exactly one.
func labelColumn(t Output) (Column, bool) {
	var found []Column
	for _, c := range t.Columns {
		if c.Use == UseLabel {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return Column{}, false
	}
	return found[0], true
}

// featureColumns returns the columns of t that were requested as features.
func featureColumns(t Output) []Column {
	var out []Column
	for _, c := range t.Columns {
		if c.Use == UseFeature {
			out = append(out, c)
		}
	}
	return out
}
