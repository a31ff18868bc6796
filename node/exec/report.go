package exec

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols"
)

// threshold is where a probability becomes a prediction in the confusion matrix.
const threshold = 0.5

// evaluate compares the opened scores with the labels at their holder. It sends nothing.
func evaluate(ctx context.Context, r *Run) (Result, error) {
	if r.slot.Step.Out.Holder != r.engine.cfg.Self {
		return Result{}, nil
	}
	scored, ok := r.task.Plan.Step(r.slot.Step.In[0])
	if !ok {
		return Result{}, fault.New(fault.Invalid, "exec.evaluate", "step %q reads no scores", r.slot.ID)
	}
	b, err := r.Input(scored.ID)
	if err != nil {
		return Result{}, err
	}
	z, err := decodeFloats(b)
	if err != nil {
		return Result{}, err
	}
	labels, err := r.partLabels(ctx, scored)
	if err != nil {
		return Result{}, err
	}
	p := make([]float64, len(z))
	for i, v := range z {
		p[i] = 1 / (1 + math.Exp(-v))
	}
	rep, err := model.Evaluate(p, labels, threshold)
	if err != nil {
		return Result{}, err
	}
	out, err := json.Marshal(rep)
	if err != nil {
		return Result{}, fault.Wrap(fault.Internal, "exec.evaluate", err, "a report does not encode")
	}
	return Result{Local: out, RowsIn: int64(len(z)), Cells: int64(len(r.slot.Step.Out.Columns))}, nil
}

// partLabels returns the labels of the rows that a predict step scored, in its order.
func (r *Run) partLabels(ctx context.Context, scored plan.Step) ([]uint8, error) {
	ix, err := r.index()
	if err != nil {
		return nil, err
	}
	rows, err := r.part(ix.Len(), with(scored).Word("part"))
	if err != nil {
		return nil, err
	}
	labels, err := r.labels(ctx, ix)
	if err != nil {
		return nil, err
	}
	if labels == nil {
		return nil, fault.New(fault.Invalid, "exec.partLabels", "this party holds no label")
	}
	return pick(labels, rows), nil
}

// with reads a step's parameters by name.
func with(s plan.Step) job.Step { return job.Step{ID: s.ID, Op: s.Op, In: s.In, With: s.With} }

// milli is the precision in which a report leaves: three decimals.
const milli = 1000

// scalarMetrics are the measures that are one number, in the order in which a report carries them. Curves and tables stay
// with the label holder.
var scalarMetrics = [...]struct {
	name string
	of   func(model.Report) float64
}{
	{"auc", func(r model.Report) float64 { return r.AUC }},
	{"ks", func(r model.Report) float64 { return r.KS }},
	{"logloss", func(r model.Report) float64 { return r.LogLoss }},
}

// reportMetrics are the scalar measures that a release carries.
func reportMetrics(columns []string) []string {
	var out []string
	for _, m := range scalarMetrics {
		if slices.Contains(columns, m.name) {
			out = append(out, m.name)
		}
	}
	return out
}

// encodeReport is what receivers get: one i64 of thousandths per scalar metric.
func encodeReport(rep model.Report, metrics []string) []byte {
	var e wire.Encoder
	for _, m := range scalarMetrics {
		if slices.Contains(metrics, m.name) {
			e.I64(int64(math.RoundToEven(m.of(rep) * milli)))
		}
	}
	return e.B
}

func decodeReport(b []byte, metrics []string) (map[string]float64, error) {
	d := wire.NewDecoder(b, "exec.report")
	out := make(map[string]float64, len(metrics))
	for _, m := range metrics {
		v := d.I64()
		if v < 0 || v > milli*1000 {
			d.Fail(fault.Misbehaved, "a metric out of range")
		}
		out[m] = float64(v) / milli
	}
	return out, d.Done()
}

// ReportCost is what the label holder transfers to one receiver.
func ReportCost(columns []string) protocols.Cost {
	return protocols.Cost{Rounds: 1, SentBytes: int64(8 * len(reportMetrics(columns)))}
}

func encodeFloats(v []float64) []byte {
	var e wire.Encoder
	e.U32(uint32(len(v)))
	for _, x := range v {
		e.F64(x)
	}
	return e.B
}

func decodeFloats(b []byte) ([]float64, error) {
	d := wire.NewDecoder(b, "exec.floats")
	out := make([]float64, d.Count(feature.MaxRows, 8))
	for i := range out {
		out[i] = d.F64()
	}
	return out, stored(d.Done())
}
