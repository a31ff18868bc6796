package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// task is what the engine would run at a member.
func (f *federation) task(at party.ID, id string) (*exec.Task, []exec.Slot) {
	f.t.Helper()
	r := f.record(at, id)
	p, err := f.members[at].plan(&r)
	f.ok(err)
	return &exec.Task{Job: id, Plan: p, Parties: r.Job.Parties}, exec.Schedule(p)
}

// toRunning brings a new job to its start at every member.
func (f *federation) toRunning() string {
	f.t.Helper()
	id := f.submit(false)
	f.pump()
	f.wantPhase(id, Running, everyone...)
	return id
}

// perform plays one slot at one member, as an honest runner would.
func (f *federation) perform(at party.ID, id string, n int, rows int64) {
	f.t.Helper()
	t, slots := f.task(at, id)
	m, sl, ctx := f.members[at], slots[n], context.Background()
	f.ok(m.Begin(ctx, t, sl))
	if sl.Release != nil {
		f.ok(m.Egress(ctx, t, sl, exec.Egress{Release: sl.ID, Kind: sl.Release.Kind}))
	}
	if sl.ID != "stats" {
		f.ok(m.Bind(ctx, t, sl, exec.Binding(t, sl)))
		f.ok(m.Use(ctx, t, sl))
	}
	out := exec.Sealed{Digest: [32]byte{byte(n) + 1}}
	v := exec.Vote{Step: sl.ID, Attempt: 1, Party: at, Sealed: true, Output: out.Digest}
	f.ok(m.Seal(ctx, t, sl, out, v, exec.Reading{RowsIn: rows}))
}

// finish plays the rest of a running job at both holders.
func (f *federation) finish(id string, rows int64) {
	f.t.Helper()
	_, slots := f.task("bank", id)
	for n, sl := range slots {
		for _, p := range holders {
			f.perform(p, id, n, rows)
		}
		f.pump()
		for _, p := range holders {
			t, _ := f.task(p, id)
			f.ok(f.members[p].Await(context.Background(), t, sl))
		}
	}
	for _, p := range holders {
		t, _ := f.task(p, id)
		f.members[p].Finished(context.Background(), t, nil)
	}
}

// wantCharged compares both accounts of a holder with the table of sandbox.md §7.
func (f *federation) wantCharged(at party.ID, committed budget.Amounts) {
	f.t.Helper()
	name := map[party.ID]string{"bank": "loans", "utility": "usage"}[at]
	for _, id := range []budget.AccountID{GrantAccount("grant-" + name), LineageAccount(name)} {
		a := f.account(at, id)
		if a.Committed != committed || a.Held != (budget.Amounts{}) || a.Open != (budget.Amounts{}) {
			f.t.Errorf("%s %s: committed %v held %v open %v, want %v and nothing else", at, id, a.Committed, a.Held, a.Open, committed)
		}
	}
	f.verify()
}

func TestSuccessIsChargedAndPaidOnce(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	held := f.account("bank", LineageAccount("loans")).Open
	if held[budget.Uses] != 1 || held[budget.Rows] != declared || held[budget.DPRho] == 0 {
		t.Fatalf("open %v", held)
	}
	f.finish(id, 33)
	f.pump()
	f.wantPhase(id, Succeeded, everyone...)
	f.wantCharged("bank", budget.Amounts{budget.Uses: 1, budget.Rows: 33, budget.DPRho: held[budget.DPRho], budget.DPDelta: held[budget.DPDelta]})
	f.wantCharged("utility", budget.Amounts{budget.Uses: 1, budget.Rows: 33})
	bank, err := f.members["bank"].Invoice(t.Context(), id)
	f.ok(err)
	utility, err := f.members["utility"].Invoice(t.Context(), id)
	f.ok(err)
	if string(bank.Encode()) != string(utility.Encode()) || bank.Total != 12000 {
		t.Errorf("two invoices: %v %v", bank, utility)
	}
	st, err := f.members["utility"].Status(t.Context(), id)
	f.ok(err)
	if len(st.Receipts) != 6 || len(st.Slots) != 3 {
		t.Errorf("%d receipts, %d slots", len(st.Receipts), len(st.Slots))
	}
	for _, r := range st.Receipts {
		if !r.Complete(holders) {
			t.Errorf("the receipt of %s for %s is not countersigned", r.Party, r.Step)
		}
	}
	if len(f.members["bank"].plans) > 1 || len(f.members["bank"].timers) != 0 {
		t.Error("an ended job stays in memory")
	}
	_, err = f.members["hub"].Invoice(t.Context(), id)
	wantCode(t, err, fault.NotFound)
}

