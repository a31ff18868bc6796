package coordinator

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/policy"
)

// startSteps is the Begin barrier: every approval is verified once more, every own hold opens on all owners' votes, the
// step table is written, and only then does the engine start.
func (c *change) startSteps(r *Record) error {
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	digest, votes, err := c.approvals(r, p)
	var t *exec.Task
	if err == nil {
		t, err = c.task(r, p, digest)
	}
	if err == nil {
		err = c.openHolds(r, p, votes)
	}
	if err != nil {
		return c.fail(r, "start", err)
	}
	for _, s := range exec.Schedule(p) {
		st := slot{State: exec.NewStep(s.ID, c.s.cfg.Self, r.Job.Parties)}
		if err := c.PutJSON(store.Step, stepKey(r.Job.ID, s.ID), st); err != nil {
			return err
		}
	}
	if err := c.Log(audit.Leaf{Type: audit.JobRunning, Refs: map[string]string{
		"job": r.Job.ID, "plan": p.Digest.String(), "approvals": hex.EncodeToString(digest[:]),
	}}); err != nil {
		return err
	}
	if t != nil {
		c.after = append(c.after, func() { c.s.cfg.Engine.Start(t) })
	}
	if err := c.unpark(r.Job.ID); err != nil { // votes of faster peers
		return err
	}
	*r, err = c.record(r.Job.ID)
	return err
}

// task is what the engine runs; a lead without data has none and watches the votes.
//
// Errors: fault.Unavailable when the run slot is gone, fault.NotFound when a dataset is.
func (c *change) task(r *Record, p *plan.Plan, approvals [32]byte) (*exec.Task, error) {
	if !r.Job.HoldsData() {
		return nil, nil
	}
	ok, err := c.takeLease(r)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Unavailable, "coordinator.start", "%d jobs run here, at most %d, and this one holds no lease", MaxRunning, MaxRunning)
	}
	t := &exec.Task{Job: r.Job.ID, Plan: p, Parties: r.Job.Parties, Approvals: approvals}
	for _, in := range p.Inputs {
		if in.Party != c.s.cfg.Self {
			continue
		}
		var d Dataset
		if err := c.GetJSON(store.Dataset, DatasetKey(in.Dataset), &d); err != nil {
			return nil, err
		}
		t.Sources = append(t.Sources, exec.Source{Input: in.ID, Path: d.Path, Keys: d.Keys, Digest: in.Version})
	}
	return t, nil
}

// openHolds opens every own hold on exactly the votes of its step's owners.
func (c *change) openHolds(r *Record, p *plan.Plan, votes []budget.Vote) error {
	holds, err := holdsOf(p, c.s.cfg.Self)
	if err != nil || !r.Job.HoldsData() {
		return err
	}
	b := &ledger{c: c, job: r.Job.ID}
	for _, h := range holds {
		key, ok := r.Holds[h.slot]
		if !ok {
			continue
		}
		bar := budget.Barrier{Key: [32]byte(key), Owners: h.owners}
		for _, v := range votes {
			if v.Step == h.slot {
				bar.Votes = append(bar.Votes, v)
			}
		}
		bar.PublicKey = c.s.publicKey
		if err := budget.Begin(b, bar, c.s.cfg.Clock()); err != nil {
			return err
		}
	}
	return b.flush()
}

// stopSteps cancels own runners. Without any, the job is quiet at once.
func (c *change) stopSteps(r *Record) error {
	id, f := r.Job.ID, *r.Job.Failure
	why := &fault.Error{Code: f.Code, Op: "coordinator.stop", Culprit: f.Culprit, Reason: f.Reason}
	c.after = append(c.after, func() {
		if c.s.cfg.Engine.Stop(id, why) {
			return // Finished follows
		}
		c.s.later(0, func(ctx context.Context) { c.s.quiet(ctx, id) })
	})
	return nil
}

func (s *Service) quiet(ctx context.Context, id string) {
	err := s.update(ctx, func(c *change) error { return c.apply(id, Event{Kind: EvQuiet, From: s.cfg.Self}) })
	if err != nil {
		s.cfg.Logger.Error("end of job not recorded", "job", id, "err", err)
	}
}

