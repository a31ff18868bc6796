package node

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/internal/wire"
)

// canary is something that only its owner may know, in one of the forms in which it could leave.
type canary struct {
	what string
	form []byte
}

// sampled is how many rows of a sheet are looked for: each alone would prove a leak.
const sampled = 40

// canaries are ids that the other party does not have and all features of some rows, as text and as floats.
func canaries(s *sheet, features ...string) []canary {
	var out []canary
	for _, row := range s.rows {
		if strings.HasPrefix(row[0], "zq") && len(out) < sampled {
			out = append(out, canary{"an id", []byte(row[0])})
		}
	}
	for _, name := range features {
		for _, row := range s.rows[:sampled] {
			cell := row[s.column(name)]
			v, _ := strconv.ParseFloat(cell, 64)
			_, digits, _ := strings.Cut(cell, ".")
			out = append(out,
				canary{"the digits of " + name, []byte(digits)},
				canary{name + " as a big-endian float", binary.BigEndian.AppendUint64(nil, math.Float64bits(v))},
				canary{name + " as a little-endian float", binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))},
				canary{name + " as a short float", binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))},
			)
		}
	}
	return out
}

// labelCanaries are 128 labels in the given order of rows: as text, as bytes and packed into bits.
func labelCanaries(s *sheet, order []int64, what string) []canary {
	const n = 128
	text, raw, low, high := make([]byte, n), make([]byte, n), make([]byte, n/8), make([]byte, n/8)
	for i := range n {
		text[i] = s.rows[order[i]][s.column("y")][0]
		raw[i] = text[i] - '0'
		low[i/8] |= raw[i] << (i % 8)
		high[i/8] |= raw[i] << (7 - i%8)
	}
	return []canary{
		{"the labels as text " + what, text},
		{"the labels as bytes " + what, raw},
		{"the labels as bits " + what, low},
		{"the labels as bits " + what, high},
	}
}

// secretive gives the rows that only one party has ids of their own, and every feature nine digits.
func secretive(s *sheet, own func(customer int) bool, prefix string) *sheet {
	for i, row := range s.rows {
		n, _ := strconv.Atoi(strings.TrimPrefix(row[0], "cust"))
		if own(n) {
			s.set(i, "id", prefix+row[0])
		}
		a, b, c, d, _ := customer(n)
		for name, v := range map[string]float64{"x0": a, "x1": b, "u0": c, "u1": d} {
			if s.column(name) >= 0 {
				s.set(i, name, strconv.FormatFloat(v, 'f', 9, 64))
			}
		}
	}
	return s
}

// TestCanaries: after jobs that succeed and jobs that fail, nothing that a node keeps, sent, received or logged holds
// an id, a feature or the labels of another party, in any form in which they could have left.
func TestCanaries(t *testing.T) {
	if testing.Short() {
		t.Skip("runs three jobs and reads everything they left")
	}
	f := newFederation(t)
	bankRows := secretive(bankSheet(700, 0), func(i int) bool { return i < 100 }, "zqbank")
	utilityRows := secretive(utilitySheet(700, 100), func(i int) bool { return i >= 700 }, "zqutility")
	d := f.deal("canary", bankRows, utilityRows)
	bank, _ := f.succeed(d.spec(fullSpec))

	repeated := secretive(utilitySheet(700, 100), func(int) bool { return true }, "zqrepeat")
	repeated.set(1, "id", repeated.rows[0][0])
	bad := f.deal("canary-ids", bankRows, repeated)
	f.run(bad.spec(modelSpec))
	text := secretive(utilitySheet(700, 100), func(int) bool { return true }, "zqtext")
	text.set(1, "u0", "zqcell")
	bad = f.deal("canary-cell", bankRows, text)
	f.run(bad.spec(modelSpec))

	ofBank := append(canaries(bankRows, "x0", "x1"), labelCanaries(bankRows, fileOrder(bankRows), "in file order")...)
	ofBank = append(ofBank, labelCanaries(bankRows, f.commonOrder(bank.ID), "in the common order")...)
	ofUtility := append(canaries(utilityRows, "u0", "u1"), canaries(repeated)...)
	ofUtility = append(ofUtility, append(canaries(text), canary{"a cell", []byte("zqcell")})...)

	for _, c := range []struct {
		at   *Node
		list []canary
	}{{f.utility, ofBank}, {f.coord, ofBank}, {f.bank, ofUtility}, {f.coord, ofUtility}} {
		for _, leak := range f.search(c.at, c.list) {
			t.Errorf("%s holds of another party %s", c.at.file.Party, leak)
		}
	}
	// What everybody may know is found: the search looks where things are.
	if found := f.search(f.utility, []canary{{"the name", []byte("loans-canary@1")}}); len(found) < 4 {
		t.Errorf("the name of the bank's dataset is found in %q only", found)
	}
}

