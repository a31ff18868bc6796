package exec

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols/psi"
)

// align finds the common rows. Everything this party can find wrong with its own file is found before the session.
func align(ctx context.Context, r *Run) (Result, error) {
	if err := r.precheck(ctx); err != nil {
		return Result{}, err
	}
	keys, err := r.keys(ctx)
	if err != nil {
		return Result{}, err
	}
	p, err := r.task.Plan.PSI(r.slot.ID)
	if err != nil {
		return Result{}, err
	}
	s, conns, err := r.Open(ctx)
	if err != nil {
		return Result{}, err
	}
	items := make([]psi.Item, len(keys.Digest))
	for i, d := range keys.Digest {
		items[i] = psi.ItemOf(s.Binding, d)
	}
	run := psi.Send
	if role, _ := r.slot.Step.RoleOf(r.engine.cfg.Self); role == psi.Receiver {
		run = psi.Receive
	}
	m, err := run(ctx, s, conns[0], items, p.WithProgress(r.Progress))
	if err != nil {
		return Result{}, err
	}
	r.session.Load().Close() // the protocol is over: what follows is found by both alike
	ix := feature.Index{Row: make([]int64, len(m.Position))}
	for i, at := range m.Position {
		ix.Row[i] = keys.Row[at]
	}
	if m.Count == 0 {
		return Result{}, fault.New(fault.Invalid, "exec.align", "%s: the intersection is empty; compare the key columns' rules and formats", feature.TooFewRows)
	}
	if d := r.featureCount(); d > 0 {
		if err := feature.CheckRows(m.Count, d); err != nil {
			return Result{}, err
		}
	}
	return Result{Local: encodeIndex(ix), Common: countDigest(m.Count), RowsIn: int64(keys.Rows), RowsOut: int64(m.Count)}, nil
}

// keys reads this party's key columns.
func (r *Run) keys(ctx context.Context) (feature.KeyColumn, error) {
	in, stream, err := r.open(ctx)
	if err != nil {
		return feature.KeyColumn{}, err
	}
	defer func() { _ = stream.Close() }() // reading: nothing to lose
	rules := make([]feature.Rule, len(in.Keys))
	for i := range rules {
		rules[i] = feature.Raw
	}
	for i, name := range with(*r.slot.Step).List("rules") {
		if i < len(rules) {
			if rules[i], err = feature.ParseRule(name); err != nil {
				return feature.KeyColumn{}, err
			}
		}
	}
	keys, err := feature.Keys(ctx, stream, names(in.Keys), rules)
	if err != nil {
		return feature.KeyColumn{}, err
	}
	if keys.Null+keys.Malformed > 0 {
		r.engine.cfg.Ledger.Notice(ctx, r.task, fmt.Sprintf("input %s: %d of %d rows have no usable key and never match (%d empty, %d malformed)",
			in.ID, keys.Null+keys.Malformed, keys.Rows, keys.Null, keys.Malformed))
	}
	return keys, nil
}

// featureCount is Σd of the job's training steps: what an intersection must be large enough for.
func (r *Run) featureCount() int {
	n := 0
	for _, s := range r.task.Plan.Steps {
		for _, c := range s.Out.Columns {
			if s.Out.Kind == plan.Model && c.Input != "" {
				n++
			}
		}
	}
	return n
}

func countDigest(n int) [32]byte {
	var e wire.Encoder
	e.String("tacit/rows/v1")
	e.U64(uint64(n))
	return sha256.Sum256(e.B)
}

func encodeIndex(ix feature.Index) []byte {
	var e wire.Encoder
	e.U32(uint32(len(ix.Row)))
	for _, row := range ix.Row {
		e.I64(row)
	}
	return e.B
}

func decodeIndex(b []byte) (feature.Index, error) {
	d := wire.NewDecoder(b, "exec.index")
	ix := feature.Index{Row: make([]int64, d.Count(feature.MaxRows, 8))}
	for i := range ix.Row {
		ix.Row[i] = d.I64()
	}
	return ix, stored(d.Done())
}

// stored recodes a decoding failure of own stored bytes: nobody misbehaved, the disk did.
func stored(err error) error {
	return fault.Wrap(fault.Corrupt, "exec.stored", err, "a stored output does not decode")
}
