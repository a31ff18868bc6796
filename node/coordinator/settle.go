package coordinator

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/account"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/element"
	"github.com/tacit-data/tacit/sandbox/right"
	"github.com/tacit-data/tacit/sandbox/settle"
)

// AgreementRow is an agreement's row.
type AgreementRow struct {
	Agreement  []byte               `json:"agreement"` // right.Agreement, encoded
	State      right.AgreementState `json:"state"`
	Signatures []right.Signature    `json:"signatures"`
}

// ElementRow is an element's row.
type ElementRow struct {
	Element []byte        `json:"element"` // element.Element, encoded
	State   element.State `json:"state"`
}

// agreement returns the contract that pays for a job.
//
// Errors: fault.Denied when there is none, signed by all, for the job's data and purpose.
func (c *change) agreement(r *Record, p *plan.Plan) (right.Agreement, bool, error) {
	const op = "coordinator.agreement"
	spec, err := r.spec()
	if err != nil || spec.Contract == "" {
		return right.Agreement{}, false, err
	}
	var row AgreementRow
	err = c.GetJSON(store.Agreement, spec.Contract, &row)
	if missing(err) {
		return right.Agreement{}, false, fault.New(fault.Denied, op, "rule agreement/none: %s knows no agreement %s", c.s.cfg.Self, spec.Contract)
	}
	if err != nil {
		return right.Agreement{}, false, err
	}
	a, err := right.DecodeAgreement(row.Agreement)
	if err != nil {
		return right.Agreement{}, false, fault.Wrap(fault.Corrupt, op, err, "a stored agreement does not decode")
	}
	switch {
	case row.State != right.AgreementFinalized:
		return a, false, fault.New(fault.Denied, op, "rule agreement/state: agreement is %s, not signed by all", row.State)
	case a.Purpose != p.Purpose:
		return a, false, fault.New(fault.Denied, op, "rule agreement/purpose: the agreement is for %q, the job for %q", a.Purpose, p.Purpose)
	}
	for _, in := range p.Inputs {
		if !slices.Contains(a.Assets, right.Asset{Owner: in.Party, ID: in.Dataset}) {
			return a, false, fault.New(fault.Denied, op, "rule agreement/asset: %s of %s is not in the agreement", in.Dataset, in.Party)
		}
	}
	return a, true, nil
}

// inTerm refuses a job outside its agreement's term. It is asked when the job is approved: a run that was approved in
// time is paid for, however late its receipts come.
func inTerm(a right.Agreement, now int64) error {
	if now < a.NotBefore || now > a.NotAfter {
		return fault.New(fault.Expired, "coordinator.agreement", "rule agreement/expired: the agreement is out of its term")
	}
	return nil
}

// settle divides the price of the run by the agreement and posts it, exactly. Every party of the agreement computes the
// same invoice from the same receipts.
func (c *change) settle(r *Record) error {
	p, err := c.s.plan(r)
	if err != nil || !r.Job.HoldsData() {
		return err
	}
	a, ok, err := c.agreement(r, p)
	if err != nil || !ok {
		return err
	}
	id, err := a.ID()
	if err != nil {
		return err
	}
	split, err := c.split(a, id)
	if err != nil {
		return err
	}
	digests, err := c.receiptDigests(r, p)
	if err != nil {
		return err
	}
	next, invoice, postings, err := split.Receive(settle.Instalment{
		Job: r.Job.ID, Payer: a.Payer, Amount: a.Price.Minor, Receipts: digests,
	})
	if err != nil {
		return err
	}
	if err := c.Put(store.Settlement, id, next.Encode()); err != nil {
		return err
	}
	if err := c.Put(store.Invoice, r.Job.ID, invoice.Encode()); err != nil {
		return err
	}
	return c.post(r, a, id, postings)
}

func (c *change) split(a right.Agreement, id string) (settle.Split, error) {
	row, err := c.Get(store.Settlement, id)
	if err == nil {
		s, err := settle.DecodeSplit(row.Value)
		return s, fault.Wrap(fault.Corrupt, "coordinator.settle", err, "a stored settlement does not decode")
	}
	if !missing(err) {
		return settle.Split{}, err
	}
	shares := make([]settle.Share, len(a.Shares))
	for i, s := range a.Shares {
		shares[i] = settle.Share{Payee: s.Party, Weight: s.Weight}
	}
	return settle.New(bookName(id), a.Payer, a.Price.Currency, shares)
}

// bookName is an agreement's id as the books write it: a suspense account has no room for the prefix.
func bookName(id string) string { return strings.TrimPrefix(id, "sha256:") }

