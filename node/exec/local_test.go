package exec

import (
	"bytes"
	"crypto/rand"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/node/plan"
)

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

// reading is a run of one party over one file, up to where it would meet its peer.
func reading(t *testing.T, text string, uses map[string]plan.Use, with ...job.Param) (*Run, *ballots) {
	t.Helper()
	path := write(t, text)
	keys := []string{"id"}
	d, err := table.Describe(t.Context(), path, memory.NewGoAllocator(), table.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	in := plan.Input{ID: "loans", Party: "bank", Dataset: "loans@1", Version: d.Digest, Rows: d.Rows}
	in.Type = engine.NewType(d.Schema, label.PrivateTo("bank"))
	for _, f := range d.Schema.Fields() {
		c := plan.Column{Input: in.ID, Name: f.Name, Owner: "bank", Type: f.Type.Name(), Use: uses[f.Name]}
		if f.Name == "id" {
			in.Keys = append(in.Keys, c)
		} else {
			in.Columns = append(in.Columns, c)
		}
	}
	b := newBallots()
	e := New(Config{Self: "bank", Dir: t.TempDir(), Ledger: ledger{b, "bank"}})
	task := &Task{
		Job: "j", Plan: &plan.Plan{Inputs: []plan.Input{in}}, Parties: []party.ID{"bank", "utility"},
		Sources: []Source{{Input: in.ID, Path: path, Keys: keys, Digest: d.Digest}},
	}
	return &Run{engine: e, task: task, slot: Slot{ID: "joined", Step: &plan.Step{ID: "joined", Op: job.Align, With: with}, Attempt: 1}}, b
}

func TestPrecheck(t *testing.T) {
	for _, c := range []struct {
		name, text string
		use        plan.Use
		code       fault.Code
		reason     string
	}{
		{"feature", "id,v\na,1\nb,2\n", plan.UseFeature, 0, ""},
		{"feature with gaps", "id,v\na,1\nb,\nc,2\n", plan.UseFeature, 0, ""},
		{"label", "id,v\na,0\nb,1\n", plan.UseLabel, 0, ""},
		{"label as a float", "id,v\na,0.0\nb,1.0\n", plan.UseLabel, 0, ""},
		{"group of any kind", "id,v\na,x\nb,x\n", plan.UseGroup, 0, ""},
		{"feature that is text", "id,v\na,x\nb,y\n", plan.UseFeature, fault.Invalid, "not numeric"},
		{"label that is text", "id,v\na,yes\nb,no\n", plan.UseLabel, fault.Invalid, "not numeric"},
		{"NaN", "id,v\na,1.5\nb,NaN\n", plan.UseFeature, fault.Invalid, ""},
		{"infinity", "id,v\na,1.5\nb,Inf\n", plan.UseFeature, fault.Invalid, ""},
		{"label of two", "id,v\na,0\nb,1\nc,2\nd,2\n", plan.UseLabel, fault.Invalid, `neither "0" nor "1" in 2 rows`},
		{"label of one class", "id,v\na,1\nb,1\n", plan.UseLabel, fault.Invalid, "one class"},
		{"constant feature", "id,v\na,7\nb,7\n", plan.UseFeature, fault.Invalid, "zero variance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := reading(t, c.text, map[string]plan.Use{"v": c.use})
			err := r.precheck(t.Context())
			if c.code == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantCode(t, err, c.code)
			if !strings.Contains(fault.ReasonOf(err), c.reason) || strings.Contains(err.Error(), "7") {
				t.Errorf("%v, want %q and no value", err, c.reason)
			}
		})
	}
	t.Run("no value at all", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\nb,2\n", map[string]plan.Use{"v": plan.UseFeature})
		var c columnCheck
		c.numeric = true
		wantCode(t, c.verdict(r.task.Plan.Inputs[0].Columns[0]), fault.Invalid)
		c = columnCheck{numeric: true, present: 2, infinite: 1}
		wantCode(t, c.verdict(r.task.Plan.Inputs[0].Columns[0]), fault.Invalid)
	})
	t.Run("the file changed", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\nb,2\n", map[string]plan.Use{"v": plan.UseFeature})
		if err := os.WriteFile(r.task.Sources[0].Path, []byte("id,v\na,1\nb,3\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantCode(t, r.precheck(t.Context()), fault.Corrupt)
	})
	t.Run("the file is gone", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\nb,2\n", map[string]plan.Use{"v": plan.UseFeature})
		if err := os.Remove(r.task.Sources[0].Path); err != nil {
			t.Fatal(err)
		}
		wantCode(t, r.precheck(t.Context()), fault.NotFound)
	})
	t.Run("no input", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\nb,2\n", nil)
		r.task.Sources = nil
		wantCode(t, r.precheck(t.Context()), fault.NotFound)
	})
}