// An agreement that runs out after the approval still pays.
func TestAgreementEndsDuringTheRun(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	f.now = f.now.Add(48 * time.Hour)
	f.finish(id, 33)
	f.pump()
	f.wantPhase(id, Succeeded, everyone...)
	_, err := f.members["bank"].Invoice(t.Context(), id)
	f.ok(err)
}

func TestDenialChargesNothing(t *testing.T) {
	f := newFederation(t)
	f.ok(f.members["utility"].db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.Delete(store.Grant, "grant-usage"); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.GrantRevoked})
	}))
	id := f.submit(false)
	f.pump()
	f.wantPhase(id, Denied, everyone...)
	if r := f.record("bank", id); r.Job.Failure.Party != "utility" || !strings.Contains(r.Job.Failure.Reason, "rule") {
		t.Errorf("%+v", r.Job.Failure)
	}
	f.wantCharged("bank", budget.Amounts{})
	f.wantCharged("utility", budget.Amounts{})
}

func TestPlanOnlyReservesNothing(t *testing.T) {
	f := newFederation(t)
	id := f.submit(true)
	f.pump()
	f.wantPhase(id, Planned, everyone...)
	f.wantCharged("bank", budget.Amounts{})
}

// failed ends the run at the bank with a failure and lets everybody hear of it.
func (f *federation) failed(id string) {
	f.t.Helper()
	for _, p := range holders {
		t, _ := f.task(p, id)
		f.members[p].Finished(context.Background(), t, fault.New(fault.Invalid, "test", "a column is empty"))
	}
	f.pump()
	for _, p := range everyone {
		f.settles(id, Failed, p)
	}
	f.pump()
}

func TestFailureBeforeAnySessionChargesNothing(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	tk, slots := f.task("bank", id)
	f.ok(f.members["bank"].Begin(t.Context(), tk, slots[0]))
	f.ok(f.members["bank"].Bind(t.Context(), tk, slots[0], exec.Binding(tk, slots[0]))) // spent, but the peer never opened
	f.failed(id)
	f.wantCharged("bank", budget.Amounts{})
	f.wantCharged("utility", budget.Amounts{})
	s, ok, err := f.receiptOf("utility", "bank", id, slots[0].ID)
	if err != nil || !ok || s.Outcome != meter.Aborted || !s.Complete(holders) {
		t.Errorf("the receipt of the failed step: %v %v %+v", ok, err, s)
	}
}

func (f *federation) receiptOf(at, of party.ID, id, step string) (s meter.Signed, ok bool, err error) {
	err = f.members[at].db.View(context.Background(), func(tx *store.Tx) (err error) {
		s, ok, err = receiptTx{&change{Tx: tx}}.Receipt(id, step, of)
		return err
	})
	return s, ok, err
}

func TestFailureAfterTheSessionIsCharged(t *testing.T) {
	t.Parallel() // it waits for its own disk
	for _, c := range []struct{ reading, rows int64 }{{0, declared}, {17, 17}} {
		f := newFederation(t)
		id := f.toRunning()
		tk, slots := f.task("bank", id)
		f.ok(f.members["bank"].Begin(t.Context(), tk, slots[0]))
		f.ok(f.members["bank"].Bind(t.Context(), tk, slots[0], exec.Binding(tk, slots[0])))
		f.ok(f.members["bank"].Use(t.Context(), tk, slots[0]))
		v := exec.Vote{Step: slots[0].ID, Attempt: 1, Party: "bank", Code: fault.PeerAborted, Reason: "gone"}
		f.ok(f.members["bank"].Seal(t.Context(), tk, slots[0], exec.Sealed{}, v, exec.Reading{RowsIn: c.reading}))
		f.failed(id)
		f.wantCharged("bank", budget.Amounts{budget.Uses: 1, budget.Rows: c.rows})
		f.wantCharged("utility", budget.Amounts{}) // it opened no session
	}
}

