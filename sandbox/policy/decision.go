package policy

import (
	"fmt"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/right"
)

// The rule ids. They are stable: documents, logs and tests cite them.
const (
	RuleNone      = "grant/none"         // the owner has granted nothing over this asset
	RuleState     = "grant/state"        // suspended or exhausted
	RuleRevoked   = "grant/revoked"      // taken back
	RuleNotYet    = "grant/not-yet"      // its term has not begun
	RuleExpired   = "grant/expired"      // its term is over
	RuleGrantee   = "grant/grantee"      // a party of the job is not among the grantees
	RulePurpose   = "grant/purpose"      // another purpose
	RuleAction    = "grant/action"       // an action that is not granted
	RuleTrust     = "grant/trust"        // a trust model the owner does not accept
	RuleLeak      = "grant/leak"         // a kind of leakage the owner does not accept
	RuleColumn    = "grant/column"       // a column, or this use of it, is not granted
	RuleRows      = "grant/rows"         // more rows in one run than granted
	RuleOutput    = "grant/output"       // a kind of output that is not granted
	RuleRecipient = "grant/recipient"    // a recipient of this kind of output that is not granted
	RuleMinRows   = "grant/min-rows"     // too few units behind an output
	RuleNoise     = "grant/noise"        // an exact output where only a noised one is granted
	RuleEpsilon   = "grant/epsilon"      // more ε in one run than granted
	RuleRawColumn = "release/raw-column" // a raw column to another party without the action export
)

// maxShown bounds the denials spelled out in an error; the decision holds all.
const maxShown = 8

// Decision is the answer. The zero value denies.
type Decision struct {
	Allow       bool
	Grants      []string     // ids of the grants it rests on; empty when the owner alone uses its own data
	Obligations []Obligation // what whoever runs the step must enforce
	Denials     []Denial     // every failing field of the nearest grant, in order of rules; empty when allowed
}

// Obligation kinds.
const (
	ObligeMinRows = "min-rows" // suppress an output with fewer than Value units behind it
	ObligeNoise   = "noise"    // release the output with noise of at most Value pico-ε
	ObligeUses    = "uses"     // reserve Value uses
	ObligeRows    = "rows"     // reserve Value rows
	ObligeEpsilon = "epsilon"  // reserve Value pico-ε
)

// Obligation is one condition of a permission.
type Obligation struct {
	Kind   string
	Output right.OutputKind // for min-rows and noise
	Value  int64
}

// Denial is one failing field: what the grant has, what the request needs. It holds names, codes and bounds.
type Denial struct {
	Rule   string
	Owner  party.ID
	Grant  string // the nearest grant; empty for RuleNone
	Field  string // of the grant: what would have to change
	Have   string
	Need   string
	Column string // when a column is the reason
}

// String renders the denial in one line.
func (d Denial) String() string {
	where := string(d.Owner)
	if d.Column != "" {
		where += fmt.Sprintf(": column %q", d.Column)
	}
	if d.Rule == RuleNone {
		return fmt.Sprintf("rule %s: %s: no grant for %s", d.Rule, where, d.Need)
	}
	return fmt.Sprintf("rule %s: %s: %s of grant %s: have %s, need %s", d.Rule, where, d.Field, d.Grant, d.Have, d.Need)
}

// Err is nil for a permission and otherwise an error that names rule, owner and column of each denial.
//
// Errors: fault.Expired when a term that is over is all that stands in the way, else fault.Denied.
func (d Decision) Err() error {
	if d.Allow {
		return nil
	}
	if len(d.Denials) == 0 {
		return fault.New(fault.Denied, "policy.Decide", "rule %s: no decision", RuleNone)
	}
	code, lines := fault.Expired, make([]string, 0, maxShown+1)
	for i, x := range d.Denials {
		if x.Rule != RuleExpired {
			code = fault.Denied
		}
		if i < maxShown {
			lines = append(lines, x.String())
		}
	}
	if more := len(d.Denials) - maxShown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fault.New(code, "policy.Decide", "%s", strings.Join(lines, "; "))
}
