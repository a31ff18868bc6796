package coordinator

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/store"
)

// startedLawfully is the oracle of INV-5, by other means than the service's: whoever has started holds the spec that the
// bank submitted and, for every owner, an approval that verifies with the pinned key and names the plan built here.
func (f *federation) startedLawfully(id string, spec []byte) {
	f.t.Helper()
	for _, at := range holders {
		if f.phase(at, id) == "" || !f.started(at, id) {
			continue
		}
		r := f.record(at, id)
		if !bytes.Equal(r.Spec, spec) {
			f.t.Fatalf("%s started another spec than the submitted one", at)
		}
		for _, owner := range holders {
			var row store.Row
			f.ok(f.members[at].db.View(context.Background(), func(tx *store.Tx) (err error) {
				row, err = tx.Get(store.Approval, approvalRow(id, owner))
				return err
			}))
			n := len(row.Value) - SignatureBytes
			key := f.members[owner].keys.ApprovalPublic()
			f.ok(identity.Verify(key, identity.Purpose(ApprovalTag), row.Value[:n], row.Value[n:]))
			a, _, err := DecodeApproval(row.Value)
			f.ok(err)
			if fmt.Sprintf("%x", a.Plan) != r.Job.Plans[at] || a.Job != id || a.Party != owner || a.Approver != ApproverPolicy {
				f.t.Fatalf("%s started on an approval by %s of something else", at, owner)
			}
		}
	}
}

// forgedAsk changes the lead's Ask to one party.
func forgedAsk(to party.ID, change func(*Ask)) func(Message) *Message {
	return func(m Message) *Message {
		if m.Kind != MsgAsk || m.To != to {
			return &m
		}
		a, err := DecodeAsk(m.Payload)
		if err != nil {
			return nil
		}
		change(&a)
		m.Payload = a.Encode()
		return &m
	}
}

// forgedApproval changes the utility's approval; the utility signs whatever it is.
func (f *federation) forgedApproval(change func(*Approval)) func(Message) *Message {
	return func(m Message) *Message {
		if m.Kind != MsgApproved || m.From != "utility" {
			return &m
		}
		a, _, err := DecodeApproval(m.Payload)
		f.ok(err)
		change(&a)
		sig, err := signer{f.members["utility"].keys}.Sign(ApprovalTag, a.Statement())
		f.ok(err)
		m.Payload = append(a.Statement(), sig...)
		return &m
	}
}

// A lead or an owner that lies in one message: no honest holder starts, or it starts exactly what was submitted and
// approved.
func TestMaliciousMessages(t *testing.T) {
	other := func(f *federation) []byte {
		spec, err := job.Parse(f.spec(5000), job.YAML)
		f.ok(err)
		return spec.AppendJSON(nil)
	}
	for _, c := range []struct {
		name  string
		forge func(f *federation) func(Message) *Message
		runs  bool       // the lie is without consequence
		code  fault.Code // why the job ends at the bank, where it ends; Internal: it waits
	}{
		{"the truth", func(*federation) func(Message) *Message { return func(m Message) *Message { return &m } }, true, 0},
		{"ask: another submitter", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.Submitter = "utility" })
		}, false, 0},
		{"ask: a submitter without a part", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.Submitter = "stranger" })
		}, false, 0},
		{"ask: another request", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.RequestID += "x" })
		}, false, 0},
		{"ask: another spec to one", func(f *federation) func(Message) *Message {
			spec := other(f)
			return forgedAsk("utility", func(a *Ask) { a.Spec = spec })
		}, false, fault.PlanMismatch},
		{"ask: a spec that is not canonical", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.Spec = append([]byte(" "), a.Spec...) })
		}, false, 0},
		{"ask: a spec that does not parse", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.Spec = []byte("{}") })
		}, false, 0},
		{"ask: no end of life", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.Expires = math.MaxInt64 })
		}, true, 0},
		{"ask: plan only to one", func(*federation) func(Message) *Message {
			return forgedAsk("utility", func(a *Ask) { a.PlanOnly = true })
		}, false, 0},
		{"ask: withheld from one", func(*federation) func(Message) *Message {
			return func(m Message) *Message {
				if m.Kind == MsgAsk && m.To == "utility" {
					return nil
				}
				return &m
			}
		}, false, 0},
		{"the lead's plan is another", func(*federation) func(Message) *Message {
			return func(m Message) *Message {
				if m.Kind == MsgPlanned && m.From == "hub" {
					m.Payload = PlanSections{Digest: [32]byte{1}}.Encode()
				}
				return &m
			}
		}, false, fault.PlanMismatch},
		{"no lease was asked for", func(*federation) func(Message) *Message {
			return func(m Message) *Message {
				if m.Kind == MsgLeaseAsk {
					m.Kind = MsgStart
				}
				return &m
			}
		}, false, 0},
		{"start about another job", func(*federation) func(Message) *Message {
			return func(m Message) *Message {
				if m.Kind == MsgStart {
					m.Job = strings.Repeat("00", 16)
				}
				return &m
			}
		}, false, 0},
		{"approval: another spec", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Spec[0]++ })
		}, false, fault.PlanMismatch},
		{"approval: another plan", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Plan[0]++ })
		}, false, fault.PlanMismatch},
		{"approval: another job", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Job = strings.Repeat("00", 16) })
		}, false, 0},
		{"approval: in the bank's name", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Party = "bank" })
		}, false, 0},
		{"approval: out of term", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.NotAfter = f.now.UnixMilli() - 1 })
		}, false, fault.Expired},
		{"approval: of a plan only", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Approver = ApproverPlanOnly })
		}, false, fault.PlanMismatch},
		{"approval: without its reservation", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Holds = nil })
		}, false, fault.PlanMismatch},
		{"approval: a reservation of garbage", func(f *federation) func(Message) *Message {
			return f.forgedApproval(func(a *Approval) { a.Holds[0][len(a.Holds[0])-1] ^= 1 })
		}, false, fault.Misbehaved},
		{"approval: another signature", func(*federation) func(Message) *Message {
			return func(m Message) *Message {
				if m.Kind == MsgApproved && m.From == "utility" {
					m.Payload = append([]byte(nil), m.Payload...)
					m.Payload[len(m.Payload)-1] ^= 1
				}
				return &m
			}
		}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !strings.HasSuffix(c.name, "plan") {
				t.Skip("long")
			}
			t.Parallel() // each waits for its own disk
			f := newFederation(t)
			f.forge = c.forge(f)
			id := f.submit(false)
			f.pump()
			f.startedLawfully(id, f.record("bank", id).Spec)
			// A lead that goes on regardless changes nothing.
			for _, p := range holders {
				f.send("hub", p, MsgLeaseAsk, id, nil)
				f.send("hub", p, MsgStart, id, nil)
			}
			f.pump()
			f.startedLawfully(id, f.record("bank", id).Spec)
			if got := f.started("bank", id) && f.phase("bank", id) == Running; got != c.runs && c.name != "no lease was asked for" {
				t.Errorf("the bank is in %s", f.phase("bank", id))
			}
			if c.code != 0 {
				f.settles(id, Failed, "bank")
				if fl := f.record("bank", id).Job.Failure; fl.Code != c.code && fl.Code != fault.PeerAborted {
					t.Errorf("%+v, want %s", fl, c.code)
				}
			}
			for _, p := range holders {
				if r := f.phase(p, id); r != "" && f.record(p, id).Expires > f.now.Add(DefaultExpiry).UnixMilli() {
					t.Errorf("at %s the job outlives what any job may", p)
				}
			}
			f.verify()
		})
	}
}