// Noise that may have been drawn is paid for though its release never happened.
func TestDrawnNoiseIsCharged(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	held := f.account("bank", LineageAccount("loans")).Open
	for n := range 2 {
		for _, p := range holders {
			f.perform(p, id, n, 20)
		}
		f.pump()
	}
	f.failed(id)
	f.wantCharged("bank", budget.Amounts{budget.Uses: 1, budget.Rows: 20, budget.DPRho: held[budget.DPRho], budget.DPDelta: held[budget.DPDelta]})
}

func TestBindingIsUsedOnce(t *testing.T) {
	f := newFederation(t)
	id := f.toRunning()
	tk, slots := f.task("bank", id)
	m, b := f.members["bank"], exec.Binding(tk, slots[0])
	f.ok(m.Begin(t.Context(), tk, slots[0]))
	wantCode(t, m.Begin(t.Context(), tk, slots[0]), fault.Canceled)
	f.ok(m.Bind(t.Context(), tk, slots[0], b))
	wantCode(t, m.Bind(t.Context(), tk, slots[0], b), fault.Exists)
	wantCode(t, m.Bind(t.Context(), tk, slots[1], b), fault.Exists)
	f.restart("bank")
	wantCode(t, f.members["bank"].Bind(t.Context(), tk, slots[0], b), fault.Exists)
}

func TestLedgerRefusesAJobThatDoesNotRun(t *testing.T) {
	f := newFederation(t)
	id := f.submit(true)
	f.pump()
	tk, slots := f.task("bank", id)
	m := f.members["bank"]
	wantCode(t, m.Begin(t.Context(), tk, slots[0]), fault.Canceled)
	wantCode(t, m.Bind(t.Context(), tk, slots[0], [32]byte{1}), fault.Canceled)
	wantCode(t, m.Use(t.Context(), tk, slots[0]), fault.Canceled)
	wantCode(t, m.Egress(t.Context(), tk, slots[2], exec.Egress{}), fault.Canceled)
	wantCode(t, m.Begin(t.Context(), &exec.Task{Job: "none"}, slots[0]), fault.NotFound)
}

// The gate asks the owner's policy again before each step.
func TestRevokedGrantStopsTheNextStep(t *testing.T) {
	f := newFederation(t)
	id := f.toRunning()
	f.ok(f.members["bank"].db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.Delete(store.Grant, "grant-loans"); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.GrantRevoked})
	}))
	tk, slots := f.task("bank", id)
	wantCode(t, f.members["bank"].Begin(t.Context(), tk, slots[0]), fault.Denied)
}

