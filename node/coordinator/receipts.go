package coordinator

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// releaseUnused closes every own hold that is still open: unused ones are refunded, used ones pay what the table of
// budget.ChargeOnAbort says.
func (c *change) releaseUnused(r *Record) error {
	b := &ledger{c: c, job: r.Job.ID}
	for _, name := range slices.Sorted(maps.Keys(r.Holds)) {
		var reading *budget.Amounts
		var st slot
		err := c.GetJSON(store.Step, stepKey(r.Job.ID, name), &st)
		if err == nil && st.Reading.RowsIn > 0 {
			reading = &budget.Amounts{budget.Rows: st.Reading.RowsIn}
		}
		if err != nil && !missing(err) {
			return err
		}
		if err := budget.Abort(b, [32]byte(r.Holds[name]), reading, "job "+string(r.Job.Phase)); err != nil {
			return err
		}
	}
	return b.flush()
}

// receiptTx is meter.Tx over one transaction.
type receiptTx struct{ c *change }

func receiptKey(jobID, step string, p party.ID) string { return jobID + "/" + step + "/" + string(p) }

// Receipt implements meter.Tx.
func (t receiptTx) Receipt(jobID, step string, p party.ID) (meter.Signed, bool, error) {
	return load(t.c.Tx, store.Receipt, receiptKey(jobID, step, p), meter.DecodeSigned, "coordinator.receipts", "a stored receipt does not decode")
}

// PutReceipt implements meter.Tx.
func (t receiptTx) PutReceipt(s meter.Signed) error {
	return t.c.Put(store.Receipt, receiptKey(s.Job, s.Step, s.Party), s.Encode())
}

// Leaf implements meter.Tx.
func (t receiptTx) Leaf(kind string, digest [32]byte) error {
	return t.c.Log(audit.Leaf{Type: audit.Type(kind), Refs: map[string]string{"receipt": hex.EncodeToString(digest[:])}})
}

