package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/element"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// progressTick is how often a watcher looks at counters, which change without a transaction.
const progressTick = 250 * time.Millisecond

// Submit hands a job to its coordinator and returns its id at once. See coordinator.Service.Submit.
func (n *Node) Submit(ctx context.Context, requestID string, spec []byte, f job.Format, planOnly bool) (string, error) {
	return n.jobs.Submit(ctx, requestID, spec, f, planOnly)
}

// Job returns a job by id or unique prefix.
func (n *Node) Job(ctx context.Context, id string) (JobView, error) {
	full, err := n.jobs.Find(ctx, id)
	if err != nil {
		return JobView{}, err
	}
	st, err := n.jobs.Status(ctx, full)
	if err != nil {
		return JobView{}, err
	}
	return n.jobView(ctx, st)
}

// Jobs lists every job of this node, by id.
func (n *Node) Jobs(ctx context.Context) ([]JobView, error) {
	ids, err := n.jobs.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]JobView, 0, len(ids))
	for _, id := range ids {
		v, err := n.Job(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// WaitJob blocks until the job's view differs from last, or ctx ends.
func (n *Node) WaitJob(ctx context.Context, id string, last JobView) (JobView, error) {
	tick := time.NewTicker(progressTick)
	defer tick.Stop()
	for {
		changed := n.jobs.Changed()
		v, err := n.Job(ctx, id)
		if err != nil || !reflect.DeepEqual(v, last) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-changed:
		case <-tick.C:
		}
	}
}

// Cancel ends a job on behalf of this node's user.
func (n *Node) Cancel(ctx context.Context, id string) (JobView, error) {
	full, err := n.jobs.Find(ctx, id)
	if err != nil {
		return JobView{}, err
	}
	if err := n.jobs.Cancel(ctx, full); err != nil {
		return JobView{}, err
	}
	return n.Job(ctx, full)
}

func (n *Node) jobView(ctx context.Context, st coordinator.Status) (JobView, error) {
	j := st.Record.Job
	v := JobView{
		ID: j.ID, Name: st.Record.Name, Phase: string(j.Phase), Lead: j.Lead, PlanDigest: j.Plans[n.file.Party],
		Notices: st.Record.Notices, WaitingFor: j.WaitingFor(), Created: time.UnixMilli(st.Record.Created).UTC(),
	}
	if st.Record.Ended != 0 {
		v.Ended = time.UnixMilli(st.Record.Ended).UTC()
	}
	for _, o := range j.Owners {
		if j.Approved[o] {
			v.Approvals = append(v.Approvals, o)
		}
	}
	if f := j.Failure; f != nil {
		v.Failure = &FailureView{Code: f.Code, Party: f.Party, Step: f.Step, Culprit: f.Culprit, Reason: f.Reason}
	}
	if st.Plan == nil {
		return v, nil
	}
	v.PlanText = st.Plan.String()
	for _, l := range st.Plan.Leaks {
		v.Leakage = append(v.Leakage, l.Text("en"))
	}
	for _, s := range st.Slots {
		v.Steps = append(v.Steps, n.stepView(st.Plan, s))
	}
	leaves, err := n.receiptLeaves(ctx, st.Receipts)
	if err != nil {
		return v, err
	}
	for i, r := range st.Receipts {
		rv := ReceiptView{Receipt: r.Receipt, Leaf: leaves[i]}
		for _, c := range r.Counter {
			rv.Countersigned = append(rv.Countersigned, c.Party)
		}
		v.Receipts = append(v.Receipts, rv)
	}
	return v, nil
}

func (n *Node) stepView(p *plan.Plan, s coordinator.SlotStatus) StepView {
	v := StepView{
		ID: s.Slot.ID, Op: string(s.Slot.Op()), Phase: string(s.State.Phase), Done: s.Progress.Done, Total: s.Progress.Total,
		Rounds: s.Reading.Rounds, SentBytes: s.Reading.Sent, RecvBytes: s.Reading.Recv, CPU: s.Reading.CPU, Wall: s.Reading.Wall,
	}
	if s.Slot.Step != nil {
		v.PlannedBytes = s.Slot.Step.CostOf(n.file.Party).SentBytes
		return v
	}
	if c, err := exec.ReleaseCost(p, *s.Slot.Release); err == nil {
		if from, ok := p.Step(s.Slot.Release.From); ok && from.Out.Holder != n.file.Party {
			c = c.Flip()
		}
		v.PlannedBytes = c.SentBytes
	}
	return v
}

// receiptLeaves finds the newest leaf that names each receipt: its countersignature, else its own.
func (n *Node) receiptLeaves(ctx context.Context, list []meter.Signed) ([]int64, error) {
	out := make([]int64, len(list))
	return out, n.db.View(ctx, func(tx *store.Tx) error {
		for i, r := range list {
			d := r.Digest()
			name := hex.EncodeToString(d[:])
			signed, err := tx.NewestLeaf(audit.MeterCountersigned, "receipt", name)
			if err != nil {
				return err
			}
			own, err := tx.NewestLeaf(audit.MeterReceipt, "receipt", name)
			if err != nil {
				return err
			}
			out[i] = max(signed, own)
		}
		return nil
	})
}

// Result returns what a release left at this node.
//
// Errors: fault.NotFound when the job has no such output here.
func (n *Node) Result(ctx context.Context, jobID, output string) (Result, error) {
	full, err := n.jobs.Find(ctx, jobID)
	if err != nil {
		return Result{}, err
	}
	st, err := n.jobs.Status(ctx, full)
	if err != nil {
		return Result{}, err
	}
	for _, s := range st.Slots {
		if s.Slot.ID != output || s.Slot.Release == nil || s.State.Phase != exec.Done {
			continue
		}
		b, err := n.engine.ReadOutput(full, output)
		if err != nil {
			return Result{}, err
		}
		var kind struct {
			Kind string `json:"kind"`
		}
		if len(b) == 0 || json.Unmarshal(b, &kind) != nil {
			break
		}
		return Result{Kind: kind.Kind, JSON: b}, nil
	}
	return Result{}, fault.New(fault.NotFound, "node.Result", "job %s released no %q to %s", full, output, n.file.Party)
}

// Invoice returns what a settled job costs and who is paid.
func (n *Node) Invoice(ctx context.Context, jobID string) (InvoiceView, error) {
	full, err := n.jobs.Find(ctx, jobID)
	if err != nil {
		return InvoiceView{}, err
	}
	inv, err := n.jobs.Invoice(ctx, full)
	if err != nil {
		return InvoiceView{}, err
	}
	v := InvoiceView{Job: inv.Job, Agreement: "sha256:" + inv.Agreement, Payer: inv.Payer, Currency: inv.Currency, TotalMinor: inv.Total}
	for _, l := range inv.Lines {
		v.Lines = append(v.Lines, InvoiceLine{Payee: l.Payee, Weight: l.Weight, AmountMinor: l.Amount})
	}
	return v, n.db.View(ctx, func(tx *store.Tx) (err error) {
		v.Leaf, err = tx.NewestLeaf(audit.SettlePosted, "job", full)
		return err
	})
}

// Elements lists the sealed elements this node knows.
func (n *Node) Elements(ctx context.Context) ([]ElementView, error) {
	var out []ElementView
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Element, "", func(id string, row coordinator.ElementRow) error {
			e, err := element.Decode(row.Element)
			if err != nil {
				return fault.Wrap(fault.Corrupt, "node.Elements", err, "a stored element does not decode")
			}
			v := ElementView{
				ID: id, Kind: string(e.Kind), Job: e.Job, Step: e.Step, State: string(row.State), Grade: e.Grade,
				Algorithm: fmt.Sprintf("%s/%d", e.Algorithm.Op, e.Algorithm.Version),
			}
			for _, in := range e.Inputs {
				v.Inputs = append(v.Inputs, string(in.Owner)+":"+in.ID)
			}
			out = append(out, v)
			return nil
		})
	})
	return out, err
}
