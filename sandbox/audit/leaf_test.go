package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func goldenLeaf() Leaf {
	var salt [SaltBytes]byte
	for i := range salt {
		salt[i] = byte(i)
	}
	return Leaf{
		V: Version, ID: "01JD8Z0000000000000000GOLD", T: 1_732_320_000_000, Type: EgressAllowed, Actor: "utility",
		Refs: map[string]string{"job": "j-1", "plan": "sha256:" + strings.Repeat("ab", 32), "grant": "g-7"},
		Body: map[string]any{
			"rows": int64(1 << 40), "noised": false, "kinds": []any{"score", "model"}, "deep": map[string]any{"负": int64(-3), "a\u0001\"\\\n": "é€😀"},
		},
		C:    map[string]string{"file": Commit(salt, []byte("r-report"))},
		Rows: []RowChange{{Table: "output", Key: "j-1/report", Revision: 2, Digest: strings.Repeat("0f", 32)}, {Table: "lease", Key: "j-1", Revision: 9}},
	}
}

func TestGoldenLeaf(t *testing.T) {
	want, err := os.ReadFile("testdata/leaf.json")
	if err != nil {
		t.Fatal(err)
	}
	got := mustEncode(t, goldenLeaf())
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	l, err := ParseLeaf(want)
	if err != nil || !reflect.DeepEqual(l, goldenLeaf()) {
		t.Fatalf("ParseLeaf = %+v, %v", l, err)
	}
	var std map[string]any
	if err := json.Unmarshal(want, &std); err != nil || len(std) != 9 {
		t.Fatalf("encoding/json disagrees: %v, %d fields", err, len(std))
	}
}

func TestLeafContract(t *testing.T) {
	ok := leafN(0)
	deep := any("x")
	for range MaxDepth - 3 { // the leaf is level 1, its body 2, a value in it 3
		deep = []any{deep}
	}
	rows := make([]RowChange, MaxRows+1)
	for i := range rows {
		rows[i] = RowChange{Table: "t", Key: strings.Repeat("k", i+1)}
	}
	cases := []struct {
		name string
		edit func(*Leaf)
		want fault.Code
	}{
		{"zero", func(l *Leaf) { *l = Leaf{} }, fault.Unsupported},
		{"version", func(l *Leaf) { l.V = 2 }, fault.Unsupported},
		{"type", func(l *Leaf) { l.Type = "job.exploded" }, fault.Invalid},
		{"no type", func(l *Leaf) { l.Type = "" }, fault.Invalid},
		{"actor", func(l *Leaf) { l.Actor = "Bank" }, fault.Invalid},
		{"no id", func(l *Leaf) { l.ID = "" }, fault.Invalid},
		{"id with space", func(l *Leaf) { l.ID = "a b" }, fault.Invalid},
		{"long id", func(l *Leaf) { l.ID = strings.Repeat("a", maxNameBytes+1) }, fault.LimitExceeded},
		{"negative time", func(l *Leaf) { l.T = -1 }, fault.Invalid},
		{"late time", func(l *Leaf) { l.T = maxInt + 1 }, fault.Invalid},
		{"float", func(l *Leaf) { l.Body = map[string]any{"x": 1.5} }, fault.Invalid},
		{"null", func(l *Leaf) { l.Body = map[string]any{"x": nil} }, fault.Invalid},
		{"big integer", func(l *Leaf) { l.Body = map[string]any{"x": int64(1 << 53)} }, fault.Invalid},
		{"big negative", func(l *Leaf) { l.Body = map[string]any{"x": int64(-1 << 53)} }, fault.Invalid},
		{"bad UTF-8", func(l *Leaf) { l.Body = map[string]any{"x": "\xff"} }, fault.Invalid},
		{"bad UTF-8 key", func(l *Leaf) { l.Body = map[string]any{"\xff": "x"} }, fault.Invalid},
		{"depth", func(l *Leaf) { l.Body = map[string]any{"x": []any{deep}} }, fault.LimitExceeded},
		{"size", func(l *Leaf) { l.Body = map[string]any{"x": strings.Repeat("y", MaxLeafBytes)} }, fault.LimitExceeded},
		{"refs key", func(l *Leaf) { l.Refs = map[string]string{"": "x"} }, fault.Invalid},
		{"refs value", func(l *Leaf) { l.Refs = map[string]string{"a": strings.Repeat("y", maxRefBytes+1)} }, fault.LimitExceeded},
		{"unsalted", func(l *Leaf) { l.C = map[string]string{"phone": "13800000000"} }, fault.Invalid},
		{"upper-case commitment", func(l *Leaf) { l.C = map[string]string{"f": strings.Repeat("AB", 32)} }, fault.Invalid},
		{"row digest", func(l *Leaf) { l.Rows[0].Digest = "00" }, fault.Invalid},
		{"row table", func(l *Leaf) { l.Rows[0].Table = "" }, fault.Invalid},
		{"row revision", func(l *Leaf) { l.Rows[0].Revision = -1 }, fault.Invalid},
		{"row twice", func(l *Leaf) { l.Rows = append(l.Rows, l.Rows[0]) }, fault.Invalid},
		{"rows", func(l *Leaf) { l.Rows = rows }, fault.LimitExceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := ok
			l.Rows = []RowChange{ok.Rows[0]}
			c.edit(&l)
			_, err := l.Encode()
			wantCode(t, err, c.want)
		})
	}
	bounds := ok
	bounds.Body = map[string]any{"x": deep, "n": int64(maxInt), "m": -maxInt}
	bounds.Rows = rows[:MaxRows]
	bounds.ID = strings.Repeat("a", maxNameBytes)
	if _, err := ParseLeaf(mustEncode(t, bounds)); err != nil {
		t.Fatalf("at the bounds: %v", err)
	}
}

