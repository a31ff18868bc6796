package train

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// fixture joins two files by their id column and standardises: label holder's first.
func fixture(t *testing.T, guest, host string) set {
	t.Helper()
	label, ids := readColumns(t, guest, nil)
	other, _ := readColumns(t, host, ids)
	s := set{rows: len(ids), labelCols: len(label) - 1, hostCols: len(other)}
	for i := range s.rows {
		s.y = append(s.y, uint8(label[0][i]))
	}
	for _, c := range label[1:] {
		s.label = append(s.label, c...)
	}
	for _, c := range other {
		s.host = append(s.host, c...)
	}
	standardise(s.label, s.rows)
	standardise(s.host, s.rows)
	return s
}

// readColumns reads the columns after the id, in the row order of ids or of the file.
func readColumns(t *testing.T, name string, ids []string) (cols [][]float64, order []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "fate", name))
	if err != nil {
		t.Skipf("the shared data sets are not here: %v", err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := make(map[string]int)
	for i, r := range records[1:] {
		at[r[0]] = i + 1
		order = append(order, r[0])
	}
	if ids != nil {
		order = ids
	}
	cols = make([][]float64, len(records[0])-1)
	for _, id := range order {
		r, ok := records[at[id]], at[id] > 0
		if !ok {
			t.Fatalf("%s lacks an id of the other file", name)
		}
		for j, cell := range r[1:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatalf("%s column %d: not a number", name, j)
			}
			cols[j] = append(cols[j], v)
		}
	}
	return cols, order
}

// Bar of secure-modelling §10, fit = eval: |ΔAUC| against a float64 fit with the exact link.
func TestBreastMatchesIRLS(t *testing.T) {
	if testing.Short() {
		t.Skip("a full training")
	}
	s := fixture(t, "breast_hetero_guest.csv", "breast_hetero_host.csv")
	start := time.Now()
	_, o := mustFit(t, s, s.literal())
	took := time.Since(start)
	z, exact := s.scores(o.weights()), s.scores(irls(s, 1))
	got, want := auc(z, s.y), auc(exact, s.y)
	t.Logf("%d iterations in %v, AUC %.5f, exact %.5f, log-loss %.5f, exact %.5f", o.label.Iterations, took, got, want, logLoss(z, s.y), logLoss(exact, s.y))
	if math.Abs(got-want) > 0.002 {
		t.Errorf("AUC %.5f, the exact fit has %.5f", got, want)
	}
	if logLoss(z, s.y) > logLoss(exact, s.y)+0.005 {
		t.Errorf("log-loss %.5f, the exact fit has %.5f", logLoss(z, s.y), logLoss(exact, s.y))
	}
}