// sendReceipts states what every slot consumed here, signs and sends it, however the job ended. On success the results
// are sealed as elements first.
func (c *change) sendReceipts(r *Record) error {
	if !r.Job.HoldsData() {
		return nil
	}
	p, err := c.s.plan(r)
	if err != nil {
		return nil // a job that never had a plan consumed nothing
	}
	if r.Job.Phase == Settling {
		if err := c.sealElements(r, p); err != nil {
			return err
		}
	}
	msg := Receipts{Ended: r.Job.Phase}
	for _, sl := range exec.Schedule(p) {
		s, ok, err := c.receipt(r, p, sl)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := meter.Record(receiptTx{c}, s); err != nil {
			return err
		}
		msg.List = append(msg.List, s.Encode())
	}
	if len(msg.List) == 0 {
		return nil // nothing began here
	}
	for _, q := range c.otherHolders(r.Job) {
		if err := c.send(q, MsgReceipts, r.Job.ID, msg.Encode()); err != nil {
			return err
		}
		if err := c.matchReceipts(r, p, q); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) otherHolders(j Job) []party.ID {
	return slices.DeleteFunc(slices.Clone(j.Parties), func(q party.ID) bool { return q == c.s.cfg.Self })
}

// receipt is this party's signed statement about one slot; a job that never started has none.
func (c *change) receipt(r *Record, p *plan.Plan, sl exec.Slot) (meter.Signed, bool, error) {
	var st slot
	err := c.GetJSON(store.Step, stepKey(r.Job.ID, sl.ID), &st)
	if missing(err) {
		return meter.Signed{}, false, nil
	}
	if err != nil {
		return meter.Signed{}, false, err
	}
	m := meter.Receipt{
		Job: r.Job.ID, Step: sl.ID, Plan: p.Digest, Party: c.s.cfg.Self, Attempt: st.State.Attempt, T: c.s.cfg.Clock(),
		Outcome: outcomeOf(st),
	}
	if m.Outcome != meter.Unused {
		m.Reading = meter.Reading{
			RowsIn: st.Reading.RowsIn, RowsOut: st.Reading.RowsOut, CellsOut: st.Reading.Cells, SentBytes: st.Reading.Sent,
			RecvBytes: st.Reading.Recv, Rounds: st.Reading.Rounds, CPU: st.Reading.CPU, Wall: st.Reading.Wall,
		}
		if err := c.readHold(r, sl.ID, &m.Reading); err != nil {
			return meter.Signed{}, false, err
		}
	}
	if m, err = meter.NewReceipt(m); err != nil {
		return meter.Signed{}, false, err
	}
	s, err := m.Sign(c.s.cfg.Keys.Approval())
	return s, true, err
}

func outcomeOf(st slot) meter.Outcome {
	switch {
	case st.State.Phase == exec.Done:
		return meter.Done
	case st.Began == 0:
		return meter.Unused
	}
	return meter.Aborted
}

// readHold adds what the slot's hold was charged.
func (c *change) readHold(r *Record, slotID string, m *meter.Reading) error {
	key, ok := r.Holds[slotID]
	if !ok {
		return nil
	}
	h, _, err := (&ledger{c: c, job: r.Job.ID}).Hold([32]byte(key))
	if err != nil {
		return err
	}
	m.Uses, m.DPRho = h.Actual[budget.Uses], h.Actual[budget.DPRho]
	return nil
}

// onReceipts stores a peer's receipts; they are compared once the own ones are written.
func (c *change) onReceipts(r *Record, m Message) error {
	msg, err := DecodeReceipts(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	if !slices.Contains(r.Job.Parties, m.From) {
		return &fault.Error{Code: fault.Misbehaved, Op: "coordinator.onReceipts", Culprit: string(m.From), Reason: "receipts of a party without data"}
	}
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	err = c.recordReceipts(msg, func(s meter.Signed) error {
		switch {
		case s.Party != m.From || s.Job != r.Job.ID || s.Plan != p.Digest || len(s.Counter) != 0:
			return fault.New(fault.Misbehaved, "coordinator.onReceipts", "a receipt of another party, job or plan")
		case !slices.ContainsFunc(exec.Schedule(p), func(sl exec.Slot) bool { return sl.ID == s.Step }):
			return fault.New(fault.Misbehaved, "coordinator.onReceipts", "a receipt of a step that the plan does not have")
		}
		return nil
	})
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	return c.matchReceipts(r, p, m.From)
}

// recordReceipts stores a peer's receipts, each once check admits it and its signatures verify.
func (c *change) recordReceipts(msg Receipts, check func(meter.Signed) error) error {
	for _, b := range msg.List {
		s, err := meter.DecodeSigned(b)
		if err == nil {
			err = check(s)
		}
		if err == nil {
			err = s.Verify(c.s.publicKey)
		}
		if err == nil {
			err = meter.Record(receiptTx{c}, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// matchReceipts compares own and peer's receipts slot by slot. Where they agree the peer's is countersigned and sent
// back; a contradiction disputes the job and posts nothing.
func (c *change) matchReceipts(r *Record, p *plan.Plan, peer party.ID) error {
	t := receiptTx{c}
	back := Receipts{Ended: r.Job.Phase}
	disputed := false
	for _, sl := range exec.Schedule(p) {
		own, haveOwn, err := t.Receipt(r.Job.ID, sl.ID, c.s.cfg.Self)
		if err != nil {
			return err
		}
		theirs, haveTheirs, err := t.Receipt(r.Job.ID, sl.ID, peer)
		if err != nil {
			return err
		}
		if !haveOwn || !haveTheirs {
			return nil // the rest is still to come
		}
		if own.Outcome == meter.Done || theirs.Outcome == meter.Done {
			diff, err := meter.Compare(own.Receipt, theirs.Receipt)
			if err != nil {
				return err
			}
			if len(diff) > 0 {
				c.s.cfg.Logger.Warn("receipts disagree", "job", r.Job.ID, "step", sl.ID, "peer", string(peer), "unit", diff[0].Unit)
				disputed = true
				continue
			}
		}
		signed, err := theirs.Countersign(c.s.cfg.Self, c.s.cfg.Keys.Approval())
		if err != nil {
			return err
		}
		if err := meter.Record(t, signed); err != nil {
			return err
		}
		back.List = append(back.List, signed.Encode())
	}
	if err := c.send(peer, MsgCountersigned, r.Job.ID, back.Encode()); err != nil {
		return err
	}
	if disputed {
		return c.step(r, Event{Kind: EvDisputed, From: peer})
	}
	return nil
}

// onCountersigned stores the peer's countersignatures of own receipts. With all of them the peer's part is settled.
func (c *change) onCountersigned(r *Record, m Message) error {
	msg, err := DecodeReceipts(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	err = c.recordReceipts(msg, func(s meter.Signed) error {
		if s.Party != c.s.cfg.Self || s.Job != r.Job.ID {
			return fault.New(fault.Misbehaved, "coordinator.onCountersigned", "a countersignature of another receipt")
		}
		return nil
	})
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	all, err := c.countersigned(r, p, m.From)
	if err != nil {
		return err
	}
	if !all {
		return c.step(r, Event{Kind: EvDisputed, From: m.From})
	}
	return c.step(r, Event{Kind: EvReceipts, From: m.From})
}

// countersigned reports whether peer has countersigned this party's receipt of every slot.
func (c *change) countersigned(r *Record, p *plan.Plan, peer party.ID) (bool, error) {
	for _, sl := range exec.Schedule(p) {
		s, found, err := receiptTx{c}.Receipt(r.Job.ID, sl.ID, c.s.cfg.Self)
		if err != nil {
			return false, err
		}
		if !found || !s.Complete([]party.ID{peer}) {
			return false, nil
		}
	}
	return true, nil
}

// Resume takes up every open job. It ends what a stopped process left behind: in this version a job that was running here ends, with its receipts.
func (s *Service) Resume(ctx context.Context) error {
	var open []Record
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Job, "", func(_ string, r Record) error {
			if !r.Job.Phase.Terminal() {
				open = append(open, r)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, r := range open {
		at, e := r.deadline()
		s.arm(r.Job.ID, at, e)
		if e, ok := resumeWith(r.Job); ok {
			if err := s.update(ctx, func(c *change) error { return c.apply(r.Job.ID, e) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// resumeWith is the event that a job lost with the process: its runner's end, or the lead's second try for leases. All
// other phases wait for messages, which are durable.
func resumeWith(j Job) (Event, bool) {
	switch {
	case j.Phase == Running && j.HoldsData():
		return Event{Kind: EvStepFailed, From: j.Self, Failure: Failure{
			Code: fault.PeerAborted, Party: j.Self, Reason: "the node stopped in the middle of the run",
		}}, true
	case j.Phase == Failing || j.Phase == Canceling:
		return Event{Kind: EvQuiet, From: j.Self}, true
	case j.Phase == Scheduling && j.Self == j.Lead && j.Asked == "":
		return Event{Kind: EvRequeued, From: j.Self}, true
	}
	return Event{}, false
}
