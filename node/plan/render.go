package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// String renders the plan for people, in English.
func (p *Plan) String() string { return p.Render("en") }

// Render renders the plan for people: parties, inputs, steps with labels and cost, releases, leakage. The statement is in
// lang, "en" or "zh".
func (p *Plan) Render(lang string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan      %s  %s  purpose %s  trust %s\n", p.Digest, p.Name, p.Purpose, p.Trust)
	for _, x := range p.Parties {
		fmt.Fprintf(&b, "party     %s  root %s\n", x.ID, x.Root)
	}
	for _, in := range p.Inputs {
		fmt.Fprintf(&b, "input     %s  %s at %s  at most %d rows  key %s  columns %s\n",
			in.ID, in.Dataset, in.Party, in.Rows, columnNames(in.Keys), columnNames(in.Columns))
	}
	for _, s := range p.Steps {
		p.renderStep(&b, s)
	}
	for _, r := range p.Releases {
		renderRelease(&b, r)
	}
	for _, l := range p.Leaks {
		fmt.Fprintf(&b, "leak      %s  %s\n", l.Step, l.Text(lang))
	}
	for _, c := range p.Cost {
		fmt.Fprintf(&b, "cost      %s  %d rounds  sends %d B  receives %d B\n", c.Party, c.Rounds, c.SentBytes, c.RecvBytes)
	}
	return b.String()
}

func (p *Plan) renderStep(b *strings.Builder, s Step) {
	fmt.Fprintf(b, "step      %s  %s(%s)", s.ID, s.Op, strings.Join(s.In, ", "))
	for _, w := range s.With {
		fmt.Fprintf(b, "  %s=%s", w.Name, w.Value)
	}
	fmt.Fprintf(b, "  at most %d rows\n", s.Out.Rows)
	for _, r := range s.Roles {
		c := s.CostOf(r.Party)
		fmt.Fprintf(b, "            %s is %s", r.Party, r.Role)
		if c.Rounds > 0 {
			fmt.Fprintf(b, ": %d rounds, sends %d B, receives %d B", c.Rounds, c.SentBytes, c.RecvBytes)
		}
		b.WriteByte('\n')
	}
	for _, g := range grouped(s.Out.Columns) {
		fmt.Fprintf(b, "            %s  %s\n", g.label, strings.Join(g.names, " "))
	}
}

func renderRelease(b *strings.Builder, r Release) {
	exact, implied := "noised", ""
	if r.Exact {
		exact = "exact"
	}
	if r.Implied {
		implied = "  implied by the step"
	}
	fmt.Fprintf(b, "release   %s  %s of %s to %s  %s  asks %s%s\n",
		r.ID, r.Form, r.From, names(r.To, ", "), exact, names(r.Owners, ", "), implied)
}

// columnGroup is a run of columns of one label.
type columnGroup struct {
	label label.Label
	names []string
}

// grouped collects columns by label, in order of first appearance.
func grouped(cols []Column) []columnGroup {
	var out []columnGroup
next:
	for _, c := range cols {
		for i := range out {
			if out[i].label.Equal(c.Label) {
				out[i].names = append(out[i].names, c.Name)
				continue next
			}
		}
		out = append(out, columnGroup{label: c.Label, names: []string{c.Name}})
	}
	return out
}

func columnNames(cols []Column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return "[" + strings.Join(out, " ") + "]"
}

// MarshalJSON writes the column with its label as text.
func (c Column) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Input   string   `json:"input,omitempty"`
		Name    string   `json:"name"`
		Owner   party.ID `json:"owner,omitempty"`
		Type    string   `json:"type"`
		Use     Use      `json:"use"`
		Scaled  bool     `json:"scaled,omitempty"`
		Label   string   `json:"label"`
		Lineage []Source `json:"lineage,omitempty"`
	}{c.Input, c.Name, c.Owner, c.Type, c.Use, c.Scaled, c.Label.String(), c.Lineage})
}

// MarshalText writes the source as "owner/input/column".
func (s Source) MarshalText() ([]byte, error) {
	return []byte(string(s.Owner) + "/" + s.Input + "/" + s.Column), nil
}