func TestSubmitContract(t *testing.T) {
	f := newFederation(t)
	bank, ctx := f.members["bank"], t.Context()
	id := f.submit(false)
	again, err := bank.Submit(ctx, "request", f.spec(100000), job.YAML, false)
	if err != nil || again != id {
		t.Fatalf("the same request: %s %v", again, err)
	}
	_, err = bank.Submit(ctx, "request", f.spec(99999), job.YAML, false)
	wantCode(t, err, fault.Exists)
	_, err = bank.Submit(ctx, "request", f.spec(100000), job.YAML, true)
	wantCode(t, err, fault.Exists)
	for _, request := range []string{"", strings.Repeat("r", maxRequestID+1)} {
		_, err = bank.Submit(ctx, request, f.spec(100000), job.YAML, false)
		wantCode(t, err, fault.Invalid)
	}
	_, err = bank.Submit(ctx, strings.Repeat("r", maxRequestID), f.spec(100000), job.YAML, false)
	f.ok(err)
	_, err = bank.Submit(ctx, "r2", []byte("version: 2"), job.YAML, false)
	if err == nil {
		t.Error("a spec of another version is accepted")
	}
	_, err = bank.Submit(ctx, "r3", []byte(strings.Replace(string(f.spec(1)), "coordinator: hub", "coordinator: stranger", 1)), job.YAML, false)
	wantCode(t, err, fault.Unauthenticated)
	others := strings.NewReplacer("bank", "firm", "coordinator: hub", "coordinator: utility").Replace(string(f.spec(1)))
	_, err = f.members["hub"].Submit(ctx, "r4", []byte(others), job.YAML, false)
	if err == nil {
		t.Error("a job of others is accepted")
	}
	for prefix, code := range map[string]fault.Code{"abc": fault.Invalid, "zzzzzzzz": fault.NotFound} {
		_, err := bank.Find(ctx, prefix)
		wantCode(t, err, code)
	}
	if got, err := bank.Find(ctx, id[:8]); err != nil || got != id {
		t.Errorf("%s %v", got, err)
	}
	if ids, err := bank.List(ctx); err != nil || len(ids) != 2 {
		t.Errorf("%v %v", ids, err)
	}
}

func TestCancelEndsEverywhere(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	f.ok(f.members["utility"].Cancel(t.Context(), id))
	f.settles(id, Canceled, "utility")
	f.pump()
	for _, p := range []party.ID{"bank", "hub"} {
		f.settles(id, Canceled, p)
	}
	f.wantCharged("bank", budget.Amounts{})
	f.wantCharged("utility", budget.Amounts{})
}

// A killed member takes up what it left, in every phase.
func TestResumeInEveryPhase(t *testing.T) {
	t.Parallel() // it waits for its own disk
	steps := map[Phase]func(f *federation) string{
		Describing: func(f *federation) string { return f.submit(false) },
		Approving: func(f *federation) string {
			f.forge = func(m Message) *Message {
				if m.Kind == MsgApproved && m.From == "utility" && m.To == "bank" {
					return nil
				}
				return &m
			}
			id := f.submit(false)
			f.pump()
			return id
		},
		Scheduling: func(f *federation) string {
			f.forge = func(m Message) *Message {
				if m.Kind == MsgStart && m.To == "bank" {
					return nil
				}
				return &m
			}
			id := f.submit(false)
			f.pump()
			return id
		},
	}
	for phase, reach := range steps {
		t.Run(string(phase), func(t *testing.T) {
			f := newFederation(t)
			id := reach(f)
			f.forge = nil
			f.wantPhase(id, phase, "bank")
			f.restart("bank")
			if phase == Describing {
				f.pump()
				f.wantPhase(id, Running, everyone...)
				return
			}
			f.wantPhase(id, phase, "bank")
			r := f.record("bank", id)
			at, e := r.deadline()
			if e.Kind != EvExpired || at.After(f.now.Add(DefaultExpiry)) {
				t.Fatalf("%s ends at %s by %s", phase, at, e.Kind)
			}
			f.members["bank"].expire(t.Context(), id, e) // a peer that never answers
			f.wantPhase(id, Expired, "bank")
			f.pump()
			for _, p := range []party.ID{"hub", "utility"} {
				f.settles(id, Failed, p)
			}
			f.wantCharged("bank", budget.Amounts{})
			f.wantCharged("utility", budget.Amounts{})
		})
	}
	t.Run(string(Running), func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		tk, slots := f.task("bank", id)
		f.ok(f.members["bank"].Begin(t.Context(), tk, slots[0]))
		f.ok(f.members["bank"].Bind(t.Context(), tk, slots[0], exec.Binding(tk, slots[0])))
		f.ok(f.members["bank"].Use(t.Context(), tk, slots[0]))
		f.restart("bank")
		f.settles(id, Failed, "bank")
		f.pump()
		f.settles(id, Failed, "utility")
		f.pump()
		f.wantCharged("bank", budget.Amounts{budget.Uses: 1, budget.Rows: declared})
		f.wantCharged("utility", budget.Amounts{})
	})
	t.Run(string(Running)+" at a lead without data", func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		f.restart("hub")
		f.finish(id, 5)
		f.pump()
		f.wantPhase(id, Succeeded, everyone...)
	})
	t.Run(string(Settling), func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		f.finish(id, 5)
		f.wantPhase(id, Settling, holders...)
		f.restart("bank")
		f.pump()
		f.wantPhase(id, Succeeded, everyone...)
	})
	t.Run(string(Failing), func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		f.ok(f.members["bank"].db.Update(t.Context(), func(tx *store.Tx) error { // as if killed before the runner's end
			r := f.failing(tx, id)
			if err := tx.PutJSON(store.Job, id, r); err != nil {
				return err
			}
			return tx.Log(audit.Leaf{Type: audit.JobFailing})
		}))
		f.restart("bank")
		f.settles(id, Failed, "bank")
	})
}

