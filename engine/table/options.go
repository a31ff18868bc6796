package table

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
)

// Options says how a file is read. The zero value infers everything.
type Options struct {
	// Keys are columns that are read as utf8 whatever they look like: identifiers are never numbers.
	Keys []string
	// Schema declares the wanted columns by name, in the wanted order; columns of the file that it does not name are
	// skipped. Nil takes every column, with inferred types where the file stores none.
	Schema *arrow.Schema
	// Digest is what the file must hash to before its first row is read; zero does not check.
	Digest [32]byte
}

// Field returns a nullable column of one of the three types of a table.
func Field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

// Check refuses options that no file can meet.
//
// Errors: fault.Invalid (a name twice, empty or no column), fault.Unsupported (a type that is not int64, float64 or
// utf8), fault.LimitExceeded, fault.SchemaMismatch (a key declared as a number), each naming the column.
func (o Options) Check() error {
	if o.Schema == nil {
		return nil
	}
	names := make([]string, o.Schema.NumFields())
	for i, f := range o.Schema.Fields() {
		names[i] = f.Name
		if !canonical(f.Type) {
			return fault.New(fault.Unsupported, "table.Options", "column %q: type %s is none of int64, float64, utf8",
				f.Name, f.Type)
		}
		if slices.Contains(o.Keys, f.Name) && f.Type.ID() != arrow.STRING {
			return fault.New(fault.SchemaMismatch, "table.Options", "key column %q is declared %s, keys are utf8",
				f.Name, f.Type)
		}
	}
	return CheckNames(names)
}

// CheckNames refuses a header that has no columns, too many, or an empty, over-long or repeated name.
//
// Errors: fault.Invalid, fault.LimitExceeded.
func CheckNames(names []string) error {
	if len(names) == 0 {
		return fault.New(fault.Invalid, "table.CheckNames", "no columns")
	}
	if len(names) > MaxColumns {
		return fault.New(fault.LimitExceeded, "table.CheckNames", "MaxColumns: %d columns, at most %d", len(names), MaxColumns)
	}
	seen := make(map[string]int, len(names))
	for i, name := range names {
		if name == "" {
			return fault.New(fault.Invalid, "table.CheckNames", "column %d of %d has no name", i+1, len(names))
		}
		if len(name) > MaxNameBytes {
			return fault.New(fault.LimitExceeded, "table.CheckNames", "MaxNameBytes: column %d has a name of %d bytes, at most %d",
				i+1, len(name), MaxNameBytes)
		}
		if first, ok := seen[name]; ok {
			return fault.New(fault.Invalid, "table.CheckNames", "columns %d and %d have the same name", first+1, i+1) // not the name: without a header it is a cell
		}
		seen[name] = i
	}
	return nil
}

// checkKeys refuses a key that names no column.
func checkKeys(keys, names []string) error {
	for _, k := range keys {
		if !slices.Contains(names, k) {
			return fault.New(fault.SchemaMismatch, "table.Open", "key column %q is not in the file", k)
		}
	}
	return nil
}

// positions returns, for every field of schema, its place among names.
func positions(schema *arrow.Schema, names []string) ([]int, error) {
	at := make(map[string]int, len(names))
	for i, name := range names {
		at[name] = i
	}
	out := make([]int, schema.NumFields())
	for i, f := range schema.Fields() {
		p, ok := at[f.Name]
		if !ok {
			return nil, fault.New(fault.SchemaMismatch, "table.Open", "column %q is declared and not in the file", f.Name)
		}
		out[i] = p
	}
	return out, nil
}

func canonical(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.INT64, arrow.FLOAT64, arrow.STRING:
		return true
	}
	return false
}
