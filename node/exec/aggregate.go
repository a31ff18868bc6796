package exec

import (
	"context"
	"slices"

	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// aggregate counts and sums the holder's column by declared groups over the common rows and draws the noise. The exact
// cells never leave this function; opening the noised ones is a step of its own.
func aggregate(ctx context.Context, r *Run) (Result, error) {
	if r.slot.Step.Out.Holder != r.engine.cfg.Self {
		return Result{}, nil
	}
	noise, err := r.slot.Step.Noise()
	if err != nil {
		return Result{}, err
	}
	agg, err := dp.NewAggregate(noise)
	if err != nil {
		return Result{}, err
	}
	ix, err := r.index()
	if err != nil {
		return Result{}, err
	}
	groups, labels, err := r.groups(ctx, ix)
	if err != nil {
		return Result{}, err
	}
	for i, g := range groups {
		if labels[i] == absent {
			err = agg.AddAbsent(g)
		} else {
			err = agg.Add(g, labels[i])
		}
		if err != nil {
			return Result{}, err
		}
	}
	t, _, err := agg.Release()
	if err != nil {
		return Result{}, err
	}
	return Result{Local: encodeCells(t), RowsIn: int64(len(groups)), Cells: int64(len(t.Keys))}, nil
}

// absent marks a row without a value in the label column.
const absent = -1

// groups gathers the group and label columns of the step on the common rows.
func (r *Run) groups(ctx context.Context, ix feature.Index) ([]string, []int64, error) {
	w := with(*r.slot.Step)
	_, s, err := r.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = s.Close() }() // reading: nothing to lose
	groups, null, err := feature.LoadStrings(ctx, s, w.Word("group"), ix)
	if err != nil {
		return nil, nil, err
	}
	for i := range groups {
		if null[i] {
			groups[i] = "" // no declared key is empty: the row falls into no cell
		}
	}
	labels := make([]int64, len(groups))
	column := w.Word("label")
	if column == "" {
		return groups, labels, nil
	}
	_, y, err := r.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = y.Close() }() // reading: nothing to lose
	labels, missing, err := feature.LoadUnit(ctx, y, column, ix)
	if err != nil {
		return nil, nil, err
	}
	for i := range labels {
		if missing[i] {
			labels[i] = absent
		}
	}
	return groups, labels, nil
}

// encodeCells is what leaves: for each measure of the declaration the noisy values of the sorted public keys.
func encodeCells(t dp.Table) []byte {
	var e wire.Encoder
	for _, v := range t.Count {
		e.I64(v)
	}
	for _, v := range t.Sum {
		e.I64(v)
	}
	for _, v := range t.Rate {
		e.F64(v)
	}
	return e.B
}

// decodeCells reads what encodeCells wrote for the step's public keys and measures.
func decodeCells(b []byte, p dp.Params) (dp.Table, error) {
	d := wire.NewDecoder(b, "exec.cells")
	t := dp.Table{Keys: slices.Sorted(slices.Values(p.Keys))}
	if slices.Contains(p.Measures, dp.Count) {
		t.Count = decodeInts(d, len(t.Keys))
	}
	if slices.Contains(p.Measures, dp.Sum) {
		t.Sum = decodeInts(d, len(t.Keys))
	}
	if slices.Contains(p.Measures, dp.Rate) {
		for range t.Keys {
			t.Rate = append(t.Rate, d.F64())
		}
	}
	if err := d.Done(); err != nil {
		return dp.Table{}, err
	}
	_, width, err := p.Quote()
	t.HalfWidth95 = width
	return t, err
}

func decodeInts(d *wire.Decoder, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = d.I64()
	}
	return out
}

// CellsCost is what the holder transfers to one receiver.
func CellsCost(p dp.Params) protocols.Cost {
	return protocols.Cost{Rounds: 1, SentBytes: int64(8 * len(p.Keys) * len(p.Measures))}
}
