package node

import (
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/store"
)

// controlSigner signs with a node's approval key, as its own service does.
type controlSigner struct{ n *Node }

// Sign implements coordinator.Signer.
func (s controlSigner) Sign(tag string, payload []byte) ([]byte, error) {
	return identity.Sign(s.n.keys.Approval(), identity.Purpose(tag), payload)
}

// say makes n send one control message of its own making, properly numbered and signed: what a changed binary could do.
func (f *federation) say(n *Node, to party.ID, kind coordinator.Kind, jobID string, payload []byte) {
	f.t.Helper()
	f.ok(n.db.Update(f.t.Context(), func(tx *store.Tx) error {
		return tx.Send(to, func(seq uint64) ([]byte, error) {
			m := coordinator.Message{From: n.file.Party, To: to, Seq: seq, Kind: kind, Job: jobID, Payload: payload}
			return m.Seal(controlSigner{n})
		})
	}))
	n.link.Kick(to)
}

// drained waits until a peer has consumed everything that n sent it.
func (f *federation) drained(n *Node, to party.ID) {
	f.t.Helper()
	f.eventually("the messages are consumed", func() bool {
		left := 1
		f.ok(n.db.View(f.t.Context(), func(tx *store.Tx) error {
			list, err := tx.Pending(to, 0, 1)
			left = len(list)
			return err
		}))
		return left == 0
	})
}

// ask is the payload with which a coordinator hands a job to a participant.
func ask(t *testing.T, requestID, spec string) []byte {
	t.Helper()
	parsed, err := job.Parse([]byte(spec), job.YAML)
	if err != nil {
		t.Fatal(err)
	}
	return coordinator.Ask{
		Submitter: "bank", RequestID: requestID, Spec: parsed.AppendJSON(nil), Expires: time.Now().Add(time.Hour).UnixMilli(),
	}.Encode()
}

// known reports whether n has heard of the job.
func (f *federation) known(n *Node, id string) func() bool {
	return func() bool { _, err := n.Job(f.t.Context(), id); return err == nil }
}

// TestCoordinatorSendsTwoSpecs: the coordinator tells the utility another job than the bank submitted, under the same
// id. Each party plans what it was told, the digests differ, and nobody runs.
func TestCoordinatorSendsTwoSpecs(t *testing.T) {
	f := newFederation(t)
	d := f.deal("twospecs", bankSheet(300, 0), utilitySheet(300, 50))
	spec := d.spec(modelSpec)
	other := d.spec(modelSpec, "to: [bank, utility]}", "to: [bank]}")
	id := job.JobID("bank", "two-specs").String()
	f.say(f.coord, "utility", coordinator.MsgAsk, id, ask(t, "two-specs", other))
	f.eventually("the utility has the other job", f.known(f.utility, id))
	_, err := f.bank.Submit(t.Context(), "two-specs", []byte(spec), job.YAML, false)
	f.ok(err)
	for _, n := range f.nodes() {
		v := f.await(n, id, nil)
		checkFailure(t, v, fault.PlanMismatch)
		if len(v.Receipts) != 0 || len(v.Approvals) != 0 {
			t.Errorf("%s: %d receipts and approvals of %v, none wanted", n.file.Party, len(v.Receipts), v.Approvals)
		}
		for _, s := range v.Steps {
			if s.Phase != "waiting" {
				t.Errorf("%s: step %s is %s, nobody may run", n.file.Party, s.ID, s.Phase)
			}
		}
	}
	d.costless()
}

// TestCoordinatorChangesAnApprovedJob: a second spec under the id of a job that its owners are about to approve is
// refused, and what runs is what they approved.
func TestCoordinatorChangesAnApprovedJob(t *testing.T) {
	f := newFederation(t)
	d := f.deal("change", bankSheet(300, 0), utilitySheet(300, 50))
	spec := d.spec(modelSpec)
	id := job.JobID("bank", "change").String()
	_, err := f.bank.Submit(t.Context(), "change", []byte(spec), job.YAML, false)
	f.ok(err)
	f.eventually("both parties have the job", func() bool { return f.known(f.bank, id)() && f.known(f.utility, id)() })
	other := ask(t, "change", d.spec(modelSpec, "max_iter: 2", "max_iter: 3"))
	f.say(f.coord, "utility", coordinator.MsgAsk, id, other)
	f.say(f.coord, "bank", coordinator.MsgAsk, id, other)
	bank, utility := f.await(f.bank, id, nil), f.await(f.utility, id, nil)
	if bank.Phase != "succeeded" || utility.Phase != "succeeded" || bank.PlanDigest != utility.PlanDigest {
		t.Fatalf("%s and %s, the approved job must run", bank.Phase, utility.Phase)
	}
	_, reference := f.run(spec)
	if reference.PlanDigest != utility.PlanDigest {
		t.Errorf("plan %s ran, the submitted job's is %s", utility.PlanDigest, reference.PlanDigest)
	}
}

// TestCoordinatorStartsEarly: a start that comes before an owner's refusal starts nothing.
func TestCoordinatorStartsEarly(t *testing.T) {
	f := newFederation(t)
	d := f.deal("early", bankSheet(300, 0), utilitySheet(300, 50))
	id := job.JobID("bank", "early").String()
	f.say(f.coord, "bank", coordinator.MsgStart, id, nil)
	f.say(f.coord, "utility", coordinator.MsgStart, id, nil)
	_, err := f.bank.Submit(t.Context(), "early", []byte(d.spec(modelSpec, "purpose: credit-risk", "purpose: marketing")), job.YAML, false)
	f.ok(err)
	for _, n := range []*Node{f.bank, f.utility} {
		checkFailure(t, f.await(n, id, nil), fault.Denied, "rule grant/purpose")
	}
	d.costless()
}

// TestApprovalInAnothersName: the coordinator cannot approve for an owner.
func TestApprovalInAnothersName(t *testing.T) {
	f := newFederation(t)
	d := f.deal("forged", bankSheet(300, 0), utilitySheet(300, 50))
	spec := d.spec(modelSpec)
	dry, err := f.bank.Submit(t.Context(), "forged-dry", []byte(spec), job.YAML, true)
	f.ok(err)
	f.await(f.bank, dry, nil)
	var approval []byte // a real one of the utility, for the dry run
	f.ok(f.bank.db.View(t.Context(), func(tx *store.Tx) error {
		row, err := tx.Get(store.Approval, dry+"/utility")
		approval = row.Value
		return err
	}))
	id := job.JobID("bank", "forged").String()
	f.ok(f.utility.Close()) // it will not answer
	_, err = f.bank.Submit(t.Context(), "forged", []byte(spec), job.YAML, false)
	f.ok(err)
	f.say(f.coord, "bank", coordinator.MsgApproved, id, approval)
	f.say(f.coord, "bank", coordinator.MsgStart, id, nil)
	f.drained(f.coord, "bank")
	v, err := f.bank.Job(t.Context(), id)
	f.ok(err)
	if v.Phase != "describing" || len(v.Approvals) != 0 {
		t.Errorf("%s with the approvals of %v, nothing may have moved", v.Phase, v.Approvals)
	}
	if _, err := f.bank.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}
