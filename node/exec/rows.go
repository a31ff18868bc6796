package exec

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols/train"
)

// step returns an earlier step of the plan that this one reads, directly or through others, with the given op.
func (r *Run) ancestor(from *plan.Step, op job.Op) (*plan.Step, bool) {
	for _, id := range from.In {
		st, ok := r.task.Plan.Step(id)
		if !ok {
			continue
		}
		if st.Op == op {
			return &st, true
		}
		if up, ok := r.ancestor(&st, op); ok {
			return up, true
		}
	}
	return nil, false
}

// index reads the common rows that this step works on.
func (r *Run) index() (feature.Index, error) {
	st, ok := r.ancestor(r.slot.Step, job.Align)
	if !ok {
		return feature.Index{}, fault.New(fault.Invalid, "exec.index", "step %q reads no aligned rows", r.slot.ID)
	}
	b, err := r.Input(st.ID)
	if err != nil {
		return feature.Index{}, err
	}
	return decodeIndex(b)
}

// part reads the positions of the training or the test part; without a split, all positions are both.
func (r *Run) part(n int, part string) ([]int32, error) {
	st, ok := r.ancestor(r.slot.Step, job.Split)
	if !ok || part == "all" {
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(i)
		}
		return out, nil
	}
	bits, err := r.Input(st.ID)
	if err != nil {
		return nil, err
	}
	if len(bits) != (n+7)/8 {
		return nil, fault.New(fault.Corrupt, "exec.part", "a split of %d bytes for %d rows", len(bits), n)
	}
	var out []int32
	for i := range n {
		if test := bits[i/8]>>(i%8)&1 == 1; test == (part == "test") {
			out = append(out, int32(i))
		}
	}
	return out, nil
}

