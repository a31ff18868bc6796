package feature_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table/contracttest"
)

// plainKeys is what Keys should do, row by row and with a map.
func plainKeys(rows [][]any, rules []feature.Rule) (k feature.KeyColumn, digests []*[32]byte, repeats int) {
	names := []byte("tacit/ruleset/v1")
	field := func(b []byte, s string) []byte {
		return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	names = binary.BigEndian.AppendUint32(names, uint32(len(rules)))
	for _, r := range rules {
		names = field(names, r.String())
	}
	ruleset := sha256.Sum256(names)
	seen := map[[32]byte]bool{}
	for number, row := range rows {
		b, null, malformed := append([]byte("tacit/key/v1"), ruleset[:]...), false, false
		for i, r := range rules {
			cell := ""
			if row[i] != nil {
				cell = fmt.Sprint(row[i])
			}
			c, ok := r.Canonical(cell)
			null = null || cell == "" && !malformed
			malformed = malformed || !ok && !null
			b = field(append(b, byte(r)), c)
		}
		k.Rows++
		switch d := sha256.Sum256(b); {
		case null:
			k.Null++
			digests = append(digests, nil)
		case malformed:
			k.Malformed++
			digests = append(digests, nil)
		default:
			if seen[d] {
				repeats++
			}
			seen[d] = true
			k.Digest, k.Row = append(k.Digest, d), append(k.Row, int64(number))
			digests = append(digests, &d)
		}
	}
	return k, digests, repeats
}

// TestKeysTwin compares Keys and Key with plainKeys, in batches of any size.
func TestKeysTwin(t *testing.T) {
	mem := checked(t)
	text := rapid.OneOf(
		rapid.SampledFrom([]any{nil, "", " ", "a", "A ", "７", "007", "7", "x@y.cn", "X@Y.cn ", "13800138000", "+86 138-0013-8000", "2024/2/9", "Straße", "\xff", strings.Repeat("z", 4097)}),
		rapid.Map(rapid.IntRange(0, 1<<40), func(v int) any { return fmt.Sprintf("%066d", v) }))
	number := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Int64(), func(v int64) any { return v }))
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) feature.Rule { return feature.Rule(rapid.IntRange(1, 9).Draw(t, "rule")) }), 1, 2).Draw(t, "rules")
		columns := []string{"id", "age"}[:len(rules)]
		tab := people(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []any { return []any{text.Draw(t, "id"), number.Draw(t, "age")} }), 0, 40).Draw(t, "rows")...)
		want, digests, repeats := plainKeys(tab.Rows, rules)
		open := func() *batches {
			return cut(t, pad(contracttest.Table{Schema: tab.Schema, Rows: slices.Clone(tab.Rows)}).Stream(mem))
		}
		sameKeys(t, open(), columns, rules, want, repeats)
		sameDigests(t, mem, open(), feature.Key{Columns: columns, Rules: rules}, digests)
	})
}

func sameKeys(t *rapid.T, s engine.Stream, columns []string, rules []feature.Rule, want feature.KeyColumn, repeats int) {
	defer s.Close()
	got, err := feature.Keys(t.Context(), s, columns, rules)
	reason := ""
	switch {
	case len(want.Digest) == 0:
		reason = fmt.Sprintf("none of %d rows has a usable key: %d null, %d malformed", want.Rows, want.Null, want.Malformed)
	case repeats > 0:
		reason = fmt.Sprintf("%d of %d rows repeat the key of an earlier row, keys must be unique", repeats, want.Rows)
	}
	if reason != "" {
		if fault.CodeOf(err) != fault.Invalid || fault.ReasonOf(err) != reason {
			t.Fatalf("%v, want %s", err, reason)
		}
		return
	}
	if err != nil || !slices.Equal(got.Digest, want.Digest) || !slices.Equal(got.Row, want.Row) ||
		got.Rows != want.Rows || got.Null != want.Null || got.Malformed != want.Malformed {
		t.Fatalf("rows %v of %d, %d null, %d malformed (%v), want %v of %d, %d, %d",
			got.Row, got.Rows, got.Null, got.Malformed, err, want.Row, want.Rows, want.Null, want.Malformed)
	}
}

func sameDigests(t *rapid.T, mem memory.Allocator, src engine.Stream, k feature.Key, want []*[32]byte) {
	s, err := k.Open(t.Context(), mem, []engine.Stream{src})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		rec, err := s.Next(t.Context())
		if err != nil {
			break
		}
		col, nulls := rec.Column(0).(*array.FixedSizeBinary), 0
		for i := range col.Len() {
			if want[i] == nil {
				nulls++
			}
			if col.IsNull(i) != (want[i] == nil) || want[i] != nil && string(col.Value(i)) != string(want[i][:]) {
				t.Fatalf("row %d of a batch differs", i)
			}
		}
		if col.NullN() != nulls {
			t.Fatalf("%d nulls, want %d", col.NullN(), nulls)
		}
		want = want[col.Len():]
		rec.Release()
	}
	if len(want) > 0 {
		t.Fatalf("%d rows are missing", len(want))
	}
}

// cut returns the rows of s in batches of 1 to 16.
func cut(t *rapid.T, s engine.Stream) *batches {
	out := &batches{schema: s.Schema()}
	rec, err := s.Next(t.Context())
	if err != nil {
		return out // no rows
	}
	defer rec.Release()
	for from := int64(0); from < rec.NumRows(); {
		to := min(rec.NumRows(), from+rapid.Int64Range(1, 16).Draw(t, "batch"))
		out.left = append(out.left, rec.NewSlice(from, to))
		from = to
	}
	out.owned = slices.Clone(out.left)
	return out
}

// batches is a stream of records in memory. It owns some of them.
type batches struct {
	schema *arrow.Schema
	left   []arrow.Record
	owned  []arrow.Record
}

func (s *batches) Schema() *arrow.Schema { return s.schema }

func (s *batches) Close() error {
	for _, rec := range s.owned {
		rec.Release()
	}
	return nil
}

func (s *batches) Next(context.Context) (arrow.Record, error) {
	if len(s.left) == 0 {
		return nil, io.EOF
	}
	rec := s.left[0]
	s.left = s.left[1:]
	rec.Retain()
	return rec, nil
}
