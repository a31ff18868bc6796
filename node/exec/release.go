package exec

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// Egress is what is about to leave, as policy and budget must know it.
type Egress struct {
	Release string
	Kind    plan.Kind
	Rows    int64 // units behind it
	Cells   int64
}

// The documents that a release leaves at each receiver, and at the holder.
type (
	// ReportDocument holds the quality measures: all of them with curves at the label holder, scalars elsewhere.
	ReportDocument struct {
		Kind    string             `json:"kind"`
		Metrics map[string]float64 `json:"metrics"`
		Full    *model.Report      `json:"full,omitempty"`
	}
	// ModelDocument holds a party's own coefficients, of standardised columns.
	ModelDocument struct {
		Kind         string             `json:"kind"`
		Coefficients map[string]float64 `json:"coefficients"`
		Intercept    *float64           `json:"intercept,omitempty"`
		Iterations   int                `json:"iterations"`
		Converged    bool               `json:"converged"`
	}
	// CellsDocument holds a noised answer.
	CellsDocument struct {
		Kind        string    `json:"kind"`
		Keys        []string  `json:"keys"`
		Count       []int64   `json:"count,omitempty"`
		Sum         []int64   `json:"sum,omitempty"`
		Rate        []float64 `json:"rate,omitempty"`
		Epsilon     string    `json:"epsilon"`
		HalfWidth95 float64   `json:"half_width_95"` // rows, of one count or sum
	}
	// ScoresDocument holds one log-odds per row of the scored part, in the common order.
	ScoresDocument struct {
		Kind string    `json:"kind"`
		Z    []float64 `json:"z"`
	}
)

// release opens one result to its receivers: the only step that lowers protection.
func (r *Run) release(ctx context.Context) (Result, error) {
	rel := r.slot.Release
	from, ok := r.task.Plan.Step(rel.From)
	if !ok {
		return Result{}, fault.New(fault.Invalid, "exec.release", "release %q opens no step", rel.ID)
	}
	switch rel.Kind {
	case plan.Report:
		return r.releaseReport(ctx, from)
	case plan.Model:
		return r.releaseModel(ctx, from)
	case plan.Cells:
		return r.releaseCells(ctx, from)
	case plan.Scores:
		return r.releaseScores(ctx, from)
	}
	return Result{}, fault.New(fault.Unsupported, "exec.release", "release %q of kind %s", rel.ID, rel.Kind)
}

// hand moves holder's message to the receivers and returns it at each of them, nil elsewhere. The gate runs at every
// party that computed the result, before a byte leaves.
func (r *Run) hand(ctx context.Context, from plan.Step, out []byte, bytes int, e Egress) ([]byte, error) {
	rel, self := r.slot.Release, r.engine.cfg.Self
	e.Release, e.Kind = rel.ID, rel.Kind
	if err := r.engine.cfg.Ledger.Egress(ctx, r.task, r.slot, e); err != nil {
		return nil, err
	}
	holder := from.Out.Holder
	others := slices.DeleteFunc(slices.Clone(rel.To), func(p party.ID) bool { return p == holder })
	if len(others) == 0 || (self != holder && !slices.Contains(others, self)) {
		return out, nil
	}
	_, conns, err := r.Open(ctx)
	if err != nil {
		return nil, err
	}
	c := conns[0]
	if self == holder {
		send := func(ctx context.Context) error { return protocols.SendAll(ctx, c, out) }
		return out, protocols.Exchange(ctx, c, send, nil)
	}
	in := make([]byte, bytes)
	recv := func(ctx context.Context) error { return protocols.RecvAll(ctx, c, in) }
	return in, protocols.Exchange(ctx, c, nil, recv)
}

func (r *Run) receives() bool { return slices.Contains(r.slot.Release.To, r.engine.cfg.Self) }

func (r *Run) releaseReport(ctx context.Context, from plan.Step) (Result, error) {
	metrics := reportMetrics(r.slot.Release.Columns)
	var full *model.Report
	var out []byte
	e := Egress{Cells: int64(len(metrics))}
	if from.Out.Holder == r.engine.cfg.Self {
		b, err := r.Input(from.ID)
		if err != nil {
			return Result{}, err
		}
		full = new(model.Report)
		if err := json.Unmarshal(b, full); err != nil {
			return Result{}, stored(err)
		}
		if e.Rows = int64(full.Rows); e.Rows < r.slot.Release.MinRows {
			return Result{}, fault.New(fault.Denied, "exec.release", "rule grant/min-rows: release %q over %d rows, at least %d", r.slot.ID, e.Rows, r.slot.Release.MinRows)
		}
		out = encodeReport(*full, metrics)
	}
	got, err := r.hand(ctx, from, out, 8*len(metrics), e)
	if err != nil || !r.receives() {
		return Result{}, err
	}
	values, err := decodeReport(got, metrics)
	if err != nil {
		return Result{}, fault.Blame(err, string(from.Out.Holder))
	}
	return document(ReportDocument{Kind: "report", Metrics: values, Full: full}, int64(len(metrics)))
}