// labels gathers this party's label column on the common rows; who holds none gets nil.
func (r *Run) labels(ctx context.Context, ix feature.Index) ([]uint8, error) {
	in, _, err := r.ownInput()
	if err != nil {
		return nil, err
	}
	for _, c := range in.Columns {
		if c.Use != plan.UseLabel {
			continue
		}
		_, s, err := r.open(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { _ = s.Close() }() // reading: nothing to lose
		return feature.LoadLabel(ctx, s, c.Name, ix)
	}
	return nil, nil
}

// split draws which common rows are the test part. Strata are labels, so their holder draws and tells one bit per row.
func split(ctx context.Context, r *Run) (Result, error) {
	ix, err := r.index()
	if err != nil {
		return Result{}, err
	}
	n := ix.Len()
	role, stratified := r.slot.Step.RoleOf(r.engine.cfg.Self)
	stratified = stratified && slices.ContainsFunc(r.slot.Step.Roles, func(x plan.Role) bool { return x.Role == plan.LabelHolder })
	var test []int32
	switch {
	case !stratified:
		test, err = r.draw(n, nil)
	case role == plan.LabelHolder:
		var labels []uint8
		if labels, err = r.labels(ctx, ix); err == nil {
			test, err = r.draw(n, labels)
		}
	}
	if err != nil {
		return Result{}, err
	}
	if stratified {
		s, conns, err := r.Open(ctx)
		if err != nil {
			return Result{}, err
		}
		if _, test, err = train.Partition(ctx, s, conns, role == plan.LabelHolder, n, test); err != nil {
			return Result{}, err
		}
	}
	bits := membership(n, test)
	return Result{Local: bits, Common: sha256.Sum256(bits), RowsIn: int64(n), RowsOut: int64(n)}, nil
}

// secretSeed is the randomness that a stratified draw adds to the plan's seed.
const secretSeed = 32

// draw returns the positions of the test part. With strata the draw is not repeatable: a host that could compute its
// order would read labels off it, since past the point where one class has its share, a row that is passed over is of
// that class and a row that is taken is of the other.
func (r *Run) draw(n int, strata []uint8) ([]int32, error) {
	w := with(*r.slot.Step)
	seed := binary.BigEndian.AppendUint64(nil, uint64(w.Int("seed")))
	if strata != nil {
		seed = append(seed, make([]byte, secretSeed)...)
		if _, err := io.ReadFull(r.engine.cfg.Rand, seed[len(seed)-secretSeed:]); err != nil {
			return nil, fault.Wrap(fault.Internal, "exec.split", err, "no randomness")
		}
	}
	_, test, err := feature.Split(n, w.Dec("test"), seed, strata)
	return test, err
}

// membership sets bit i%8 of byte i/8 for every position of the test part.
func membership(n int, test []int32) []byte {
	bits := make([]byte, (n+7)/8)
	for _, i := range test {
		bits[i/8] |= 1 << (i % 8)
	}
	return bits
}

// ownFeatures are this party's feature columns of a table.
func (r *Run) ownFeatures(columns []plan.Column) []string {
	var out []string
	for _, c := range columns {
		if c.Owner == r.engine.cfg.Self && c.Use == plan.UseFeature {
			out = append(out, c.Name)
		}
	}
	return out
}

// matrix gathers this party's features on the common rows.
func (r *Run) matrix(ctx context.Context, columns []string, ix feature.Index) (feature.Matrix, error) {
	_, s, err := r.open(ctx)
	if err != nil {
		return feature.Matrix{}, err
	}
	defer func() { _ = s.Close() }() // reading: nothing to lose
	return feature.Load(ctx, s, columns, ix)
}

// scale learns imputation and scale from this party's training rows. It sends nothing.
func scale(ctx context.Context, r *Run) (Result, error) {
	ix, err := r.index()
	if err != nil {
		return Result{}, err
	}
	columns := r.ownFeatures(r.slot.Step.Out.Columns)
	if len(columns) == 0 {
		return Result{RowsIn: int64(ix.Len())}, nil
	}
	m, err := r.matrix(ctx, columns, ix)
	if err != nil {
		return Result{}, err
	}
	rows, err := r.part(ix.Len(), "train")
	if err != nil {
		return Result{}, err
	}
	labels, err := r.labels(ctx, ix)
	if err != nil {
		return Result{}, err
	}
	if err := r.checkTraining(m, rows, labels); err != nil {
		return Result{}, err
	}
	sc, err := feature.Fit(m, rows, feature.FitOptions{})
	if err != nil {
		return Result{}, err
	}
	sc.Clip = with(*r.slot.Step).Dec("clip")
	return Result{Local: sc.Encode(), RowsIn: int64(ix.Len()), RowsOut: int64(len(rows))}, nil
}

// checkTraining runs the guards on the training rows alone.
func (r *Run) checkTraining(m feature.Matrix, rows []int32, labels []uint8) error {
	part, err := m.Select(rows)
	if err != nil {
		return err
	}
	o := feature.CheckOptions{TotalColumns: r.featureCount()}
	if labels != nil {
		o.Label = pick(labels, rows)
	}
	return feature.Check(part, o)
}

func pick(labels []uint8, rows []int32) []uint8 {
	out := make([]uint8, len(rows))
	for i, row := range rows {
		out[i] = labels[row]
	}
	return out
}

// scaled returns this party's standardised features on one part of the common rows: the one pipeline of training and
// scoring.
func (r *Run) scaled(ctx context.Context, part string) (feature.Matrix, []int32, error) {
	ix, err := r.index()
	if err != nil {
		return feature.Matrix{}, nil, err
	}
	rows, err := r.part(ix.Len(), part)
	if err != nil {
		return feature.Matrix{}, nil, err
	}
	st, ok := r.ancestor(r.slot.Step, job.Scale)
	if !ok {
		return feature.Matrix{}, nil, fault.New(fault.Invalid, "exec.scaled", "step %q reads no scaled columns", r.slot.ID)
	}
	columns := r.ownFeatures(st.Out.Columns)
	if len(columns) == 0 {
		return feature.Matrix{Rows: len(rows)}, rows, nil
	}
	b, err := r.Input(st.ID)
	if err != nil {
		return feature.Matrix{}, nil, err
	}
	sc, err := feature.DecodeScaler(b)
	if err != nil {
		return feature.Matrix{}, nil, stored(err)
	}
	m, err := r.matrix(ctx, columns, ix.Select(rows))
	if err != nil {
		return feature.Matrix{}, nil, err
	}
	m, err = sc.Apply(m)
	return m, rows, err
}

// CommonRows returns which rows of its own file a party matched, in the common order, and the positions of the test part,
// from the sealed outputs of its align and split steps in dir. It is the party's own knowledge.
//
// Errors: fault.NotFound, fault.Corrupt.
func CommonRows(dir, jobID, alignStep, splitStep string) (rows []int64, test []int32, err error) {
	b, err := readSealed(dir, jobID, alignStep, 1)
	if err != nil {
		return nil, nil, err
	}
	ix, err := decodeIndex(b)
	if err != nil {
		return nil, nil, err
	}
	bits, err := readSealed(dir, jobID, splitStep, 1)
	if err != nil {
		return nil, nil, err
	}
	if len(bits) != (ix.Len()+7)/8 {
		return nil, nil, fault.New(fault.Corrupt, "exec.CommonRows", "a split of %d bytes for %d rows", len(bits), ix.Len())
	}
	for i := range ix.Len() {
		if bits[i/8]>>(i%8)&1 == 1 {
			test = append(test, int32(i))
		}
	}
	return ix.Row, test, nil
}
