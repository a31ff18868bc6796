package plan

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
)

// class groups Arrow types by what a plan may do with them; a closed set.
type class uint8

const (
	noClass class = iota
	integers
	floats
	booleans
	texts
	binaries
	dates
)

func classOf(t arrow.DataType) class {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return integers
	case arrow.FLOAT32, arrow.FLOAT64:
		return floats
	case arrow.BOOL:
		return booleans
	case arrow.STRING, arrow.LARGE_STRING:
		return texts
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		return binaries
	case arrow.DATE32:
		return dates
	}
	return noClass
}

// describe asks the catalogue for every party and input, in sorted order.
func (b *builder) describe(cat Catalog) error {
	for _, p := range b.spec.Parties {
		root, err := cat.Root(p)
		if err != nil {
			return fault.Wrap(fault.CodeOf(err), opBuild, err, "party %q has no pinned root key here", p)
		}
		b.plan.Parties = append(b.plan.Parties, Party{ID: p, Root: root})
	}
	ins := slices.Clone(b.spec.Inputs)
	slices.SortFunc(ins, func(x, y job.Input) int { return compare(x.ID, y.ID) })
	for _, in := range ins {
		ds, err := cat.Describe(in.Party, in.Dataset)
		if err != nil {
			return fault.Wrap(fault.CodeOf(err), opBuild, err, "input %q: dataset %q of %s", in.ID, in.Dataset, in.Party)
		}
		out, err := b.input(in, ds)
		if err != nil {
			return err
		}
		b.plan.Inputs = append(b.plan.Inputs, out)
	}
	return nil
}

// input narrows ds to the columns that in requests.
func (b *builder) input(in job.Input, ds Dataset) (Input, error) {
	if err := checkDataset(in, ds, b.spec.Limits); err != nil {
		return Input{}, err
	}
	out := Input{ID: in.ID, Party: in.Party, Dataset: in.Dataset, Version: ds.Version, Rows: ds.Rows}
	var fields []arrow.Field
	take := func(name string, use Use) error {
		i, err := ds.Type.Column(name)
		if err != nil {
			return fault.Wrap(fault.SchemaMismatch, opBuild, err, "input %q: column %q is not in dataset %q of %s, or is there twice",
				in.ID, name, in.Dataset, in.Party)
		}
		f := ds.Type.Schema.Field(i)
		col := Column{
			Input: in.ID, Name: name, Owner: in.Party, Type: f.Type.String(), Use: use, Label: ds.Type.Labels[i],
			Lineage: []Source{{Owner: in.Party, Input: in.ID, Column: name}},
		}
		if err := checkColumn(in, f, col.Label); err != nil {
			return err
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable})
		out.Type.Labels = append(out.Type.Labels, col.Label)
		if use == UseKey {
			out.Keys = append(out.Keys, col)
		} else {
			out.Columns = append(out.Columns, col)
		}
		return nil
	}
	for _, name := range in.Key {
		if err := take(name, UseKey); err != nil {
			return Input{}, err
		}
	}
	if in.Target != "" {
		if err := take(in.Target, UseLabel); err != nil {
			return Input{}, err
		}
	}
	for _, name := range in.Columns {
		use := UseFeature
		if b.groupsBy(name) {
			use = UseGroup
		}
		if err := take(name, use); err != nil {
			return Input{}, err
		}
	}
	out.Type = engine.Type{Schema: arrow.NewSchema(fields, nil), Labels: out.Type.Labels}
	return out, nil
}

// checkDataset checks what a catalogue answered about a whole dataset.
func checkDataset(in job.Input, ds Dataset, l job.Limits) error {
	if ds.Type.Schema == nil || len(ds.Type.Labels) != ds.Type.Schema.NumFields() {
		return fault.New(fault.SchemaMismatch, opBuild, "input %q: dataset %q of %s is described without a label per column",
			in.ID, in.Dataset, in.Party)
	}
	if ds.Rows < 1 {
		return fault.New(fault.Invalid, opBuild, "input %q: dataset %q of %s declares no rows", in.ID, in.Dataset, in.Party)
	}
	if ds.Rows > MaxRows {
		return fault.New(fault.LimitExceeded, opBuild, "input %q: %d rows declared, MaxRows is %d", in.ID, ds.Rows, MaxRows)
	}
	if l.Rows != 0 && ds.Rows > l.Rows {
		return fault.New(fault.LimitExceeded, opBuild, "input %q: %d rows declared, limits.rows is %d", in.ID, ds.Rows, l.Rows)
	}
	return nil
}

// checkColumn refuses a column of an unknown type, or one whose label is not its owner's.
func checkColumn(in job.Input, f arrow.Field, l label.Label) error {
	if classOf(f.Type) == noClass {
		return fault.New(fault.Unsupported, opBuild, "input %q: column %q of %s has type %s, which no op reads",
			in.ID, f.Name, in.Party, f.Type)
	}
	if l.Kind != label.Public && !l.Equal(label.PrivateTo(in.Party)) {
		return fault.New(fault.SchemaMismatch, opBuild, "input %q: column %q of %s is labelled %s",
			in.ID, f.Name, in.Party, l)
	}
	return nil
}

// typeOf returns the class of a column by the type its input declares.
func (b *builder) typeOf(c Column) class {
	for _, in := range b.plan.Inputs {
		if in.ID != c.Input {
			continue
		}
		if i, err := in.Type.Column(c.Name); err == nil {
			return classOf(in.Type.Schema.Field(i).Type)
		}
	}
	return noClass
}

// input returns a described input as the table a step reads.
func (in Input) table() Output {
	return Output{Kind: Table, Columns: in.Columns, Index: []party.ID{in.Party}, Rows: in.Rows}
}

// groupsBy reports whether an aggregate of the job groups by a column called name. Such a column is no feature: a
// category is not a number, and what is released per group should not be learnt from as well.
func (b *builder) groupsBy(name string) bool {
	return slices.ContainsFunc(b.spec.Steps, func(s job.Step) bool { return s.Op == job.Aggregate && s.Word("group") == name })
}
