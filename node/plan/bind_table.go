package plan

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// bindAlign matches the rows of two inputs of two parties by key. Columns keep their owner and their label; their
// lineage grows by the keys of both, since which rows are there depends on them.
func (b *builder) bindAlign(row opRow, st *Step, _ []Output) error {
	ins := make([]Input, 0, 2)
	for _, id := range st.In {
		in, ok := b.plan.Input(id)
		if !ok {
			return fault.New(fault.Unsupported, opBuild, "step %q: align matches inputs; %q is a step", st.ID, id)
		}
		ins = append(ins, in)
	}
	if len(ins) != 2 || ins[0].Party == ins[1].Party {
		return fault.New(fault.Unsupported, opBuild, "step %q: align is between two inputs of two parties", st.ID)
	}
	if err := b.alignKeys(st, ins); err != nil {
		return err
	}
	index := make([]party.ID, 0, 2)
	for _, id := range st.spec().List("index") {
		if p := party.ID(id); p == ins[0].Party || p == ins[1].Party {
			index = append(index, p)
			continue
		}
		return fault.New(fault.Invalid, opBuild, "step %q: index names %s, which owns none of the aligned inputs", st.ID, id)
	}
	keys := lineage(append(append([]Column(nil), ins[0].Keys...), ins[1].Keys...)...)
	cols, err := relabel(row, st, append(append([]Column(nil), ins[0].Columns...), ins[1].Columns...))
	if err != nil {
		return err
	}
	for i := range cols {
		cols[i].Lineage = lineage(cols[i], Column{Lineage: keys})
	}
	b.use(UseKey, append(append([]Column(nil), ins[0].Keys...), ins[1].Keys...)...)
	st.Roles = alignRoles(ins, index)
	st.Rows = max(ins[0].Rows, ins[1].Rows)
	st.Out = Output{Kind: Table, Columns: cols, Index: party.Sorted(index), Rows: min(ins[0].Rows, ins[1].Rows)}
	return nil
}

// alignRoles makes the first of the parties that learn the matches, in sorted order, the receiver.
func alignRoles(ins []Input, index []party.ID) []Role {
	receiver := party.Sorted(index)[0]
	out := make([]Role, 0, 2)
	for _, in := range ins {
		role := psi.Sender
		if in.Party == receiver {
			role = psi.Receiver
		}
		out = append(out, Role{Party: in.Party, Role: role})
	}
	return out
}

// alignKeys refuses key columns that cannot match: another number of them, a float or nothing, or two classes of types
// under the rule raw, which would silently lose every match.
func (b *builder) alignKeys(st *Step, ins []Input) error {
	left, right := ins[0], ins[1]
	if len(left.Keys) == 0 || len(left.Keys) != len(right.Keys) {
		return fault.New(fault.Invalid, opBuild, "step %q: %d key columns in %q and %d in %q; as many, at least one, wanted",
			st.ID, len(left.Keys), left.ID, len(right.Keys), right.ID)
	}
	rules := st.spec().List("rules")
	if len(rules) != 0 && len(rules) != len(left.Keys) {
		return fault.New(fault.Invalid, opBuild, "step %q: %d rules for %d key columns", st.ID, len(rules), len(left.Keys))
	}
	for i := range left.Keys {
		for _, in := range ins {
			if c := in.Keys[i]; b.typeOf(c) == floats || b.typeOf(c) == booleans {
				return fault.New(fault.Invalid, opBuild, "step %q: key column %q of %s is %s; a key is text or an integer",
					st.ID, c.Name, in.Party, c.Type)
			}
		}
		raw := len(rules) == 0 || rules[i] == "raw"
		if l, r := left.Keys[i], right.Keys[i]; raw && b.typeOf(l) != b.typeOf(r) {
			return fault.New(fault.Invalid, opBuild, "step %q: key column %q of %s is %s and %q of %s is %s; a rule other than raw is needed",
				st.ID, l.Name, left.Party, l.Type, r.Name, right.Party, r.Type)
		}
	}
	for _, in := range ins {
		if err := bindKey(st, in, rules); err != nil {
			return err
		}
	}
	return nil
}

// bindKey asks the operator that will hash the keys whether it could.
func bindKey(st *Step, in Input, names []string) error {
	key := feature.Key{Rules: keyRules(names, len(in.Keys))}
	for _, c := range in.Keys {
		key.Columns = append(key.Columns, c.Name)
	}
	_, err := key.Bind([]engine.Type{in.Type})
	return fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: keys of input %q (%s): %s", st.ID, in.ID, in.Party, reasonOf(err))
}

