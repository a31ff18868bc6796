package node

import (
	"errors"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/right"
)

// agree lets both parties sign a contract over the deal: 120.00 a run, paid by the bank, 55 to 45.
func (f *federation) agree(d deal) (contract string) {
	f.t.Helper()
	ctx := f.t.Context()
	now := time.Now()
	v, err := f.bank.Offer(ctx, right.Agreement{
		Parties: []party.ID{"bank", "utility"},
		Assets:  []right.Asset{{Owner: "bank", ID: d.asset(f.bank)}, {Owner: "utility", ID: d.asset(f.utility)}},
		Purpose: "credit-risk", Price: right.Price{Currency: "CNY", Minor: 12000}, Payer: "bank",
		Shares:    []right.Share{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}},
		NotBefore: now.Add(-time.Hour).UnixMilli(), NotAfter: now.Add(24 * time.Hour).UnixMilli(),
	})
	f.ok(err)
	f.eventually("the offer arrives", func() bool {
		_, err := f.utility.Accept(ctx, v.ID)
		return err == nil
	})
	f.eventually("the acceptance arrives", func() bool {
		list, err := f.bank.Agreements(ctx)
		f.ok(err)
		for _, a := range list {
			if a.ID == v.ID {
				return a.State == right.AgreementFinalized && len(a.SignedBy) == 2
			}
		}
		return false
	})
	return v.ID
}

// TestSettlement: both parties compute the same invoice from the same receipts, exactly, at every run; a job that does
// not succeed costs no money.
func TestSettlement(t *testing.T) {
	f := newFederation(t)
	d := f.deal("paid", bankSheet(300, 0), utilitySheet(300, 50))
	terms := "contract: " + f.agree(d) + "\ntrust: 2pc"
	spec := d.spec(modelSpec, "trust: 2pc", terms)
	for run := range 2 {
		bank, _ := f.succeed(spec)
		for _, n := range []*Node{f.bank, f.utility} {
			inv, err := n.Invoice(t.Context(), bank.ID)
			f.ok(err)
			if inv.TotalMinor != 12000 || inv.Payer != "bank" || inv.Currency != "CNY" || len(inv.Lines) != 2 || inv.Leaf < 0 {
				t.Errorf("run %d at %s: invoice %+v, 120.00 CNY in two lines wanted", run, n.file.Party, inv)
				continue
			}
			if a, b := inv.Lines[0], inv.Lines[1]; a != (InvoiceLine{"bank", 55, 6600}) || b != (InvoiceLine{"utility", 45, 5400}) {
				t.Errorf("run %d at %s: lines %+v, 66.00 and 54.00 wanted", run, n.file.Party, inv.Lines)
			}
		}
	}
	id := f.submit(d.spec(modelSpec, "trust: 2pc", terms, "max_iter: 2", endless))
	f.await(f.bank, id, active("model"))
	_, err := f.bank.Cancel(t.Context(), id)
	f.ok(err)
	for _, n := range []*Node{f.bank, f.utility} {
		f.await(n, id, nil)
		if _, err := n.Invoice(t.Context(), id); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: an invoice of a canceled job: %v", n.file.Party, err)
		}
	}
}

// endless makes training run for much longer than any test waits.
const endless = "max_iter: 1000, tol: 0"

// active reports whether a step is running.
func active(step string) func(JobView) bool {
	return func(v JobView) bool {
		for _, s := range v.Steps {
			if s.ID == step && s.Phase == "active" {
				return true
			}
		}
		return false
	}
}

// moving reports whether a running step has progressed: its session is open and data moves.
func moving(step string) func(JobView) bool {
	return func(v JobView) bool {
		for _, s := range v.Steps {
			if s.ID == step && s.Phase == "active" && s.Done > 0 {
				return true
			}
		}
		return false
	}
}