func TestParseLeafRefuses(t *testing.T) {
	good := string(mustEncode(t, leafN(3)))
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the leaf", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	cases := map[string]struct {
		text string
		want fault.Code
	}{
		"empty":            {"", fault.Invalid},
		"array":            {"[]", fault.Invalid},
		"no fields":        {"{}", fault.Invalid},
		"space":            {swap(`"body":`, `"body": `), fault.Invalid},
		"newline at end":   {good + "\n", fault.Invalid},
		"order":            {swap(`"actor":"bank","body":{"n":3}`, `"body":{"n":3},"actor":"bank"`), fault.Invalid},
		"duplicate":        {swap(`{"n":3}`, `{"n":3,"n":3}`), fault.Invalid},
		"float":            {swap(`{"n":3}`, `{"n":3.0}`), fault.Invalid},
		"exponent":         {swap(`{"n":3}`, `{"n":3e0}`), fault.Invalid},
		"leading zero":     {swap(`{"n":3}`, `{"n":03}`), fault.Invalid},
		"minus zero":       {swap(`{"n":3}`, `{"n":-0}`), fault.Invalid},
		"minus":            {swap(`{"n":3}`, `{"n":-}`), fault.Invalid},
		"2^53":             {swap(`{"n":3}`, `{"n":9007199254740992}`), fault.Invalid},
		"2^64":             {swap(`{"n":3}`, `{"n":18446744073709551616}`), fault.Invalid},
		"null":             {swap(`{"n":3}`, `{"n":null}`), fault.Invalid},
		"trailing comma":   {swap(`{"n":3}`, `{"n":3,}`), fault.Invalid},
		"bad UTF-8":        {swap(`"bank"`, "\"b\xffk\""), fault.Invalid},
		"surrogate":        {swap(`{"n":3}`, `{"n":"\ud800"}`), fault.Invalid},
		"needless escape":  {swap(`{"n":3}`, `{"n":"\u0041"}`), fault.Invalid},
		"escaped slash":    {swap(`{"n":3}`, `{"n":"\/"}`), fault.Invalid},
		"long escape":      {swap(`{"n":3}`, `{"n":"\u000a"}`), fault.Invalid},
		"upper-case hex":   {swap(`{"n":3}`, `{"n":"\u001F"}`), fault.Invalid},
		"raw control":      {swap(`{"n":3}`, "{\"n\":\"\x01\"}"), fault.Invalid},
		"unterminated":     {swap(`"v":1}`, `"v":"1`), fault.Invalid},
		"no end":           {good[:len(good)-1], fault.Invalid},
		"unknown field":    {swap(`"v":1}`, `"v":1,"w":1}`), fault.Invalid},
		"missing field":    {swap(`,"v":1}`, `}`), fault.Invalid},
		"v as string":      {swap(`"v":1}`, `"v":"1"}`), fault.Invalid},
		"refs not strings": {swap(`"refs":{"job":"j3"}`, `"refs":{"job":3}`), fault.Invalid},
		"rows not objects": {swap(`"rows":[{`, `"rows":[3,{`), fault.Invalid},
		"row field":        {swap(`"revision":3,`, ``), fault.Invalid},
		"newer":            {swap(`"v":1}`, `"v":2}`), fault.Unsupported},
		"long":             {swap(`"bank"`, `"`+strings.Repeat("b", MaxLeafBytes)+`"`), fault.LimitExceeded},
		"deep":             {`{"body":` + strings.Repeat("[", 10_000), fault.LimitExceeded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseLeaf([]byte(c.text))
			wantCode(t, err, c.want)
		})
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	const canary = "canary-13800000000"
	for _, text := range []string{
		`{"body":{"n":"` + canary + `\q"}}`, `{"` + canary + `":1}`, `{"actor":"` + canary + ` "}`,
	} {
		if _, err := ParseLeaf([]byte(text)); err == nil || strings.Contains(err.Error(), canary) {
			t.Fatalf("error %v", err)
		}
	}
}