// Before the session only: what a party finds wrong with its own file costs no binding.
func TestBadInputOpensNoSession(t *testing.T) {
	r, b := reading(t, "id,v\na,7\nb,7\n", map[string]plan.Use{"v": plan.UseFeature})
	_, err := align(t.Context(), r)
	wantCode(t, err, fault.Invalid)
	if len(b.bound) != 0 {
		t.Error("a binding was spent")
	}
}

func TestKeys(t *testing.T) {
	use := map[string]plan.Use{"v": plan.UseFeature}
	t.Run("empty keys never match and are noticed", func(t *testing.T) {
		r, b := reading(t, "id,v\na,1\n,2\nb,3\n", use)
		k, err := r.keys(t.Context())
		if err != nil || k.Rows != 3 || len(k.Digest) != 2 || k.Null != 1 {
			t.Fatalf("%+v %v", k, err)
		}
		if len(b.notices) != 1 || !strings.Contains(b.notices[0], "1 of 3 rows") {
			t.Errorf("%q", b.notices)
		}
	})
	t.Run("all keys are good", func(t *testing.T) {
		r, b := reading(t, "id,v\na,1\nb,3\n", use)
		if _, err := r.keys(t.Context()); err != nil || len(b.notices) != 0 {
			t.Fatalf("%v %q", err, b.notices)
		}
	})
	t.Run("a repeated key", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\na,3\n", use)
		_, err := r.keys(t.Context())
		wantCode(t, err, fault.Invalid)
		if strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%v names the key", err)
		}
	})
	t.Run("an unknown rule", func(t *testing.T) {
		r, _ := reading(t, "id,v\na,1\nb,3\n", use, job.Param{Name: "rules", Value: job.Value{List: []string{"nonsense"}}})
		if _, err := r.keys(t.Context()); err == nil {
			t.Error("the rule is accepted")
		}
	})
}

