package plan

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine"
)

// sets are the lists whose order has no meaning.
var sets = []string{"parties", "index", "to", "metrics", "measures", "inputs", "steps", "releases"}

// shuffled writes v as JSON with the fields of every object, and the entries of every set, in random order.
func shuffled(r *rand.Rand, name string, v any) string {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = fmt.Sprintf("%q: %s", k, shuffled(r, k, v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = shuffled(r, "", x)
		}
		if slices.Contains(sets, name) {
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func TestOrderOfWritingHasNoMeaning(t *testing.T) {
	seeds := 1000
	if testing.Short() {
		seeds = 100
	}
	names := goldenNames(t)
	for seed := range seeds {
		r := rand.New(rand.NewSource(int64(seed)))
		spec := readSpec(t, names[seed%len(names)])
		cat := catalog(t, "catalog-small.json")
		want := mustBuild(t, spec, cat)
		var doc any
		if err := json.Unmarshal(spec.AppendJSON(nil), &doc); err != nil {
			t.Fatal(err)
		}
		text := shuffled(r, "", doc)
		r.Shuffle(len(cat.Datasets), func(i, j int) { cat.Datasets[i], cat.Datasets[j] = cat.Datasets[j], cat.Datasets[i] })
		for _, d := range cat.Datasets {
			r.Shuffle(len(d.Columns), func(i, j int) { d.Columns[i], d.Columns[j] = d.Columns[j], d.Columns[i] })
		}
		if got := mustBuild(t, parseSpec(t, text), cat); got.Digest != want.Digest {
			t.Fatalf("seed %d: %s differs in %q\n%s", seed, spec.Name, Diff(got.Sections, want.Sections), text)
		}
	}
}

// mutate changes every leaf under v in turn, calls f, and puts it back. A list is also tried one entry shorter.
func mutate(v reflect.Value, path string, skip []string, f func(path string)) {
	if slices.Contains(skip, path[strings.LastIndex(path, ".")+1:]) {
		return
	}
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	try := func() { f(path); v.Set(old) }
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
		try()
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
		try()
	case reflect.Uint8:
		v.SetUint(v.Uint() + 1)
		try()
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
		try()
	case reflect.Bool:
		v.SetBool(!v.Bool())
		try()
	case reflect.Array:
		mutate(v.Index(0), path, nil, f)
		mutate(v.Index(v.Len()-1), path, nil, f)
	case reflect.Slice:
		for i := range v.Len() {
			mutate(v.Index(i), fmt.Sprintf("%s[%d]", path, i), skip, f)
		}
		if v.Len() > 0 {
			v.Set(v.Slice(0, v.Len()-1))
			try()
		}
	case reflect.Struct:
		if when, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(when.Add(time.Second)))
			try()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				mutate(v.Field(i), path+"."+v.Type().Field(i).Name, skip, f)
			}
		}
	}
}

func TestEveryLeafOfASpecCounts(t *testing.T) {
	for _, name := range goldenNames(t) {
		spec := readSpec(t, name)
		digest := func() Digest {
			return hash("tacit/spec/v1", func(e *encoder) { e.spec(spec, spec.Steps) })
		}
		want, seen, changed := digest(), map[Digest]string{}, 0
		// inherit is refused by Build, so no plan has one.
		mutate(reflect.ValueOf(&spec).Elem(), name, []string{"Inherit"}, func(path string) {
			changed++
			got := digest()
			if got == want {
				t.Errorf("%s does not count", path)
			}
			if other, ok := seen[got]; ok {
				t.Errorf("%s and %s count alike", path, other)
			}
			seen[got] = path
		})
		if changed < 20 || digest() != want {
			t.Errorf("%s: %d leaves", name, changed)
		}
	}
}

