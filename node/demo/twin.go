package demo

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/node/exec"
)

const (
	twinL2        = 1   // λ, as a job's default
	twinThreshold = 0.5 // where a probability becomes a prediction, as in a job
)

// Files says where the two parties' rows lie and what their columns are.
type Files struct {
	BankPath, UtilityPath string
	ID                    string // the key column of both files
	Label                 string // the bank's, 0 or 1
	Group                 string // the bank's, optional

	// Features of each side, all numeric; nil takes every column of the file that is named nowhere above.
	BankFeatures, UtilityFeatures []string
}

// Twin is what the job's parties would know if one of them held both files.
type Twin struct {
	RowsA, RowsB, Intersection int // rows of the bank's file, the utility's, and those whose key is in both
	Pooled                     model.Report
	AOnly                      model.Report // the bank's features alone, on the same rows
	Groups                     []GroupCount // exact, of the joined rows, by key; nil without a group column
}

// GroupCount is the exact answer to what the job releases with noise.
type GroupCount struct {
	Key             string
	Rows, Positives int64
}

// Rate is the share of positives, 0 of no rows: as a noised answer defines it.
func (g GroupCount) Rate() float64 { return float64(g.Positives) / float64(max(1, g.Rows)) }

// PlainTwin joins the two files in the clear and fits the job's model with none of the job's protocols, on the pooled
// features and on the bank's alone. Whoever runs it sees both files: only a demo, a test or a benchmark may.
//
// common are the bank's rows that a job matched, in its common order, and test the positions of its test part, ascending
// (exec.CommonRows), so that job and twin train and test on the same rows. The twin matches keys itself, as bytes, rows
// without a usable key skipped. Equal files and arguments give equal bits.
//
// Errors: fault.Invalid (no common key, a repeated key, a feature or label that does not fit, positions that are none),
// fault.Corrupt (common is not what the twin matched), those of exec.OpenFile, package feature and package model.
func PlainTwin(ctx context.Context, f Files, common []int64, test []int32) (Twin, error) {
	p, err := f.match(ctx)
	if err != nil {
		return Twin{}, err
	}
	if err := p.follow(common); err != nil {
		return Twin{}, err
	}
	train, err := rest(p.bank.Len(), test)
	if err != nil {
		return Twin{}, err
	}
	j, err := f.load(ctx, p)
	if err != nil {
		return Twin{}, err
	}
	return p.twin(j, train, test)
}

// DrawnTwin is PlainTwin without a job: the common rows are in the order of the bank's file, and the split is the job's
// own function on them (feature.Split, stratified by label). A job's common order is secret and random, so a job with the
// same seed and fraction tests other rows.
//
// Errors: as PlainTwin; fault.Invalid for a fraction outside (0, 1).
func DrawnTwin(ctx context.Context, f Files, seed int64, testFraction float64) (Twin, error) {
	p, err := f.match(ctx)
	if err != nil {
		return Twin{}, err
	}
	j, err := f.load(ctx, p)
	if err != nil {
		return Twin{}, err
	}
	train, test, err := feature.Split(p.bank.Len(), testFraction, binary.BigEndian.AppendUint64(nil, uint64(seed)), j.labels)
	if err != nil {
		return Twin{}, err
	}
	return p.twin(j, train, test)
}

// pairing is the rows of both files whose keys are equal, position by position.
type pairing struct {
	rowsA, rowsB  int // of the files
	bank, utility feature.Index
}

// match pairs the rows by key, in the order of the bank's file.
func (f Files) match(ctx context.Context) (pairing, error) {
	a, err := f.keys(ctx, f.BankPath)
	if err != nil {
		return pairing{}, err
	}
	b, err := f.keys(ctx, f.UtilityPath)
	if err != nil {
		return pairing{}, err
	}
	rows := make(map[[32]byte]int64, len(b.Digest))
	for i, d := range b.Digest {
		rows[d] = b.Row[i]
	}
	p := pairing{rowsA: a.Rows, rowsB: b.Rows}
	for i, d := range a.Digest {
		if row, ok := rows[d]; ok {
			p.bank.Row = append(p.bank.Row, a.Row[i])
			p.utility.Row = append(p.utility.Row, row)
		}
	}
	if p.bank.Len() == 0 {
		return pairing{}, fault.New(fault.Invalid, "demo.PlainTwin", "no key of %d and %d rows is in both files", a.Rows, b.Rows)
	}
	return p, nil
}

func (f Files) keys(ctx context.Context, path string) (k feature.KeyColumn, err error) {
	err = f.stream(ctx, path, func(s engine.Stream) error {
		k, err = feature.Keys(ctx, s, []string{f.ID}, []feature.Rule{feature.Raw})
		return err
	})
	return k, err
}

// follow puts the pairs in the order of the given rows of the bank, which must be the matched ones.
func (p *pairing) follow(common []int64) error {
	partner := make(map[int64]int64, p.bank.Len())
	for i, row := range p.bank.Row {
		partner[row] = p.utility.Row[i]
	}
	known := len(partner)
	utility := make([]int64, 0, known)
	for _, row := range common {
		if theirs, ok := partner[row]; ok {
			utility = append(utility, theirs)
			delete(partner, row) // a second time it is no partner
		}
	}
	if len(common) != known || len(utility) != known {
		return fault.New(fault.Corrupt, "demo.PlainTwin", "the job matched %d rows, the twin %d, and %d are the same", len(common), known, len(utility))
	}
	p.bank.Row, p.utility.Row = common, utility
	return nil
}

