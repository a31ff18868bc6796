package table

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// profile is what has been seen of one text column.
type profile struct {
	empty, blanks, ints, decimals, texts int64
}

func (p *profile) add(cell string) {
	if cell == "" {
		p.empty++
		return
	}
	if p.texts > 0 {
		// Already text: only blanks could still matter, and in a text column they are values.
		p.texts++
		return
	}
	switch lookOf(cell) {
	case blank:
		p.blanks++
	case integer:
		p.ints++
	case decimal:
		p.decimals++
	case text:
		p.texts++
	}
}

// field returns the narrowest type that holds every cell, and the nulls of the column in that type. A column without
// any value is float64: it may be asked for as a feature and is refused there for what it is.
func (p *profile) field(name string, key bool) (arrow.Field, int64) {
	switch {
	case key || p.texts > 0:
		return Field(name, arrow.BinaryTypes.String), p.empty
	case p.decimals > 0 || p.ints == 0:
		return Field(name, arrow.PrimitiveTypes.Float64), p.empty + p.blanks
	}
	return Field(name, arrow.PrimitiveTypes.Int64), p.empty + p.blanks
}

// inferred returns the schema and null counts of a file from the profiles of its columns.
func inferred(names []string, profiles []profile, keys []string) (*arrow.Schema, []int64) {
	fields := make([]arrow.Field, len(names))
	nulls := make([]int64, len(names))
	for i, name := range names {
		fields[i], nulls[i] = profiles[i].field(name, slices.Contains(keys, name))
	}
	return arrow.NewSchema(fields, nil), nulls
}
