// Package catalog describes what data exists: schema, grade, size and owner of each registered dataset version. It
// never holds a value, a sample row, or a minimum or maximum of a column.
package catalog

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Bounds of a resource. Beyond them it is refused with fault.LimitExceeded.
const (
	MaxColumns   = 4096    // as many as a job input may name
	MaxNameBytes = 128     // of a column or a type
	MaxVersion   = 1 << 31 // versions of one dataset
	MaxGrade     = 15      // grades are small integers that a rule pack names
	maxIDBytes   = 63      // of a dataset's name
)

// Class says whose data it is; each class has its own flows.
type Class string

// The classes.
const (
	Public     Class = "public"     // held for the public by an authority or its operator
	Enterprise Class = "enterprise" // produced by a firm
	Personal   Class = "personal"   // about natural persons
)

// Known reports whether c is one of the classes.
func (c Class) Known() bool { return c == Public || c == Enterprise || c == Personal }

// Role hints at what a column is for. It grants nothing.
type Role string

// The roles.
const (
	RoleKey     Role = "key"     // identifies a unit; what parties align on
	RoleLabel   Role = "label"   // what a model predicts
	RoleFeature Role = "feature" // what a model reads
	RoleGroup   Role = "group"   // what a report groups by
	RoleWeight  Role = "weight"  // how much a row counts
)

// Known reports whether r is one of the roles.
func (r Role) Known() bool {
	switch r {
	case RoleKey, RoleLabel, RoleFeature, RoleGroup, RoleWeight:
		return true
	}
	return false
}

// Column describes one column.
type Column struct {
	Name  string
	Type  string // the engine's name of the type ("int64", "utf8"); the catalogue does not interpret it
	Roles []Role // sorted, without repeats
	Grade int    // 1 (least sensitive) to MaxGrade, named by a rule pack
}

// Resource is one registered version of a dataset. It is a value: its slices are never changed by this package.
type Resource struct {
	Name         string // `[a-z][a-z0-9_-]{0,62}`
	Version      int    // from 1
	Owner        party.ID
	Class        Class
	Columns      []Column // in schema order, names unique
	DataDigest   [32]byte // of the bytes registered: a changed file is another version
	SchemaDigest [32]byte
	Rows         int64 // exact; stays with the owner, see Published
	DeclaredRows int64 // what others are told: Rows, or an upper bound that protocols pad to
	Registered   int64 // UTC milliseconds
}

// ID is "name@version", unique at its owner.
func (r Resource) ID() string { return r.Name + "@" + strconv.Itoa(r.Version) }

// ParseID splits "name@version".
//
// Errors: fault.Invalid for any other form.
func ParseID(id string) (name string, version int, err error) {
	name, digits, _ := strings.Cut(id, "@")
	version, convErr := strconv.Atoi(digits)
	if convErr != nil || version < 1 || version > MaxVersion || strconv.Itoa(version) != digits || !validName(name) {
		return "", 0, fault.New(fault.Invalid, "catalog.ParseID", "a resource id has the form name@version")
	}
	return name, version, nil
}

// Grade is the strictest grade of the columns, 0 for none.
func (r Resource) Grade() int {
	grade := 0
	for _, c := range r.Columns {
		grade = max(grade, c.Grade)
	}
	return grade
}

// Column finds a column by name.
func (r Resource) Column(name string) (Column, bool) {
	i := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return r.Columns[i], true
}

// Published is r as others may see it: the exact row count replaced by the declared one.
func (r Resource) Published() Resource {
	r.Rows = r.DeclaredRows
	return r
}

// RoundUp returns the smallest multiple of step that is at least rows: a row bound that tells less. step ≥ 1.
func RoundUp(rows, step int64) int64 {
	if over := rows % step; over > 0 {
		return rows + step - over
	}
	return rows
}

// Check verifies every field.
//
// Errors: fault.Invalid (a name, class, role, grade, digest or count out of its range, a column twice),
// fault.LimitExceeded (MaxColumns, MaxNameBytes).
func (r Resource) Check() error {
	const op = "catalog.Check"
	switch {
	case !validName(r.Name):
		return fault.New(fault.Invalid, op, "a dataset name is 1 to %d of a-z, 0-9, '_' and '-', first a letter", maxIDBytes)
	case r.Version < 1 || r.Version > MaxVersion:
		return fault.New(fault.Invalid, op, "version %d of %s", r.Version, r.Name)
	case !party.Valid(string(r.Owner)):
		return fault.New(fault.Invalid, op, "the owner of %s is not a party id", r.ID())
	case !r.Class.Known():
		return fault.New(fault.Invalid, op, "class of %s: public, enterprise or personal", r.ID())
	case r.DataDigest == [32]byte{} || r.SchemaDigest == [32]byte{}:
		return fault.New(fault.Invalid, op, "%s has no data or schema digest", r.ID())
	case r.Rows < 0 || r.DeclaredRows < r.Rows:
		return fault.New(fault.Invalid, op, "%s declares %d rows and has more, or a negative count", r.ID(), r.DeclaredRows)
	case r.Registered < 0:
		return fault.New(fault.Invalid, op, "%s was registered before 1970", r.ID())
	case len(r.Columns) == 0:
		return fault.New(fault.Invalid, op, "%s has no column", r.ID())
	case len(r.Columns) > MaxColumns:
		return fault.New(fault.LimitExceeded, op, "%s has %d columns, at most %d", r.ID(), len(r.Columns), MaxColumns)
	}
	return r.checkColumns()
}

func (r Resource) checkColumns() error {
	const op = "catalog.Check"
	seen := make(map[string]bool, len(r.Columns))
	for i, c := range r.Columns {
		if len(c.Name) > MaxNameBytes || len(c.Type) > MaxNameBytes {
			return fault.New(fault.LimitExceeded, op, "column %d of %s: a name or type of more than %d bytes", i, r.ID(), MaxNameBytes)
		}
		if !ValidColumn(c.Name) || !ValidColumn(c.Type) {
			return fault.New(fault.Invalid, op, "column %d of %s: a name or type that is empty or not printable", i, r.ID())
		}
		if seen[c.Name] {
			return fault.New(fault.Invalid, op, "%s has column %q twice", r.ID(), c.Name)
		}
		seen[c.Name] = true
		if c.Grade < 1 || c.Grade > MaxGrade {
			return fault.New(fault.Invalid, op, "column %q of %s: grade %d, 1 to %d allowed", c.Name, r.ID(), c.Grade, MaxGrade)
		}
		for j, role := range c.Roles {
			if !role.Known() || (j > 0 && c.Roles[j-1] >= role) {
				return fault.New(fault.Invalid, op, "column %q of %s: roles unknown, unsorted or repeated", c.Name, r.ID())
			}
		}
	}
	return nil
}

// ValidColumn reports whether s can name a column: 1 to MaxNameBytes of printable UTF-8.
func ValidColumn(s string) bool {
	return s != "" && len(s) <= MaxNameBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > maxIDBytes || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// MaxTokenBytes bounds the ids and names that other records give.
const MaxTokenBytes = 128

// ValidToken reports whether s is 1 to MaxTokenBytes printable ASCII characters without space.
func ValidToken(s string) bool {
	if s == "" || len(s) > MaxTokenBytes {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
