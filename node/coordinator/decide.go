package coordinator

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/policy"
	"github.com/tacit-data/tacit/sandbox/right"
)

// approvalTerm is how long an approval and its reservations stand.
const approvalTerm = 7 * 24 * time.Hour

const (
	// ApproverPolicy is the approver of owners that let policy alone decide.
	ApproverPolicy = "policy"
	// ApproverPlanOnly is the approver of a plan that is only to be looked at: no step starts on it.
	ApproverPlanOnly = "policy/plan-only"
)

// GrantRow is a grant's row.
type GrantRow struct {
	Grant     []byte           `json:"grant"` // right.Grant, encoded
	State     right.GrantState `json:"state"`
	Signature []byte           `json:"signature"`
}

// GrantAccount is the budget account of a grant.
func GrantAccount(id string) budget.AccountID { return budget.AccountID("grant/" + id) }

// LineageAccount is the budget account of a dataset over all its versions and all grantees: no grant refills it.
func LineageAccount(name string) budget.AccountID { return budget.AccountID("lineage/" + name) }

// decide is the owner's word: policy, reservation, signed approval. Any refusal denies the job with its rule.
func (c *change) decide(r *Record) error {
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	decisions, err := c.consult(r, p, policy.StageApprove)
	if err != nil {
		return c.deny(r, err)
	}
	a, paid, err := c.agreement(r, p)
	if err == nil && paid {
		err = inTerm(a, c.s.cfg.Clock().UnixMilli())
	}
	if err != nil {
		return c.deny(r, err)
	}
	if r.PlanOnly {
		return c.approve(r, p, decisions, nil)
	}
	votes, err := c.reserve(r, p)
	if err != nil {
		return c.deny(r, err)
	}
	return c.approve(r, p, decisions, votes)
}

// maxLoggedReason bounds the reason in a leaf, in bytes.
const maxLoggedReason = 400

// deny refuses the job in this owner's name and tells everybody the rule.
func (c *change) deny(r *Record, cause error) error {
	code := fault.CodeOf(cause)
	if !refusal(cause) && code != fault.Unavailable {
		return cause
	}
	st := Stopped{Code: code, Step: "approve", Culprit: culpritOf(cause), Reason: exec.Shorten(fault.ReasonOf(cause), maxReason)}
	if err := c.Log(audit.Leaf{Type: audit.PlanDenied, Refs: map[string]string{"job": r.Job.ID}, Body: map[string]any{
		"code": code.String(), "reason": exec.Shorten(st.Reason, maxLoggedReason),
	}}); err != nil {
		return err
	}
	if err := c.sendAll(r.Job, MsgDenied, st.Encode()); err != nil {
		return err
	}
	return c.step(r, Event{Kind: EvDenied, From: c.s.cfg.Self, Failure: Failure{
		Code: code, Party: c.s.cfg.Self, Step: st.Step, Reason: st.Reason, Culprit: st.Culprit,
	}})
}

// consult asks the owner's policy about each own input.
func (c *change) consult(r *Record, p *plan.Plan, stage policy.Stage) ([]policy.Decision, error) {
	var out []policy.Decision
	for _, in := range p.Inputs {
		if in.Party != c.s.cfg.Self {
			continue
		}
		held, err := c.grants(in.Dataset)
		if err != nil {
			return nil, err
		}
		d, err := c.evaluate(held, r.Grants[in.Dataset], c.request(p, in, stage))
		if err != nil {
			return nil, err
		}
		if len(d.Grants) > 0 {
			r.Grants[in.Dataset] = d.Grants[0]
		}
		out = append(out, d)
	}
	return out, nil
}

// evaluate decides a request. A job that rests on a grant goes on resting on that one; before, a grant with uses left goes
// before one that is used up, which only names what is spent.
func (c *change) evaluate(held []right.Held, rests string, q policy.Request) (policy.Decision, error) {
	first := slices.Clone(held)
	var err error
	first = slices.DeleteFunc(first, func(h right.Held) bool {
		if rests != "" {
			return h.Grant.ID != rests
		}
		left, lerr := c.usesLeft(h.Grant.ID)
		err = errors.Join(err, lerr)
		return !left
	})
	if err != nil {
		return policy.Decision{}, err
	}
	d, err := policy.Evaluate(first, q)
	if err == nil && !d.Allow && rests == "" {
		d, err = policy.Evaluate(held, q)
	}
	if err == nil {
		err = d.Err()
	}
	return d, err
}

