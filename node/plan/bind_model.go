package plan

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// minRowsPerColumn: with fewer rows than this for each feature the model itself would tell labels.
const minRowsPerColumn = 5

// bindGLM trains on the features of two parties and the label of one of them. The result stays in shares.
func (b *builder) bindGLM(row opRow, st *Step, in []Output) error {
	t, err := single(st, in)
	if err != nil {
		return err
	}
	y, ok := labelColumn(t)
	if !ok {
		return fault.New(fault.Invalid, opBuild, "step %q: train.glm needs exactly one input with a target", st.ID)
	}
	if k := b.typeOf(y); k != integers && k != booleans && k != floats {
		return fault.New(fault.SchemaMismatch, opBuild, "step %q: target %q of %s is %s; 0 and 1 wanted", st.ID, y.Name, y.Owner, y.Type)
	}
	features, holders, err := b.jointFeatures(st, t, y.Owner)
	if err != nil {
		return err
	}
	st.Rows = t.Rows
	if t.Test != 0 {
		st.Rows = partRows(t, "train")
	}
	if need := int64(minRowsPerColumn * len(features)); st.Rows < need {
		return fault.New(fault.Invalid, opBuild, "step %q: at most %d rows for %d features; at least %d wanted",
			st.ID, st.Rows, len(features), need)
	}
	all := append(slices.Clone(features), y)
	shared, err := meet(row, st, holders, all)
	if err != nil {
		return err
	}
	b.use(UseFeature, features...)
	b.use(UseLabel, y)
	st.Roles = holderRoles(holders, y.Owner)
	st.Out = Output{Kind: Model, Rows: st.Rows, Holder: y.Owner, Lineage: lineage(all...)}
	for _, c := range features {
		st.Out.Columns = append(st.Out.Columns, Column{
			Name: c.Name, Input: c.Input, Owner: c.Owner, Type: "float64", Use: UseCoefficient, Label: shared,
		})
	}
	st.Out.Columns = append(st.Out.Columns, Column{
		Name: interceptName, Owner: y.Owner, Type: "float64", Use: UseCoefficient, Label: shared,
	})
	return nil
}

// interceptName is the coefficient of the constant column, which the label holder has. No column is called so: a name
// is not empty, and coefficients of columns keep their input.
const interceptName = "(intercept)"

// jointFeatures returns the features of t and the two parties that hold them and the label of holder.
func (b *builder) jointFeatures(st *Step, t Output, holder party.ID) ([]Column, []party.ID, error) {
	features := featureColumns(t)
	for _, c := range features {
		if !c.Scaled {
			return nil, nil, fault.New(fault.Invalid, opBuild, "step %q: column %q of %s is not scaled; put a scale step before",
				st.ID, c.Name, c.Owner)
		}
	}
	holders := party.Sorted(append(columnOwners(features), holder))
	if len(holders) != 2 {
		return nil, nil, fault.New(fault.Unsupported, opBuild, "step %q: %s is between exactly two parties, the label holder and one with features; here are %d",
			st.ID, st.Op, len(holders))
	}
	return features, holders, indexed(st, t, holders...)
}

func holderRoles(holders []party.ID, holder party.ID) []Role {
	out := make([]Role, len(holders))
	for i, p := range holders {
		out[i] = Role{Party: p, Role: roleOf(p, holder)}
	}
	return out
}

// bindPredict scores rows with a model. The sum stays in shares until the implied release of release.go opens it to the
// label holder.
func (b *builder) bindPredict(row opRow, st *Step, in []Output) error {
	if len(in) != 2 || in[0].Kind != Table || in[1].Kind != Model {
		return fault.New(fault.Invalid, opBuild, "step %q: predict reads a table and a model, in this order", st.ID)
	}
	t, m := in[0], in[1]
	features, holders, err := b.jointFeatures(st, t, m.Holder)
	if err != nil {
		return err
	}
	if err := sameFeatures(st, features, m); err != nil {
		return err
	}
	part := st.spec().Word("part")
	if part != "all" && t.Test == 0 {
		return fault.New(fault.Invalid, opBuild, "step %q: part %q of rows that are not split", st.ID, part)
	}
	all := append(slices.Clone(features), m.Columns...)
	shared, err := meet(row, st, holders, all)
	if err != nil {
		return err
	}
	b.use(UseFeature, features...)
	st.Roles = holderRoles(holders, m.Holder)
	st.Rows = partRows(t, part)
	st.Out = Output{Kind: Scores, Part: part, Rows: st.Rows, Holder: m.Holder, Columns: []Column{
		{Name: "score", Type: "float64", Use: UseScore, Label: shared},
	}}
	st.Out.Lineage = lineage(append(features, Column{Lineage: m.Lineage})...)
	if y, ok := labelColumn(t); ok && y.Owner == m.Holder {
		st.Out.Columns = append(st.Out.Columns, y)
	}
	return nil
}

// sameFeatures refuses a table whose features are not the model's, in its order.
func sameFeatures(st *Step, features []Column, m Output) error {
	coefficients := m.Columns[:len(m.Columns)-1] // the last is the intercept
	same := slices.EqualFunc(features, coefficients, func(a, b Column) bool { return a.Owner == b.Owner && a.Name == b.Name })
	if !same {
		return fault.New(fault.SchemaMismatch, opBuild, "step %q: %d features, not those of the model's %d in the same order",
			st.ID, len(features), len(coefficients))
	}
	return nil
}

// bindEvaluate compares opened scores with labels at the label holder.
func (b *builder) bindEvaluate(row opRow, st *Step, in []Output) error {
	if len(in) != 1 || in[0].Kind != Scores {
		return fault.New(fault.Invalid, opBuild, "step %q: evaluate reads the scores of a predict step", st.ID)
	}
	s := in[0]
	y, ok := labelColumn(s)
	if !ok {
		return fault.New(fault.Invalid, opBuild, "step %q: the scored rows have no label at %s", st.ID, s.Holder)
	}
	opened := s.Columns[0]
	opened.Label = label.PrivateTo(s.Holder) // by the release that predict implies, Invariant L1
	l, err := meet(row, st, nil, []Column{opened, y})
	if err != nil {
		return err
	}
	b.use(UseLabel, y)
	st.Roles = []Role{{Party: s.Holder, Role: LabelHolder}}
	st.Rows = s.Rows
	st.Out = Output{Kind: Report, Part: s.Part, Rows: s.Rows, Holder: s.Holder, Lineage: s.Sources()}
	for _, metric := range st.spec().List("metrics") {
		st.Out.Columns = append(st.Out.Columns, Column{
			Name: metric, Owner: s.Holder, Type: "float64", Use: UseMetric, Label: l,
		})
	}
	return nil
}
