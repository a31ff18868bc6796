package demo

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

func sample(t testing.TB, seed uint64) Files {
	t.Helper()
	dir := t.TempDir()
	f := Files{BankPath: filepath.Join(dir, "bank.csv"), UtilityPath: filepath.Join(dir, "utility.csv"), ID: "id", Label: "y", Group: "region"}
	if err := WriteSample(f.BankPath, f.UtilityPath, seed); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTwinOfTheSample(t *testing.T) {
	f := sample(t, 42)
	a, err := DrawnTwin(t.Context(), f, 42, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if a.RowsA != bankRows || a.RowsB != utilityRows || a.Intersection != commonRows {
		t.Errorf("rows %d, %d, %d in both; want %d, %d, %d", a.RowsA, a.RowsB, a.Intersection, bankRows, utilityRows, commonRows)
	}
	if a.Pooled.Rows != commonRows/5 || a.AOnly.Rows != commonRows/5 || a.Pooled.Positives != a.AOnly.Positives {
		t.Errorf("test rows %d and %d, want %d of equal labels", a.Pooled.Rows, a.AOnly.Rows, commonRows/5)
	}
	if a.Pooled.AUC < a.AOnly.AUC+0.02 {
		t.Errorf("AUC %.4f pooled, %.4f of the bank alone: the utility must add at least 0.02", a.Pooled.AUC, a.AOnly.AUC)
	}
	t.Logf("AUC %.4f pooled, %.4f alone; KS %.4f, %.4f", a.Pooled.AUC, a.AOnly.AUC, a.Pooled.KS, a.AOnly.KS)
	b, err := DrawnTwin(t.Context(), f, 42, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("equal inputs gave another twin")
	}
}

// TestGroupsAreExact counts the sample's groups by splitting text.
func TestGroupsAreExact(t *testing.T) {
	f := sample(t, 3)
	twin, err := DrawnTwin(t.Context(), f, 1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	common := map[string]bool{}
	for _, line := range lines(t, f.UtilityPath) {
		id, _, _ := strings.Cut(line, ",")
		common[id] = true
	}
	rows, positives := map[string]int64{}, map[string]int64{}
	for _, line := range lines(t, f.BankPath) {
		c := strings.SplitN(line, ",", 4)
		if !common[c[0]] {
			continue
		}
		rows[c[2]]++
		if c[1] == "1" {
			positives[c[2]]++
		}
	}
	if len(twin.Groups) != len(Regions) {
		t.Fatalf("%d groups, want %d", len(twin.Groups), len(Regions))
	}
	total := int64(0)
	for i, g := range twin.Groups {
		if g.Key != Regions[i] || g.Rows != rows[g.Key] || g.Positives != positives[g.Key] {
			t.Errorf("group %d: %+v, want %s with %d rows, %d positive", i, g, Regions[i], rows[g.Key], positives[g.Key])
		}
		if want := float64(g.Positives) / float64(g.Rows); g.Rate() != want {
			t.Errorf("rate %v, want %v", g.Rate(), want)
		}
		total += g.Rows
	}
	if total != commonRows {
		t.Errorf("groups hold %d rows of %d", total, commonRows)
	}
}

// lines are the lines of a file without its header.
func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")[1:]
}

// pair writes two small files: rows customers of the bank, the last common of them the utility's too.
func pair(t *testing.T, rows, common int) Files {
	t.Helper()
	dir := t.TempDir()
	f := Files{BankPath: filepath.Join(dir, "a.csv"), UtilityPath: filepath.Join(dir, "b.csv"), ID: "id", Label: "y"}
	var a, b strings.Builder
	a.WriteString("id,y,x\n")
	b.WriteString("id,u\n")
	for i := range rows {
		fmt.Fprintf(&a, "%05d,%d,%d\n", i, i%3%2, (i*7919)%101)
		if i >= rows-common {
			fmt.Fprintf(&b, "%05d,%d\n", i, (i*104729)%97)
		}
	}
	fmt.Fprintln(&b, "stranger,1")
	write(t, f.BankPath, a.String())
	write(t, f.UtilityPath, b.String())
	return f
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwinWithoutGroups(t *testing.T) {
	twin, err := DrawnTwin(t.Context(), pair(t, 900, 700), 7, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	if twin.RowsA != 900 || twin.RowsB != 701 || twin.Intersection != 700 || twin.Groups != nil || twin.Pooled.Rows != 175 {
		t.Errorf("got %d, %d, %d rows, %d tested, groups %v", twin.RowsA, twin.RowsB, twin.Intersection, twin.Pooled.Rows, twin.Groups)
	}
}

func TestNamedFeaturesAreTheOnlyOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("two fits of the whole sample")
	}
	f := sample(t, 5)
	f.BankFeatures, f.UtilityFeatures = []string{"age"}, []string{"moves", "late_bills"}
	one, err := DrawnTwin(t.Context(), f, 1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	f.BankFeatures = nil
	all, err := DrawnTwin(t.Context(), f, 1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if one.AOnly.AUC >= all.AOnly.AUC {
		t.Errorf("one feature gives AUC %.4f, all of them %.4f", one.AOnly.AUC, all.AOnly.AUC)
	}
}

func TestDrawnTwinRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, *Files)
		test   float64
		want   fault.Code
	}{
		{"no bank file", func(_ *testing.T, f *Files) { f.BankPath += ".gone.csv" }, 0.2, fault.NotFound},
		{"no utility file", func(_ *testing.T, f *Files) { f.UtilityPath += ".gone.csv" }, 0.2, fault.NotFound},
		{"no key column", func(_ *testing.T, f *Files) { f.ID = "key" }, 0.2, fault.SchemaMismatch},
		{"no label column", func(_ *testing.T, f *Files) { f.Label = "z" }, 0.2, fault.SchemaMismatch},
		{"no group column", func(_ *testing.T, f *Files) { f.Group = "z" }, 0.2, fault.SchemaMismatch},
		{"a feature of text", func(_ *testing.T, f *Files) { f.BankFeatures = []string{"id"} }, 0.2, fault.Invalid},
		{"no common key", func(t *testing.T, f *Files) { write(t, f.UtilityPath, "id,u\nq,1\n") }, 0.2, fault.Invalid},
		{"a key twice", func(t *testing.T, f *Files) { write(t, f.UtilityPath, "id,u\nq,1\nq,2\n") }, 0.2, fault.Invalid},
		{"no test part", func(*testing.T, *Files) {}, 0, fault.Invalid},
		{"no training part", func(*testing.T, *Files) {}, 1, fault.Invalid},
		{"NaN", func(*testing.T, *Files) {}, math.NaN(), fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := pair(t, 600, 600)
			c.change(t, &f)
			if _, err := DrawnTwin(t.Context(), f, 1, c.test); err == nil || fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// jobRows are the rows of a pair that a job would have matched, in some other order, and a test part of a quarter.
func jobRows(rows, common int) (order []int64, test []int32) {
	for i := range common {
		order = append(order, int64(rows-1-i))
		if i%4 == 0 {
			test = append(test, int32(i))
		}
	}
	return order, test
}

// TestTwinFollowsTheJob: the job's order changes which position a row has and nothing else.
func TestTwinFollowsTheJob(t *testing.T) {
	f := pair(t, 900, 700)
	order, test := jobRows(900, 700)
	a, err := PlainTwin(t.Context(), f, order, test)
	if err != nil {
		t.Fatal(err)
	}
	// The same rows in the order of the file, tested on the same quarter.
	slices.Reverse(order)
	for i, p := range test {
		test[i] = 699 - p
	}
	slices.Sort(test)
	b, err := PlainTwin(t.Context(), f, order, test)
	if err != nil {
		t.Fatal(err)
	}
	if a.Intersection != 700 || a.Pooled.Rows != 175 || a.Pooled.Positives != b.Pooled.Positives {
		t.Errorf("%d common, %d tested with %d and %d positives", a.Intersection, a.Pooled.Rows, a.Pooled.Positives, b.Pooled.Positives)
	}
	// Sums run in another order: coefficients agree to about 1e-12, so no pair of 175 rows changes its rank.
	if d := math.Abs(a.Pooled.AUC - b.Pooled.AUC); d > 1e-9 {
		t.Errorf("AUC differs by %g between two orders of the same rows", d)
	}
}

func TestPlainTwinRefuses(t *testing.T) {
	f := pair(t, 600, 500)
	good, test := jobRows(600, 500)
	swap := func(row int64) []int64 {
		out := slices.Clone(good)
		out[7] = row
		return out
	}
	for _, c := range []struct {
		name   string
		common []int64
		test   []int32
		want   fault.Code
	}{
		{"a row fewer", good[1:], test, fault.Corrupt},
		{"a row more", append(slices.Clone(good), 3), test, fault.Corrupt},
		{"a row twice", swap(good[8]), test, fault.Corrupt},
		{"a row that is in one file only", swap(3), test, fault.Corrupt},
		{"no row", nil, test, fault.Corrupt},
		{"a position beyond the rows", good, []int32{1, 500}, fault.Invalid},
		{"a negative position", good, []int32{-1, 5}, fault.Invalid},
		{"positions that descend", good, []int32{9, 5}, fault.Invalid},
		{"a position twice", good, []int32{5, 5}, fault.Invalid},
		{"nothing to test", good, nil, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := PlainTwin(t.Context(), f, c.common, c.test); err == nil || fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