// anyJSON draws a value of the restricted JSON.
func anyJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		if depth == 0 {
			kind %= 3
		}
		switch kind {
		case 0:
			return rapid.String().Draw(t, "s")
		case 1:
			return rapid.Int64Range(-maxInt, maxInt).Draw(t, "n")
		case 2:
			return rapid.Bool().Draw(t, "b")
		case 3:
			return rapid.SliceOfN(anyJSON(depth-1), 0, 4).Draw(t, "list")
		}
		return rapid.MapOfN(rapid.String(), anyJSON(depth-1), 0, 4).Draw(t, "map")
	})
}

// Canonical JSON is idempotent: encode, parse, encode gives the same bytes, and encoding/json reads the same value.
func TestCanonicalJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOfN(rapid.String(), anyJSON(3), 0, 5).Draw(t, "m")
		first, err := appendValue(nil, m, 1)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseObject(first)
		if err != nil {
			t.Fatalf("%v in %s", err, first)
		}
		second, err := appendValue(nil, back, 1)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
		d := json.NewDecoder(bytes.NewReader(first))
		d.UseNumber()
		var std map[string]any
		if err := d.Decode(&std); err != nil || !sameJSON(std, back) {
			t.Fatalf("encoding/json reads another value (%v) in %s", err, first)
		}
	})
}

// sameJSON compares what encoding/json read with what we read.
func sameJSON(std, ours any) bool {
	switch s := std.(type) {
	case json.Number:
		n, err := s.Int64()
		return err == nil && n == ours
	case []any:
		o, ok := ours.([]any)
		if !ok || len(o) != len(s) {
			return false
		}
		for i := range s {
			if !sameJSON(s[i], o[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		o, ok := ours.(map[string]any)
		if !ok || len(o) != len(s) {
			return false
		}
		for k := range s {
			if !sameJSON(s[k], o[k]) {
				return false
			}
		}
		return true
	}
	return std == ours
}

// RFC 8785 §3.2.3: keys sort by UTF-16 code units, where U+1F600 comes before U+FB33.
func TestKeyOrder(t *testing.T) {
	m := map[string]any{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7, "": 8, "11": 9}
	got, err := appendValue(nil, m, 1)
	const want = "{\"\":8,\"\\r\":2,\"1\":4,\"11\":9,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001f600\":5,\"\ufb33\":3}"
	if err != nil || string(got) != want {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
}

func TestEncodeAcceptsConvenientTypes(t *testing.T) {
	l := leafN(0)
	l.Body = map[string]any{"list": []string{"a", "b"}, "n": 3}
	got, err := ParseLeaf(mustEncode(t, l))
	want := map[string]any{"list": []any{"a", "b"}, "n": int64(3)}
	if err != nil || !reflect.DeepEqual(got.Body, want) {
		t.Fatalf("body %v, %v", got.Body, err)
	}
}

func TestCommit(t *testing.T) {
	salt := [SaltBytes]byte{1}
	c := Commit(salt, []byte("v"))
	if !Opens(c, salt, []byte("v")) || Opens(c, salt, []byte("w")) || Opens(c, [SaltBytes]byte{2}, []byte("v")) || Opens("", salt, []byte("v")) {
		t.Fatal("a commitment opens to exactly its salt and value")
	}
	// SHA-256("tacit/commit/v1" ‖ 00 ‖ 32 zero bytes), computed with sha256sum.
	const want = "1b7128710b1d9a6b18a7db7527438c1d48743007f02eb6fe0d2018a19a8f486c"
	if got := Commit([SaltBytes]byte{}, nil); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestTypesAreUnique(t *testing.T) {
	seen := map[Type]bool{}
	for _, ty := range Types() {
		if seen[ty] || !ty.Known() || !strings.Contains(string(ty), ".") {
			t.Fatalf("type %q", ty)
		}
		seen[ty] = true
	}
}