// Begin implements exec.Ledger: the gate.
func (s *Service) Begin(ctx context.Context, t *exec.Task, sl exec.Slot) error {
	return s.update(ctx, func(c *change) error {
		r, err := c.record(t.Job)
		if err != nil {
			return err
		}
		if r.Job.Phase != Running {
			return fault.New(fault.Canceled, "coordinator.Begin", "the job is %s", r.Job.Phase)
		}
		if _, err := c.consult(&r, t.Plan, policy.StageReserve); err != nil {
			return err
		}
		if err := c.useHold(&r, sl, sl.Step != nil && sl.Step.Out.Kind == plan.Cells); err != nil {
			return err
		}
		var st slot
		if err := c.GetJSON(store.Step, stepKey(t.Job, sl.ID), &st); err != nil {
			return err
		}
		for _, e := range []exec.StepEventKind{exec.StepInputsDone, exec.StepBegun} {
			next, effects := st.State.Step(exec.StepEvent{Kind: e})
			if slices.Contains(effects, exec.StepReject) {
				return fault.New(fault.Canceled, "coordinator.Begin", "step %q is %s", sl.ID, st.State.Phase)
			}
			st.State = next
		}
		st.Began = s.cfg.Clock().UnixMilli()
		return c.putSlot(t.Job, st, audit.StepStarted)
	})
}

func (c *change) putSlot(jobID string, st slot, leaf audit.Type) error {
	if err := c.PutJSON(store.Step, stepKey(jobID, st.State.ID), st); err != nil {
		return err
	}
	return c.Log(audit.Leaf{Type: leaf, Refs: map[string]string{"job": jobID, "step": st.State.ID}, Body: map[string]any{
		"phase": string(st.State.Phase), "attempt": int64(st.State.Attempt),
	}})
}

// useHold marks a slot's hold as used: from now on an abort is charged.
func (c *change) useHold(r *Record, sl exec.Slot, draws bool) error {
	key, ok := r.Holds[sl.ID]
	if !ok || !draws {
		return nil
	}
	b := &ledger{c: c, job: r.Job.ID}
	if err := budget.Use(b, [32]byte(key)); err != nil {
		return err
	}
	return b.flush()
}

// Bind implements exec.Ledger: a session binding is spent once, durably, before the first byte.
func (s *Service) Bind(ctx context.Context, t *exec.Task, sl exec.Slot, binding [32]byte) error {
	return s.update(ctx, func(c *change) error {
		key := hex.EncodeToString(binding[:])
		used, err := c.Has(store.Binding, key)
		if err != nil {
			return err
		}
		if used {
			return fault.New(fault.Exists, "coordinator.Bind", "the session of step %q was opened before", sl.ID)
		}
		r, err := c.record(t.Job)
		if err != nil {
			return err
		}
		if r.Job.Phase != Running {
			return fault.New(fault.Canceled, "coordinator.Bind", "the job is %s", r.Job.Phase)
		}
		if err := c.Put(store.Binding, key, []byte(stepKey(t.Job, sl.ID))); err != nil {
			return err
		}
		if err := c.Log(audit.Leaf{Type: audit.StepStarted, Refs: map[string]string{
			"job": t.Job, "step": sl.ID, "binding": key,
		}}); err != nil {
			return err
		}
		return nil
	})
}

// Use implements exec.Ledger.
func (s *Service) Use(ctx context.Context, t *exec.Task, sl exec.Slot) error {
	return s.update(ctx, func(c *change) error {
		r, err := c.record(t.Job)
		if err != nil {
			return err
		}
		if r.Job.Phase != Running {
			return fault.New(fault.Canceled, "coordinator.Use", "the job is %s", r.Job.Phase)
		}
		return c.useHold(&r, sl, true)
	})
}

// Egress implements exec.Ledger: policy decides on what was measured, and a noised answer's budget is committed, before
// a byte leaves.
func (s *Service) Egress(ctx context.Context, t *exec.Task, sl exec.Slot, e exec.Egress) error {
	return s.update(ctx, func(c *change) error {
		r, err := c.record(t.Job)
		if err != nil {
			return err
		}
		if r.Job.Phase != Running {
			return fault.New(fault.Canceled, "coordinator.Egress", "the job is %s", r.Job.Phase)
		}
		if _, err := c.consult(&r, t.Plan, policy.StageEgress); err != nil {
			return err
		}
		if e.Kind == plan.Cells {
			if err := c.commitNoise(&r, t, sl); err != nil {
				return err
			}
		}
		return c.Log(audit.Leaf{Type: audit.EgressAllowed, Refs: map[string]string{
			"job": t.Job, "plan": t.Plan.Digest.String(), "release": e.Release,
		}, Body: map[string]any{"kind": string(e.Kind), "cells": e.Cells, "rows": e.Rows}})
	})
}

