package intersect

import (
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/protocols/psi"
)

// The words of the packages below that a caller of this one needs.
type (
	Method = psi.Method
	Suite  = psi.Suite
	Rule   = feature.Rule
)

// DefaultRule is the rule of a key column that names none: NFKC, trimmed, case folded.
const DefaultRule = feature.Text

// ParseRule returns the key rule of that name.
//
// Errors: fault.Invalid.
func ParseRule(name string) (Rule, error) { return feature.ParseRule(name) }

// RuleNames lists the key rules.
func RuleNames() []string {
	var out []string
	for r := feature.Raw; r <= feature.UUID; r++ {
		out = append(out, r.String())
	}
	return out
}
