package node

import (
	"encoding/json"
	"testing"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/predict"
	"github.com/tacit-data/tacit/protocols/train"
)

// TestMainJob runs the sample job, and checks what it released, and that every step transferred exactly what its
// protocol costs on the sizes that were really there.
func TestMainJob(t *testing.T) {
	f := newFederation(t)
	bankRows, utilityRows := bankSheet(900, 0), utilitySheet(700, 180)
	bankRows.set(0, "id", "")
	bankRows.set(1, "id", "")
	utilityRows.set(2, "id", "")
	d := f.deal("main", bankRows, utilityRows)
	bank, utility := f.succeed(d.spec(fullSpec))

	var report exec.ReportDocument
	f.released(f.utility, utility.ID, "r-report", &report)
	if report.Metrics["auc"] < 0.8 || report.Full != nil {
		t.Errorf("report at the utility %+v, a joint AUC of at least 0.8 and no curve wanted", report.Metrics)
	}
	var model exec.ModelDocument
	f.released(f.bank, bank.ID, "r-model", &model)
	if len(model.Coefficients) != 2 || model.Intercept == nil {
		t.Errorf("the bank's model has %d coefficients, its own two and the intercept wanted", len(model.Coefficients))
	}

	t.Run("rows without a key never match and are counted", func(t *testing.T) {
		for _, v := range []JobView{bank, utility} {
			if len(v.Notices) != 1 {
				t.Errorf("notices %q, one about the rows without a key wanted", v.Notices)
			}
		}
		want := "input loans: 2 of 900 rows have no usable key and never match (2 empty, 0 malformed)"
		if len(bank.Notices) == 1 && bank.Notices[0] != want {
			t.Errorf("notice %q, want %q", bank.Notices[0], want)
		}
	})
	t.Run("rounds and bytes are the protocols' exact costs", func(t *testing.T) {
		checkCosts(f.in(t), bank, utility, common(bankRows, utilityRows), model.Iterations)
	})
}

// released decodes what a release left at n.
func (f *federation) released(n *Node, jobID, release string, into any) {
	f.t.Helper()
	res, err := n.Result(f.t.Context(), jobID, release)
	f.ok(err)
	f.ok(json.Unmarshal(res.JSON, into))
}

// common counts the ids that both sheets have.
func common(a, b *sheet) int {
	have, n := map[string]bool{}, 0
	for _, r := range a.rows {
		have[r[0]] = r[0] != ""
	}
	for _, r := range b.rows {
		if have[r[0]] {
			n++
		}
	}
	return n
}

// checkCosts compares what every slot of the sample job transferred with its protocol's cost, as the bank.
func checkCosts(f *federation, bank, utility JobView, rows, iterations int) {
	f.t.Helper()
	st, err := f.bank.jobs.Status(f.t.Context(), bank.ID)
	f.ok(err)
	want := exactCosts(f, st.Plan, bank, rows, iterations)
	if len(bank.Steps) != len(want) || len(utility.Steps) != len(want) {
		f.t.Fatalf("%d and %d slots, %d expected", len(bank.Steps), len(utility.Steps), len(want))
	}
	for i, b := range bank.Steps {
		u, w := utility.Steps[i], want[b.ID]
		f.t.Logf("%-8s %4d rounds, bank sent %9d, utility sent %9d bytes", b.ID, b.Rounds, b.SentBytes, u.SentBytes)
		if got := (protocols.Cost{Rounds: int(b.Rounds), SentBytes: b.SentBytes, RecvBytes: b.RecvBytes}); got != w {
			f.t.Errorf("%s at the bank: %+v, the protocol's cost is %+v", b.ID, got, w)
		}
		if got := (protocols.Cost{Rounds: int(u.Rounds), SentBytes: u.SentBytes, RecvBytes: u.RecvBytes}); got != w.Flip() {
			f.t.Errorf("%s at the utility: %+v, the protocol's cost is %+v", b.ID, got, w.Flip())
		}
		step, ok := st.Plan.Step(b.ID)
		if !ok {
			continue
		}
		for p, got := range map[party.ID]StepView{"bank": b, "utility": u} {
			bound := step.CostOf(p)
			if got.SentBytes > bound.SentBytes || got.RecvBytes > bound.RecvBytes || got.Rounds > int64(bound.Rounds) {
				f.t.Errorf("%s at %s: %d rounds, %d sent, %d received, beyond the plan's %+v", b.ID, p, got.Rounds, got.SentBytes, got.RecvBytes, bound)
			}
			if got.PlannedBytes != bound.SentBytes {
				f.t.Errorf("%s at %s: the view shows %d planned bytes, the plan %d", b.ID, p, got.PlannedBytes, bound.SentBytes)
			}
		}
	}
}

// exactCosts is what each slot of the sample job must have cost, from the bank's side, on its true sizes.
func exactCosts(f *federation, p *plan.Plan, v JobView, rows, iterations int) map[string]protocols.Cost {
	f.t.Helper()
	read := map[string]int64{}
	for _, r := range v.Receipts {
		if r.Receipt.Party == "bank" {
			read[r.Receipt.Step] = r.Receipt.Reading.RowsIn
		}
	}
	trainRows, testRows := int(read["model"]), int(read["scores"])
	if trainRows+testRows != rows || max(testRows*5-rows, rows-testRows*5) > 5 {
		f.t.Errorf("%d training and %d test rows of %d, a fifth wanted", trainRows, testRows, rows)
	}
	psi, err := p.PSI("joined")
	f.ok(err)
	glm, err := train.NewGLMParams(train.GLMLiteral{
		Link: "logit", Rows: trainRows, LabelCols: 2, HostCols: 2, MaxIter: 10, Tol: 0.001, Lambda: 1,
	})
	f.ok(err)
	score, err := predict.NewParams(predict.Literal{Rows: testRows, LabelCols: 2, HostCols: 2})
	f.ok(err)
	out := map[string]protocols.Cost{
		"joined": psi.Cost(900-2, 700-1),
		"stats":  {}, "scaled": {}, "report": {}, // local
		"parts":  train.PartitionCost(rows),
		"model":  glm.Cost(iterations),
		"scores": score.Cost(),
	}
	for _, rel := range p.Releases {
		if rel.Implied {
			continue
		}
		c, err := exec.ReleaseCost(p, rel)
		f.ok(err)
		out[rel.ID] = c
	}
	return out
}
