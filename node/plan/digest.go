package plan

import (
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
)

// Section is one part of a plan with its digest. A plan's digest is over the list, so that two parties find where they
// differ without exchanging plans.
type Section struct {
	Name   string `json:"name"`
	Digest Digest `json:"digest"`
}

// hash is SHA-256 of a tag and what write encodes.
func hash(tag string, write func(e *encoder)) Digest {
	e := &encoder{}
	e.String(tag)
	write(e)
	return sha256.Sum256(e.B)
}

// seal computes the digests.
func (b *builder) seal(steps []job.Step) {
	p := b.plan
	p.SpecDigest = hash("tacit/spec/v1", func(e *encoder) { e.spec(b.spec, steps) })
	section := func(name string, write func(e *encoder)) {
		d := hash("tacit/plan/v1/"+name, write)
		p.Sections = append(p.Sections, Section{Name: name, Digest: d})
	}
	section("compiler", func(e *encoder) { e.U32(uint32(p.Compiler)) })
	section("spec", func(e *encoder) { e.Fixed(p.SpecDigest[:]) })
	section("parties", func(e *encoder) {
		list(e, p.Parties, func(x Party) {
			e.String(string(x.ID))
			e.Fixed(x.Root[:])
		})
	})
	section("inputs", func(e *encoder) { list(e, p.Inputs, e.input) })
	section("steps", func(e *encoder) { list(e, p.Steps, e.step) })
	section("bounds", func(e *encoder) { e.bounds(p) })
	section("cost", func(e *encoder) {
		list(e, p.Steps, func(s Step) { list(e, s.Cost, e.cost) })
		list(e, p.Cost, e.cost)
	})
	section("leaks", func(e *encoder) { list(e, p.Leaks, e.leak) })
	section("releases", func(e *encoder) { list(e, p.Releases, e.release) })
	p.Digest = Root(p.Sections)
}

// Root is the plan digest of a list of sections: SHA-256 over "tacit/plan/v1" and each name and digest.
func Root(sections []Section) Digest {
	return hash("tacit/plan/v1", func(e *encoder) {
		list(e, sections, func(s Section) {
			e.String(s.Name)
			e.Fixed(s.Digest[:])
		})
	})
}

// Diff returns the name of the first section in which a and b differ, or "" when they do not.
func Diff(a, b []Section) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].Name
		case i >= len(b), a[i] != b[i]:
			return a[i].Name
		}
	}
	return ""
}

// Match compares this party's plan with the sections another party sent.
//
// Errors: fault.PlanMismatch naming the first differing section and what it is about.
func (p *Plan) Match(sections []Section) error {
	name := Diff(p.Sections, sections)
	if name == "" {
		return nil
	}
	return fault.New(fault.PlanMismatch, "plan.Match", "the plans differ, first in section %q: %s", name, about(name))
}

// about says where to look when a section differs.
func about(section string) string {
	switch section {
	case "compiler":
		return "the parties run different compiler versions"
	case "spec":
		return "the parties compiled different specs"
	case "parties":
		return "a root key is pinned differently"
	case "inputs":
		return "a catalogue answered another schema, label or dataset version"
	case "bounds":
		return "a catalogue declared other rows"
	}
	return "the same spec and data gave another result; compare the builds"
}
