package catalog

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func usage() Resource {
	return Resource{
		Name: "usage", Version: 1, Owner: "utility", Class: Enterprise,
		Columns: []Column{
			{Name: "id_hash", Type: "utf8", Roles: []Role{RoleKey}, Grade: 3},
			{Name: "用电量", Type: "float64", Roles: []Role{RoleFeature, RoleWeight}, Grade: 2},
			{Name: "u1", Type: "float64", Grade: 1},
		},
		DataDigest: [32]byte{1}, SchemaDigest: [32]byte{2}, Rows: 987, DeclaredRows: 1000, Registered: 1_732_320_000_000,
	}
}

func TestCheck(t *testing.T) {
	many := make([]Column, MaxColumns+1)
	for i := range many {
		many[i] = Column{Name: fmt.Sprintf("c%d", i), Type: "int64", Grade: 1}
	}
	cases := []struct {
		name string
		edit func(*Resource)
		want fault.Code
	}{
		{"zero", func(r *Resource) { *r = Resource{} }, fault.Invalid},
		{"name", func(r *Resource) { r.Name = "Usage" }, fault.Invalid},
		{"long name", func(r *Resource) { r.Name = strings.Repeat("a", 64) }, fault.Invalid},
		{"version 0", func(r *Resource) { r.Version = 0 }, fault.Invalid},
		{"version high", func(r *Resource) { r.Version = MaxVersion + 1 }, fault.Invalid},
		{"owner", func(r *Resource) { r.Owner = "" }, fault.Invalid},
		{"class", func(r *Resource) { r.Class = "secret" }, fault.Invalid},
		{"data digest", func(r *Resource) { r.DataDigest = [32]byte{} }, fault.Invalid},
		{"schema digest", func(r *Resource) { r.SchemaDigest = [32]byte{} }, fault.Invalid},
		{"negative rows", func(r *Resource) { r.Rows = -1 }, fault.Invalid},
		{"declared below", func(r *Resource) { r.DeclaredRows = 986 }, fault.Invalid},
		{"time", func(r *Resource) { r.Registered = -1 }, fault.Invalid},
		{"no column", func(r *Resource) { r.Columns = nil }, fault.Invalid},
		{"columns", func(r *Resource) { r.Columns = many }, fault.LimitExceeded},
		{"column name empty", func(r *Resource) { r.Columns[0].Name = "" }, fault.Invalid},
		{"column name control", func(r *Resource) { r.Columns[0].Name = "a\nb" }, fault.Invalid},
		{"column name long", func(r *Resource) { r.Columns[0].Name = strings.Repeat("x", MaxNameBytes+1) }, fault.LimitExceeded},
		{"type empty", func(r *Resource) { r.Columns[0].Type = "" }, fault.Invalid},
		{"column twice", func(r *Resource) { r.Columns[2].Name = "id_hash" }, fault.Invalid},
		{"grade 0", func(r *Resource) { r.Columns[0].Grade = 0 }, fault.Invalid},
		{"grade 16", func(r *Resource) { r.Columns[0].Grade = MaxGrade + 1 }, fault.Invalid},
		{"role", func(r *Resource) { r.Columns[0].Roles = []Role{"secret"} }, fault.Invalid},
		{"role twice", func(r *Resource) { r.Columns[0].Roles = []Role{RoleKey, RoleKey} }, fault.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := usage()
			c.edit(&r)
			_, err := r.Encode()
			if err == nil || fault.CodeOf(err) != c.want {
				t.Fatalf("error %v, want %v", err, c.want)
			}
		})
	}
	r := usage()
	r.Columns = many[:MaxColumns]
	r.Version, r.Rows, r.DeclaredRows = MaxVersion, 0, 0
	b, err := r.Encode()
	if err != nil {
		t.Fatalf("at the bounds: %v", err)
	}
	if back, err := Decode(b); err != nil || !reflect.DeepEqual(back, r) {
		t.Fatalf("at the bounds: %v", err)
	}
}

func TestResource(t *testing.T) {
	r := usage()
	if r.ID() != "usage@1" || r.Grade() != 3 || r.Published().Rows != 1000 || r.Rows != 987 || (Resource{}).Grade() != 0 {
		t.Fatalf("%s grade %d published %d", r.ID(), r.Grade(), r.Published().Rows)
	}
	if c, ok := r.Column("u1"); !ok || c.Grade != 1 {
		t.Fatalf("Column(u1) = %+v, %v", c, ok)
	}
	if _, ok := r.Column("nope"); ok {
		t.Fatal("a column that does not exist was found")
	}
	for _, c := range [][3]int64{{0, 100, 0}, {1, 100, 100}, {100, 100, 100}, {101, 100, 200}, {7, 1, 7}} {
		if got := RoundUp(c[0], c[1]); got != c[2] {
			t.Fatalf("RoundUp(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

func TestParseID(t *testing.T) {
	if name, v, err := ParseID("loans@3"); name != "loans" || v != 3 || err != nil {
		t.Fatalf("ParseID = %s, %d, %v", name, v, err)
	}
	for _, id := range []string{"", "loans", "@3", "loans@", "loans@0", "loans@03", "loans@-1", "loans@3@4", "Loans@3", "loans@9999999999", "loans@+3"} {
		if _, _, err := ParseID(id); fault.CodeOf(err) != fault.Invalid {
			t.Fatalf("ParseID(%q) = %v", id, err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := usage()
		r.Version = rapid.IntRange(1, MaxVersion).Draw(t, "version")
		r.Rows = rapid.Int64Range(0, 1<<40).Draw(t, "rows")
		r.DeclaredRows = RoundUp(r.Rows, rapid.Int64Range(1, 1<<20).Draw(t, "step"))
		r.Columns[1].Grade = rapid.IntRange(1, MaxGrade).Draw(t, "grade")
		r.Columns[2].Name = rapid.StringMatching(`[a-z年月]{1,30}`).Draw(t, "name")
		b, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(b)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("got %+v, %v; want %+v", back, err, r)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	good, err := usage().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := Decode(good[:i]); err == nil {
			t.Fatalf("%d of %d bytes were enough", i, len(good))
		}
	}
	if _, err := Decode(append(bytes.Clone(good), 0)); fault.CodeOf(err) != fault.Misbehaved {
		t.Fatalf("a byte more: %v", err)
	}
	other := bytes.Clone(good)
	other[len(tag)+3] = '2'
	if _, err := Decode(other); fault.CodeOf(err) != fault.Unsupported {
		t.Fatalf("version 2: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := usage().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := r.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("another encoding of the same resource (%v)", err)
		}
	})
}

func ExampleResource_Published() {
	r := usage()
	r.DeclaredRows = RoundUp(r.Rows, 500)
	fmt.Println(r.ID(), "grade", r.Grade(), "rows told to others:", r.Published().Rows)
	// Output: usage@1 grade 3 rows told to others: 1000
}