func (r *Run) releaseModel(ctx context.Context, from plan.Step) (Result, error) {
	fitted, err := r.model(from)
	if err != nil {
		return Result{}, err
	}
	if err := r.engine.cfg.Ledger.Egress(ctx, r.task, r.slot, Egress{
		Release: r.slot.ID, Kind: plan.Model, Cells: int64(len(from.Out.Columns)),
	}); err != nil {
		return Result{}, err
	}
	s, conns, err := r.Open(ctx)
	if err != nil {
		return Result{}, err
	}
	holder := from.Out.Holder == r.engine.cfg.Self
	own, err := train.OwnCoefficients(ctx, s, conns, fitted, holder, coefficientsTo(*r.slot.Release, from.Out.Holder))
	if err != nil || !r.receives() {
		return Result{}, err
	}
	doc := ModelDocument{Kind: "model", Coefficients: map[string]float64{}, Iterations: fitted.Iterations, Converged: fitted.Converged}
	i := 0
	for _, c := range from.Out.Columns {
		if c.Owner == r.engine.cfg.Self && c.Input != "" && i < len(own) {
			doc.Coefficients[c.Name] = own[i]
			i++
		}
	}
	if holder && i < len(own) {
		doc.Intercept = &own[i]
	}
	return document(doc, int64(len(own)))
}

// coefficientsTo says which of the two owners of a model a release names; the label holder is first.
func coefficientsTo(rel plan.Release, holder party.ID) share.Receiver {
	label := slices.Contains(rel.To, holder)
	switch host := slices.ContainsFunc(rel.To, func(p party.ID) bool { return p != holder }); {
	case label && host:
		return share.ToBoth
	case label:
		return share.ToFirst
	}
	return share.ToSecond
}

func (r *Run) releaseCells(ctx context.Context, from plan.Step) (Result, error) {
	noise, err := from.Noise()
	if err != nil {
		return Result{}, err
	}
	var out []byte
	if from.Out.Holder == r.engine.cfg.Self {
		if out, err = r.Input(from.ID); err != nil {
			return Result{}, err
		}
	}
	cells := int64(len(noise.Keys) * len(noise.Measures))
	got, err := r.hand(ctx, from, out, int(8*cells), Egress{Cells: cells})
	if err != nil || !r.receives() {
		return Result{}, err
	}
	t, err := decodeCells(got, noise)
	if err != nil {
		return Result{}, fault.Blame(err, string(from.Out.Holder))
	}
	return document(CellsDocument{
		Kind: "aggregate", Keys: t.Keys, Count: t.Count, Sum: t.Sum, Rate: t.Rate, Epsilon: noise.Epsilon.String(),
		HalfWidth95: t.HalfWidth95,
	}, cells)
}

// releaseScores keeps the scores at their holder: nothing moves, predict opened them there.
func (r *Run) releaseScores(ctx context.Context, from plan.Step) (Result, error) {
	if err := r.engine.cfg.Ledger.Egress(ctx, r.task, r.slot, Egress{Release: r.slot.ID, Kind: plan.Scores}); err != nil || !r.receives() {
		return Result{}, err
	}
	b, err := r.Input(from.ID)
	if err != nil {
		return Result{}, err
	}
	z, err := decodeFloats(b)
	if err != nil {
		return Result{}, err
	}
	return document(ScoresDocument{Kind: "scores", Z: z}, int64(len(z)))
}

func document(doc any, cells int64) (Result, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return Result{}, fault.Wrap(fault.Internal, "exec.release", err, "a result does not encode")
	}
	return Result{Local: b, Cells: cells, RowsOut: 0}, nil
}

// ReleaseCost is what the holder of a release transfers to one other receiver; for a model, the label holder.
func ReleaseCost(p *plan.Plan, rel plan.Release) (protocols.Cost, error) {
	from, ok := p.Step(rel.From)
	if !ok || rel.Implied {
		return protocols.Cost{}, nil
	}
	moves := slices.ContainsFunc(rel.To, func(q party.ID) bool { return q != from.Out.Holder })
	switch {
	case rel.Kind == plan.Model:
		label, host := 0, 0
		for _, c := range from.Out.Columns {
			if c.Owner == from.Out.Holder {
				label++
			} else {
				host++
			}
		}
		return train.CoefficientsCost(label-1, host, coefficientsTo(rel, from.Out.Holder)), nil
	case !moves:
		return protocols.Cost{}, nil
	case rel.Kind == plan.Report:
		return ReportCost(rel.Columns), nil
	case rel.Kind == plan.Cells:
		noise, err := from.Noise()
		if err != nil {
			return protocols.Cost{}, err
		}
		return CellsCost(noise), nil
	}
	return protocols.Cost{}, nil
}