// commitNoise books the ε of the aggregate that a release opens, at its owner.
func (c *change) commitNoise(r *Record, t *exec.Task, sl exec.Slot) error {
	key, ok := r.Holds[sl.Release.From]
	if !ok {
		return nil
	}
	var st slot
	if err := c.GetJSON(store.Step, stepKey(t.Job, sl.Release.From), &st); err != nil {
		return err
	}
	b := &ledger{c: c, job: t.Job}
	h, _, err := b.Hold([32]byte(key))
	if err == nil {
		err = budget.Commit(b, [32]byte(key), h.Amounts, st.Output.Digest)
	}
	if err != nil {
		return err
	}
	return b.flush()
}

// Seal implements exec.Ledger: the output, the hold that the step settles and this party's one vote.
func (s *Service) Seal(ctx context.Context, t *exec.Task, sl exec.Slot, out exec.Sealed, v exec.Vote, m exec.Reading) error {
	return s.update(ctx, func(c *change) error {
		r, err := c.record(t.Job)
		if err != nil {
			return err
		}
		var st slot
		if err := c.GetJSON(store.Step, stepKey(t.Job, sl.ID), &st); err != nil {
			return err
		}
		st.Output, st.Reading = out, m
		if err := c.putSlot(t.Job, st, audit.StepVoted); err != nil {
			return err
		}
		if key, ok := r.Holds[sl.ID]; ok && v.Sealed && (sl.Step == nil || sl.Step.Out.Kind != plan.Cells) {
			if err := c.commitUse(&r, [32]byte(key), m); err != nil {
				return err
			}
		}
		return c.vote(&r, v, v.Public().Encode())
	})
}

// commitUse books one use and the rows that were read.
func (c *change) commitUse(r *Record, key [32]byte, m exec.Reading) error {
	b := &ledger{c: c, job: r.Job.ID}
	h, _, err := b.Hold(key)
	if err != nil {
		return err
	}
	actual := h.Amounts
	actual[budget.Rows] = min(actual[budget.Rows], m.RowsIn)
	if err := budget.Commit(b, key, actual, [32]byte{}); err != nil {
		return err
	}
	return b.flush()
}

// vote runs a verified vote through the step's machine. encoded is what is stored: the evidence.
func (c *change) vote(r *Record, v exec.Vote, encoded []byte) error {
	var st slot
	if err := c.GetJSON(store.Step, stepKey(r.Job.ID, v.Step), &st); err != nil {
		return err
	}
	next, effects := st.State.Step(exec.StepEvent{Kind: exec.StepVoted, Vote: v})
	if slices.Contains(effects, exec.StepReject) {
		return nil // a late or repeated vote changes nothing; the message itself is kept in the inbox
	}
	st.State = next
	if err := c.Put(store.Vote, voteKey(r.Job.ID, v), encoded); err != nil {
		return err
	}
	if err := c.putSlot(r.Job.ID, st, audit.StepVoted); err != nil {
		return err
	}
	return c.voted(r, st, v, effects)
}

func voteKey(jobID string, v exec.Vote) string {
	return fmt.Sprintf("%s/%s/%d/%s", jobID, v.Step, v.Attempt, v.Party)
}

