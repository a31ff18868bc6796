package job_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
)

func TestEveryFieldIsDocumentedAndDefaultsAreAdmitted(t *testing.T) {
	for _, op := range job.Ops() {
		fields, ok := job.Fields(op)
		if !ok {
			t.Fatalf("%s has no fields", op)
		}
		for _, f := range fields {
			if f.Doc == "" || f.Kind.String() == "" || f.Kind == 0 {
				t.Errorf("%s.%s: %+v", op, f.Name, f)
			}
			if f.Required && f.Default != "" {
				t.Errorf("%s.%s is required and has a default", op, f.Name)
			}
		}
		// A step with only what is required parses: so every default is admitted by its own field.
		with := ""
		if op == job.Align {
			with = ", with: {index: [a]}"
		}
		if op == job.Aggregate {
			with = ", with: {group: g, keys: [1, 2], epsilon: 0.5}"
		}
		s := parse(t, []byte(small("", "{id: s, op: "+string(op)+", in: [i]"+with+"}")), job.YAML)
		for _, f := range fields {
			v, ok := s.Steps[0].Param(f.Name)
			if ok != (f.Required || f.Default != "") {
				t.Errorf("%s.%s present: %v", op, f.Name, ok)
			}
			if f.Default != "" && v.String() != f.Default {
				t.Errorf("%s.%s default %s, want %s", op, f.Name, v, f.Default)
			}
		}
	}
	if _, ok := job.Fields("sort"); ok {
		t.Error("fields of an unknown op")
	}
	if job.Kind(99).String() != "Kind(?)" || (job.Value{}).String() != "null" {
		t.Error("names of the unknown")
	}
}

func TestValueForms(t *testing.T) {
	for _, c := range []struct {
		v    job.Value
		want string
	}{
		{job.Value{Kind: job.Bool, Bool: true}, "true"},
		{job.Value{Kind: job.Int, Int: math.MinInt64}, "-9223372036854775808"},
		{job.Value{Kind: job.Dec, Dec: 0.001}, "0.001"},
		{job.Value{Kind: job.Dec, Dec: 1e-9}, "1e-9"},
		{job.Value{Kind: job.Dec, Dec: math.NaN()}, "null"},
		{job.Value{Kind: job.Amount, Int: 1}, `"0.000000000001"`},
		{job.Value{Kind: job.Amount, Int: -1_500_000_000_000}, `"-1.5"`},
		{job.Value{Kind: job.Amount, Int: 2e12}, `"2"`},
		{job.Value{Kind: job.Word, Text: "<&>"}, `"<&>"`},
		{job.Value{Kind: job.Texts, List: []string{"a", `"`}}, `["a","\""]`},
		{job.Value{Kind: job.Ints, Ints: []int64{1, -2}}, "[1,-2]"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.v, got, c.want)
		}
	}
	b, err := job.Param{Name: "test", Value: job.Value{Kind: job.Dec, Dec: 0.2}}.MarshalJSON()
	if err != nil || string(b) != `{"test":0.2}` {
		t.Errorf("param %s, %v", b, err)
	}
}

func TestNegativeZeroIsZero(t *testing.T) {
	s := parse(t, []byte(small("", "{id: s, op: train.glm, in: [i], with: {lambda: -0, tol: -0.0}}")), job.YAML)
	for _, name := range []string{"lambda", "tol"} {
		if v := s.Steps[0].Dec(name); v != 0 || math.Signbit(v) {
			t.Errorf("%s = %v", name, v)
		}
	}
}

func TestAmountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Int64Range(932, 20e12).Draw(t, "pico")
		text := job.Value{Kind: job.Amount, Int: p}.String()
		step := "{id: s, op: aggregate, in: [i], with: {group: g, keys: [1], epsilon: " + text + "}}"
		s, err := job.Parse([]byte(small("", step)), job.YAML)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Steps[0].Int("epsilon"); got != p {
			t.Errorf("%s: %d, want %d", text, got, p)
		}
	})
}

func TestStepOfNothing(t *testing.T) {
	var s job.Step
	if s.Word("x") != "" || s.Int("x") != 0 || s.Dec("x") != 0 || s.Bool("x") || s.List("x") != nil {
		t.Error("an absent parameter has a value")
	}
}

func TestJobID(t *testing.T) {
	// The encoding, written out: tag, then u32 length and bytes of each string.
	sum := sha256.Sum256([]byte("tacit/job/v1\x00\x00\x00\x04bank\x00\x00\x00\x02r1"))
	id := job.JobID("bank", "r1")
	if want := hex.EncodeToString(sum[:16]); id.String() != want {
		t.Errorf("id %s, want %s", id, want)
	}
	if job.JobID("ban", "kr1") == id {
		t.Error("two submitters share an id")
	}
	back, err := job.ParseID(id.String())
	if err != nil || back != id {
		t.Errorf("back %v, %v", back, err)
	}
	for _, bad := range []string{"", "00", strings.ToUpper(id.String()) + "0", strings.Repeat("A", 32), strings.Repeat("g", 32)} {
		if _, err := job.ParseID(bad); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOpsAreDistinct(t *testing.T) {
	ops := job.Ops()
	slices.Sort(ops)
	if len(slices.Compact(ops)) != 7 {
		t.Errorf("ops %v", ops)
	}
}
