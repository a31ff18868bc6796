package plan

import (
	"encoding/hex"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/protocols"
)

// Compiler is the version of the rules by which a plan follows from a Spec. It changes when equal inputs would give
// another digest.
const Compiler = 1

// Digest is a SHA-256.
type Digest [32]byte

// String returns 64 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Plan is what will run, and what its owners approve. It is a value of Build and never changes.
type Plan struct {
	Compiler   int         `json:"compiler"`
	Name       string      `json:"name"`
	Purpose    string      `json:"purpose"`
	Trust      job.Trust   `json:"trust"`
	SpecDigest Digest      `json:"spec_digest"`
	Parties    []Party     `json:"parties"`  // sorted by id
	Inputs     []Input     `json:"inputs"`   // sorted by id
	Steps      []Step      `json:"steps"`    // topological, ties by id
	Releases   []Release   `json:"releases"` // sorted by id, implied ones included
	Leaks      []Leak      `json:"leaks"`    // the leakage statement, line by line
	Cost       []PartyCost `json:"cost"`     // totals, one per party, sorted
	Sections   []Section   `json:"sections"`
	Digest     Digest      `json:"digest"`

	uses   []markedUse // what the steps really touch; sorted
	limits job.Limits
}

// Party is one party of the job.
type Party struct {
	ID   party.ID `json:"id"`
	Root Digest   `json:"root"` // fingerprint of its root key
}

// Input is a dataset, narrowed to the columns the job requested.
type Input struct {
	ID      string      `json:"id"`
	Party   party.ID    `json:"party"`
	Dataset string      `json:"dataset"`
	Version Digest      `json:"version"`
	Rows    int64       `json:"rows"` // declared bound
	Type    engine.Type `json:"-"`    // key columns, then target, then columns, in the order of the Spec
	Keys    []Column    `json:"keys,omitempty"`
	Columns []Column    `json:"columns,omitempty"` // target first
}

// Step is one step. Who takes part is in Roles; a party that is not there does nothing.
type Step struct {
	ID    string      `json:"id"`
	Op    job.Op      `json:"op"`
	In    []string    `json:"in"`
	With  []job.Param `json:"with,omitempty"` // every parameter of the op, defaults filled
	Roles []Role      `json:"roles"`          // sorted by party
	Rows  int64       `json:"rows"`           // bound on the rows the step works on
	Out   Output      `json:"out"`
	Cost  []PartyCost `json:"cost,omitempty"` // one per party that transfers, sorted
	Leaks []Leak      `json:"leaks,omitempty"`
}

// Role is the part one party plays in a step.
type Role struct {
	Party party.ID       `json:"party"`
	Role  protocols.Role `json:"role"`
}

// The roles of steps other than align, which has its protocol's.
const (
	LabelHolder protocols.Role = "label holder"
	Host        protocols.Role = "host"
	Owner       protocols.Role = "owner"
)

// Kind is what an output is.
type Kind string

// The kinds of outputs.
const (
	Table  Kind = "table"  // rows at their owners
	Model  Kind = "model"  // coefficients in shares
	Scores Kind = "scores" // one number per row
	Report Kind = "report" // quality measures
	Cells  Kind = "cells"  // noised numbers per group
)

// Output is what a step leaves behind.
type Output struct {
	Kind    Kind       `json:"kind"`
	Columns []Column   `json:"columns"`
	Index   []party.ID `json:"index,omitempty"`  // Table: who can put its rows in the common order; sorted
	Test    float64    `json:"test,omitempty"`   // Table: share of the test part; 0 = not split
	Part    string     `json:"part,omitempty"`   // Scores, Report: which part
	Rows    int64      `json:"rows"`             // bound
	Holder  party.ID   `json:"holder,omitempty"` // who has the labels; for Cells the groups
	// Lineage is what every computed column depends on; sorted. A Table's columns each have their own. It is kept once
	// because a model's coefficients all depend on all its features.
	Lineage []Source `json:"lineage,omitempty"`
}

// Column is one column and its protection.
type Column struct {
	Input   string // the input it came from; empty = computed
	Name    string
	Owner   party.ID // at whom it is; empty = in shares
	Type    string   // Arrow's name of the type
	Use     Use      // what it was requested as
	Scaled  bool
	Label   label.Label
	Lineage []Source // a Table's column: the owner columns it depends on; sorted
}

// Source is one column of one owner.
type Source struct {
	Owner         party.ID
	Input, Column string
}

// PartyCost is what one party transfers.
type PartyCost struct {
	Party party.ID `json:"party"`
	protocols.Cost
}

// Release opens a result. Lineage says whose data it depends on, and Owners who has to agree.
type Release struct {
	ID      string        `json:"id"`
	From    string        `json:"from"`
	Kind    Kind          `json:"kind"`
	Form    string        `json:"form"`
	To      []party.ID    `json:"to"`
	Columns []string      `json:"columns"`
	MinRows int64         `json:"min_rows,omitempty"`
	Owners  []party.ID    `json:"owners"`
	Labels  []label.Label `json:"-"`       // what each of To then has
	Exact   bool          `json:"exact"`   // without noise: needs every owner's waiver
	Implied bool          `json:"implied"` // made by a step, not written in the Spec
	Lineage []Source      `json:"-"`
}

// Sources returns every owner column that o depends on, sorted.
func (o Output) Sources() []Source {
	return lineage(append([]Column{{Lineage: o.Lineage}}, o.Columns...)...)
}

// Step returns the step called id.
func (p *Plan) Step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

// Input returns the input called id.
func (p *Plan) Input(id string) (Input, bool) {
	for _, in := range p.Inputs {
		if in.ID == id {
			return in, true
		}
	}
	return Input{}, false
}

// spec returns the step in the form the parameter accessors of job have.
func (s Step) spec() job.Step { return job.Step{ID: s.ID, Op: s.Op, In: s.In, With: s.With} }

// RoleOf returns the part p plays in s, and whether it plays one.
func (s Step) RoleOf(p party.ID) (protocols.Role, bool) {
	for _, r := range s.Roles {
		if r.Party == p {
			return r.Role, true
		}
	}
	return "", false
}

// Parties returns who takes part in s, sorted.
func (s Step) Parties() []party.ID {
	out := make([]party.ID, len(s.Roles))
	for i, r := range s.Roles {
		out[i] = r.Party
	}
	return out
}
