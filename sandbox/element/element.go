// Package element describes what a job made: the sealed intermediate products that are sold instead of raw data (数据元件).
// An element is addressed by the digest of its description, which names plan, inputs, rights, algorithm and outputs,
// so that lineage cannot be edited after the fact.
package element

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// Bounds of an element. Beyond them it is refused with fault.LimitExceeded.
const (
	MaxInputs     = 64 // as many as a job may have
	MaxOutputs    = 32 // one per party
	MaxMetrics    = 64
	MaxCategories = 64
)

// Kind is the form of an element.
type Kind string

// The kinds.
const (
	Model     Kind = "model"
	Aggregate Kind = "aggregate"
	Report    Kind = "report"
)

// Known reports whether k is one of the kinds.
func (k Kind) Known() bool { return k == Model || k == Aggregate || k == Report }

// InputKind says what an input is.
type InputKind string

// The kinds of input.
const (
	FromResource InputKind = "resource" // a dataset version, "loans@3"
	FromElement  InputKind = "element"  // another element, "sha256:…"
)

// Element is the description of a model, aggregate or report. It is a value: its slices are never changed by this
// package. It holds digests, names and counts, never a value of the data.
type Element struct {
	Kind       Kind
	Job        string   // job id
	Plan       [32]byte // digest of the approved plan
	Step       string   // id of the step that made it
	Inputs     []Input  // what it was made from; at least one
	Algorithm  Algorithm
	Outputs    []Output // what each party holds of it; at least one
	Metrics    []Metric // quality
	Grade      int      // the strictest grade of the inputs (Invariant I5)
	Categories []string // of all inputs and its own: what combinations a negative list may forbid
	Created    int64    // UTC milliseconds
}

// Input is one thing an element was made from, and the right by which.
type Input struct {
	Kind   InputKind
	Owner  party.ID
	ID     string   // "loans@3" or "sha256:…"
	Digest [32]byte // of the resource's bytes, or of the element's description
	Right  string   // id of the grant; empty where the owner used its own data
	Grade  int      // 1 to catalog.MaxGrade
}

// Algorithm is what ran: operator, version, digest of its parameters.
type Algorithm struct {
	Op      string // "train.glm"
	Version int    // from 1
	Params  [32]byte
}

// Output is what one party holds: its share, its coefficients, its copy.
type Output struct {
	Party  party.ID
	Digest [32]byte
}

// Metric is one measure of quality, in millionths ("auc": 812345 is 0.812345).
type Metric struct {
	Name  string
	Micro int64
}

// Seal completes a description: it sorts the sets and sets the grade to the strictest of the inputs.
//
// Errors: those of Check.
func Seal(e Element) (Element, error) {
	e = e.Normal()
	e.Grade = e.maxGrade()
	if err := e.Check(); err != nil {
		return Element{}, err
	}
	return e, nil
}

func (e Element) maxGrade() int {
	grade := 0
	for _, in := range e.Inputs {
		grade = max(grade, in.Grade)
	}
	return grade
}

// Normal returns e with its sets sorted and exact repeats removed: the form that is encoded.
func (e Element) Normal() Element {
	e.Inputs = slices.Clone(e.Inputs)
	slices.SortFunc(e.Inputs, compareInputs)
	e.Inputs = slices.Compact(e.Inputs)
	e.Outputs = slices.Clone(e.Outputs)
	slices.SortFunc(e.Outputs, func(a, b Output) int { return cmp.Compare(a.Party, b.Party) })
	e.Metrics = slices.Clone(e.Metrics)
	slices.SortFunc(e.Metrics, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	e.Categories = slices.Clone(e.Categories)
	slices.Sort(e.Categories)
	e.Categories = slices.Compact(e.Categories)
	return e
}

func compareInputs(a, b Input) int {
	return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Right, b.Right), cmp.Compare(a.Grade, b.Grade), slices.Compare(a.Digest[:], b.Digest[:]))
}

// ID is the element's content address, "sha256:" and 64 hex digits of Digest.
//
// Errors: those of Check.
func (e Element) ID() (string, error) {
	d, err := e.Digest()
	if err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(d[:]), nil
}

// Digest is SHA-256 of the canonical encoding.
//
// Errors: those of Check.
func (e Element) Digest() ([32]byte, error) {
	b, err := e.Encode()
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(b), nil
}