// rest returns the positions below n that are not in test.
func rest(n int, test []int32) ([]int32, error) {
	train := make([]int32, 0, n)
	next := 0
	for i := range int32(n) {
		if next < len(test) && test[next] == i {
			next++
			continue
		}
		train = append(train, i)
	}
	if next != len(test) {
		return nil, fault.New(fault.Invalid, "demo.PlainTwin", "%d test positions of %d rows, not ascending or out of range", len(test), n)
	}
	return train, nil
}

func (p pairing) twin(j joined, train, test []int32) (t Twin, err error) {
	t = Twin{RowsA: p.rowsA, RowsB: p.rowsB, Intersection: p.bank.Len(), Groups: countGroups(j.groups, j.labels)}
	if t.Pooled, err = fitAndTest(j.labels, train, test, j.bank, j.utility); err != nil {
		return Twin{}, err
	}
	t.AOnly, err = fitAndTest(j.labels, train, test, j.bank)
	return t, err
}

// joined is what the twin reads of the common rows.
type joined struct {
	bank, utility feature.Matrix
	labels        []uint8
	groups        []string // nil without a group column
}

func (f Files) load(ctx context.Context, p pairing) (j joined, err error) {
	if j.bank, err = f.matrix(ctx, f.BankPath, f.BankFeatures, p.bank); err != nil {
		return j, err
	}
	if j.utility, err = f.matrix(ctx, f.UtilityPath, f.UtilityFeatures, p.utility); err != nil {
		return j, err
	}
	err = f.stream(ctx, f.BankPath, func(s engine.Stream) error {
		j.labels, err = feature.LoadLabel(ctx, s, f.Label, p.bank)
		return err
	})
	if err != nil || f.Group == "" {
		return j, err
	}
	return j, f.stream(ctx, f.BankPath, func(s engine.Stream) error {
		var null []bool
		j.groups, null, err = feature.LoadStrings(ctx, s, f.Group, p.bank)
		for i := range j.groups {
			if null[i] {
				j.groups[i] = "" // counted in no group
			}
		}
		return err
	})
}

// stream opens a file, hands it to read and closes it.
func (f Files) stream(ctx context.Context, path string, read func(engine.Stream) error) error {
	s, err := exec.OpenFile(ctx, path, memory.NewGoAllocator(), table.Options{Keys: []string{f.ID}})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // reading: nothing to lose
	return read(s)
}

// matrix gathers the features of one file.
func (f Files) matrix(ctx context.Context, path string, columns []string, ix feature.Index) (m feature.Matrix, err error) {
	err = f.stream(ctx, path, func(s engine.Stream) error {
		if columns == nil {
			columns = f.others(s.Schema())
		}
		m, err = feature.Load(ctx, s, columns, ix)
		return err
	})
	return m, err
}

// others are the columns that have no part but that of a feature.
func (f Files) others(s *arrow.Schema) []string {
	var out []string
	for _, c := range s.Fields() {
		if c.Name != f.ID && c.Name != f.Label && (f.Group == "" || c.Name != f.Group) {
			out = append(out, c.Name)
		}
	}
	return out
}

// fitAndTest imputes, standardises and clips by the training rows, fits on them and evaluates on the test rows.
func fitAndTest(labels []uint8, train, test []int32, parts ...feature.Matrix) (model.Report, error) {
	x, err := beside(parts)
	if err != nil {
		return model.Report{}, err
	}
	scaler, err := feature.Fit(x, train, feature.FitOptions{})
	if err != nil {
		return model.Report{}, err
	}
	if x, err = scaler.Apply(x); err != nil {
		return model.Report{}, err
	}
	xTrain, err := x.Select(train)
	if err != nil {
		return model.Report{}, err
	}
	xTest, err := x.Select(test)
	if err != nil {
		return model.Report{}, err
	}
	fitted, err := model.FitLogistic(xTrain, labelsAt(labels, train), model.LogisticOptions{L2: twinL2})
	if err != nil {
		return model.Report{}, err
	}
	p, err := fitted.Predict(xTest)
	if err != nil {
		return model.Report{}, err
	}
	return model.Evaluate(p, labelsAt(labels, test), twinThreshold)
}

// beside puts matrices of the same rows next to each other.
func beside(parts []feature.Matrix) (feature.Matrix, error) {
	var names []string
	nulls := false
	for _, p := range parts {
		names = append(names, p.Names...)
		nulls = nulls || p.Null != nil
	}
	out, err := feature.NewMatrix(names, parts[0].Rows)
	if err != nil {
		return feature.Matrix{}, err
	}
	if nulls {
		out.Null = make([]bool, len(out.Data))
	}
	cells := 0
	for _, p := range parts {
		copy(out.Data[cells:], p.Data)
		if p.Null != nil {
			copy(out.Null[cells:], p.Null)
		}
		cells += len(p.Data)
	}
	return out, nil
}

func labelsAt(labels []uint8, rows []int32) []uint8 {
	out := make([]uint8, len(rows))
	for i, r := range rows {
		out[i] = labels[r]
	}
	return out
}

// countGroups counts rows and positives per non-empty group, sorted.
func countGroups(groups []string, labels []uint8) []GroupCount {
	cells := map[string]GroupCount{}
	for i, g := range groups {
		if g == "" {
			continue
		}
		c := cells[g]
		c.Key = g
		c.Rows++
		c.Positives += int64(labels[i])
		cells[g] = c
	}
	var out []GroupCount
	for _, k := range slices.Sorted(maps.Keys(cells)) {
		out = append(out, cells[k])
	}
	return out
}
