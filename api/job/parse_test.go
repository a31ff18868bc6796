package job_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t testing.TB, b []byte, f job.Format) job.Spec {
	t.Helper()
	s, err := job.Parse(b, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReferenceExampleIsOneTreeInBothForms(t *testing.T) {
	y := parse(t, read(t, "credit-lr.yaml"), job.YAML)
	j := parse(t, read(t, "credit-lr.json"), job.JSON)
	if !reflect.DeepEqual(y, j) {
		t.Fatalf("YAML %+v\nJSON %+v", y, j)
	}
	if y.Name != "credit-lr" || len(y.Inputs) != 2 || len(y.Steps) != 6 || len(y.Releases) != 2 {
		t.Errorf("got %+v", y)
	}
	if in, _ := y.Input("loans"); in.Target != "y" || len(in.Columns) != 3 || in.Dataset != "loans@3" {
		t.Errorf("input %+v", in)
	}
	if _, ok := y.Input("nobody"); ok {
		t.Error("an input that is not there")
	}
	if m := y.Steps[3]; m.Int("max_iter") != 30 || m.Dec("tol") != 0.001 || m.Dec("lambda") != 1 || m.Word("link") != "logit" {
		t.Errorf("model %+v", m)
	}
	if got := y.Limits.Expires.Unix(); got != 1798675200 {
		t.Errorf("expires %d", got)
	}
}

func TestDefaultsAreFilledAndSetsSorted(t *testing.T) {
	s := parse(t, read(t, "group-rate.yaml"), job.YAML)
	if s.Parties[0] != "bank" || s.Releases[0].To[0] != "bank" || s.Coordinator != "hub" {
		t.Errorf("parties %v, to %v", s.Parties, s.Releases[0].To)
	}
	a := s.Steps[1]
	if got := strings.Join(a.List("measures"), " "); got != "count rate" {
		t.Errorf("measures %q", got)
	}
	// 0x1F quoted, a date and 010 plain: all strings, whatever YAML 1.1 thinks.
	if got := strings.Join(a.List("keys"), " "); got != "north south 0x1F 2026-01-01 010" {
		t.Errorf("keys %q", got)
	}
	if a.Int("epsilon") != 1e12 || a.Word("noise") != "laplace" {
		t.Errorf("aggregate %+v", a)
	}
	if al := s.Steps[0]; al.Word("protocol") != "ecdh" || al.Word("suite") != "x25519-ell2" {
		t.Errorf("align %+v", al)
	}
}

func TestCanonicalRoundTrip(t *testing.T) {
	for _, name := range []string{"credit-lr.yaml", "group-rate.yaml"} {
		s := parse(t, read(t, name), job.YAML)
		b, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back := parse(t, b, job.JSON)
		if !reflect.DeepEqual(s, back) {
			t.Errorf("%s: %+v\nback %+v", name, s, back)
		}
		if again := string(back.AppendJSON([]byte("x"))); again != "x"+string(b) {
			t.Errorf("%s: %s\nagain %s", name, b, again)
		}
		var u job.Spec
		if err := u.UnmarshalJSON(b); err != nil || !reflect.DeepEqual(u, s) {
			t.Errorf("%s: UnmarshalJSON: %v", name, err)
		}
		if c, err := s.Canonical(); err != nil || !reflect.DeepEqual(c, s) {
			t.Errorf("%s: Canonical: %v", name, err)
		}
		// JSON is read by both readers alike.
		if viaYAML := parse(t, b, job.YAML); !reflect.DeepEqual(viaYAML, s) {
			t.Errorf("%s: JSON read as YAML differs", name)
		}
	}
	if err := new(job.Spec).UnmarshalJSON([]byte("{}")); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("empty: %v", err)
	}
	if _, err := (job.Spec{}).Canonical(); err == nil {
		t.Error("the zero Spec is valid")
	}
}

// small is a valid spec with a place for one line at the top and one step.
func small(top, step string) string {
	return `version: 1
name: n
purpose: p
trust: 2pc-semihonest
parties: [a, b]
coordinator: a
` + top + `
inputs:
  - {id: i, party: a, dataset: d, key: [k], target: y, columns: [x]}
  - {id: j, party: b, dataset: d@1, key: [k], columns: [x]}
steps:
  - ` + step + `
`
}

const alignStep = `{id: s, op: align, in: [i, j], with: {index: [a, b]}}`

func TestRefusals(t *testing.T) {
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	cases := []struct {
		name, in string
		code     fault.Code
		says     string
	}{
		{"empty", "", fault.Invalid, "not a YAML document"},
		{"scalar", "7", fault.Invalid, "an object wanted, a number found"},
		{"list", "[]", fault.Invalid, "an object wanted, a list found"},
		{"syntax", "a: [", fault.Invalid, "not a YAML document"},
		{"two documents", small("", alignStep) + "---\na: 1\n", fault.Invalid, "more than one YAML document"},
		{"version 2", "version: 2\nfuture: field\n", fault.Unsupported, "line 1, column 1, /version: version 2"},
		{"no version", "name: n", fault.Invalid, `field "version" is missing`},
		{"version text", `version: "1"`, fault.Invalid, "a number wanted, a string found"},
		{"version decimal", "version: 1.0", fault.Invalid, "an integer wanted, a decimal found"},
		{"version huge", "version: 99999999999999999999", fault.Invalid, "an integer from 0"},
		{"unknown field", small("nme: x", alignStep), fault.Invalid, "line 7, column 1, /nme: unknown field"},
		{"duplicate field", small("name: m", alignStep), fault.Invalid, "line 7, column 1, /name: field given twice, first on line 2"},
		{"duplicate by quoting", small(`"name": m`, alignStep), fault.Invalid, "field given twice"},
		{"anchor", small("limits: &l {rows: 1}", alignStep), fault.Invalid, "/limits: anchors are not read"},
		{"key anchor", small("&l limits: {rows: 1}", alignStep), fault.Invalid, "anchors are not read"},
		{"alias", "version: &v 1\nname: *v\n", fault.Invalid, "are not read"},
		{"tag", small("limits: !!map {rows: 1}", alignStep), fault.Invalid, "/limits: tags are not read"},
		{"own tag", small("compiler: !x 1", alignStep), fault.Invalid, "tags are not read"},
		{"key tag", small("!!str compiler: 1", alignStep), fault.Invalid, "tags are not read"},
		{"merge key", small("<<: {compiler: 1}", alignStep), fault.Invalid, "merge keys are not read"},
		{"list as key", small("[a]: 1", alignStep), fault.Invalid, "a field name is text"},
		{"deep", "version: " + strings.Repeat("[", 20) + strings.Repeat("]", 20), fault.Invalid, "nested deeper than 16"},
		{"long field", strings.Repeat("k", 65) + ": 1", fault.Invalid, "a field name of more than 64 bytes"},
		{"non-NFC", small("", alignStep) + "# x\nlimits: {expires: \"e\u0301\"}\n", fault.Invalid, "normal form C"},
		{"control", small("limits: {expires: \"a\\u0007\"}", alignStep), fault.Invalid, "control character"},
		{"bidi", small("limits: {expires: \"a\u202eb\"}", alignStep), fault.Invalid, "control character"},
		{"replacement", small("limits: {expires: \"\ufffd\"}", alignStep), fault.Invalid, "not UTF-8"},
		{"trust", strings.Replace(small("", alignStep), "2pc-semihonest", "2pc-malicious", 1), fault.Unsupported, "/trust: unknown trust model"},
		{"name", strings.Replace(small("", alignStep), "name: n", "name: N", 1), fault.Invalid, "/name: an id is"},
		{"octal is text", strings.Replace(small("", alignStep), "version: 1", "version: 01", 1), fault.Invalid, "a string found"},
		{"hex is text", small("compiler: 0x1F", alignStep), fault.Invalid, "a number wanted, a string found"},
		{"contract", small("contract: sha256:00", alignStep), fault.Invalid, "/contract:"},
		{"contract upper", small("contract: sha256:"+strings.Repeat("A", 64), alignStep), fault.Invalid, "/contract:"},
		{"compiler zero", small("compiler: 0", alignStep), fault.Invalid, "from 1"},
		{"party twice", strings.Replace(small("", alignStep), "[a, b]\ncoord", "[a, a]\ncoord", 1), fault.Invalid, `/parties/1: party "a" listed twice`},
		{"33 parties", strings.Replace(small("", alignStep), "[a, b]\ncoord", list(33, "a")+"\ncoord", 1), fault.LimitExceeded, "33 entries, at most 32"},
		{"no party", strings.Replace(small("", alignStep), "[a, b]\ncoord", "[]\ncoord", 1), fault.Invalid, "0 entries, at least 1"},
		{"stranger", strings.Replace(small("", alignStep), "party: b", "party: c", 1), fault.Invalid, `/inputs/1/party: party "c" is not one`},
		{"dataset", strings.Replace(small("", alignStep), "d@1", "d@01", 1), fault.Invalid, "/inputs/1/dataset: a dataset is"},
		{"dataset 2", strings.Replace(small("", alignStep), "d@1", "d@", 1), fault.Invalid, "a dataset is"},
		{"column twice", strings.Replace(small("", alignStep), "columns: [x]}", "columns: [x, x]}", 1), fault.Invalid, `/inputs/0/columns/1: "x" listed twice`},
		{"two places", strings.Replace(small("", alignStep), "columns: [x]}", "columns: [y]}", 1), fault.Invalid, `/inputs/0: column "y" has two places`},
		{"empty input", strings.Replace(small("", alignStep), "key: [k], columns: [x]", "columns: []", 1), fault.Invalid, "without key, target or columns"},
		{"empty name", strings.Replace(small("", alignStep), "columns: [x]}", `columns: [""]}`, 1), fault.Invalid, "an empty name"},
		{"4097 columns", strings.Replace(small("", alignStep), "columns: [x]}", "columns: "+list(4097, "x")+"}", 1), fault.LimitExceeded, "at most 4096"},
		{"long column", strings.Replace(small("", alignStep), "columns: [x]}", "columns: ["+strings.Repeat("x", 129)+"]}", 1), fault.LimitExceeded, "a string of 129 bytes, at most 128"},
		{"id twice", small("", "{id: i, op: align, in: [i, j], with: {index: [a]}}"), fault.Invalid, `/steps/0: id "i" is taken`},
		{"unknown op", small("", "{id: s, op: sort, in: [i]}"), fault.Unsupported, "/steps/0/op: unknown op"},
		{"in twice", small("", "{id: s, op: align, in: [i, i], with: {index: [a]}}"), fault.Invalid, "/steps/0/in/1"},
		{"in empty", small("", "{id: s, op: align, in: [], with: {index: [a]}}"), fault.Invalid, "/steps/0/in: 0 entries"},
		{"unknown with", small("", "{id: s, op: align, in: [i], with: {index: [a], indx: 1}}"), fault.Invalid, "/steps/0/with/indx: unknown field"},
		{"missing with", small("", "{id: s, op: align, in: [i]}"), fault.Invalid, `/steps/0/with: field "index" is missing`},
		{"index id", small("", "{id: s, op: align, in: [i], with: {index: [A]}}"), fault.Invalid, "an id is"},
		{"index twice", small("", "{id: s, op: align, in: [i], with: {index: [a, a]}}"), fault.Invalid, "listed twice"},
		{"later protocol", small("", "{id: s, op: align, in: [i], with: {index: [a], protocol: oprf}}"), fault.Unsupported, `"oprf" is not built yet`},
		{"later suite", small("", "{id: s, op: align, in: [i], with: {index: [a], suite: ic-x25519-direct}}"), fault.Unsupported, "not built yet"},
		{"rule", small("", "{id: s, op: align, in: [i], with: {index: [a], rules: [rot13]}}"), fault.Invalid, "/with/rules/0: one of"},
		{"9 rules", small("", "{id: s, op: align, in: [i], with: {index: [a], rules: "+list(9, "raw")+"}}"), fault.LimitExceeded, "at most 8"},
		{"test 0", small("", "{id: s, op: split, in: [i], with: {test: 0}}"), fault.Invalid, "a number above 0 and below 1 wanted"},
		{"test 1", small("", "{id: s, op: split, in: [i], with: {test: 1}}"), fault.Invalid, "a number above"},
		{"test inf", small("", "{id: s, op: split, in: [i], with: {test: 1e999}}"), fault.Invalid, "a number above"},
		{"test text", small("", "{id: s, op: split, in: [i], with: {test: .5}}"), fault.Invalid, "a number wanted, a string found"},
		{"stratify", small("", "{id: s, op: split, in: [i], with: {stratify: yes}}"), fault.Invalid, "true or false wanted, a string found"},
		{"seed", small("", "{id: s, op: split, in: [i], with: {seed: -1}}"), fault.Invalid, "from 0"},
		{"method", small("", "{id: s, op: scale, in: [i], with: {method: minmax}}"), fault.Unsupported, "not built yet"},
		{"clip", small("", "{id: s, op: scale, in: [i], with: {clip: 64}}"), fault.Invalid, "below 64"},
		{"link", small("", "{id: s, op: train.glm, in: [i], with: {link: identity}}"), fault.Unsupported, "not built yet"},
		{"link wrong", small("", "{id: s, op: train.glm, in: [i], with: {link: probit}}"), fault.Invalid, "one of"},
		{"iterations", small("", "{id: s, op: train.glm, in: [i], with: {max_iter: 1001}}"), fault.Invalid, "from 1 to 1000"},
		{"lambda", small("", "{id: s, op: train.glm, in: [i], with: {lambda: -0.5}}"), fault.Invalid, "from 0 to 1e+06"},
		{"part", small("", "{id: s, op: predict, in: [i], with: {part: dev}}"), fault.Invalid, "one of"},
		{"metric", small("", "{id: s, op: evaluate, in: [i], with: {metrics: [f1]}}"), fault.Invalid, "one of"},
		{"metric twice", small("", "{id: s, op: evaluate, in: [i], with: {metrics: [auc, auc]}}"), fault.Invalid, "listed twice"},
		{"no group", small("", "{id: s, op: aggregate, in: [i], with: {keys: [a], epsilon: 1}}"), fault.Invalid, `"group" is missing`},
		{"no label", small("", "{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: 1, measures: [sum]}}"), fault.Invalid, "need a label"},
		{"idle label", small("", "{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: 1, label: y}}"), fault.Invalid, "no measure uses"},
		{"epsilon 0", small("", "{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: 0}}"), fault.Invalid, "from 9.32e-10 to 20"},
		{"epsilon places", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: "0.0000000000001"}}`), fault.Invalid, "at most 12 places"},
		{"epsilon exponent", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: 1e-3}}`), fault.Invalid, "12 places"},
		{"epsilon text", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: one}}`), fault.Invalid, "an exact decimal wanted"},
		{"gaussian", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [a], epsilon: 1, noise: gauss}}`), fault.Unsupported, "not built yet"},
		{"mixed keys", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [a, 1], epsilon: 1}}`), fault.Invalid, "a string wanted"},
		{"mixed keys 2", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [1, a], epsilon: 1}}`), fault.Invalid, "a number wanted"},
		{"key twice", small("", `{id: s, op: aggregate, in: [i], with: {group: g, keys: [1, 1], epsilon: 1}}`), fault.Invalid, "listed twice"},
		{"release to nobody", small("releases: [{id: r, from: s, to: []}]", alignStep), fault.Invalid, "/releases/0/to"},
		{"release to stranger", small("releases: [{id: r, from: s, to: [c]}]", alignStep), fault.Invalid, "not one of the job's parties"},
		{"release form", small("releases: [{id: r, from: s, to: [a], form: 7}]", alignStep), fault.Invalid, "/releases/0/form"},
		{"limits", small("limits: {rows: 0}", alignStep), fault.Invalid, "/limits/rows: an integer from 1"},
		{"expires", small("limits: {expires: 2026-12-31}", alignStep), fault.Invalid, "/limits/expires: a time is"},
		{"expires zone", small(`limits: {expires: "2026-12-31T00:00:00+08:00"}`, alignStep), fault.Invalid, "a time is"},
		{"expires zero", small(`limits: {expires: "0001-01-01T00:00:00Z"}`, alignStep), fault.Invalid, "a time is"},
		{"inherit", small("inherit: {job: 00, steps: [s]}", alignStep), fault.Invalid, "/inherit/job"},
		{"inherit id", small("inherit: {job: zz, steps: [s]}", alignStep), fault.Invalid, "a job id is 32"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := job.Parse([]byte(c.in), job.YAML)
			if fault.CodeOf(err) != c.code || err == nil || !strings.Contains(fault.ReasonOf(err), c.says) {
				t.Errorf("got %v\nwant %v with %q", err, c.code, c.says)
			}
		})
	}
}

