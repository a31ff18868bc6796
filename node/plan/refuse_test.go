package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
)

func TestRefusals(t *testing.T) {
	cases := []struct {
		name, spec string
		edit       []string // old, new pairs
		code       fault.Code
		says       string
	}{
		{"unknown input", "credit-lr", []string{"in: [loans, usage]", "in: [loans, nobody]"}, fault.Invalid, `step "joined" reads "nobody", which is no input or step`},
		{"unknown from", "credit-lr", []string{"from: report", "from: rapport"}, fault.Invalid, `release "r-report" is from "rapport"`},
		{"cycle", "credit-lr", []string{"in: [parts]", "in: [report]"}, fault.Invalid, `step "model" waits for itself`},
		{"unknown dataset", "credit-lr", []string{"loans@3", "loans@4"}, fault.NotFound, `dataset "loans@4" of bank`},
		{"unknown column", "credit-lr", []string{"[u0, u1]", "[u0, u9]"}, fault.SchemaMismatch, `input "usage": column "u9" is not in dataset "usage@1" of utility`},
		{"unknown target", "credit-lr", []string{"target: y", "target: z"}, fault.SchemaMismatch, `column "z" is not in dataset "loans@3" of bank`},
		{"unread type", "credit-lr", []string{"[x0, x1, x2]", "[x0, at]"}, fault.Unsupported, `column "at" of bank has type timestamp`},
		{"compiler", "credit-lr", []string{"compiler: 1", "compiler: 2"}, fault.Unsupported, "compiler 2; this build has 1"},
		{"inherit", "credit-lr", []string{"inherit: null", `inherit: {job: "00000000000000000000000000000000", steps: [joined]}`}, fault.Unsupported, "cannot be reused yet"},
		{"rows", "credit-lr", []string{"rows: 1000000", "rows: 11999"}, fault.LimitExceeded, "12000 rows declared, limits.rows is 11999"},
		{"bytes", "credit-lr", []string{"sent_bytes: 8589934592", "sent_bytes: 535158"}, fault.LimitExceeded, "bank would send 535159 bytes, limits.sent_bytes is 535158"},

		{"date key", "overlap-both", []string{"dataset: loans@3, key: [id_hash]", "dataset: loans@3, key: [born]", "dataset: usage@1, key: [id_hash]", "dataset: usage@1, key: [born]"}, fault.SchemaMismatch, `keys of input "loans" (bank): column "born"`},
		{"float key", "overlap-both", []string{"dataset: loans@3, key: [id_hash]", "dataset: loans@3, key: [score]"}, fault.Invalid, `key column "score" of bank is float64`},
		{"bool key", "overlap-both", []string{"dataset: usage@1, key: [id_hash]", "dataset: usage@1, key: [churned]"}, fault.Invalid, `key column "churned" of utility is bool`},
		{"key classes", "overlap-both", []string{"dataset: usage@1, key: [id_hash]", "dataset: usage@1, key: [id_no]"}, fault.Invalid, `"id_hash" of bank is utf8 and "id_no" of utility is int64`},
		{"key count", "two-keys", []string{"[mobile, since]", "[mobile]"}, fault.Invalid, `2 key columns in "loans" and 1 in "usage"`},
		{"no key", "overlap-both", []string{"dataset: usage@1, key: [id_hash]", "dataset: usage@1, columns: [u0]"}, fault.Invalid, `0 in "usage"`},
		{"rule count", "two-keys", []string{"[phone-cn, date]", "[phone-cn]"}, fault.Invalid, "1 rules for 2 key columns"},
		{"index", "group-rate", []string{"index: [bank]", "index: [regulator]"}, fault.Invalid, "index names regulator, which owns none"},
		{"align a step", "prepare", []string{"op: split, in: [joined], with: {test: 0.3, seed: 7, stratify: false}", "op: align, in: [joined, usage], with: {index: [bank]}"}, fault.Unsupported, `"joined" is a step`},
		{"align one", "overlap-both", []string{"in: [loans, usage]", "in: [loans]"}, fault.Unsupported, "between two inputs of two parties"},
		{"trust", "overlap-both", []string{"2pc-semihonest", "3pc-honest-majority"}, fault.Unsupported, "op align is not offered under 3pc-honest-majority"},

		{"split a report", "credit-lr", []string{"inherit: null", "", "releases:", "  - {id: more, op: split, in: [report]}\nreleases:"}, fault.Invalid, "split reads one table"},
		{"split twice", "credit-lr", []string{"op: scale,    in: [parts],          with: {method: zscore, clip: 8}", "op: split,    in: [parts]"}, fault.Invalid, "the rows are split already"},
		{"stratify", "prepare", []string{"stratify: false", "stratify: true"}, fault.Invalid, "stratify needs one input with a target"},
		{"split nothing", "overlap-both", []string{"{index: [bank, utility]}}", "{index: [bank, utility]}}\n  - {id: parts, op: split, in: [joined]}"}, fault.Invalid, "no columns to split"},
		{"split without index", "credit-lr", []string{"index: [bank, utility]", "index: [bank]"}, fault.Invalid, "needs the matched rows of utility"},
		{"scale text", "prepare", []string{"columns: [u0]", "columns: [city]"}, fault.Invalid, `input "usage" (utility): column "city"`},
		{"scale twice", "prepare", []string{"with: {clip: 4}}", "with: {clip: 4}}\n  - {id: again, op: scale, in: [scaled]}"}, fault.Invalid, "is scaled already"},
		{"scale nothing", "overlap-both", []string{"{index: [bank, utility]}}", "{index: [bank, utility]}}\n  - {id: s, op: scale, in: [joined]}"}, fault.Invalid, "no feature columns to scale"},
		{"scale two", "prepare", []string{"op: scale, in: [parts]", "op: scale, in: [parts, joined]"}, fault.Invalid, "scale reads one table"},

		{"train unscaled", "credit-lr", []string{"in: [scaled],        with: {link", "in: [parts],        with: {link"}, fault.Invalid, "put a scale step before"},
		{"train without target", "credit-lr", []string{"target: y, ", "", "seed: 42", "seed: 42, stratify: false"}, fault.Invalid, "exactly one input with a target"},
		{"two targets", "score-all", []string{"columns: [u0, u1]", "target: churned, columns: [u0, u1]"}, fault.Invalid, "exactly one input with a target"},
		{"text target", "score-all", []string{"target: y", "target: region"}, fault.SchemaMismatch, `target "region" of bank is utf8`},
		{"one party", "score-all", []string{", columns: [u0, u1]", ""}, fault.Unsupported, "exactly two parties, the label holder and one with features; here are 1"},
		{"model order", "credit-lr", []string{"in: [scaled, model]", "in: [model, scaled]"}, fault.Invalid, "a table and a model, in this order"},
		{"predict text", "credit-lr", []string{"in: [scaled, model]", "in: [parts, model]"}, fault.Invalid, "is not scaled"},
		{"part", "score-all", []string{"op: predict, in: [scaled, model]", "op: predict, in: [scaled, model], with: {part: test}"}, fault.Invalid, `part "test" of rows that are not split`},
		{"evaluate rows", "credit-lr", []string{"op: evaluate, in: [scores]", "op: evaluate, in: [scaled]"}, fault.Invalid, "reads the scores"},

		{"group far", "group-rate", []string{"group: region", "group: city", "key: [id_hash]}", "key: [id_hash], columns: [city]}"}, fault.Unsupported, `group "city" is at utility and label "y" at bank; bring both from one party`},
		{"group missing", "group-rate", []string{"group: region", "group: branch"}, fault.SchemaMismatch, `column "branch" is not among the requested columns`},
		{"group twice", "group-local", []string{"parties: [bank, regulator]", "parties: [bank, regulator, utility]", "columns: [branch]}", "columns: [branch]}\n  - {id: more, party: bank, dataset: loans@3, columns: [branch]}", "in: [loans]", "in: [more, loans]"}, fault.Invalid, "aggregate reads one table"},
		{"group type", "group-rate", []string{"group: region", "group: branch", "columns: [region]", "columns: [branch]"}, fault.SchemaMismatch, `group column "branch" of bank is int64; the keys are a list of names`},
		{"group key type", "group-local", []string{"[branch]", "[region]", "group: branch", "group: region"}, fault.SchemaMismatch, "the keys are a list of integers"},
		{"label type", "group-rate", []string{"label: y", "label: x0", "columns: [region]", "columns: [region, x0]"}, fault.SchemaMismatch, `label "x0" of bank is float64`},
		{"label is group", "group-local", []string{"epsilon: 0.25", "epsilon: 0.25, measures: [sum], label: branch"}, fault.SchemaMismatch, "and not the group"},
		{"aggregate without index", "group-rate", []string{"index: [bank]", "index: [utility]"}, fault.Invalid, "needs the matched rows of bank"},
		{"aggregate scores", "credit-lr", []string{"op: evaluate, in: [scores],         with: {metrics: [auc, ks, lift]}", "op: aggregate, in: [scores], with: {group: region, keys: [north], epsilon: 1}"}, fault.Invalid, "aggregate reads one table"},
		{"tiny share of ε", "group-rate", []string{`epsilon: "1.0"`, `epsilon: "0.000000000933"`}, fault.Invalid, `step "rates"`},

		{"text feature", "credit-lr", []string{"[x0, x1, x2]", "[x0, x1, x2, region]"}, fault.Invalid, `column "region"`},
		{"unused key", "one-holder", []string{"target: churned", "key: [id_hash], target: churned"}, fault.Invalid, `column "id_hash" of input "usage" (utility) is requested and no step uses it`},
		{"unused feature", "overlap-both", []string{"dataset: usage@1, key: [id_hash]", "dataset: usage@1, key: [id_hash], columns: [u0]"}, fault.Invalid, `column "u0" of input "usage" (utility) is requested and no step uses it`},

		{"release input", "credit-lr", []string{"from: report, to: [bank, utility], min_rows: 100", "from: usage, to: [bank]"}, fault.Denied, `rule release/raw-column: release "r-report": "usage" holds rows: "id_hash" of utility, "u0" of utility, "u1" of utility`},
		{"release joined", "credit-lr", []string{"from: report, to: [bank, utility], min_rows: 100", "from: joined, to: [bank]"}, fault.Denied, `"u0" of utility`},
		{"release parts", "credit-lr", []string{"from: report, to: [bank, utility], min_rows: 100", "from: parts, to: [bank]"}, fault.Denied, "rule release/raw-column"},
		{"release scaled", "credit-lr", []string{"from: report, to: [bank, utility], min_rows: 100", "from: scaled, to: [utility]"}, fault.Denied, "rule release/raw-column"},
		{"release form", "credit-lr", []string{"form: own-coefficients", "form: full"}, fault.Denied, `rule release/form: release "r-model": the model of "model" open as own-coefficients only`},
		{"coefficients to a stranger", "utility-label", []string{"from: model, to: [utility]", "from: model, to: [regulator]"}, fault.Denied, "rule release/coefficient: release \"r-model\": regulator has no column"},
		{"scores to the host", "score-all", []string{"to: [bank], form", "to: [utility], form"}, fault.Denied, "rule release/score: release \"r-scores\": scores open to the label holder bank only"},
		{"scores to both", "score-all", []string{"to: [bank], form", "to: [bank, utility], form"}, fault.Denied, "rule release/score"},
		{"few rows", "credit-lr", []string{"min_rows: 100", "min_rows: 99"}, fault.Denied, "rule release/min-rows: release \"r-report\": min_rows 99, at least 100"},
		{"too few rows", "credit-lr", []string{"min_rows: 100", "min_rows: 2002"}, fault.Invalid, `"report" has at most 2001 rows, min_rows is 2002`},
		{"pick a metric", "utility-label", []string{"columns: [logloss]", "columns: [auc]"}, fault.SchemaMismatch, `has no column "auc"`},
		{"pick a coefficient", "utility-label", []string{"to: [utility]}", "to: [utility], columns: [u1]}"}, fault.Unsupported, "cannot be picked"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := string(readGolden(t, c.spec))
			for i := 0; i < len(c.edit); i += 2 {
				text = strings.Replace(text, c.edit[i], c.edit[i+1], 1)
			}
			s, err := job.Parse([]byte(text), job.YAML)
			if err == nil {
				_, err = build(s, catalog(t, "catalog-small.json"), withModels)
			}
			if err == nil || fault.CodeOf(err) != c.code || !strings.Contains(fault.ReasonOf(err), c.says) {
				t.Errorf("got %v\nwant %v with %q", err, c.code, c.says)
			}
		})
	}
}