// usesLeft reports whether a grant's account admits one more use.
func (c *change) usesLeft(grant string) (bool, error) {
	a, found, err := (&ledger{c: c}).Account(GrantAccount(grant))
	if err != nil || !found {
		return false, err
	}
	return a.Remaining(budget.Uses) > 0, nil
}

// grants reads this owner's grants over an asset.
func (c *change) grants(asset string) ([]right.Held, error) {
	var out []right.Held
	err := store.ScanJSON(c.Tx, store.Grant, "", func(_ string, g GrantRow) error {
		grant, err := right.DecodeGrant(g.Grant)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "coordinator.grants", err, "a stored grant does not decode")
		}
		if grant.Asset == asset {
			out = append(out, right.Held{Grant: grant, State: g.State})
		}
		return nil
	})
	return out, err
}

// request is what the plan really does with one own input, in policy's words.
func (c *change) request(p *plan.Plan, in plan.Input, stage policy.Stage) policy.Request {
	self := c.s.cfg.Self
	q := policy.Request{
		Stage: stage, Owner: self, Asset: in.Dataset, Purpose: p.Purpose, TrustModel: string(p.Trust), PlanDigest: p.Digest,
		Rows: in.Rows, Now: c.s.cfg.Clock().UnixMilli(),
	}
	for _, x := range p.Parties {
		q.Grantees = append(q.Grantees, x.ID)
	}
	for _, u := range p.Uses(self) {
		if u.Asset == in.Dataset {
			q.ColumnUses = append(q.ColumnUses, policy.ColumnUse{Column: u.Column, Use: right.Use(u.Use)})
		}
	}
	for _, a := range p.Actions(self) {
		q.Actions = append(q.Actions, actionOf(a))
	}
	for _, k := range p.LeakKinds(self) {
		q.Leaks = append(q.Leaks, string(k))
	}
	for _, o := range p.Outputs(self) {
		q.Outputs = append(q.Outputs, outputOf(p, o))
	}
	return q
}

func actionOf(a plan.Action) right.Action {
	if a == plan.ActionPSI {
		return right.ActionAlign
	}
	return right.Action(a)
}

// outputKinds names the plan's kinds of result in policy's words.
var outputKinds = map[plan.Kind]right.OutputKind{
	plan.Report: right.OutputStatistic, plan.Model: right.OutputModel, plan.Scores: right.OutputScore, plan.Cells: right.OutputAggregate,
}

func outputOf(p *plan.Plan, o plan.OutputFact) policy.Output {
	out := policy.Output{Kind: outputKinds[o.Kind], Recipients: o.To, MinRows: max(o.MinRows, 1), Noised: o.Noised}
	for _, rel := range p.Releases {
		if rel.ID != o.Release || !o.Noised {
			continue
		}
		if st, ok := p.Step(rel.From); ok {
			if noise, err := st.Noise(); err == nil {
				out.EpsilonPico = int64(noise.Epsilon)
			}
		}
	}
	return out
}

// holdStep names the slots that charge: the first joint step takes the use and the rows, each aggregate its noise.
type holdStep struct {
	slot    string
	owners  []party.ID
	amounts budget.Amounts
}

// holdsOf lists what a plan reserves, by slot, for one owner.
func holdsOf(p *plan.Plan, owner party.ID) ([]holdStep, error) {
	needs, err := p.Needs(owner)
	if err != nil {
		return nil, err
	}
	var out []holdStep
	if first := firstJoint(p); first != "" && needs.Uses > 0 {
		out = append(out, holdStep{first, p.Owners(), budget.Amounts{budget.Uses: needs.Uses, budget.Rows: needs.Rows}})
	}
	for _, st := range p.Steps {
		if st.Op != job.Aggregate || st.Out.Holder != owner {
			continue
		}
		noise, err := st.Noise()
		if err != nil {
			return nil, err
		}
		charge, _, err := noise.Quote()
		if err != nil {
			return nil, err
		}
		out = append(out, holdStep{st.ID, []party.ID{owner}, budget.Amounts{
			budget.DPRho: int64(charge.Rho), budget.DPDelta: int64(charge.Delta),
		}})
	}
	return out, nil
}