// TestCanarySearch: the search finds what it looks for where it would be hidden.
func TestCanarySearch(t *testing.T) {
	hidden, err := json.Marshal(map[string]any{"row": []any{map[string][]byte{"value": []byte("x zqbankcust000001 y")}}})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, b := range unwrap(hidden) {
		found = found || bytes.Contains(b, []byte("zqbankcust000001"))
	}
	if !found {
		t.Error("an id in base64 in JSON is not found")
	}
}

func fileOrder(s *sheet) []int64 {
	out := make([]int64, len(s.rows))
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

// commonOrder is which rows of its file the bank matched, as it sealed them.
func (f *federation) commonOrder(jobID string) []int64 {
	f.t.Helper()
	b, err := f.bank.engine.ReadOutput(jobID, "joined")
	f.ok(err)
	dec := wire.NewDecoder(b, "test")
	out := make([]int64, dec.U32())
	for i := range out {
		out[i] = dec.I64()
	}
	f.ok(dec.Done())
	if len(out) != 600 {
		f.t.Fatalf("%d common rows, 600 expected", len(out))
	}
	return out
}

// search looks for canaries in every file of a node, every row and leaf of its database, and its log.
func (f *federation) search(n *Node, list []canary) (found []string) {
	f.t.Helper()
	places := map[string][][]byte{"log": {f.logs[n.file.Party].bytes()}}
	f.ok(filepath.WalkDir(f.home(n.file.Party), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		places["file "+filepath.Base(path)] = [][]byte{b}
		return err
	}))
	for table, cells := range cells(f.t, f.home(n.file.Party)) {
		for _, c := range cells {
			places["table "+table] = append(places["table "+table], unwrap(c)...)
		}
	}
	for place, blobs := range places {
		all := bytes.Join(blobs, []byte{0xff})
		for _, c := range list {
			if len(c.form) >= 4 && bytes.Contains(all, c.form) {
				found = append(found, c.what+" in "+place)
			}
		}
	}
	return found
}

// cells reads everything in a node's database, by table.
func cells(t *testing.T, dir string) map[string][][]byte {
	t.Helper()
	db := openSQL(t, dir)
	var tables []string
	query(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`, func(c []byte) { tables = append(tables, string(c)) })
	if len(tables) < 10 {
		t.Fatalf("%d tables: the search is wrong", len(tables))
	}
	out := make(map[string][][]byte, len(tables))
	for _, name := range tables {
		query(t, db, `SELECT * FROM "`+name+`"`, func(c []byte) { out[name] = append(out[name], bytes.Clone(c)) })
	}
	return out
}

// query calls fn for every cell of the result.
func query(t *testing.T, db *sql.DB, text string, fn func(cell []byte)) {
	t.Helper()
	rows, err := db.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // reading: nothing to lose
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	row, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, c := range row {
			fn(c)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// unwrap returns b and, when it is JSON, every base64 string in it decoded, however deep.
func unwrap(b []byte) [][]byte {
	out := [][]byte{b}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return out
	}
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case string:
			if inner, err := base64.StdEncoding.DecodeString(x); err == nil && len(inner) > 8 {
				out = append(out, unwrap(inner)...)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		case map[string]any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}