// Every field of the envelope of every lead message, altered under the lead's own signature or without it.
func TestMaliciousEnvelopes(t *testing.T) {
	f := newFederation(t)
	hub := signer{f.members["hub"].keys}
	original := Message{From: "hub", To: "bank", Seq: 1, Kind: MsgStart, Job: strings.Repeat("ab", 16), Payload: []byte("x")}
	for _, c := range []struct {
		name   string
		change func(*Message)
		code   fault.Code
	}{
		{"from", func(m *Message) { m.From = "utility" }, fault.Misbehaved},
		{"to", func(m *Message) { m.To = "utility" }, fault.Misbehaved},
		{"seq", func(m *Message) { m.Seq = 2 }, fault.Misbehaved},
		{"kind", func(m *Message) { m.Kind = MsgDropLease + 1 }, fault.Unsupported},
		{"kind zero", func(m *Message) { m.Kind = 0 }, fault.Unsupported},
		{"job", func(m *Message) { m.Job = strings.Repeat("j", maxJobID+1) }, fault.LimitExceeded},
		{"party", func(m *Message) { m.From = party.ID(strings.Repeat("p", party.MaxIDBytes+1)) }, fault.LimitExceeded},
		{"payload", func(m *Message) { m.Payload = make([]byte, MaxPayload+1) }, fault.LimitExceeded},
	} {
		m := original
		c.change(&m)
		b, err := m.Seal(hub)
		f.ok(err)
		_, err = OpenMessage(b, "hub", "bank", 1, verifier{f.members["bank"].Service})
		wantCode(t, err, c.code)
		wantCulprit(t, err, "hub")
	}
	sealed, err := original.Seal(hub)
	f.ok(err)
	if m, err := OpenMessage(sealed, "hub", "bank", 1, verifier{f.members["bank"].Service}); err != nil || m.Job != original.Job {
		t.Fatalf("%+v %v", m, err)
	}
	for i := range sealed { // without the lead's signature nothing passes
		b := bytes.Clone(sealed)
		b[i] ^= 4
		_, err := OpenMessage(b, "hub", "bank", 1, verifier{f.members["bank"].Service})
		if err == nil {
			t.Fatalf("byte %d is not signed", i)
		}
		wantCulprit(t, err, "hub")
	}
	for n := range sealed {
		if _, err := OpenMessage(sealed[:n], "hub", "bank", 1, verifier{f.members["bank"].Service}); err == nil {
			t.Fatalf("a message cut to %d bytes passes", n)
		}
	}
	stranger, err := Message{From: "stranger", To: "bank", Seq: 1, Kind: MsgStart}.Seal(hub)
	f.ok(err)
	_, err = OpenMessage(stranger, "stranger", "bank", 1, verifier{f.members["bank"].Service})
	wantCode(t, err, fault.Unauthenticated)
}