func (f *federation) failing(tx *store.Tx, id string) Record {
	var r Record
	f.ok(tx.GetJSON(store.Job, id, &r))
	r.Job, _ = r.Job.Step(Event{Kind: EvStepFailed, From: "bank", Failure: Failure{Party: "bank"}})
	return r
}

// The lead's pause before it asks again for leases is not lost with the process.
func TestResumeAsksForLeasesAgain(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	for i := range MaxRunning {
		f.ok(f.members["utility"].db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.Put(store.Lease, fmt.Sprint(i), []byte("running")); err != nil {
				return err
			}
			return tx.Log(audit.Leaf{Type: audit.JobScheduling})
		}))
	}
	id := f.submit(false)
	f.pump()
	f.wantPhase(id, Scheduling, everyone...)
	if have := f.hasLease("bank", id); have {
		t.Error("the bank's slot is kept though the utility has none")
	}
	f.ok(f.members["utility"].db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.Delete(store.Lease, "0"); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.JobScheduling})
	}))
	f.restart("hub")
	f.pump()
	f.wantPhase(id, Running, everyone...)
}

func (f *federation) hasLease(at party.ID, id string) (have bool) {
	f.t.Helper()
	f.ok(f.members[at].db.View(context.Background(), func(tx *store.Tx) (err error) {
		have, err = tx.Has(store.Lease, id)
		return err
	}))
	return have
}

// A vote that overtakes the start is kept over a restart.
func TestEarlyVoteIsKept(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	f.forge = func(m Message) *Message {
		if m.Kind == MsgStart && m.To == "bank" {
			return nil
		}
		return &m
	}
	id := f.submit(false)
	f.pump()
	f.forge = nil
	f.wantPhase(id, Running, "utility")
	f.wantPhase(id, Scheduling, "bank")
	f.perform("utility", id, 0, 5)
	f.pump()
	f.restart("bank")
	f.send("hub", "bank", MsgStart, id, nil)
	f.pump()
	f.wantPhase(id, Running, "bank")
	f.perform("bank", id, 0, 5)
	tk, slots := f.task("bank", id)
	f.ok(f.members["bank"].Await(t.Context(), tk, slots[0]))
}

// Without the peer's receipts a job ends in dispute after their term, and posts nothing.
func TestReceiptsNeverCome(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	f.forge = func(m Message) *Message {
		if m.Kind == MsgReceipts || m.Kind == MsgCountersigned {
			return nil
		}
		return &m
	}
	f.finish(id, 5)
	f.pump()
	f.wantPhase(id, Settling, holders...)
	r := f.record("bank", id)
	at, e := r.deadline()
	if e.Kind != EvLate || !at.Equal(f.now.Add(receiptTerm)) {
		t.Fatalf("%s at %s", e.Kind, at)
	}
	f.members["bank"].expire(t.Context(), id, e)
	f.wantPhase(id, SucceededDisputed, "bank")
	_, err := f.members["bank"].Invoice(t.Context(), id)
	wantCode(t, err, fault.NotFound)
}