// receiptDigests names every receipt behind an invoice, sorted.
func (c *change) receiptDigests(r *Record, p *plan.Plan) ([][32]byte, error) {
	var out [][32]byte
	for _, sl := range exec.Schedule(p) {
		for _, q := range r.Job.Parties {
			s, found, err := receiptTx{c}.Receipt(r.Job.ID, sl.ID, q)
			if err != nil {
				return nil, err
			}
			if found {
				out = append(out, s.Digest())
			}
		}
	}
	slices.SortFunc(out, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	return out, nil
}

// post moves the money in the books.
func (c *change) post(r *Record, a right.Agreement, id string, postings []account.Posting) error {
	b := &books{c: c, job: r.Job.ID}
	for _, q := range postings {
		if err := account.Open(b, q.Account, false); err != nil {
			return err
		}
	}
	if len(postings) > 0 {
		e, err := account.NewEntry("settle/"+r.Job.ID, "run of an agreement", c.s.cfg.Clock(), postings)
		if err != nil {
			return err
		}
		if err := account.Post(b, e); err != nil {
			return err
		}
	}
	return c.Log(audit.Leaf{Type: audit.SettlePosted, Refs: map[string]string{"job": r.Job.ID, "agreement": id}, Body: map[string]any{
		"payer": string(a.Payer), "currency": a.Price.Currency, "amount": a.Price.Minor,
	}})
}

// books is account.Tx over one transaction. The leaf that explains its rows is settle's.
type books struct {
	c   *change
	job string
}

func bookKey(n account.Name) string { return string(n.Party) + "/" + string(n.Code) + "/" + n.Currency }

// Account implements account.Tx.
func (b *books) Account(n account.Name) (account.Account, bool, error) {
	return load(b.c.Tx, store.Book, bookKey(n), account.DecodeAccount, "coordinator.books", "a book account does not decode")
}

// PutAccount implements account.Tx.
func (b *books) PutAccount(a account.Account) error {
	return b.c.Put(store.Book, bookKey(a.Name), a.Encode())
}

// Entry implements account.Tx.
func (b *books) Entry(key string) (account.Entry, bool, error) {
	return load(b.c.Tx, store.BookTx, key, account.DecodeEntry, "coordinator.books", "a book entry does not decode")
}

// AppendEntry implements account.Tx.
func (b *books) AppendEntry(e account.Entry) error { return b.c.Put(store.BookTx, e.Key, e.Encode()) }

// Leaf implements account.Tx: settle writes one leaf for the whole posting.
func (b *books) Leaf(string, string) error { return nil }

// elementKinds says which results are sealed as elements.
var elementKinds = map[plan.Kind]element.Kind{plan.Model: element.Model, plan.Cells: element.Aggregate, plan.Report: element.Report}

// sealElements describes what the job made: the intermediate products, with plan, inputs, rights and outputs. Both
// parties derive the same description from the same votes.
func (c *change) sealElements(r *Record, p *plan.Plan) error {
	for _, st := range p.Steps {
		kind, ok := elementKinds[st.Out.Kind]
		if !ok {
			continue
		}
		e, err := c.element(r, p, st, kind)
		if err != nil {
			return err
		}
		b, err := e.Encode()
		if err != nil {
			return err
		}
		id, err := e.ID()
		if err != nil {
			return err
		}
		if err := c.PutJSON(store.Element, id, ElementRow{Element: b, State: element.Built}); err != nil {
			return err
		}
		if err := c.Log(audit.Leaf{Type: audit.ElementSealed, Refs: map[string]string{"job": r.Job.ID, "step": st.ID, "element": id}}); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) element(r *Record, p *plan.Plan, st plan.Step, kind element.Kind) (element.Element, error) {
	params, err := json.Marshal(st.With)
	if err != nil {
		return element.Element{}, fault.Wrap(fault.Internal, "coordinator.element", err, "parameters do not encode")
	}
	var done slot
	if err := c.GetJSON(store.Step, stepKey(r.Job.ID, st.ID), &done); err != nil {
		return element.Element{}, err
	}
	e := element.Element{
		Kind: kind, Job: r.Job.ID, Plan: p.Digest, Step: st.ID, Created: r.Created,
		Algorithm: element.Algorithm{Op: string(st.Op), Version: p.Compiler, Params: digestOf(params)},
	}
	for _, q := range r.Job.Parties {
		e.Outputs = append(e.Outputs, element.Output{Party: q, Digest: done.State.Votes[q].Output})
	}
	for _, in := range p.Inputs {
		grade, err := gradeOf(r, in.Party, in.Dataset)
		if err != nil {
			return element.Element{}, err
		}
		e.Inputs = append(e.Inputs, element.Input{
			Kind: element.FromResource, Owner: in.Party, ID: in.Dataset, Digest: in.Version, Grade: grade,
		})
	}
	return element.Seal(e)
}

func gradeOf(r *Record, owner party.ID, dataset string) (int, error) {
	for _, b := range r.Resources[owner] {
		res, err := catalog.Decode(b)
		if err != nil {
			return 0, err
		}
		if res.ID() == dataset {
			return res.Grade(), nil
		}
	}
	return 0, fault.New(fault.Internal, "coordinator.gradeOf", "the job's input %s of %s is not described", dataset, owner)
}