func wantCulprit(t *testing.T, err error, want string) {
	t.Helper()
	if culpritOf(err) != want {
		t.Fatalf("%v blames %q, want %s", err, culpritOf(err), want)
	}
}

// A message that is played again, or out of order, does nothing new; two bodies under one number are a crime.
func TestReplayAndReorder(t *testing.T) {
	f := newFederation(t)
	bank := f.members["bank"]
	id := f.toRunning()
	var seen []store.Message
	f.ok(bank.db.View(t.Context(), func(tx *store.Tx) error {
		return tx.Scan(store.Inbox, "hub/0", func(r store.Row) error {
			seen = append(seen, store.Message{Seq: uint64(len(seen) + 1), Body: r.Value})
			return nil
		})
	}))
	before := fmt.Sprint(f.record("bank", id))
	other := func(*store.Tx, Message) error { return nil }
	newest := uint64(len(seen))
	for i := range seen {
		m := seen[len(seen)-1-i]
		if last, err := bank.Deliver(t.Context(), "hub", m.Seq, m.Body, other); err != nil || last != newest+uint64(i) {
			t.Fatalf("replay of %d: %d, %v", m.Seq, last, err)
		}
		f.deliver("hub", "bank", newest+1+uint64(i), m.Body) // under another number
	}
	newest += uint64(len(seen))
	_, err := bank.Deliver(t.Context(), "hub", 1, []byte("another body"), other)
	wantCode(t, err, fault.Misbehaved)
	if last, err := bank.Deliver(t.Context(), "hub", newest+5, []byte("a gap"), other); err != nil || last != newest {
		t.Fatalf("a gap: %d %v", last, err)
	}
	if after := fmt.Sprint(f.record("bank", id)); after != before {
		t.Error("a replay changed the job")
	}
}

// The spec cannot change under an approval, and the first approval of a party stands.
func TestNothingChangesAfterApproval(t *testing.T) {
	f := newFederation(t)
	f.forge = func(m Message) *Message {
		if m.Kind == MsgStart {
			return nil
		}
		return &m
	}
	id := f.submit(false)
	f.pump()
	f.forge = nil
	f.wantPhase(id, Scheduling, holders...)
	before := f.record("bank", id)
	spec, err := job.Parse(f.spec(5000), job.YAML)
	f.ok(err)
	f.send("hub", "bank", MsgAsk, id, Ask{Submitter: "bank", RequestID: "request", Spec: spec.AppendJSON(nil), Expires: before.Expires}.Encode())
	var approval store.Row
	f.ok(f.members["bank"].db.View(t.Context(), func(tx *store.Tx) (err error) {
		approval, err = tx.Get(store.Approval, approvalRow(id, "utility"))
		return err
	}))
	a, _, err := DecodeApproval(approval.Value)
	f.ok(err)
	a.NotAfter++
	sig, err := signer{f.members["utility"].keys}.Sign(ApprovalTag, a.Statement())
	f.ok(err)
	f.send("utility", "bank", MsgApproved, id, append(a.Statement(), sig...))
	f.send("utility", "bank", MsgApproved, id, approval.Value)
	f.pump()
	if after := f.record("bank", id); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the job changed")
	}
	f.ok(f.members["bank"].db.View(t.Context(), func(tx *store.Tx) error {
		row, err := tx.Get(store.Approval, approvalRow(id, "utility"))
		if err == nil && !bytes.Equal(row.Value, approval.Value) {
			t.Error("the first approval was replaced")
		}
		return err
	}))
	f.send("hub", "bank", MsgStart, id, nil)
	f.pump()
	f.wantPhase(id, Running, "bank")
	f.startedLawfully(id, before.Spec)
}

// Two leads' starts, or many, take no more run slots than there are.
func TestStartWithoutASlot(t *testing.T) {
	f := newFederation(t)
	f.forge = func(m Message) *Message {
		if m.Kind == MsgLeaseAsk && m.To == "bank" {
			m.Kind = MsgStart
		}
		return &m
	}
	f.ok(f.members["bank"].update(t.Context(), func(c *change) error {
		for i := range MaxRunning {
			r := Record{Job: Job{ID: fmt.Sprint(i), Phase: Scheduling}}
			if ok, err := c.takeLease(&r); err != nil || !ok {
				return fmt.Errorf("slot %d: %w", i, err)
			}
		}
		return nil
	}))
	id := f.submit(false)
	f.pump()
	f.settles(id, Failed, "bank")
	if fl := f.record("bank", id).Job.Failure; fl.Code != fault.Unavailable || f.started("bank", id) {
		t.Errorf("%+v", fl)
	}
	f.verify()
}