// oddCatalog answers one description for everything.
type oddCatalog struct{ ds Dataset }

func (o oddCatalog) Root(party.ID) ([32]byte, error) { return [32]byte{1}, nil }

func (o oddCatalog) Describe(party.ID, string) (Dataset, error) { return o.ds, nil }

func TestCatalogueAnswersAreChecked(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id_hash", Type: arrow.BinaryTypes.String}}, nil)
	mine := engine.NewType(schema, label.PrivateTo("bank"))
	twice := arrow.NewSchema([]arrow.Field{schema.Field(0), schema.Field(0)}, nil)
	cases := []struct {
		name string
		ds   Dataset
		code fault.Code
	}{
		{"nothing", Dataset{Rows: 1}, fault.SchemaMismatch},
		{"no labels", Dataset{Type: engine.Type{Schema: schema}, Rows: 1}, fault.SchemaMismatch},
		{"None", Dataset{Type: engine.NewType(schema, label.Label{}), Rows: 1}, fault.SchemaMismatch},
		{"another's", Dataset{Type: mine, Rows: 1}, fault.SchemaMismatch}, // usage is utility's
		{"shared", Dataset{Type: engine.NewType(schema, label.SharedBy("bank", "utility")), Rows: 1}, fault.SchemaMismatch},
		{"no rows", Dataset{Type: engine.NewType(schema, label.Open()), Rows: 0}, fault.Invalid},
		{"too many rows", Dataset{Type: engine.NewType(schema, label.Open()), Rows: MaxRows + 1}, fault.LimitExceeded},
		{"more than psi takes", Dataset{Type: engine.NewType(schema, label.Open()), Rows: MaxRows}, fault.LimitExceeded},
		{"one name twice", Dataset{Type: engine.NewType(twice, label.Open()), Rows: 1}, fault.SchemaMismatch},
	}
	for _, c := range cases {
		if _, err := Build(readSpec(t, "overlap-both.yaml"), oddCatalog{c.ds}); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %v", c.name, err, c.code)
		}
	}
	one := Dataset{Type: engine.NewType(schema, label.Open()), Rows: 1}
	if p, err := Build(readSpec(t, "overlap-both.yaml"), oddCatalog{one}); err != nil || p.Steps[0].Out.Rows != 1 {
		t.Errorf("one public row: %v", err)
	}
}

