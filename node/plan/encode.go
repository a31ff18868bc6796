package plan

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/internal/wire"
)

// encoder writes plans in internal/wire: lists with their count, records field by field in the order below.
type encoder struct{ wire.Encoder }

// list writes a count and each element.
func list[T any](e *encoder, items []T, each func(T)) {
	e.U32(uint32(len(items)))
	for _, v := range items {
		each(v)
	}
}

func (e *encoder) parties(ids []party.ID) {
	list(e, ids, func(p party.ID) { e.String(string(p)) })
}

func (e *encoder) params(with []job.Param) {
	list(e, with, func(p job.Param) {
		e.String(p.Name)
		e.U8(uint8(p.Value.Kind))
		e.Bool(p.Value.Bool)
		e.I64(p.Value.Int)
		e.F64(p.Value.Dec)
		e.String(p.Value.Text)
		e.Strings(p.Value.List)
		list(e, p.Value.Ints, e.I64)
	})
}

func (e *encoder) label(l label.Label) {
	e.U8(uint8(l.Kind))
	e.parties(l.Parties)
	e.I64(int64(l.Epsilon))
	e.I64(int64(l.Delta))
}

func (e *encoder) column(c Column) {
	e.String(c.Input)
	e.String(c.Name)
	e.String(string(c.Owner))
	e.String(c.Type)
	e.String(string(c.Use))
	e.Bool(c.Scaled)
	e.label(c.Label)
	e.sources(c.Lineage)
}

func (e *encoder) sources(s []Source) {
	list(e, s, func(x Source) {
		e.String(string(x.Owner))
		e.String(x.Input)
		e.String(x.Column)
	})
}

func (e *encoder) input(in Input) {
	e.String(in.ID)
	e.String(string(in.Party))
	e.String(in.Dataset)
	e.Fixed(in.Version[:])
	list(e, in.Keys, e.column)
	list(e, in.Columns, e.column)
	list(e, in.Type.Schema.Fields(), func(f arrow.Field) { e.Bool(f.Nullable) })
}

func (e *encoder) step(s Step) {
	e.String(s.ID)
	e.String(string(s.Op))
	e.Strings(s.In)
	e.params(s.With)
	list(e, s.Roles, func(r Role) {
		e.String(string(r.Party))
		e.String(string(r.Role))
	})
	e.String(string(s.Out.Kind))
	list(e, s.Out.Columns, e.column)
	e.parties(s.Out.Index)
	e.F64(s.Out.Test)
	e.String(s.Out.Part)
	e.String(string(s.Out.Holder))
	e.sources(s.Out.Lineage)
}

// bounds writes every row bound and limit.
func (e *encoder) bounds(p *Plan) {
	list(e, p.Inputs, func(in Input) { e.I64(in.Rows) })
	list(e, p.Steps, func(s Step) {
		e.I64(s.Rows)
		e.I64(s.Out.Rows)
	})
	e.limits(p.limits)
}

func (e *encoder) limits(l job.Limits) {
	e.I64(l.Rows)
	e.I64(l.SentBytes)
	e.I64(l.CPUs)
	e.Bool(!l.Expires.IsZero())
	if !l.Expires.IsZero() {
		e.I64(l.Expires.Unix())
	}
}

func (e *encoder) cost(c PartyCost) {
	e.String(string(c.Party))
	e.I64(int64(c.Rounds))
	e.I64(c.SentBytes)
	e.I64(c.RecvBytes)
}

func (e *encoder) leak(l Leak) {
	e.String(l.Step)
	e.parties(l.To)
	e.parties(l.About)
	e.String(string(l.Kind))
	e.String(l.Detail)
}

func (e *encoder) release(r Release) {
	e.String(r.ID)
	e.String(r.From)
	e.String(string(r.Kind))
	e.String(r.Form)
	e.parties(r.To)
	e.Strings(r.Columns)
	e.I64(r.MinRows)
	e.parties(r.Owners)
	list(e, r.Labels, e.label)
	e.Bool(r.Exact)
	e.Bool(r.Implied)
	e.sources(r.Lineage)
}

// spec writes a canonical Spec whose steps are in plan order: the order in which inputs, steps and releases are written
// down has no meaning.
func (e *encoder) spec(s job.Spec, steps []job.Step) {
	e.U32(uint32(s.Version))
	e.String(s.Name)
	e.String(s.Purpose)
	e.String(s.Contract)
	e.String(string(s.Trust))
	e.parties(s.Parties)
	e.String(string(s.Coordinator))
	e.U32(uint32(s.Compiler))
	ins := slices.Clone(s.Inputs)
	slices.SortFunc(ins, func(a, b job.Input) int { return compare(a.ID, b.ID) })
	list(e, ins, func(in job.Input) {
		e.String(in.ID)
		e.String(string(in.Party))
		e.String(in.Dataset)
		e.Strings(in.Key)
		e.String(in.Target)
		e.Strings(in.Columns)
	})
	list(e, steps, func(st job.Step) {
		e.String(st.ID)
		e.String(string(st.Op))
		e.Strings(st.In)
		e.params(st.With)
	})
	rels := slices.Clone(s.Releases)
	slices.SortFunc(rels, func(a, b job.Release) int { return compare(a.ID, b.ID) })
	list(e, rels, func(r job.Release) {
		e.String(r.ID)
		e.String(r.From)
		e.parties(r.To)
		e.I64(r.MinRows)
		e.String(r.Form)
		e.Strings(r.Columns)
	})
	e.limits(s.Limits)
}