// Check verifies every field; the order of sets does not matter.
//
// Errors: fault.Invalid (a name, digest, version or time missing or out of range; a party, metric or input twice; a
// grade that is not the strictest of the inputs), fault.LimitExceeded (a bound).
func (e Element) Check() error {
	const op = "element.Check"
	switch {
	case len(e.Inputs) > MaxInputs || len(e.Outputs) > MaxOutputs || len(e.Metrics) > MaxMetrics || len(e.Categories) > MaxCategories:
		return fault.New(fault.LimitExceeded, op, "%d inputs, %d outputs, %d metrics, %d categories; at most %d, %d, %d, %d", len(e.Inputs), len(e.Outputs), len(e.Metrics), len(e.Categories), MaxInputs, MaxOutputs, MaxMetrics, MaxCategories)
	case !e.Kind.Known():
		return fault.New(fault.Invalid, op, "an element is a model, an aggregate or a report")
	case !catalog.ValidToken(e.Job) || !catalog.ValidToken(e.Step) || e.Plan == [32]byte{}:
		return fault.New(fault.Invalid, op, "an element names its job, plan and step")
	case !catalog.ValidToken(e.Algorithm.Op) || e.Algorithm.Version < 1 || e.Algorithm.Version > catalog.MaxVersion:
		return fault.New(fault.Invalid, op, "an element names its algorithm and version")
	case len(e.Inputs) == 0 || len(e.Outputs) == 0:
		return fault.New(fault.Invalid, op, "an element has at least one input and one output")
	case e.Created <= 0:
		return fault.New(fault.Invalid, op, "an element has a time")
	}
	for _, in := range e.Inputs {
		if err := in.check(); err != nil {
			return err
		}
	}
	if want := e.maxGrade(); e.Grade != want {
		return fault.New(fault.Invalid, op, "I5: grade %d, the strictest input has %d", e.Grade, want)
	}
	return e.checkSets()
}

func (in Input) check() error {
	const op = "element.Check"
	switch {
	case !party.Valid(string(in.Owner)):
		return fault.New(fault.Invalid, op, "the owner of an input is not a party id")
	case in.Digest == [32]byte{}:
		return fault.New(fault.Invalid, op, "an input of %s has no digest", in.Owner)
	case in.Right != "" && !catalog.ValidToken(in.Right):
		return fault.New(fault.Invalid, op, "an input of %s names a right of the wrong form", in.Owner)
	case in.Grade < 1 || in.Grade > catalog.MaxGrade:
		return fault.New(fault.Invalid, op, "an input of %s has grade %d, 1 to %d allowed", in.Owner, in.Grade, catalog.MaxGrade)
	case in.Kind == FromElement:
		if in.ID != "sha256:"+hex.EncodeToString(in.Digest[:]) {
			return fault.New(fault.Invalid, op, "an input element of %s whose id is not its digest", in.Owner)
		}
		return nil
	case in.Kind != FromResource:
		return fault.New(fault.Invalid, op, "an input of %s is neither resource nor element", in.Owner)
	}
	_, _, err := catalog.ParseID(in.ID)
	return err
}

func (e Element) checkSets() error {
	const op = "element.Check"
	parties, metrics, inputs := make(map[party.ID]bool), make(map[string]bool), make(map[[2]string]bool)
	for _, in := range e.Normal().Inputs {
		k := [2]string{string(in.Owner), in.ID}
		if inputs[k] {
			return fault.New(fault.Invalid, op, "input %s of %s is described twice, differently", in.ID, in.Owner)
		}
		inputs[k] = true
	}
	for _, o := range e.Outputs {
		if !party.Valid(string(o.Party)) || parties[o.Party] || o.Digest == [32]byte{} {
			return fault.New(fault.Invalid, op, "an output without party or digest, or a second one of %s", o.Party)
		}
		parties[o.Party] = true
	}
	for _, m := range e.Metrics {
		if !catalog.ValidToken(m.Name) || metrics[m.Name] {
			return fault.New(fault.Invalid, op, "a metric without a name, or twice")
		}
		metrics[m.Name] = true
	}
	if slices.ContainsFunc(e.Categories, func(c string) bool { return !catalog.ValidToken(c) }) {
		return fault.New(fault.Invalid, op, "a category that is not a code")
	}
	return nil
}
