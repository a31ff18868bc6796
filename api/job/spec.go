// Package job is what the parties agreed to compute: a Spec in YAML or JSON, never how it is computed.
//
// Both forms are the same tree, read by one strict decoder. A Spec that Parse returned is canonical: sets are sorted,
// every parameter of every step is present, and AppendJSON followed by Parse gives an equal Spec.
package job

import (
	"time"

	"github.com/tacit-data/tacit/api/party"
)

// Version is the one version of the Spec's form.
const Version = 1

// The bounds of a Spec. Each keeps a plan small enough to be read, compared and signed by people; what exceeds one is
// fault.LimitExceeded.
const (
	MaxBytes    = 1 << 20 // a Spec, YAML or JSON
	MaxDepth    = 16      // nested lists and objects; the form itself needs 5
	MaxParties  = 32
	MaxInputs   = 64
	MaxSteps    = 256
	MaxReleases = 64
	MaxColumns  = 4096 // per input
	MaxKeys     = 8    // key columns per input
	MaxFanIn    = 64   // entries of a step's "in"
	MaxName     = 128  // bytes of a column or dataset name, or of a word
	maxField    = 64   // bytes of a field name: the longest known one has 12
)

// Trust names the trust model the parties accept: a label, so that a weaker one is never used under another's name.
type Trust string

// The trust models. Unknown ones are fault.Unsupported.
const (
	SemiHonest2PC     Trust = "2pc-semihonest"
	Dealer2PC         Trust = "2pc-dealer"
	HonestMajority3PC Trust = "3pc-honest-majority"
)

// Spec is one joint job. The zero value is not a valid Spec. A Spec is a value: who has one never changes its slices.
type Spec struct {
	Version     int
	Name        string
	Purpose     string // id from the purpose vocabulary
	Contract    string // "sha256:<64 hex>" of the agreement that pays; empty = no settlement
	Trust       Trust
	Parties     []party.ID // sorted
	Coordinator party.ID   // one of the parties, or a party of its own
	Compiler    int        // plan-compiler version; 0 = filled at describe
	Inputs      []Input
	Steps       []Step
	Releases    []Release
	Limits      Limits
	Inherit     *Inherit // nil = nothing
}

// Input is a dataset of one party and the columns of it that the job may touch: no other is read.
type Input struct {
	ID      string
	Party   party.ID
	Dataset string   // "name" or "name@version"
	Key     []string // columns that identify a row, in the order in which other inputs list theirs
	Target  string   // the label column; empty = none
	Columns []string
}

// Step is one operation. With holds every parameter of the op, in the order of Fields(Op).
type Step struct {
	ID   string
	Op   Op
	In   []string // ids of inputs and steps
	With []Param
}

// Release opens the result of a step to parties: the only place where protection is lowered.
type Release struct {
	ID      string
	From    string
	To      []party.ID // sorted
	MinRows int64      // refuse to open a result over fewer rows; 0 = the op's own minimum
	Form    string     // which form of the result; empty = the op's only one
	Columns []string   // which columns of the result; empty = all
}

// Limits bound what a job may consume; 0 and the zero time mean absent.
type Limits struct {
	Rows      int64 // rows of any one input
	SentBytes int64 // bytes sent by any one party
	CPUs      int64 // CPU seconds at any one party
	Expires   time.Time
}

// Inherit names the job whose outputs are used instead of running steps again.
type Inherit struct {
	Job   ID
	Steps []string
}

// Input returns the input called id.
func (s Spec) Input(id string) (Input, bool) {
	for _, in := range s.Inputs {
		if in.ID == id {
			return in, true
		}
	}
	return Input{}, false
}

// Canonical checks s, which may have been built by hand, and returns it in the form Parse gives: sets sorted, defaults
// filled.
//
// Errors: those of Parse.
func (s Spec) Canonical() (Spec, error) { return Parse(s.AppendJSON(nil), JSON) }