func TestUnpinnedParty(t *testing.T) {
	c := catalog(t, "catalog-small.json")
	delete(c.Parties, "utility")
	if _, err := Build(readSpec(t, "overlap-both.yaml"), c); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestHandmadeSpecsAreChecked(t *testing.T) {
	if _, err := Build(job.Spec{}, catalog(t, "catalog-small.json")); err == nil {
		t.Error("the zero Spec builds")
	}
	s := readSpec(t, "overlap-both.yaml")
	s.Steps[0].With[0].Value.List = []string{"utility", "bank"} // unsorted: made canonical, not refused
	p, err := Build(s, catalog(t, "catalog-small.json"))
	if err != nil || p.Digest != mustBuild(t, readSpec(t, "overlap-both.yaml"), catalog(t, "catalog-small.json")).Digest {
		t.Errorf("unsorted set: %v", err)
	}
}

func TestOpsWithoutAProtocolAreRefused(t *testing.T) {
	none := func(job.Op) (protocol, bool) { return protocol{}, false }
	undeclared := func(job.Op) (protocol, bool) { return protocol{trust: anyTrust(), cost: noCost}, true }
	for name, table := range map[string]func(job.Op) (protocol, bool){"none": none, "undeclared leaks": undeclared} {
		_, err := build(readSpec(t, "overlap-both.yaml"), catalog(t, "catalog-small.json"), table)
		if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(fault.ReasonOf(err), "has no protocol in this build") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProtocolErrorsAndForeignRolesStopTheBuild(t *testing.T) {
	broken := fault.New(fault.Precision, "x", "too small")
	tables := map[fault.Code]protocol{
		fault.Precision: {trust: anyTrust(), cost: func(shape) ([]PartyCost, error) { return nil, broken }, leaks: noLeaks},
		fault.Internal:  {trust: anyTrust(), cost: noCost, leaks: foreignLeak},
	}
	for code, p := range tables {
		_, err := build(readSpec(t, "overlap-both.yaml"), catalog(t, "catalog-small.json"), func(job.Op) (protocol, bool) { return p, true })
		if !errors.Is(err, code) {
			t.Errorf("%v: %v", code, err)
		}
	}
}

func TestEveryBuiltinEntryIsComplete(t *testing.T) {
	for _, op := range job.Ops() {
		if p, ok := builtin(op); ok && (len(p.trust) == 0 || p.cost == nil || p.leaks == nil) {
			t.Errorf("%s: incomplete", op)
		}
	}
}
