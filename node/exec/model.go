package exec

import (
	"context"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols/predict"
	"github.com/tacit-data/tacit/protocols/train"
)

// blocks counts the features of a model: the label holder's and the host's.
func (r *Run) blocks(model plan.Output) (labelCols, hostCols int) {
	for _, c := range model.Columns {
		switch {
		case c.Input == "": // the intercept, which training appends itself
		case c.Owner == model.Holder:
			labelCols++
		default:
			hostCols++
		}
	}
	return labelCols, hostCols
}

// glmParams translates a training step for the rows that are really there.
func (r *Run) glmParams(st plan.Step, rows int) (train.GLMParams, error) {
	w := with(st)
	labelCols, hostCols := r.blocks(st.Out)
	return train.NewGLMParams(train.GLMLiteral{
		Link: w.Word("link"), Rows: rows, LabelCols: labelCols, HostCols: hostCols, MaxIter: int(w.Int("max_iter")),
		Tol: w.Dec("tol"), Lambda: w.Dec("lambda"), CacheBytes: r.engine.cfg.MemBytes,
	})
}

// trainGLM fits the joint model. Its weights stay in shares.
func trainGLM(ctx context.Context, r *Run) (Result, error) {
	m, rows, err := r.scaled(ctx, "train")
	if err != nil {
		return Result{}, err
	}
	in := train.Input{Label: r.slot.Step.Out.Holder == r.engine.cfg.Self, X: m.Data, Rows: m.Rows, Cols: m.Cols}
	if in.Label {
		ix, err := r.index()
		if err != nil {
			return Result{}, err
		}
		labels, err := r.labels(ctx, ix)
		if err != nil {
			return Result{}, err
		}
		in.Y = pick(labels, rows)
	}
	p, err := r.glmParams(*r.slot.Step, m.Rows)
	if err != nil {
		return Result{}, err
	}
	s, conns, err := r.Open(ctx)
	if err != nil {
		return Result{}, err
	}
	fitted, err := train.GLM(ctx, s, conns, in, p.WithProgress(r.Progress))
	if err != nil {
		return Result{}, err
	}
	sealed, err := fitted.EncodeInsecure()
	if err != nil {
		return Result{}, err
	}
	return Result{
		Local: sealed, Common: iterationDigest(fitted.Iterations, fitted.Converged), RowsIn: int64(m.Rows),
		Cells: int64(fitted.Iterations),
	}, nil
}

func iterationDigest(n int, converged bool) [32]byte {
	var e wire.Encoder
	e.String("tacit/iterations/v1")
	e.U64(uint64(n))
	e.Bool(converged)
	return sha256.Sum256(e.B)
}

// model reads this party's share of the model that a step uses.
func (r *Run) model(trained plan.Step) (train.Model, error) {
	b, err := r.Input(trained.ID)
	if err != nil {
		return train.Model{}, err
	}
	m, err := train.DecodeModel(b)
	return m, stored(err)
}

// score applies a shared model to one part of the common rows; the label holder alone learns the scores.
func score(ctx context.Context, r *Run) (Result, error) {
	trained, ok := r.ancestor(r.slot.Step, job.TrainGLM)
	if !ok {
		return Result{}, fault.New(fault.Invalid, "exec.score", "step %q reads no model", r.slot.ID)
	}
	fitted, err := r.model(*trained)
	if err != nil {
		return Result{}, err
	}
	m, _, err := r.scaled(ctx, with(*r.slot.Step).Word("part"))
	if err != nil {
		return Result{}, err
	}
	labelCols, hostCols := r.blocks(trained.Out)
	p, err := predict.NewParams(predict.Literal{
		Rows: m.Rows, LabelCols: labelCols, HostCols: hostCols,
	})
	if err != nil {
		return Result{}, err
	}
	s, conns, err := r.Open(ctx)
	if err != nil {
		return Result{}, err
	}
	in := train.Input{Label: r.slot.Step.Out.Holder == r.engine.cfg.Self, X: m.Data, Rows: m.Rows, Cols: m.Cols}
	z, err := predict.Score(ctx, s, conns, fitted, in, p)
	if err != nil {
		return Result{}, err
	}
	out := Result{RowsIn: int64(m.Rows), Common: countDigest(m.Rows)}
	if in.Label {
		out.Local, out.RowsOut = encodeFloats(z), int64(len(z))
	}
	return out, nil
}
