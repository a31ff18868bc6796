package coordinator

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// Dataset is a registered dataset's row: the catalogue entry, and where this node finds the file.
type Dataset struct {
	Resource []byte   `json:"resource"` // catalog.Resource, encoded
	Path     string   `json:"path"`
	Keys     []string `json:"keys"`
}

// DatasetKey is the row key of "name@version".
func DatasetKey(id string) string { return id }

func (r *Record) spec() (job.Spec, error) {
	spec, err := job.Parse(r.Spec, job.JSON)
	return spec, fault.Wrap(fault.Corrupt, "coordinator.spec", err, "a stored job does not parse")
}

// describe answers with this node's catalogue entries for the job: names, types, declared rows and version, no value.
func (c *change) describe(r *Record) error {
	spec, err := r.spec()
	if err != nil {
		return err
	}
	var list [][]byte
	for _, in := range spec.Inputs {
		if in.Party != c.s.cfg.Self {
			continue
		}
		var d Dataset
		err := c.GetJSON(store.Dataset, DatasetKey(in.Dataset), &d)
		if missing(err) {
			err = fault.New(fault.NotFound, "coordinator.describe", "%s has no dataset %q", c.s.cfg.Self, in.Dataset)
		}
		if err != nil {
			return c.fail(r, in.ID, err)
		}
		res, err := catalog.Decode(d.Resource)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "coordinator.describe", err, "a catalogue entry does not decode")
		}
		b, err := res.Published().Encode()
		if err != nil {
			return err
		}
		list = append(list, b)
	}
	r.Resources[c.s.cfg.Self] = list
	if err := c.sendAll(r.Job, MsgDescribed, Described{Resources: list}.Encode()); err != nil {
		return err
	}
	return c.step(r, Event{Kind: EvDescribed, From: c.s.cfg.Self})
}

func (c *change) onDescribed(r *Record, m Message) error {
	d, err := DecodeDescribed(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	for _, b := range d.Resources {
		res, err := catalog.Decode(b)
		if err == nil && res.Owner != m.From {
			err = fault.New(fault.Misbehaved, "coordinator.onDescribed", "a catalogue entry of another owner")
		}
		if err != nil {
			return fault.Blame(err, string(m.From))
		}
	}
	r.Resources[m.From] = d.Resources
	return c.step(r, Event{Kind: EvDescribed, From: m.From})
}

// buildPlan compiles the job from what every party said. Every node does so alone; nobody is believed.
func (c *change) buildPlan(r *Record) error {
	p, err := c.s.compile(r)
	if err != nil {
		return c.fail(r, "plan", err)
	}
	msg := PlanSections{Digest: p.Digest}
	for _, s := range p.Sections {
		var e wire.Encoder
		e.String(s.Name)
		e.Fixed(s.Digest[:])
		msg.Sections = append(msg.Sections, e.B)
	}
	if err := c.sendAll(r.Job, MsgPlanned, msg.Encode()); err != nil {
		return err
	}
	return c.step(r, Event{Kind: EvPlanned, From: c.s.cfg.Self, Digest: p.Digest.String(), Owners: p.Owners()})
}

func (c *change) onPlanned(r *Record, m Message) error {
	got, err := DecodePlanSections(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	if own := r.Job.Plans[c.s.cfg.Self]; own != "" && own != plan.Digest(got.Digest).String() {
		if err := c.explainMismatch(r, m.From, got); err != nil {
			return err
		}
	}
	return c.step(r, Event{Kind: EvPlanned, From: m.From, Digest: plan.Digest(got.Digest).String()})
}

// explainMismatch notes in which section two plans differ; the machine ends the job.
func (c *change) explainMismatch(r *Record, from party.ID, got PlanSections) error {
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	var theirs []plan.Section
	for _, b := range got.Sections {
		d := wire.NewDecoder(b, "coordinator.onPlanned")
		s := plan.Section{Name: d.String(64), Digest: d.Hash()}
		if err := d.Done(); err != nil {
			return fault.Blame(err, string(from))
		}
		theirs = append(theirs, s)
	}
	r.Notices = append(r.Notices, fault.ReasonOf(p.Match(theirs)))
	return nil
}

// plan returns the compiled plan of a job, from memory or anew.
func (s *Service) plan(r *Record) (*plan.Plan, error) {
	s.mu.Lock()
	p := s.plans[r.Job.ID]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	return s.compile(r)
}

func (s *Service) compile(r *Record) (*plan.Plan, error) {
	spec, err := r.spec()
	if err != nil {
		return nil, err
	}
	p, err := plan.Build(spec, answers{s: s, r: r})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.plans {
		if len(s.plans) < maxPlans {
			break
		}
		delete(s.plans, id) // any: it is rebuilt when it is asked for
	}
	s.plans[r.Job.ID] = p
	return p, nil
}

// maxPlans bounds the compiled plans in memory: the jobs that run, and those somebody looks at.
const maxPlans = 64

// answers is plan.Catalog over the catalogue answers of one job.
type answers struct {
	s *Service
	r *Record
}

// Describe implements plan.Catalog.
func (a answers) Describe(p party.ID, dataset string) (plan.Dataset, error) {
	for _, b := range a.r.Resources[p] {
		res, err := catalog.Decode(b)
		if err != nil {
			return plan.Dataset{}, err
		}
		if res.ID() != dataset {
			continue
		}
		fields := make([]arrow.Field, len(res.Columns))
		for i, c := range res.Columns {
			t, err := arrowType(c.Type)
			if err != nil {
				return plan.Dataset{}, err
			}
			fields[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}
		}
		typ := engine.NewType(arrow.NewSchema(fields, nil), label.PrivateTo(p))
		return plan.Dataset{Type: typ, Rows: res.DeclaredRows, Version: res.DataDigest}, nil
	}
	return plan.Dataset{}, fault.New(fault.NotFound, "coordinator.Describe", "%s has no dataset %q", p, dataset)
}

// Root implements plan.Catalog.
func (a answers) Root(p party.ID) ([32]byte, error) {
	if p == a.s.cfg.Self {
		return a.s.cfg.Keys.Pin(), nil
	}
	peer, err := a.s.cfg.Pins.Get(p)
	return peer.Pin, err
}

// arrowType is the inverse of how data is registered.
func arrowType(name string) (arrow.DataType, error) {
	switch name {
	case arrow.PrimitiveTypes.Int64.Name():
		return arrow.PrimitiveTypes.Int64, nil
	case arrow.PrimitiveTypes.Float64.Name():
		return arrow.PrimitiveTypes.Float64, nil
	case arrow.BinaryTypes.String.Name():
		return arrow.BinaryTypes.String, nil
	}
	return nil, fault.New(fault.Unsupported, "coordinator.Describe", "a column of type %q", name)
}