func TestSealedOutputs(t *testing.T) {
	dir, content := t.TempDir(), []byte("an output")
	s, err := seal(dir, "j", Slot{ID: "s", Attempt: 1}, content, rand.Reader)
	if err != nil || s.Bytes != int64(len(content)) {
		t.Fatalf("%+v %v", s, err)
	}
	full := filepath.Join(dir, s.Path)
	whole, err := os.ReadFile(full)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readSealed(dir, "j", "s", 1); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%q %v", got, err)
	}
	for n := range whole {
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		for _, damaged := range [][]byte{whole[:n], flipped} {
			if err := os.WriteFile(full, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readSealed(dir, "j", "s", 1)
			wantCode(t, err, fault.Corrupt)
		}
	}
	for _, place := range [][2]string{{"j", "other"}, {"other", "s"}} {
		_, err := readSealed(dir, place[0], place[1], 1)
		wantCode(t, err, fault.NotFound)
	}
	_, err = readSealed(dir, "j", "s", 2)
	wantCode(t, err, fault.NotFound)
	if _, err := seal(dir, "j", Slot{ID: "empty", Attempt: 1}, nil, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if got, err := readSealed(dir, "j", "empty", 1); err != nil || len(got) != 0 {
		t.Fatalf("%q %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "outputs", "j", "*.tmp")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if info, err := os.Stat(full); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// A file that stands where the directory should be.
func TestSealWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "outputs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := seal(dir, "j", Slot{ID: "s", Attempt: 1}, []byte("x"), rand.Reader)
	wantCode(t, err, fault.Unavailable)
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"列列", 6, "列列"}, {"列列", 5, "列"}, {"列", 2, ""}, {"a\xff", 9, "a?"},
	} {
		if got := Shorten(c.in, c.limit); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q to %d: %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestBindingCoversEverything(t *testing.T) {
	base := func() (*Task, Slot) {
		return &Task{Job: "j", Plan: &plan.Plan{}, Parties: []party.ID{"a", "b"}}, Slot{ID: "s", Attempt: 1}
	}
	seen := map[[32]byte]string{}
	for name, change := range map[string]func(*Task, *Slot){
		"nothing": func(*Task, *Slot) {}, "job": func(t *Task, _ *Slot) { t.Job = "k" }, "plan": func(t *Task, _ *Slot) { t.Plan.Digest[0] = 1 },
		"step": func(_ *Task, s *Slot) { s.ID = "r" }, "attempt": func(_ *Task, s *Slot) { s.Attempt = 2 },
		"mark": func(_ *Task, s *Slot) { s.Mark = 1 }, "approvals": func(t *Task, _ *Slot) { t.Approvals[0] = 1 },
		"parties": func(t *Task, _ *Slot) { t.Parties = []party.ID{"a", "c"} }, "boundary": func(t *Task, _ *Slot) { t.Parties = []party.ID{"ab"} },
	} {
		task, slot := base()
		change(task, &slot)
		b := Binding(task, slot)
		if other, twice := seen[b]; twice {
			t.Errorf("%s and %s share a binding", name, other)
		}
		seen[b] = name
	}
}

var cellParams = dp.Params{
	Keys: []string{"south", "north"}, Measures: []dp.Measure{dp.Count, dp.Sum, dp.Rate}, Kind: dp.Laplace, Epsilon: dp.One,
}

// codecs are the formats of this package with a value each.
func codecs(t testing.TB) map[string]struct {
	encoded []byte
	again   func([]byte) ([]byte, error)
	code    fault.Code // of garbage
} {
	cells := dp.Table{Keys: []string{"north", "south"}, Count: []int64{1, -2}, Sum: []int64{3, 4}, Rate: []float64{0.5, 0}}
	rep := model.Report{AUC: 0.75, KS: 0.5}
	metrics := reportMetrics([]string{"ks", "auc", "roc"})
	vote := Vote{Step: "s", Attempt: 1, Mark: 2, Party: "bank", Code: fault.Timeout, Culprit: "utility", Reason: "late"}
	return map[string]struct {
		encoded []byte
		again   func([]byte) ([]byte, error)
		code    fault.Code
	}{
		"vote": {vote.Encode(), func(b []byte) ([]byte, error) { v, err := DecodeVote(b); return v.Encode(), err }, fault.Misbehaved},
		"index": {encodeIndex(feature.Index{Row: []int64{3, 1}}), func(b []byte) ([]byte, error) {
			v, err := decodeIndex(b)
			return encodeIndex(v), err
		}, fault.Corrupt},
		"floats": {encodeFloats([]float64{0.5, -2}), func(b []byte) ([]byte, error) {
			v, err := decodeFloats(b)
			return encodeFloats(v), err
		}, fault.Corrupt},
		"report": {encodeReport(rep, metrics), func(b []byte) ([]byte, error) {
			v, err := decodeReport(b, metrics)
			return encodeReport(model.Report{AUC: v["auc"], KS: v["ks"]}, metrics), err
		}, fault.Misbehaved},
		"cells": {encodeCells(cells), func(b []byte) ([]byte, error) {
			v, err := decodeCells(b, cellParams)
			return encodeCells(v), err
		}, fault.Misbehaved},
	}
}

func TestCodecs(t *testing.T) {
	for name, c := range codecs(t) {
		got, err := c.again(c.encoded)
		if err != nil || !bytes.Equal(got, c.encoded) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for n := range c.encoded {
			if _, err := c.again(c.encoded[:n]); err == nil || fault.CodeOf(err) != c.code {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if _, err := c.again(append(bytes.Clone(c.encoded), 0)); err == nil || fault.CodeOf(err) != c.code {
			t.Errorf("%s with a byte more: %v", name, err)
		}
	}
	if int64(len(codecs(t)["cells"].encoded)) != CellsCost(cellParams).SentBytes {
		t.Error("cells cost other bytes than declared")
	}
	if int64(len(codecs(t)["report"].encoded)) != ReportCost([]string{"ks", "auc", "roc"}).SentBytes {
		t.Error("a report costs other bytes than declared")
	}
	for _, v := range []int64{-1, milli*1000 + 1} {
		_, err := decodeReport(encodeReport(model.Report{AUC: float64(v) / milli}, []string{"auc"}), []string{"auc"})
		wantCode(t, err, fault.Misbehaved)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		_, err := decodeFloats(encodeFloats([]float64{v}))
		wantCode(t, err, fault.Corrupt)
	}
}

func TestVoteContract(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, c := range []struct {
		name string
		v    Vote
		code fault.Code
	}{
		{"the zero value", Vote{}, 0},
		{"a reason of full length", Vote{Reason: long(maxVoteText)}, 0},
		{"a longer reason", Vote{Reason: long(maxVoteText + 1)}, fault.LimitExceeded},
		{"a longer step", Vote{Step: long(maxStepID + 1)}, fault.LimitExceeded},
		{"a longer culprit", Vote{Culprit: long(party.MaxIDBytes + 1)}, fault.LimitExceeded},
		{"a longer party", Vote{Party: party.ID(long(party.MaxIDBytes + 1))}, fault.LimitExceeded},
		{"an unknown code", Vote{Code: 99}, fault.Misbehaved},
		{"sealed with a code", Vote{Sealed: true, Code: fault.Denied}, fault.Misbehaved},
		{"sealed with a reason", Vote{Sealed: true, Reason: "x"}, fault.Misbehaved},
		{"sealed with a culprit", Vote{Sealed: true, Culprit: "x"}, fault.Misbehaved},
		{"sealed", Vote{Sealed: true, Output: [32]byte{1}}, 0},
	} {
		got, err := DecodeVote(c.v.Encode())
		if c.code == 0 {
			if err != nil || got != c.v {
				t.Errorf("%s: %+v %v", c.name, got, err)
			}
			continue
		}
		if err == nil || fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
}

// An index that no file of this party has is refused, not followed.
func TestIndexBeyondTheFile(t *testing.T) {
	r, _ := reading(t, "id,v\na,1\nb,2\n", map[string]plan.Use{"v": plan.UseFeature})
	for _, row := range []int64{-2, 2, math.MaxInt64} {
		if _, err := r.matrix(t.Context(), []string{"v"}, feature.Index{Row: []int64{row}}); err == nil {
			t.Errorf("row %d is read", row)
		}
	}
}

func fuzzCodec(f *testing.F, name string) {
	c := codecs(f)[name]
	f.Add(c.encoded)
	f.Add([]byte{})
	f.Add(c.encoded[:len(c.encoded)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := c.again(b)
		if err == nil && !bytes.Equal(got, b) {
			t.Fatal("one value with two encodings")
		}
		if code := fault.CodeOf(err); err != nil && code != c.code && code != fault.LimitExceeded {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeVote(f *testing.F)   { fuzzCodec(f, "vote") }
func FuzzDecodeIndex(f *testing.F)  { fuzzCodec(f, "index") }
func FuzzDecodeFloats(f *testing.F) { fuzzCodec(f, "floats") }
func FuzzDecodeReport(f *testing.F) { fuzzCodec(f, "report") }
func FuzzDecodeCells(f *testing.F)  { fuzzCodec(f, "cells") }
