package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// MinReportRows is the least number of rows behind a released quality measure: fewer would describe single rows.
const MinReportRows = 100

// maxListed is how many columns a refusal names: more would bury the rule.
const maxListed = 16

// The forms of a release.
const (
	FormOwnCoefficients = "own-coefficients"
	FormScores          = "scores"
	FormReport          = "report"
	FormNoised          = "noised"
)

// releases checks what the Spec opens and adds what predict steps open: Invariant L1.
func (b *builder) releases() error {
	for _, r := range b.spec.Releases {
		out, err := b.release(r)
		if err != nil {
			return err
		}
		b.plan.Releases = append(b.plan.Releases, out)
	}
	for _, st := range b.plan.Steps {
		if st.Op != job.Predict {
			continue
		}
		// No id of a Spec has a dot, so the name is free.
		out := b.opening(job.Release{ID: st.ID + ".open", From: st.ID, To: []party.ID{st.Out.Holder}}, st.Out, FormScores)
		out.Implied = true
		out.Columns = []string{st.Out.Columns[0].Name}
		b.plan.Releases = append(b.plan.Releases, out)
	}
	slices.SortFunc(b.plan.Releases, func(x, y Release) int { return compare(x.ID, y.ID) })
	return nil
}

// formOf is the one form in which a kind of output opens; rows have none.
func formOf(k Kind) string {
	switch k {
	case Model:
		return FormOwnCoefficients
	case Scores:
		return FormScores
	case Report:
		return FormReport
	case Cells:
		return FormNoised
	}
	return ""
}

func (b *builder) release(r job.Release) (Release, error) {
	o := b.out[r.From]
	form := formOf(o.Kind)
	if form == "" {
		return Release{}, b.rawColumns(r)
	}
	if r.Form != "" && r.Form != form {
		return Release{}, denied("release/form", r, "the %s of %q open as %s only", o.Kind, r.From, form)
	}
	if err := b.receivers(r, o); err != nil {
		return Release{}, err
	}
	out := b.opening(r, o, form)
	if err := pick(r, o, &out); err != nil {
		return Release{}, err
	}
	return out, minRows(r, o, &out)
}

// denied is a release that no policy could allow.
func denied(rule string, r job.Release, format string, args ...any) error {
	e := fault.New(fault.Denied, opBuild, format, args...)
	e.Reason = "rule " + rule + ": release " + strconv.Quote(r.ID) + ": " + e.Reason
	return e
}

// rawColumns refuses to open rows, whoever's and however transformed, and names them.
func (b *builder) rawColumns(r job.Release) error {
	var list []string
	for _, id := range b.ancestors(r.From) {
		in, _ := b.plan.Input(id)
		for _, c := range slices.Concat(in.Keys, in.Columns) {
			list = append(list, strconv.Quote(c.Name)+" of "+string(c.Owner))
		}
	}
	if n := len(list); n > maxListed {
		list = append(list[:maxListed], strconv.Itoa(n-maxListed)+" more")
	}
	return denied("release/raw-column", r, "%q holds rows: %s; release a model, a report or an aggregate instead",
		r.From, strings.Join(list, ", "))
}

// receivers refuses receivers that the result's kind does not admit.
func (b *builder) receivers(r job.Release, o Output) error {
	if o.Kind == Scores && !slices.Equal(r.To, []party.ID{o.Holder}) {
		return denied("release/score", r, "scores open to the label holder %s only", o.Holder)
	}
	if o.Kind != Model {
		return nil
	}
	have := columnOwners(o.Columns)
	for _, p := range r.To {
		if !slices.Contains(have, p) {
			return denied("release/coefficient", r, "%s has no column in the model %q", p, r.From)
		}
	}
	return nil
}

// opening is the release of o with its lineage and the labels its receivers get.
func (b *builder) opening(r job.Release, o Output, form string) Release {
	out := Release{ID: r.ID, From: r.From, Kind: o.Kind, Form: form, To: r.To, Exact: true, Lineage: o.Lineage}
	for _, c := range o.Columns {
		if c.Use != UseLabel { // scores carry the holder's own label beside them; it does not move
			out.Columns = append(out.Columns, c.Name)
		}
	}
	out.Owners = owners(out.Lineage)
	for _, p := range r.To {
		out.Labels = append(out.Labels, label.PrivateTo(p))
	}
	if st, ok := b.plan.Step(r.From); ok && o.Kind == Cells {
		out.Exact = false
		for i := range out.Labels {
			out.Labels[i] = noised(st, r.To)
		}
	}
	return out
}

// pick narrows a release to the columns the Spec lists.
func pick(r job.Release, o Output, out *Release) error {
	if len(r.Columns) == 0 {
		return nil
	}
	if o.Kind == Model {
		return fault.New(fault.Unsupported, opBuild, "release %q: single coefficients of a model cannot be picked", r.ID)
	}
	for _, name := range r.Columns {
		if !slices.Contains(out.Columns, name) {
			return fault.New(fault.SchemaMismatch, opBuild, "release %q: %q has no column %q; it has %q", r.ID, r.From, name, out.Columns)
		}
	}
	out.Columns = slices.Clone(r.Columns)
	return nil
}

// minRows fills and checks the least number of rows behind a result.
func minRows(r job.Release, o Output, out *Release) error {
	out.MinRows = r.MinRows
	if o.Kind == Report {
		if out.MinRows == 0 {
			out.MinRows = MinReportRows
		}
		if out.MinRows < MinReportRows {
			return denied("release/min-rows", r, "min_rows %d, at least %d for a report", r.MinRows, MinReportRows)
		}
	}
	if o.Rows < out.MinRows {
		return fault.New(fault.Invalid, opBuild, "release %q: %q has at most %d rows, min_rows is %d", r.ID, r.From, o.Rows, out.MinRows)
	}
	return nil
}
