package plan

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/predict"
	"github.com/tacit-data/tacit/protocols/psi"
	"github.com/tacit-data/tacit/protocols/train"
)

// protocol is what the compiler asks of an op's implementation. Both functions see public sizes only, and both are
// present for every op: an op without a declared (possibly empty) leak list does not build.
//
// To add a protocol: write its entry below and return it from builtin. cost returns what each party transfers, exactly,
// on inputs as large as the bounds; leaks returns the protocol's own Params.Leaks, whose roles must be roles of the step
// or protocols.All.
type protocol struct {
	trust []job.Trust // the trust models under which it is offered
	cost  func(shape) ([]PartyCost, error)
	leaks func(shape) ([]protocols.Leak, error)
}

// shape is everything a cost or a leak may depend on.
type shape struct {
	step  Step           // Op, With, Roles, Rows and Out are set
	rules []feature.Rule // align: how each key column is made canonical
	sizes []size         // one per role, in the order of step.Roles
}

// size is what one party brings to a step.
type size struct {
	party    party.ID
	rows     int64 // bound on its rows: align, of its own input; else of the rows in common
	features int   // feature columns it holds
}

// builtin is the table of this build.
func builtin(op job.Op) (protocol, bool) {
	switch op {
	case job.Align:
		return protocol{trust: twoParty(), cost: alignCost, leaks: alignLeaks}, true
	case job.Split:
		return protocol{trust: anyTrust(), cost: splitCost, leaks: splitLeaks}, true
	case job.TrainGLM:
		return protocol{trust: twoParty(), cost: glmCost, leaks: glmLeaks}, true
	case job.Predict:
		return protocol{trust: twoParty(), cost: predictCost, leaks: predictLeaks}, true
	case job.Scale, job.Evaluate, job.Aggregate:
		return protocol{trust: anyTrust(), cost: noCost, leaks: noLeaks}, true
	}
	return protocol{}, false
}

// twoParty is where a semi-honest protocol of two parties is offered: with or without a dealer, whom it does not need.
func twoParty() []job.Trust { return []job.Trust{job.SemiHonest2PC, job.Dealer2PC} }

// anyTrust is where a local op is offered.
func anyTrust() []job.Trust {
	return []job.Trust{job.SemiHonest2PC, job.Dealer2PC, job.HonestMajority3PC}
}

func noCost(shape) ([]PartyCost, error)       { return nil, nil }
func noLeaks(shape) ([]protocols.Leak, error) { return []protocols.Leak{}, nil }

// role returns what the first party of role r brings.
func (s shape) role(r protocols.Role) (size, bool) {
	for i, have := range s.step.Roles {
		if have.Role == r {
			return s.sizes[i], true
		}
	}
	return size{}, false
}

// pair is a two-party cost from the side of a.
func pair(a, b party.ID, c protocols.Cost) []PartyCost {
	return []PartyCost{{Party: a, Cost: c}, {Party: b, Cost: c.Flip()}}
}

// price fills the step's cost and leaks from its protocol.
func (b *builder) price(st *Step, in []Output) error {
	p, ok := b.protocols(st.Op)
	if !ok || p.cost == nil || p.leaks == nil {
		return fault.New(fault.Unsupported, opBuild, "step %q: op %s has no protocol in this build", st.ID, st.Op)
	}
	if !slices.Contains(p.trust, b.spec.Trust) {
		return fault.New(fault.Unsupported, opBuild, "step %q: op %s is not offered under %s; it is under %q", st.ID, st.Op, b.spec.Trust, p.trust)
	}
	s := b.shape(*st, in)
	cost, err := p.cost(s)
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: %s", st.ID, reasonOf(err))
	}
	slices.SortFunc(cost, func(x, y PartyCost) int { return compare(x.Party, y.Party) })
	st.Cost = cost
	leaks, err := p.leaks(s)
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), opBuild, err, "step %q: %s", st.ID, reasonOf(err))
	}
	for _, l := range leaks {
		out, err := resolveLeak(*st, l)
		if err != nil {
			return err
		}
		st.Leaks = append(st.Leaks, out)
	}
	return nil
}

// shape collects the public sizes of a step.
func (b *builder) shape(st Step, in []Output) shape {
	s := shape{step: st}
	if in, ok := b.plan.Input(st.In[0]); ok && st.Op == job.Align {
		s.rules = keyRules(st.spec().List("rules"), len(in.Keys))
	}
	for _, r := range st.Roles {
		z := size{party: r.Party, rows: st.Rows}
		for i, t := range in {
			if t.Kind != Table {
				continue
			}
			for _, c := range featureColumns(t) {
				if c.Owner == r.Party {
					z.features++
				}
			}
			if input, ok := b.plan.Input(st.In[i]); st.Op == job.Align && ok && input.Party == r.Party {
				z.rows = input.Rows
			}
		}
		s.sizes = append(s.sizes, z)
	}
	return s
}