func firstJoint(p *plan.Plan) string {
	for _, st := range p.Steps {
		if st.Op == job.Align {
			return st.ID
		}
	}
	return ""
}

func digestOf(b []byte) [32]byte { return sha256.Sum256(b) }

// HoldKey is the key of one reservation: attempts of a step share it.
//
// Source: sandbox.md §7, H(job ‖ step ‖ owner).
func HoldKey(jobID, slot string, owner party.ID) [32]byte {
	var e wire.Encoder
	e.String("tacit/hold/v1")
	e.String(jobID)
	e.String(slot)
	e.String(string(owner))
	return sha256.Sum256(e.B)
}

// reserve holds what the plan needs on the accounts of each own grant and dataset, and returns the signed votes.
func (c *change) reserve(r *Record, p *plan.Plan) ([]budget.Vote, error) {
	self := c.s.cfg.Self
	holds, err := holdsOf(p, self)
	if err != nil {
		return nil, err
	}
	accounts, err := c.accounts(r, p)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	b := &ledger{c: c, job: r.Job.ID}
	var out []budget.Vote
	for _, h := range holds {
		key := HoldKey(r.Job.ID, h.slot, self)
		v, err := budget.Reserve(b, budget.Reservation{
			Owner: self, Key: key, Job: r.Job.ID, Step: h.slot, Plan: p.Digest, Accounts: accounts, Amounts: h.amounts,
			Expires: c.s.cfg.Clock().Add(approvalTerm),
		}, c.s.cfg.Clock())
		if err != nil {
			return nil, err
		}
		if v, err = v.Sign(c.s.cfg.Keys.Approval()); err != nil {
			return nil, err
		}
		r.Holds[h.slot] = key[:]
		out = append(out, v)
	}
	return out, b.flush()
}