// keyRules returns the rules of n key columns; without names each is raw. The names have been checked by the Spec's
// decoder, whose words are the operator's.
func keyRules(names []string, n int) []feature.Rule {
	out := make([]feature.Rule, n)
	for i := range out {
		out[i] = feature.Raw
		if i < len(names) {
			out[i], _ = feature.ParseRule(names[i])
		}
	}
	return out
}

// bindSplit divides rows into a training part and a test part. With stratify the label holder draws and tells the
// others; without, everybody derives the same draw from the seed.
func (b *builder) bindSplit(row opRow, st *Step, in []Output) error {
	t, err := single(st, in)
	if err != nil {
		return err
	}
	if t.Test != 0 {
		return fault.New(fault.Invalid, opBuild, "step %q: the rows are split already", st.ID)
	}
	if len(t.Columns) == 0 {
		return fault.New(fault.Invalid, opBuild, "step %q: the rows have no columns to split", st.ID)
	}
	var holder party.ID
	if st.spec().Bool("stratify") {
		y, ok := labelColumn(t)
		if !ok {
			return fault.New(fault.Invalid, opBuild, "step %q: stratify needs one input with a target; or say stratify: false", st.ID)
		}
		holder = y.Owner
		b.use(UseLabel, y)
	}
	ps := columnOwners(t.Columns)
	if err := indexed(st, t, ps...); err != nil {
		return err
	}
	for _, p := range ps {
		st.Roles = append(st.Roles, Role{Party: p, Role: roleOf(p, holder)})
	}
	st.Out = t
	st.Out.Test = st.spec().Dec("test")
	st.Rows = t.Rows
	st.Out.Columns, err = relabel(row, st, t.Columns)
	return err
}

// roleOf is the role of p beside holder; without a holder all are owners alike.
func roleOf(p, holder party.ID) protocols.Role {
	switch holder {
	case "":
		return Owner
	case p:
		return LabelHolder
	}
	return Host
}

// bindScale standardises every feature column at its owner.
func (b *builder) bindScale(row opRow, st *Step, in []Output) error {
	t, err := single(st, in)
	if err != nil {
		return err
	}
	features := featureColumns(t)
	if len(features) == 0 {
		return fault.New(fault.Invalid, opBuild, "step %q: no feature columns to scale", st.ID)
	}
	for _, c := range features {
		if c.Scaled {
			return fault.New(fault.Invalid, opBuild, "step %q: column %q of %s is scaled already", st.ID, c.Name, c.Owner)
		}
	}
	if err := b.scalable(st, features); err != nil {
		return err
	}
	ps := columnOwners(features)
	if err := indexed(st, t, ps...); err != nil {
		return err
	}
	for _, p := range ps {
		st.Roles = append(st.Roles, Role{Party: p, Role: Owner})
	}
	b.use(UseFeature, features...)
	st.Rows, st.Out = t.Rows, t
	if st.Out.Columns, err = relabel(row, st, t.Columns); err != nil {
		return err
	}
	for i := range st.Out.Columns {
		if c := &st.Out.Columns[i]; c.Use == UseFeature {
			c.Scaled, c.Type = true, "float64"
		}
	}
	return nil
}

// scalable asks the operator that will scale the columns of each input whether it could.
func (b *builder) scalable(st *Step, features []Column) error {
	for _, in := range b.plan.Inputs {
		var op feature.Scale
		for _, c := range features {
			if c.Input == in.ID {
				op.Columns = append(op.Columns, c.Name)
			}
		}
		if len(op.Columns) == 0 {
			continue
		}
		if _, err := op.Bind([]engine.Type{in.Type}); err != nil {
			return fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: input %q (%s): %s", st.ID, in.ID, in.Party, reasonOf(err))
		}
	}
	return nil
}

// partRows bounds the rows of a part of t. Each class rounds by less than one row, so that two classes exceed their
// exact share by less than two.
func partRows(t Output, part string) int64 {
	share := t.Test
	switch part {
	case "all":
		return t.Rows
	case "train":
		share = 1 - t.Test
	}
	// The product is rounded by itself: a fused multiply-add would differ between machines.
	exact := float64(share * float64(t.Rows))
	return min(t.Rows, int64(math.Ceil(exact))+1)
}