// voted carries out what a vote made happen.
func (c *change) voted(r *Record, st slot, v exec.Vote, effects []exec.StepEffect) error {
	id := r.Job.ID
	for _, e := range effects {
		switch e {
		case exec.CastVote:
			if err := c.sendAll(r.Job, MsgVote, v.Public().Encode()); err != nil {
				return err
			}
		case exec.VoteLost:
			own := exec.Vote{
				Step: v.Step, Attempt: v.Attempt, Party: c.s.cfg.Self, Code: fault.PeerAborted, Culprit: string(v.Party),
				Reason: exec.Shorten("the peer abandoned the step: "+v.Code.String()+": "+v.Reason, maxVoteDetail),
			}
			if err := c.vote(r, own, own.Public().Encode()); err != nil {
				return err
			}
		case exec.StopRunner:
			why := lost(v, c.s.cfg.Self)
			c.after = append(c.after, func() { c.s.cfg.Engine.Stop(id, why) })
		case exec.StepFinal:
			if err := c.stepFailed(r, st, v); err != nil {
				return err
			}
		case exec.StepDone:
			if err := c.stepDone(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost is why a step ended here after a vote: the own failure, or the peer's with its code inside.
func lost(v exec.Vote, self party.ID) *fault.Error {
	e := &fault.Error{Code: v.Code, Op: "exec.step", Culprit: v.Culprit, Reason: v.Reason}
	if v.Party != self && (v.Code == fault.Misbehaved || v.Code == fault.Internal) {
		e.Code, e.Culprit = fault.PeerAborted, string(v.Party)
		e.Reason = "the peer abandoned the step: " + v.Code.String() + ": " + v.Reason
	}
	return e
}

func (c *change) stepFailed(r *Record, st slot, v exec.Vote) error {
	first := v
	if st.State.Failure != nil {
		first = *st.State.Failure
	}
	e := lost(first, c.s.cfg.Self)
	kind, from := EvPeerFailed, first.Party
	if first.Party == c.s.cfg.Self || !slices.Contains(r.Job.Parties, c.s.cfg.Self) {
		kind = EvStepFailed
	}
	return c.step(r, Event{Kind: kind, From: from, Failure: Failure{
		Code: e.Code, Party: first.Party, Step: first.Step, Culprit: e.Culprit, Reason: e.Reason,
	}})
}

// stepDone ends the run at a lead without data, which has no engine to tell it.
func (c *change) stepDone(r *Record) error {
	if r.Job.HoldsData() {
		return nil
	}
	open := false
	err := store.ScanJSON(c.Tx, store.Step, r.Job.ID+"/", func(_ string, st slot) error {
		open = open || st.State.Phase != exec.Done
		return nil
	})
	if err != nil || open {
		return err
	}
	return c.step(r, Event{Kind: EvStepsDone, From: c.s.cfg.Self})
}

// Await implements exec.Ledger.
func (s *Service) Await(ctx context.Context, t *exec.Task, sl exec.Slot) error {
	for {
		changed := s.Changed()
		var st slot
		err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
			return tx.GetJSON(store.Step, stepKey(t.Job, sl.ID), &st)
		})
		if err != nil {
			return err
		}
		switch st.State.Phase {
		case exec.Done:
			return nil
		case exec.StepEnded, exec.Abandoned:
			if f := st.State.Failure; f != nil {
				return lost(*f, s.cfg.Self)
			}
			return fault.New(fault.Canceled, "coordinator.Await", "step %q was stopped", sl.ID)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// Finished implements exec.Ledger.
func (s *Service) Finished(ctx context.Context, t *exec.Task, err error) {
	uerr := s.update(ctx, func(c *change) error {
		r, rerr := c.record(t.Job)
		if rerr != nil {
			return rerr
		}
		if err == nil && r.Job.Phase == Running {
			return c.step(&r, Event{Kind: EvStepsDone, From: s.cfg.Self})
		}
		if r.Job.Phase == Running {
			f := Failure{Code: fault.CodeOf(err), Party: s.cfg.Self, Reason: fault.ReasonOf(err), Culprit: culpritOf(err)}
			if ferr := c.step(&r, Event{Kind: EvStepFailed, From: s.cfg.Self, Failure: f}); ferr != nil {
				return ferr
			}
		}
		return c.step(&r, Event{Kind: EvQuiet, From: s.cfg.Self})
	})
	if uerr != nil && refusal(uerr) { // the run is over, whatever becomes of its results
		uerr = s.update(ctx, func(c *change) error {
			r, rerr := c.record(t.Job)
			if rerr == nil {
				rerr = c.fail(&r, "", uerr)
			}
			return rerr
		})
	}
	if uerr != nil {
		s.cfg.Logger.Error("end of run not recorded", "job", t.Job, "err", uerr)
	}
}

// Notice implements exec.Ledger.
func (s *Service) Notice(ctx context.Context, t *exec.Task, text string) {
	err := s.update(ctx, func(c *change) error {
		r, err := c.record(t.Job)
		if err != nil || len(r.Notices) >= maxNotices {
			return err
		}
		r.Notices = append(r.Notices, text)
		return c.save(&r, r.Job.Phase, Event{Kind: "notice", From: s.cfg.Self})
	})
	if err != nil {
		s.cfg.Logger.Error("notice not recorded", "job", t.Job, "err", err)
	}
}

func asFault(err error) (*fault.Error, bool) { return errors.AsType[*fault.Error](err) }
