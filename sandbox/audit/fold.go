package audit

import (
	"cmp"
	"iter"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// RowKey names one row of the store.
type RowKey struct{ Table, Key string }

// Folded is the state a log implies: the last change of every row it ever named. Start with Fold(nil):
// the zero value can be read and matched, not added to.
type Folded map[RowKey]RowChange

// Fold replays leaves in log order (Invariant I7).
func Fold(leaves iter.Seq[Leaf]) Folded {
	f := make(Folded)
	if leaves == nil {
		return f
	}
	for l := range leaves {
		f.Add(l)
	}
	return f
}

// Add replays one more leaf.
func (f Folded) Add(l Leaf) {
	for _, r := range l.Rows {
		f[RowKey{r.Table, r.Key}] = r
	}
}

// Match compares the fold with the rows that the store holds, each once, in any order.
//
// Errors: fault.Corrupt naming the first table and key, in order of (table, key), that differs, is missing from the
// store, or is in the store without a leaf.
func (f Folded) Match(stored iter.Seq[RowChange]) error {
	var bad []RowChange
	reason := make(map[RowKey]string)
	seen := make(map[RowKey]bool)
	note := func(r RowChange, why string) {
		bad = append(bad, r)
		reason[RowKey{r.Table, r.Key}] = why
	}
	for r := range stored {
		k := RowKey{r.Table, r.Key}
		want, ok := f[k]
		switch {
		case seen[k]:
			note(r, "is stored twice")
		case !ok || want.Digest == "":
			note(r, "is stored, the log does not have it")
		case want != r:
			note(r, "differs from the log")
		}
		seen[k] = true
	}
	for k, want := range f {
		if want.Digest != "" && !seen[k] {
			note(want, "is in the log, the store lost it")
		}
	}
	if len(bad) == 0 {
		return nil
	}
	first := slices.MinFunc(bad, func(a, b RowChange) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Key, b.Key))
	})
	return fault.New(fault.Corrupt, "audit.Match", "row %s of table %s %s; %d rows differ", first.Key, first.Table,
		reason[RowKey{first.Table, first.Key}], len(bad))
}
