package feature_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/contracttest"
)

// people is a table with an awkward column of each kind.
func people(rows ...[]any) contracttest.Table {
	return contracttest.Table{Schema: arrow.NewSchema([]arrow.Field{
		table.Field("id", arrow.BinaryTypes.String), table.Field("age", arrow.PrimitiveTypes.Int64),
		table.Field("score", arrow.PrimitiveTypes.Float64), table.Field("y", arrow.PrimitiveTypes.Int64),
	}, nil), Rows: rows}
}

func checked(t *testing.T) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func TestKeys(t *testing.T) {
	mem := checked(t)
	tab := people([]any{"b1 ", int64(1)}, []any{nil, int64(2)}, []any{"", int64(3)}, []any{"C2", nil}, []any{"d3", int64(4)}, []any{"  ", int64(5)})
	k, err := feature.Keys(t.Context(), pad(tab).Stream(mem), []string{"id", "age"}, []feature.Rule{feature.Text, feature.Int})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(k.Row) != "[0 4]" || k.Rows != 6 || k.Null != 3 || k.Malformed != 1 {
		t.Errorf("rows %v of %d, %d null, %d malformed, want [0 4] of 6, 3, 1", k.Row, k.Rows, k.Null, k.Malformed)
	}
	// The encoding, by hand.
	rules := sha256.Sum256([]byte("tacit/ruleset/v1\x00\x00\x00\x02\x00\x00\x00\x04text\x00\x00\x00\x03int"))
	want := sha256.Sum256([]byte("tacit/key/v1" + string(rules[:]) + "\x02\x00\x00\x00\x02b1" + "\x04\x00\x00\x00\x011"))
	if k.Digest[0] != want {
		t.Errorf("digest %x, want %x", k.Digest[0], want)
	}
	if text := fmt.Sprintf("%v %+v", k, k); strings.Contains(text, hex.EncodeToString(want[:4])) || len(text) > 40 {
		t.Error("a KeyColumn prints its digests")
	}
}

// pad completes rows with nulls.
func pad(tab contracttest.Table) contracttest.Table {
	for i, row := range tab.Rows {
		tab.Rows[i] = append(row, make([]any, tab.Schema.NumFields()-len(row))...)
	}
	return tab
}

// TestKeyEncoding shows what must differ and what must not.
func TestKeyEncoding(t *testing.T) {
	digest := func(rules []feature.Rule, id any, age any) [32]byte {
		t.Helper()
		columns := []string{"id", "age"}[:len(rules)]
		k, err := feature.Keys(t.Context(), pad(people([]any{id, age})).Stream(memory.DefaultAllocator), columns, rules)
		if err != nil {
			t.Fatal(err)
		}
		return k.Digest[0]
	}
	raw := []feature.Rule{feature.Raw}
	both := []feature.Rule{feature.Text, feature.Raw}
	if digest(raw, "a", nil) == digest([]feature.Rule{feature.Text}, "a", nil) {
		t.Error("two rulesets give one digest")
	}
	if digest(both, "a", int64(11)) == digest(both, "a1", int64(1)) {
		t.Error(`("a","11") and ("a1","1") give one digest`)
	}
	if digest(both, " A ", int64(1)) != digest(both, "a", int64(1)) {
		t.Error("one key gives two digests")
	}
	if feature.RulesetDigest(raw) == feature.RulesetDigest([]feature.Rule{feature.Raw, feature.Raw}) {
		t.Error("rulesets of one and two columns agree")
	}
}

func TestKeysRefusals(t *testing.T) {
	mem := checked(t)
	raw := []feature.Rule{feature.Raw}
	for _, c := range []struct {
		name    string
		tab     contracttest.Table
		columns []string
		rules   []feature.Rule
		want    fault.Code
		reason  string
	}{
		{"twice", people([]any{"secret"}, []any{"x"}, []any{"secret"}, []any{"secret"}), []string{"id"}, raw, fault.Invalid, "2 of 4 rows"},
		{"all null", people([]any{nil}, []any{""}), []string{"id"}, raw, fault.Invalid, "2 null"},
		{"all malformed", people([]any{"secret"}), []string{"id"}, []feature.Rule{feature.Int}, fault.Invalid, "1 malformed"},
		{"no rows", people(), []string{"id"}, raw, fault.Invalid, "none of 0 rows"},
		{"absent", people([]any{"a"}), []string{"uid"}, raw, fault.SchemaMismatch, `"uid"`},
		{"float", people([]any{"a"}), []string{"score"}, raw, fault.SchemaMismatch, `"score"`},
		{"no column", people([]any{"a"}), nil, nil, fault.Invalid, ""},
		{"no rule", people([]any{"a"}), []string{"id"}, nil, fault.Invalid, ""},
		{"unknown rule", people([]any{"a"}), []string{"id"}, []feature.Rule{99}, fault.Invalid, `"id"`},
		{"column twice", people([]any{"a"}), []string{"id", "id"}, []feature.Rule{1, 1}, fault.Invalid, `"id"`},
		{"wide", people([]any{"a"}), make([]string, 17), make([]feature.Rule, 17), fault.LimitExceeded, "maxKeyColumns"},
	} {
		_, err := feature.Keys(t.Context(), pad(c.tab).Stream(mem), c.columns, c.rules)
		if fault.CodeOf(err) != c.want || !strings.Contains(fault.ReasonOf(err), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.reason)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error holds a key", c.name)
		}
	}
}

func TestKeyOperator(t *testing.T) {
	mem := checked(t)
	tab := pad(people([]any{"a"}, []any{nil}, []any{"b"}))
	k := feature.Key{Columns: []string{"id"}, Rules: []feature.Rule{feature.Raw}}
	typ, err := k.Bind([]engine.Type{engine.NewType(tab.Schema, label.PrivateTo("bank"))})
	if err != nil || !typ.Labels[0].Equal(label.PrivateTo("bank")) || len(typ.Labels) != 1 {
		t.Fatalf("Bind: %v (%v)", typ, err)
	}
	s, err := k.Open(t.Context(), mem, []engine.Stream{tab.Stream(mem)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Schema().Equal(typ.Schema) {
		t.Errorf("schema %v, bound %v", s.Schema(), typ.Schema)
	}
	want, err := feature.Keys(t.Context(), tab.Stream(mem), k.Columns, k.Rules)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	col := rec.Column(0).(*array.FixedSizeBinary)
	if !col.IsNull(1) || string(col.Value(0)) != string(want.Digest[0][:]) || string(col.Value(2)) != string(want.Digest[1][:]) {
		t.Error("the operator and Keys disagree")
	}
	if _, err := k.Bind(nil); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("no input: %v, want Invalid", err)
	}
	if _, err := k.Bind([]engine.Type{engine.NewType(tab.Schema, label.SharedBy("a", "b"))}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("shared: %v, want Invalid", err)
	}
}

func ExampleKeys() {
	tab := people([]any{" Ann@example.com"}, []any{nil}, []any{"bob@EXAMPLE.com"})
	k, err := feature.Keys(ctx, pad(tab).Stream(memory.DefaultAllocator), []string{"id"}, []feature.Rule{feature.Email})
	fmt.Println(len(k.Digest), "keys of", k.Rows, "rows,", k.Null, "null,", err)
	// Output:
	// 2 keys of 3 rows, 1 null, <nil>
}