func TestEveryLeafOfAPlanCounts(t *testing.T) {
	for _, name := range goldenNames(t) {
		spec := readSpec(t, name)
		p := mustBuild(t, spec, catalog(t, "catalog-small.json"))
		want := p.Digest
		b := &builder{spec: spec, plan: p}
		b.spec.Compiler = Compiler
		steps, err := order(spec)
		if err != nil {
			t.Fatal(err)
		}
		// Name, Purpose and Trust are the Spec's; a step's leaks are also the plan's; the rest is what is computed here.
		skip := []string{"Name", "Purpose", "Trust", "SpecDigest", "Sections", "Digest", "Type"}
		reseal := func() {
			p.Sections = nil
			b.seal(steps)
		}
		check := func(path string) {
			if strings.Contains(path, ".Steps[") && strings.Contains(path, ".Leaks") {
				return
			}
			reseal()
			if p.Digest == want {
				t.Errorf("%s does not count", path)
			}
		}
		mutate(reflect.ValueOf(p).Elem(), name, skip, check)
		if reseal(); p.Digest != want {
			t.Errorf("%s: the digest did not come back", name)
		}
	}
}

func TestMutatedSpecsThatStillBuildDiffer(t *testing.T) {
	for _, name := range goldenNames(t) {
		spec, cat := readSpec(t, name), catalog(t, "catalog-small.json")
		want := mustBuild(t, spec, cat).Digest
		mutate(reflect.ValueOf(&spec).Elem(), name, []string{"Inherit"}, func(path string) {
			p, err := build(spec, cat, withModels)
			if err != nil {
				return
			}
			// Writing out what is the default anyway is the same Spec.
			c, err := spec.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			same := reflect.DeepEqual(c, readSpec(t, name)) || strings.HasSuffix(path, ".Compiler") && c.Compiler == Compiler
			if (p.Digest == want) != same {
				t.Errorf("%s: equal digest %v, equal spec %v", path, p.Digest == want, same)
			}
		})
	}
}

func TestMatchNamesTheFirstDifferingSection(t *testing.T) {
	base := mustBuild(t, readSpec(t, "credit-lr.yaml"), catalog(t, "catalog-small.json"))
	other := func(change func(s *job.Spec, c *fileCatalog)) *Plan {
		s, c := readSpec(t, "credit-lr.yaml"), catalog(t, "catalog-small.json")
		change(&s, c)
		return mustBuild(t, s, c)
	}
	cases := []struct {
		section string
		plan    *Plan
	}{
		{"spec", other(func(s *job.Spec, _ *fileCatalog) { s.Name = "other" })},
		{"parties", other(func(_ *job.Spec, c *fileCatalog) { c.Parties["utility"] = strings.Repeat("00", 32) })},
		{"inputs", other(func(_ *job.Spec, c *fileCatalog) { c.Datasets[0].Version = strings.Repeat("00", 32) })},
		{"inputs", other(func(_ *job.Spec, c *fileCatalog) { c.Datasets[1].Columns[5].Nullable = true })},
		{"bounds", other(func(_ *job.Spec, c *fileCatalog) { c.Datasets[1].Rows++ })},
	}
	for _, c := range cases {
		err := base.Match(c.plan.Sections)
		if fault.CodeOf(err) != fault.PlanMismatch || !strings.Contains(fault.ReasonOf(err), `first in section "`+c.section+`"`) {
			t.Errorf("%s: %v", c.section, err)
		}
	}
	if err := base.Match(base.Sections); err != nil {
		t.Errorf("itself: %v", err)
	}
	if got := Diff(base.Sections, base.Sections[:3]); got != "inputs" {
		t.Errorf("shorter: %q", got)
	}
	if got := Diff(base.Sections[:3], base.Sections); got != "inputs" {
		t.Errorf("longer: %q", got)
	}
	if Root(base.Sections) != base.Digest {
		t.Error("the digest is not the root of its sections")
	}
	for _, s := range append(base.Sections, Section{Name: "compiler"}) {
		if about(s.Name) == "" {
			t.Errorf("nothing about %q", s.Name)
		}
	}
}

func TestTypesReachTheDigest(t *testing.T) {
	c := catalog(t, "catalog-small.json")
	spec := readSpec(t, "credit-lr.yaml")
	want := mustBuild(t, spec, c)
	c.Datasets[0].Columns[7].Type = "float64" // x1 was int64
	if got := mustBuild(t, spec, c); Diff(want.Sections, got.Sections) != "inputs" {
		t.Errorf("another type differs in %q", Diff(want.Sections, got.Sections))
	}
	if (engine.Type{}).Schema != nil {
		t.Error("a zero type has a schema")
	}
}