func TestRefusalsOfJSON(t *testing.T) {
	cases := []struct {
		in   string
		says string
	}{
		{"", "line 1: not a JSON document"},
		{"{\n\"version\": 1,\n}", "line 3: not a JSON document"},
		{`{"version":1} {}`, "not a JSON document"},
		{"{\"version\":1,\n \"name\":\"n\",\n \"name\":\"m\"}", "line 3, column 2, /name: field given twice, first on line 2"},
		{"{\"version\":1,\n\n  \"x/~y\":[1]}", "line 3, column 3, /x~1~0y: unknown field"},
		{`{"version":1,"name":"\ud800"}`, "not UTF-8"},
		{"{\"version\":1,\"name\":\"\xff\"}", "not UTF-8"},
		{`{"version":1,"name":"\u0000"}`, "control character"},
		{strings.Repeat("[", 17) + strings.Repeat("]", 17), "nested deeper than 16"},
		{strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "not a JSON document"},
		{`{"version":1,"name":["n"]}`, "/name: a string wanted, a list found"},
	}
	for _, c := range cases {
		_, err := job.Parse([]byte(c.in), job.JSON)
		if fault.CodeOf(err) != fault.Invalid || err == nil || !strings.Contains(fault.ReasonOf(err), c.says) {
			t.Errorf("%.60q: got %v, want %q", c.in, err, c.says)
		}
	}
	many := "{" + strings.Repeat(`"a":1,`, 1) + `"b":1`
	for i := range 70 {
		many += `,"k` + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + `":1`
	}
	if _, err := job.Parse([]byte(many+"}"), job.JSON); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("many fields: %v", err)
	}
}

