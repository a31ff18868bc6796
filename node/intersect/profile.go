package intersect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/tacit-data/tacit/engine/table"
)

// maxShapes bounds the shapes of a profile that are told apart.
const maxShapes = 8

// maxShapeBytes bounds how much of a cell gives its shape.
const maxShapeBytes = 64

// Profile is how the cells of a key column look, without any of them: the histogram of their lengths and of their
// character classes. It never leaves this party.
type Profile struct {
	Column  string
	Rule    string
	Lengths []Bin // by characters, most frequent first
	Shapes  []Bin // runs of character classes, most frequent first
}

// Bin is a part of a histogram.
type Bin struct {
	What string
	Rows int64
}

// profiles describes the key columns.
func profiles(ctx context.Context, in *input, columns []string) ([]Profile, error) {
	src, err := in.open(ctx, columns)
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }() // read only: nothing is lost
	lengths, shapes := make([]map[string]int64, len(columns)), make([]map[string]int64, len(columns))
	for i := range columns {
		lengths[i], shapes[i] = map[string]int64{}, map[string]int64{}
	}
	_, err = table.Each(ctx, src, func(rec arrow.Record) error {
		for i, col := range rec.Columns() {
			text, ok := col.(*array.String)
			if !ok {
				continue
			}
			for row := range text.Len() {
				if text.IsValid(row) {
					count(lengths[i], fmt.Sprintf("%d characters", utf8.RuneCountInString(text.Value(row))))
					count(shapes[i], shapeOf(text.Value(row)))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Profile, len(columns))
	for i, name := range columns {
		out[i] = Profile{Column: name, Lengths: bins(lengths[i]), Shapes: bins(shapes[i])}
	}
	return out, nil
}

// maxKinds bounds the kinds counted while reading: a column of free text has as many as rows.
const maxKinds = 4096

func count(m map[string]int64, what string) {
	if _, known := m[what]; !known && len(m) >= maxKinds {
		what = "other"
	}
	m[what]++
}

// bins sorts a histogram and folds its tail.
func bins(m map[string]int64) []Bin {
	var out []Bin
	for what, n := range m {
		out = append(out, Bin{what, n})
	}
	slices.SortFunc(out, func(a, b Bin) int {
		if a.Rows != b.Rows {
			return int(b.Rows - a.Rows)
		}
		return strings.Compare(a.What, b.What)
	})
	if len(out) > maxShapes {
		rest := int64(0)
		for _, b := range out[maxShapes-1:] {
			rest += b.Rows
		}
		out = append(out[:maxShapes-1], Bin{"other", rest})
	}
	return out
}

// shapeOf names the runs of character classes of a cell: "digits", "letters digits", "space digits".
func shapeOf(s string) string {
	if len(s) > maxShapeBytes {
		s = s[:maxShapeBytes]
	}
	var out []string
	last := ""
	for _, r := range s {
		if c := classOf(r); c != last {
			out = append(out, c)
			last = c
		}
	}
	if len(out) > maxShapes {
		return "mixed"
	}
	return strings.Join(out, " ")
}

func classOf(r rune) string {
	switch {
	case r >= '0' && r <= '9':
		return "digits"
	case r < utf8.RuneSelf && unicode.IsLetter(r):
		return "letters"
	case unicode.IsSpace(r):
		return "space"
	case r < utf8.RuneSelf:
		return "signs"
	case unicode.Is(unicode.Han, r):
		return "han"
	case r >= 0xff01 && r <= 0xff5e:
		return "full-width"
	}
	return "other"
}
