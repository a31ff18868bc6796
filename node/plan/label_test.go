package plan

import (
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/label"
)

// viewers is the oracle: who sees a column of label l in the clear alone. It shares no code with engine/label.
func viewers(l label.Label) map[party.ID]bool {
	out := map[party.ID]bool{}
	switch l.Kind {
	case label.Public:
		for _, p := range []party.ID{"a", "b", "c"} {
			out[p] = true
		}
	case label.Private, label.Noised:
		for _, p := range l.Parties {
			out[p] = true
		}
	case label.Shared, label.Encrypted:
		if len(l.Parties) == 1 {
			out[l.Parties[0]] = true
		}
	}
	return out
}

func TestLabelsNeverWeaken(t *testing.T) {
	groups := [][]party.ID{{"a"}, {"b"}, {"c"}, {"a", "b"}, {"a", "c"}, {"b", "c"}, {"a", "b", "c"}}
	all := []label.Label{{}, label.Open()}
	for _, g := range groups {
		if len(g) == 1 {
			all = append(all, label.PrivateTo(g[0]))
		}
		if len(g) > 1 {
			all = append(all, label.SharedBy(g...), label.EncryptedTo(g...))
		}
		all = append(all, label.NoisedTo(1e12, 0, g...))
	}
	admitted, tuples := 0, 0
	check := func(row opRow, holders []party.ID, in ...label.Label) {
		tuples++
		out, err := combine(row.rule, holders, in...)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%s %v: %v", row.op, in, err)
			}
			return
		}
		admitted++
		for _, l := range in {
			if l.Kind == label.None {
				t.Errorf("%s admits an unlabelled column", row.op)
			}
			before := viewers(l)
			for p := range viewers(out) {
				if !before[p] {
					t.Errorf("%s with %v: %v becomes %v, which %s sees", row.op, holders, in, out, p)
				}
			}
		}
	}
	for _, row := range opRows() {
		for _, holders := range groups {
			if len(holders) < 2 {
				continue // a protocol has two holders at least; jointFeatures refuses others
			}
			for _, x := range all {
				check(row, holders, x)
				for _, y := range all {
					check(row, holders, x, y)
					for _, z := range all {
						check(row, holders, x, y, z)
					}
				}
			}
		}
	}
	if admitted < 100 || tuples < 1000 {
		t.Errorf("%d of %d tuples admitted", admitted, tuples)
	}
	if _, err := combine(0, nil); fault.CodeOf(err) != fault.Internal {
		t.Errorf("no rule: %v", err)
	}
}

func TestEveryOpHasOneRow(t *testing.T) {
	if len(opRows()) != len(job.Ops()) {
		t.Errorf("%d rows for %d ops", len(opRows()), len(job.Ops()))
	}
	for _, op := range job.Ops() {
		if row, ok := rowOf(op); !ok || row.bind == nil || row.rule == 0 {
			t.Errorf("%s: %+v", op, row.rule)
		}
	}
	if _, ok := rowOf("sort"); ok {
		t.Error("a row of an unknown op")
	}
}

func TestLabelsOfAllGoldenPlansFollowTheirInputs(t *testing.T) {
	for _, name := range goldenNames(t) {
		p := mustBuild(t, readSpec(t, name), catalog(t, "catalog-small.json"))
		for _, st := range p.Steps {
			for _, c := range st.Out.Columns {
				// Whoever sees a column must own everything it depends on except keys, unless a release opened it.
				sources := c.Lineage // a table's column; a computed one shares its output's
				if len(sources) == 0 {
					sources = st.Out.Lineage
				}
				for _, s := range sources {
					in, _ := p.Input(s.Input)
					isKey := false
					for _, k := range in.Keys {
						isKey = isKey || k.Name == s.Column
					}
					if viewers(c.Label)[c.Owner] && c.Label.Kind == label.Private && !isKey && s.Owner != c.Label.Parties[0] && st.Out.Kind != Report {
						t.Errorf("%s: %s.%s is %s and depends on %v", name, st.ID, c.Name, c.Label, s)
					}
				}
				if c.Label.Kind == label.None || len(sources) == 0 {
					t.Errorf("%s: %s.%s has label %s and lineage %v", name, st.ID, c.Name, c.Label, sources)
				}
			}
		}
	}
}
