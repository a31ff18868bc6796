// Package party names an organisation and fixes the order in which parties are listed.
package party

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxIDBytes bounds a party id: it appears in every frame, leaf and receipt.
const MaxIDBytes = 63

// ID is the name of one organisation, `[a-z][a-z0-9-]{0,62}`. The zero value names nobody.
type ID string

// Parse checks s and returns it as an ID.
//
// Errors: fault.Invalid when s does not match `[a-z][a-z0-9-]{0,62}`.
func Parse(s string) (ID, error) {
	if !Valid(s) {
		return "", fault.New(fault.Invalid, "party.Parse", "a party id is 1 to 63 of a-z, 0-9 and '-', first a letter")
	}
	return ID(s), nil
}

// Valid reports whether s matches `[a-z][a-z0-9-]{0,62}`, the form of every id in a job.
func Valid(s string) bool {
	if len(s) == 0 || len(s) > MaxIDBytes || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Sorted returns a sorted copy of ids without repeats: the one order used wherever parties are listed.
func Sorted(ids []ID) []ID {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}
