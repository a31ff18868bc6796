package node

import (
	"errors"
	"sync"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/sandbox/budget"
)

// TestSubmitTwice: a request id names one job, found again by a prefix of its id; with another job it is refused.
func TestSubmitTwice(t *testing.T) {
	f := newFederation(t)
	d := f.deal("twice", bankSheet(300, 0), utilitySheet(300, 50))
	spec := []byte(d.spec(modelSpec))
	first, err := f.bank.Submit(t.Context(), "one", spec, job.YAML, false)
	f.ok(err)
	again, err := f.bank.Submit(t.Context(), "one", spec, job.YAML, false)
	f.ok(err)
	if first != again {
		t.Errorf("the same request became the jobs %s and %s", first, again)
	}
	other := []byte(d.spec(modelSpec, "max_iter: 2", "max_iter: 3"))
	if _, err := f.bank.Submit(t.Context(), "one", other, job.YAML, false); !errors.Is(err, fault.Exists) {
		t.Errorf("the request id with another job: %v, want Exists", err)
	}
	if _, err := f.bank.Submit(t.Context(), "one", spec, job.YAML, true); !errors.Is(err, fault.Exists) {
		t.Errorf("the request id as a dry run: %v, want Exists", err)
	}
	for _, n := range f.nodes() {
		f.await(n, first, nil)
	}
	late, err := f.bank.Submit(t.Context(), "one", spec, job.YAML, false)
	if err != nil || late != first {
		t.Errorf("the request after its job has ended: job %s, %v", late, err)
	}
	list, err := f.bank.Jobs(t.Context())
	f.ok(err)
	if len(list) != 1 {
		t.Errorf("%d jobs of one request", len(list))
	}
	if got := d.settled(f.utility); got[budget.Uses] != 1 {
		t.Errorf("%d uses of one request", got[budget.Uses])
	}
	if v, err := f.bank.Job(t.Context(), first[:6]); err != nil || v.ID != first {
		t.Errorf("by its first six digits: job %q, %v", v.ID, err)
	}
	for prefix, code := range map[string]fault.Code{first[:5]: fault.Invalid, "ffffffffffff": fault.NotFound, "": fault.Invalid} {
		if _, err := f.bank.Job(t.Context(), prefix); !errors.Is(err, code) {
			t.Errorf("job %q: %v, want %s", prefix, err, code)
		}
	}
}

// TestCancel: a job that is canceled while it trains ends at all nodes, closes its holds, and keeps what was charged for
// what had moved.
func TestCancel(t *testing.T) {
	f := newFederation(t)
	d := f.deal("cancel", bankSheet(300, 0), utilitySheet(300, 50))
	id := f.submit(d.spec(modelSpec, "max_iter: 2", endless))
	f.await(f.bank, id, active("model"))
	f.await(f.utility, id, active("model"))
	if _, err := f.utility.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, n := range f.nodes() {
		v := f.await(n, id, nil)
		checkFailure(t, v, fault.Canceled)
		if v.Phase != "canceled" {
			t.Errorf("%s: the job is %s, canceled wanted", n.file.Party, v.Phase)
		}
		if n != f.coord && len(v.Receipts) == 0 {
			t.Errorf("%s: no receipts of a job that had begun", n.file.Party)
		}
	}
	for _, n := range []*Node{f.bank, f.utility} {
		if got, want := d.settled(n), (budget.Amounts{budget.Uses: 1, budget.Rows: 300}); got != want {
			t.Errorf("%s was charged %v, one use and its rows %v wanted", n.file.Party, got, want)
		}
	}
	if _, err := f.bank.Cancel(t.Context(), id); err != nil {
		t.Errorf("canceling what has ended: %v", err)
	}
	if v, err := f.bank.Job(t.Context(), id); err != nil || !v.Terminal() {
		t.Errorf("%s after a second cancel, %v", v.Phase, err)
	}
	f.succeed(d.spec(modelSpec))
}

// TestTwoJobsAtOnce: two jobs over the same data run side by side.
func TestTwoJobsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two jobs")
	}
	f := newFederation(t)
	d := f.deal("pair", bankSheet(300, 0), utilitySheet(300, 50))
	ids := make([]string, 2)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			id, err := f.bank.Submit(t.Context(), []string{"left", "right"}[i], []byte(d.spec(modelSpec)), job.YAML, false)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	wg.Wait()
	for _, id := range ids {
		for _, n := range f.nodes() {
			if v := f.await(n, id, nil); v.Phase != "succeeded" {
				t.Errorf("%s: %s %+v", n.file.Party, v.Phase, v.Failure)
			}
		}
	}
	for _, n := range []*Node{f.bank, f.utility} {
		if got, want := d.settled(n), (budget.Amounts{budget.Uses: 2, budget.Rows: 600}); got != want {
			t.Errorf("%s was charged %v, want %v", n.file.Party, got, want)
		}
	}
}