// Receipts that come back without a countersignature, or that contradict ours, dispute the job.
func TestReceiptsMustBeCountersigned(t *testing.T) {
	t.Parallel() // it waits for its own disk
	t.Run("not countersigned", func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		f.forge = func(m Message) *Message {
			if m.Kind != MsgCountersigned || m.From != "utility" {
				return &m
			}
			back, err := DecodeReceipts(m.Payload)
			f.ok(err)
			for i, b := range back.List {
				s, err := meter.DecodeSigned(b)
				f.ok(err)
				s.Counter = nil
				back.List[i] = s.Encode()
			}
			m.Payload = back.Encode()
			return &m
		}
		f.finish(id, 5)
		f.pump()
		f.wantPhase(id, SucceededDisputed, "bank")
		_, err := f.members["bank"].Invoice(t.Context(), id)
		wantCode(t, err, fault.NotFound)
	})
	t.Run("contradiction", func(t *testing.T) {
		f := newFederation(t)
		id := f.toRunning()
		f.forge = func(m Message) *Message {
			if m.Kind != MsgReceipts || m.From != "utility" {
				return &m
			}
			list, err := DecodeReceipts(m.Payload)
			f.ok(err)
			s, err := meter.DecodeSigned(list.List[0])
			f.ok(err)
			s.Reading.SentBytes = 1 << 20
			s, err = s.Receipt.Sign(f.members["utility"].keys.Approval())
			f.ok(err)
			list.List[0] = s.Encode()
			m.Payload = list.Encode()
			return &m
		}
		f.finish(id, 5)
		f.pump()
		f.wantPhase(id, SucceededDisputed, "bank")
	})
}

// What a peer sends that cannot be followed is consumed, leaves nothing behind and blocks nothing.
func TestPoisonLeavesNothingBehind(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	tk, slots := f.task("bank", id)
	receipt := func(change func(*meter.Receipt)) []byte {
		r := meter.Receipt{Job: id, Step: slots[0].ID, Plan: tk.Plan.Digest, Party: "utility", Outcome: meter.Unused, T: f.now}
		change(&r)
		s, err := r.Sign(f.members["utility"].keys.Approval())
		f.ok(err)
		return Receipts{List: [][]byte{s.Encode()}}.Encode()
	}
	vote := func(change func(*exec.Vote)) []byte {
		v := exec.Vote{Step: slots[0].ID, Attempt: 1, Party: "utility", Sealed: true}
		change(&v)
		return v.Encode()
	}
	before := f.record("bank", id)
	for name, m := range map[string]struct {
		kind    Kind
		job     string
		payload []byte
	}{
		"a receipt of a step with a space": {MsgReceipts, id, receipt(func(r *meter.Receipt) { r.Step = "a b" })},
		"a receipt of an unknown step":     {MsgReceipts, id, receipt(func(r *meter.Receipt) { r.Step = "none" })},
		"a receipt of another plan":        {MsgReceipts, id, receipt(func(r *meter.Receipt) { r.Plan[0]++ })},
		"a receipt of another party":       {MsgReceipts, id, receipt(func(r *meter.Receipt) { r.Party = "bank" })},
		"a receipt that is garbage":        {MsgReceipts, id, []byte("x")},
		"a vote on an unknown step":        {MsgVote, id, vote(func(v *exec.Vote) { v.Step = "none" })},
		"a vote of another party":          {MsgVote, id, vote(func(v *exec.Vote) { v.Party = "bank" })},
		"a vote of another attempt":        {MsgVote, id, vote(func(v *exec.Vote) { v.Attempt = 2 })},
		"no job":                           {MsgVote, "", nil},
		"a job id of another form":         {MsgVote, "x/bank/y", nil},
		"a kind from the future":           {99, id, nil},
		"a start from who does not lead":   {MsgStart, id, nil},
		"a refusal that nobody asked for":  {MsgLeaseRefused, id, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f.send("utility", "bank", m.kind, m.job, m.payload)
			f.pump()
		})
	}
	if after := f.record("bank", id); fmt.Sprint(after.Job) != fmt.Sprint(before.Job) {
		t.Errorf("the job changed:\n%+v\n%+v", before.Job, after.Job)
	}
	f.verify()
	f.finish(id, 5)
	f.pump()
	f.wantPhase(id, Succeeded, everyone...)
}

