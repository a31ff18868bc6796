package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/sandbox/right"
)

// deny lists every field of the grant that fails the request, in the order of the rules.
func deny(h right.Held, r Request) []Denial {
	c := &checker{g: h.Grant, r: r, used: make(map[string]bool, len(r.ColumnUses)), seen: make(map[Denial]bool)}
	c.standing(h.State)
	for _, p := range r.others() {
		c.need(slices.Contains(c.g.Grantees, p), RuleGrantee, "grantees", join(c.g.Grantees), string(p), "")
	}
	c.need(c.g.Purpose == r.Purpose, RulePurpose, "purpose", c.g.Purpose, r.Purpose, "")
	for _, a := range distinct(r.Actions) {
		c.need(slices.Contains(c.g.Actions, a), RuleAction, "actions", join(c.g.Actions), string(a), "")
	}
	c.need(slices.Contains(c.g.TrustModels, r.TrustModel), RuleTrust, "trust models", join(c.g.TrustModels), r.TrustModel, "")
	for _, l := range distinct(r.Leaks) {
		c.need(slices.Contains(c.g.Leaks, l), RuleLeak, "leaks", join(c.g.Leaks), l, "")
	}
	c.columns()
	c.need(r.Rows <= c.g.Limits.Rows, RuleRows, "rows", number(c.g.Limits.Rows), number(r.Rows), "")
	for _, o := range r.Outputs {
		c.output(o)
	}
	c.need(r.epsilon() <= c.g.Limits.EpsilonPico, RuleEpsilon, "ε in units of 1e-12", number(c.g.Limits.EpsilonPico), number(r.epsilon()), "")
	return c.out
}

// checker collects denials of one request under one grant.
type checker struct {
	g    right.Grant
	r    Request
	used map[string]bool // columns of ColumnUses, each judged there
	seen map[Denial]bool // one failing field is listed once, however often the plan needs it
	out  []Denial
}

func (c *checker) need(ok bool, rule, field, have, need, column string) {
	if !ok {
		d := Denial{Rule: rule, Owner: c.r.Owner, Grant: c.g.ID, Field: field, Have: have, Need: need, Column: column}
		if !c.seen[d] {
			c.seen[d] = true
			c.out = append(c.out, d)
		}
	}
}

// standing checks state and term. One failing field is one denial: a grant that expired is not also in a wrong state.
func (c *checker) standing(s right.GrantState) {
	switch {
	case s == right.GrantRevoked || c.g.Revoked > 0:
		c.need(false, RuleRevoked, "state", string(right.GrantRevoked), string(right.GrantActive), "")
	case s == right.GrantExpired || c.r.Now > c.g.NotAfter:
		c.need(false, RuleExpired, "term", "until "+number(c.g.NotAfter), "now "+number(c.r.Now), "")
	case s != right.GrantActive:
		c.need(false, RuleState, "state", cmp.Or(string(s), "none"), string(right.GrantActive), "")
	case c.r.Now < c.g.NotBefore:
		c.need(false, RuleNotYet, "term", "from "+number(c.g.NotBefore), "now "+number(c.r.Now), "")
	}
}

// columns checks every use, and that nothing flows out of a column that was not granted at all.
func (c *checker) columns() {
	for _, u := range c.r.ColumnUses {
		c.used[u.Column] = true
		have := c.g.Columns[u.Column]
		c.need(slices.Contains(have, u.Use), RuleColumn, "columns", join(have), string(u.Use), u.Column)
	}
	for _, o := range c.r.Outputs {
		for _, name := range o.Columns {
			_, ok := c.g.Columns[name]
			c.need(ok || c.used[name], RuleColumn, "columns", "none", "lineage of "+string(o.Kind), name)
		}
	}
}

// output checks one release. What only the owner receives tells nobody else anything.
func (c *checker) output(o Output) {
	others := without(o.Recipients, c.r.Owner)
	if len(others) == 0 {
		return
	}
	if o.Kind == right.OutputRows && !slices.Contains(c.g.Actions, right.ActionExport) {
		for _, name := range atLeastOne(o.Columns) {
			c.need(false, RuleRawColumn, "actions", join(c.g.Actions), string(right.ActionExport), name)
		}
		return
	}
	rule, ok := c.g.Outputs[o.Kind]
	if !ok {
		c.need(false, RuleOutput, "outputs", join(kinds(c.g)), string(o.Kind), "")
		return
	}
	field := "outputs." + string(o.Kind)
	for _, p := range others {
		c.need(slices.Contains(rule.Recipients, p), RuleRecipient, field, join(rule.Recipients), string(p), "")
	}
	c.need(o.MinRows >= rule.MinRows, RuleMinRows, field, "at least "+number(rule.MinRows), number(o.MinRows), "")
	c.need(o.Noised || !rule.Noised, RuleNoise, field, "noised only", "exact", "")
}

// atLeastOne makes a release of rows without a stated lineage fail once, not pass.
func atLeastOne(columns []string) []string {
	if len(columns) == 0 {
		return []string{""}
	}
	return columns
}

func kinds(g right.Grant) []right.OutputKind {
	out := make([]right.OutputKind, 0, len(g.Outputs))
	for k := range g.Outputs {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// distinct returns list sorted and without repeats.
func distinct[T ~string](list []T) []T {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// join renders a set for a denial.
func join[T ~string](list []T) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, 0, len(list))
	for _, x := range distinct(list) {
		names = append(names, string(x))
	}
	return strings.Join(names, ", ")
}

func number(n int64) string {
	if n == right.Unlimited {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}