// PSI returns the parameters of an align step: what both parties give to psi.Receive and psi.Send.
//
// Errors: fault.Invalid when step is no align step of p; those of psi.NewParams.
func (p *Plan) PSI(step string) (psi.Params, error) {
	st, ok := p.Step(step)
	if !ok || st.Op != job.Align {
		return psi.Params{}, fault.New(fault.Invalid, "plan.Plan.PSI", "step %q is no align step", step)
	}
	b := builder{plan: p}
	in := make([]Output, 0, len(st.In))
	for _, id := range st.In {
		input, _ := p.Input(id)
		in = append(in, input.table())
	}
	return psiParams(b.shape(st, in))
}

// psiParams translates an align step. The declared sizes are the row bounds: distinct keys are never more than rows.
func psiParams(s shape) (psi.Params, error) {
	spec := s.step.spec()
	recv, _ := s.role(psi.Receiver)
	send, _ := s.role(psi.Sender)
	output := psi.OutputReceiver
	if len(spec.List("index")) > 1 {
		output = psi.OutputBoth
	}
	suite := psi.Suite(spec.Word("suite"))
	if spec.Word("protocol") != string(psi.MethodECDH) {
		suite = "" // a field's default is not a wish
	}
	return psi.NewParams(psi.ParamsLiteral{
		Method: psi.Method(spec.Word("protocol")), Suite: suite, Output: output,
		SSP: psi.MinSSP, Ruleset: feature.RulesetDigest(s.rules), ReceiverItems: int(recv.rows), SenderItems: int(send.rows),
	})
}

func alignCost(s shape) ([]PartyCost, error) {
	p, err := psiParams(s)
	if err != nil {
		return nil, err
	}
	recv, _ := s.role(psi.Receiver)
	send, _ := s.role(psi.Sender)
	return pair(recv.party, send.party, p.Cost(int(recv.rows), int(send.rows))), nil
}

func alignLeaks(s shape) ([]protocols.Leak, error) {
	p, err := psiParams(s)
	if err != nil {
		return nil, err
	}
	return p.Leaks(), nil
}

// splitCost: with stratify the label holder sends every other party one bit per row; without, nothing moves.
func splitCost(s shape) ([]PartyCost, error) {
	holder, ok := s.role(LabelHolder)
	if !ok {
		return nil, nil
	}
	bitmap := train.PartitionCost(int(s.step.Rows))
	total := PartyCost{Party: holder.party}
	var out []PartyCost
	for _, z := range s.sizes {
		if z.party != holder.party {
			total.Cost = total.Add(bitmap)
			out = append(out, PartyCost{Party: z.party, Cost: bitmap.Flip()})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return append(out, total), nil
}

// splitLeaks: the label holder draws within each class, so the draw is told and depends on the labels.
func splitLeaks(s shape) ([]protocols.Leak, error) {
	_, stratified := s.role(LabelHolder)
	if _, hosts := s.role(Host); !stratified || !hosts {
		return []protocols.Leak{}, nil
	}
	return train.PartitionLeaks(), nil
}

// glmParams translates a training step at its bound on rows. Iterations are bounded by max_iter.
func glmParams(s shape) (train.GLMParams, error) {
	spec := s.step.spec()
	holder, _ := s.role(LabelHolder)
	host, _ := s.role(Host)
	return train.NewGLMParams(train.GLMLiteral{
		Link: spec.Word("link"), Rows: int(s.step.Rows), LabelCols: holder.features, HostCols: host.features,
		MaxIter: int(spec.Int("max_iter")), Tol: spec.Dec("tol"), Lambda: spec.Dec("lambda"),
	})
}

func glmCost(s shape) ([]PartyCost, error) {
	p, err := glmParams(s)
	if err != nil {
		return nil, err
	}
	holder, _ := s.role(LabelHolder)
	host, _ := s.role(Host)
	return pair(holder.party, host.party, p.Cost(p.Literal().MaxIter)), nil
}

func glmLeaks(s shape) ([]protocols.Leak, error) {
	p, err := glmParams(s)
	if err != nil {
		return nil, err
	}
	return p.Leaks(), nil
}

func predictParams(s shape) (predict.Params, error) {
	holder, _ := s.role(LabelHolder)
	host, _ := s.role(Host)
	return predict.NewParams(predict.Literal{Rows: int(s.step.Rows), LabelCols: holder.features, HostCols: host.features})
}

func predictCost(s shape) ([]PartyCost, error) {
	p, err := predictParams(s)
	if err != nil {
		return nil, err
	}
	holder, _ := s.role(LabelHolder)
	host, _ := s.role(Host)
	return pair(holder.party, host.party, p.Cost()), nil
}

func predictLeaks(s shape) ([]protocols.Leak, error) {
	p, err := predictParams(s)
	if err != nil {
		return nil, err
	}
	return p.Leaks(), nil
}