// accounts are the budgets that the job debits together, in id order.
func (c *change) accounts(r *Record, p *plan.Plan) ([]budget.AccountID, error) {
	var out []budget.AccountID
	for _, in := range p.Inputs {
		if in.Party != c.s.cfg.Self {
			continue
		}
		if id := r.Grants[in.Dataset]; id != "" {
			out = append(out, GrantAccount(id))
		}
		name := in.Dataset
		if i := slices.Index([]byte(name), '@'); i > 0 {
			name = name[:i]
		}
		out = append(out, LineageAccount(name))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// approve signs the plan and tells everybody.
func (c *change) approve(r *Record, p *plan.Plan, decisions []policy.Decision, votes []budget.Vote) error {
	a := Approval{
		Job: r.Job.ID, Spec: p.SpecDigest, Plan: p.Digest, Party: c.s.cfg.Self, Decision: decisionDigest(decisions),
		NotAfter: c.s.cfg.Clock().Add(approvalTerm).UnixMilli(), Approver: ApproverPolicy,
	}
	if r.PlanOnly {
		a.Approver = ApproverPlanOnly
	}
	for _, v := range votes {
		a.Holds = append(a.Holds, v.Encode())
	}
	statement := a.Statement()
	sig, err := signer{c.s.cfg.Keys}.Sign(ApprovalTag, statement)
	if err != nil {
		return err
	}
	signed := append(statement, sig...)
	if err := c.Put(store.Approval, approvalRow(r.Job.ID, c.s.cfg.Self), signed); err != nil {
		return err
	}
	refs := map[string]string{"job": r.Job.ID, "plan": p.Digest.String()}
	for asset, g := range r.Grants {
		refs["grant:"+asset] = g
	}
	if err := c.Log(audit.Leaf{Type: audit.PlanApproved, Refs: refs, Body: map[string]any{"approver": a.Approver}}); err != nil {
		return err
	}
	if err := c.stateLeakage(r, p); err != nil {
		return err
	}
	if err := c.sendAll(r.Job, MsgApproved, signed); err != nil {
		return err
	}
	return c.step(r, Event{Kind: EvApproved, From: c.s.cfg.Self})
}

// stateLeakage writes the leakage statement that this owner approved.
func (c *change) stateLeakage(r *Record, p *plan.Plan) error {
	var lines []any
	for _, l := range p.Leaks {
		lines = append(lines, l.Text("en"))
	}
	return c.Log(audit.Leaf{
		Type: audit.LeakageStated, Refs: map[string]string{"job": r.Job.ID, "plan": p.Digest.String()},
		Body: map[string]any{"lines": lines},
	})
}

func approvalRow(jobID string, p party.ID) string { return jobID + "/" + string(p) }

func decisionDigest(list []policy.Decision) [32]byte {
	var e wire.Encoder
	e.String("tacit/decision/v1")
	for _, d := range list {
		e.Strings(d.Grants)
		e.U32(uint32(len(d.Obligations)))
		for _, o := range d.Obligations {
			e.String(o.Kind)
			e.String(string(o.Output))
			e.I64(o.Value)
		}
	}
	return sha256.Sum256(e.B)
}

// onApproved verifies an owner's approval against its pin before it counts. It may come before our own plan is built;
// the digest is compared again when the job starts.
func (c *change) onApproved(r *Record, m Message) error {
	const op = "coordinator.onApproved"
	a, sig, err := DecodeApproval(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	if a.Party != m.From || a.Job != r.Job.ID {
		return misbehaved(op, m.From, "an approval of another party or job")
	}
	if err := (verifier{c.s}).Verify(a.Party, ApprovalTag, a.Statement(), sig); err != nil {
		return fault.Blame(err, string(m.From))
	}
	e := Event{Kind: EvApproved, From: m.From}
	if !r.Job.expects(e) {
		return c.contradiction(r, m)
	}
	if err := c.Put(store.Approval, approvalRow(r.Job.ID, m.From), m.Payload); err != nil {
		return err
	}
	if err := c.Log(audit.Leaf{Type: audit.PlanApproved, Actor: m.From, Refs: map[string]string{
		"job": r.Job.ID, "plan": plan.Digest(a.Plan).String(),
	}}); err != nil {
		return err
	}
	return c.step(r, e)
}

// contradiction looks at an approval that comes too late to count: the first one stands, and a second that differs is
// held against its signer.
func (c *change) contradiction(r *Record, m Message) error {
	row, err := c.Get(store.Approval, approvalRow(r.Job.ID, m.From))
	if err != nil && !missing(err) {
		return err
	}
	if err == nil && !bytes.Equal(row.Value, m.Payload) {
		return misbehaved("coordinator.onApproved", m.From, "two different approvals of one job")
	}
	return nil
}

// approvals reads the job's approvals and checks each once more against the plan that is about to run. It returns the
// digest of the sorted statements, which every session binding covers, and all reservation votes.
func (c *change) approvals(r *Record, p *plan.Plan) (digest [32]byte, votes []budget.Vote, err error) {
	const op = "coordinator.approvals"
	var e wire.Encoder
	e.String("tacit/approvals/v1")
	for _, owner := range r.Job.Owners {
		row, err := c.Get(store.Approval, approvalRow(r.Job.ID, owner))
		if err != nil {
			return digest, nil, fault.Wrap(fault.Denied, op, err, "the approval of %s is missing", owner)
		}
		a, sig, err := DecodeApproval(row.Value)
		if err != nil {
			return digest, nil, fault.Wrap(fault.Corrupt, op, err, "a stored approval does not decode")
		}
		if err := (verifier{c.s}).Verify(owner, ApprovalTag, a.Statement(), sig); err != nil {
			return digest, nil, err
		}
		if a.Plan != p.Digest || a.Spec != p.SpecDigest || a.Party != owner || a.Job != r.Job.ID {
			return digest, nil, &fault.Error{
				Code: fault.PlanMismatch, Op: op, Culprit: string(owner), Reason: "an approval of another plan than the one built here",
			}
		}
		if a.Approver == ApproverPlanOnly {
			return digest, nil, &fault.Error{
				Code: fault.PlanMismatch, Op: op, Culprit: string(r.Job.Lead), Reason: "an owner was asked for a plan only, not for a run",
			}
		}
		if a.NotAfter < c.s.cfg.Clock().UnixMilli() {
			return digest, nil, fault.New(fault.Expired, op, "the approval of %s has expired", owner)
		}
		e.Bytes(a.Statement())
		for _, b := range a.Holds {
			v, err := budget.DecodeVote(b)
			if err != nil {
				return digest, nil, fault.Blame(err, string(owner))
			}
			votes = append(votes, v)
		}
	}
	return sha256.Sum256(e.B), votes, nil
}