// Messages of unknown jobs wait, a bounded number per peer; the newest stay.
func TestParkedMessagesAreBounded(t *testing.T) {
	t.Parallel() // it waits for its own disk
	if testing.Short() {
		t.Skip("hundreds of messages")
	}
	f := newFederation(t)
	id := strings.Repeat("ab", 16)
	for i := range maxParked + 10 {
		job := id
		if i%2 == 0 {
			job = strings.Repeat("cd", 16)
		}
		f.send("utility", "bank", MsgStart, job, nil)
	}
	f.send("hub", "bank", MsgStart, id, nil)
	f.pump()
	count, first := map[string]int{}, ""
	f.ok(f.members["bank"].db.View(t.Context(), func(tx *store.Tx) error {
		return tx.Scan(store.Parked, "", func(r store.Row) error {
			parts := strings.Split(r.Key, "/")
			count[parts[1]]++
			if parts[1] == "utility" && (first == "" || parts[2] < first) {
				first = parts[2]
			}
			return nil
		})
	}))
	if count["utility"] != maxParked || count["hub"] != 1 || first != fmt.Sprintf("%020d", 11) {
		t.Errorf("%v parked, the oldest is number %s", count, first)
	}
	f.verify()
}

// An outsider who is pinned for other work has no say in a job.
func TestOutsidersHaveNoSay(t *testing.T) {
	f := newFederation(t)
	text := strings.Replace(string(f.spec(100000)), "coordinator: hub", "coordinator: bank", 1)
	id, err := f.members["bank"].Submit(t.Context(), "request", []byte(text), job.YAML, false)
	f.ok(err)
	f.send("hub", "bank", MsgFailing, id, Stopped{Code: fault.Invalid, Reason: "no"}.Encode())
	f.send("hub", "bank", MsgDenied, id, Stopped{Code: fault.Denied, Reason: "no"}.Encode())
	f.send("hub", "bank", MsgLeaseRefused, id, nil)
	f.pump()
	f.wantPhase(id, Running, holders...)
	if got := f.phase("hub", id); got != "" {
		t.Errorf("the outsider's node joined the job: %s", got)
	}
}

// A reason longer than a message may carry is cut, within no character, and the peers hear of the end.
func TestLongReasonTravels(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	tk, _ := f.task("bank", id)
	f.members["bank"].Finished(t.Context(), tk, fault.New(fault.Invalid, "test", "%s", strings.Repeat("列", 2000)))
	f.pump()
	for _, p := range everyone {
		f.settles(id, Failed, p)
	}
	if r := f.record("utility", id); len(r.Job.Failure.Reason) > maxReason || !strings.HasPrefix(r.Job.Failure.Reason, "列列") {
		t.Errorf("%d bytes of reason", len(r.Job.Failure.Reason))
	}
}

func TestCloseWaitsForTimers(t *testing.T) {
	f := newFederation(t)
	m := f.members["bank"]
	ran := false
	m.Service.Close()
	m.later(0, func(context.Context) { ran = true })
	m.arm("x", f.now, Event{})
	m.Service.Close()
	if ran || len(m.timers) != 0 {
		t.Error("work begins after Close")
	}
}

func TestChangedWakesWatchers(t *testing.T) {
	f := newFederation(t)
	woken := f.members["hub"].Changed()
	f.submit(false)
	f.pump()
	select {
	case <-woken:
	default:
		t.Error("nobody was woken")
	}
}

func TestNoticesAreBounded(t *testing.T) {
	t.Parallel() // it waits for its own disk
	f := newFederation(t)
	id := f.toRunning()
	tk, _ := f.task("bank", id)
	for i := range maxNotices + 3 {
		f.members["bank"].Notice(t.Context(), tk, fmt.Sprint("remark ", i))
	}
	if n := f.record("bank", id).Notices; len(n) != maxNotices || !slices.Contains(n, "remark 0") {
		t.Errorf("%d notices", len(n))
	}
}