func TestSizeBound(t *testing.T) {
	b := append(read(t, "credit-lr.yaml"), '#')
	b = append(b, make([]byte, job.MaxBytes-len(b))...)
	for i := range b {
		if b[i] == 0 {
			b[i] = 'x'
		}
	}
	parse(t, b, job.YAML)
	if _, err := job.Parse(append(b, 'x'), job.YAML); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("one byte over: %v", err)
	}
	if _, err := job.Parse(nil, job.Format(9)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("format: %v", err)
	}
}

func TestCountBounds(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	id := func(i int) string { return "z" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }
	head := strings.SplitAfter(small("", alignStep), "inputs:\n")[0]
	inputs := func(n int) string {
		return head + many(n, func(i int) string { return "  - {id: " + id(i) + ", party: a, dataset: d, key: [k]}\n" })
	}
	steps := func(n int) string {
		return inputs(1) + "steps:\n" + many(n, func(i int) string { return "  - {id: s" + id(i) + ", op: split, in: [zaa]}\n" })
	}
	releases := func(n int) string {
		return inputs(1) + "releases:\n" + many(n, func(i int) string { return "  - {id: r" + id(i) + ", from: x, to: [a]}\n" })
	}
	for _, c := range []struct {
		name string
		make func(int) string
		max  int
	}{{"inputs", inputs, job.MaxInputs}, {"steps", steps, job.MaxSteps}, {"releases", releases, job.MaxReleases}} {
		if _, err := job.Parse([]byte(c.make(c.max)), job.YAML); err != nil {
			t.Errorf("%s at the bound: %v", c.name, err)
		}
		if _, err := job.Parse([]byte(c.make(c.max+1)), job.YAML); fault.CodeOf(err) != fault.LimitExceeded {
			t.Errorf("%s over the bound: %v", c.name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"credit-lr.yaml", "group-rate.yaml", "credit-lr.json"} {
		f.Add(read(f, name))
	}
	f.Add([]byte(small("inherit: {job: 00000000000000000000000000000000, steps: [s]}", alignStep)))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("{\"version\":-0}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range []job.Format{job.YAML, job.JSON} {
			s, err := job.Parse(b, format)
			if err != nil {
				if _, ok := err.(*fault.Error); !ok {
					t.Fatalf("not a fault: %v", err)
				}
				continue
			}
			back, err := job.Parse(s.AppendJSON(nil), job.JSON)
			if err != nil || !reflect.DeepEqual(s, back) {
				t.Fatalf("round trip: %v\n%+v\n%+v", err, s, back)
			}
		}
	})
}
