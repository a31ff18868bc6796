package plan

import (
	"strconv"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/engine/label"
)

// bindAggregate counts and sums per group at the one party that has group and label. The exact cells never leave the
// step: what its release opens carries noise.
func (b *builder) bindAggregate(row opRow, st *Step, in []Output) error {
	t, err := single(st, in)
	if err != nil {
		return err
	}
	group, err := findColumn(st, t, st.spec().Word("group"))
	if err != nil {
		return err
	}
	cols := []Column{group}
	if name := st.spec().Word("label"); name != "" {
		y, err := findColumn(st, t, name)
		if err != nil {
			return err
		}
		if err := b.aggregateLabel(st, group, y); err != nil {
			return err
		}
		cols = append(cols, y)
		b.use(UseLabel, y)
	}
	if err := b.groupKeys(st, group); err != nil {
		return err
	}
	if err := indexed(st, t, group.Owner); err != nil {
		return err
	}
	if err := checkNoise(st); err != nil {
		return err
	}
	l, err := meet(row, st, nil, cols)
	if err != nil {
		return err
	}
	b.use(UseGroup, group)
	st.Roles = []Role{{Party: group.Owner, Role: Owner}}
	st.Rows = t.Rows
	st.Out = Output{Kind: Cells, Rows: t.Rows, Holder: group.Owner, Lineage: lineage(cols...)}
	for _, m := range st.spec().List("measures") {
		st.Out.Columns = append(st.Out.Columns, Column{
			Name: m, Owner: group.Owner, Type: "float64", Use: UseMeasure, Label: l,
		})
	}
	return nil
}

// findColumn returns the one column of t called name.
func findColumn(st *Step, t Output, name string) (Column, error) {
	var found []Column
	for _, c := range t.Columns {
		if c.Name == name {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Column{}, fault.New(fault.SchemaMismatch, opBuild, "step %q: column %q is not among the requested columns", st.ID, name)
	}
	return Column{}, fault.New(fault.Invalid, opBuild, "step %q: column %q is in %d inputs; request it in one", st.ID, name, len(found))
}

// aggregateLabel refuses a label at another party than the groups, or one that cannot be 0 or 1.
func (b *builder) aggregateLabel(st *Step, group, y Column) error {
	if group.Owner != y.Owner {
		return fault.New(fault.Unsupported, opBuild, "step %q: group %q is at %s and label %q at %s; bring both from one party",
			st.ID, group.Name, group.Owner, y.Name, y.Owner)
	}
	if k := b.typeOf(y); (k != integers && k != booleans) || y.Scaled || y.Name == group.Name {
		return fault.New(fault.SchemaMismatch, opBuild, "step %q: label %q of %s is %s; an unscaled column of 0 and 1 wanted, and not the group",
			st.ID, y.Name, y.Owner, y.Type)
	}
	return nil
}

// groupKeys refuses public keys of another type than the group column.
func (b *builder) groupKeys(st *Step, group Column) error {
	keys, _ := st.spec().Param("keys")
	want := texts
	if keys.Kind == job.Ints {
		want = integers
	}
	if b.typeOf(group) != want || group.Scaled {
		return fault.New(fault.SchemaMismatch, opBuild, "step %q: group column %q of %s is %s; the keys are %s, and the column unscaled",
			st.ID, group.Name, group.Owner, group.Type, keys.Kind)
	}
	return nil
}

// Noise returns the noise of an aggregate step as engine/dp takes it: what it will cost is its Quote.
//
// Errors: fault.Invalid when s is another op.
func (s Step) Noise() (dp.Params, error) {
	if s.Op != job.Aggregate {
		return dp.Params{}, fault.New(fault.Invalid, "plan.Step.Noise", "step %q is %s, which has no noise", s.ID, s.Op)
	}
	spec := s.spec()
	kind, err := dp.ParseKind(spec.Word("noise"))
	if err != nil {
		return dp.Params{}, err
	}
	p := dp.Params{Kind: kind, Epsilon: label.Pico(spec.Int("epsilon"))}
	keys, _ := spec.Param("keys")
	p.Keys = keys.List
	for _, k := range keys.Ints {
		p.Keys = append(p.Keys, strconv.FormatInt(k, 10))
	}
	for _, m := range spec.List("measures") {
		switch m {
		case "count":
			p.Measures = append(p.Measures, dp.Count)
		case "sum":
			p.Measures = append(p.Measures, dp.Sum)
		case "rate":
			p.Measures = append(p.Measures, dp.Rate)
		}
	}
	return p, nil
}

// checkNoise refuses, before anything is approved, noise that the step would refuse when it draws it.
func checkNoise(st *Step) error {
	p, err := st.Noise()
	if err != nil {
		return err
	}
	_, _, err = p.Quote()
	return fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: %s", st.ID, reasonOf(err))
}

// noised is the label of what an aggregate opens.
func noised(st Step, to []party.ID) label.Label {
	return label.NoisedTo(label.Pico(st.spec().Int("epsilon")), 0, to...)
}
