package job

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Format is the notation of a Spec.
type Format uint8

// The formats. Both carry the same tree.
const (
	YAML Format = iota + 1
	JSON
)

// Parse reads one Spec. It is strict: what it does not know it refuses, with line, column and JSON pointer.
//
// Errors: fault.Invalid (malformed, unknown or repeated field, anchors, aliases, tags, merge keys, values out of
// bounds, text not in normal form C), fault.LimitExceeded (a Max constant), fault.Unsupported (unknown version, op,
// trust model, or a word of a later version).
func Parse(b []byte, f Format) (Spec, error) {
	if len(b) > MaxBytes {
		return Spec{}, fault.New(fault.LimitExceeded, opParse, "a spec of %d bytes, at most %d", len(b), MaxBytes)
	}
	var t *tree
	var err error
	switch f {
	case YAML:
		t, err = fromYAML(b)
	case JSON:
		t, err = fromJSON(b)
	default:
		return Spec{}, fault.New(fault.Invalid, opParse, "unknown format %d", f)
	}
	if err != nil {
		return Spec{}, err
	}
	d := &decoder{}
	s := d.spec(t)
	if d.err != nil {
		return Spec{}, d.err
	}
	return s, nil
}

// UnmarshalJSON is Parse for a Spec inside another JSON document.
func (s *Spec) UnmarshalJSON(b []byte) error {
	out, err := Parse(b, JSON)
	if err == nil {
		*s = out
	}
	return err
}

func (d *decoder) spec(t *tree) Spec {
	// The version comes first: another one may have other fields, or mean something else by these.
	version := d.version(t)
	o := d.object(t, "version", "name", "purpose", "contract", "trust", "parties", "coordinator", "compiler", "inputs",
		"steps", "releases", "limits", "inherit")
	s := Spec{Version: version}
	s.Name = d.id(o.need("name"))
	s.Purpose = d.id(o.need("purpose"))
	s.Contract = d.contract(o.get("contract"))
	s.Trust = d.trust(o.need("trust"))
	s.Parties = d.parties(o.need("parties"))
	s.Coordinator = party.ID(d.id(o.need("coordinator")))
	s.Compiler = int(d.integer(o.get("compiler"), 1, 1<<31))
	for _, k := range d.list(o.need("inputs"), 1, MaxInputs) {
		s.Inputs = append(s.Inputs, d.input(k, s.Parties))
	}
	for _, k := range d.list(o.get("steps"), 0, MaxSteps) {
		s.Steps = append(s.Steps, d.step(k))
	}
	for _, k := range d.list(o.get("releases"), 0, MaxReleases) {
		s.Releases = append(s.Releases, d.release(k, s.Parties))
	}
	s.Limits = d.limits(o.get("limits"))
	s.Inherit = d.inherit(o.get("inherit"))
	d.uniqueIDs(o, s)
	return s
}

func (d *decoder) version(t *tree) int {
	if !d.ready(t, isObject) {
		return 0
	}
	at := object{d: d, at: t}.need("version")
	v := int(d.integer(at, 0, 1<<31))
	if d.err == nil && v != Version {
		d.fail(at, fault.Unsupported, "version %d; this build reads version %d", v, Version)
	}
	return v
}

// uniqueIDs refuses two inputs, steps or releases of one name: every one of them can be named by a message.
func (d *decoder) uniqueIDs(o object, s Spec) {
	if d.err != nil {
		return
	}
	seen := map[string]bool{}
	check := func(list *tree, i int, id string) {
		if d.err == nil && seen[id] {
			d.fail(list.kids[i], fault.Invalid, "id %q is taken by another input, step or release", id)
		}
		seen[id] = true
	}
	for i, in := range s.Inputs {
		check(o.get("inputs"), i, in.ID)
	}
	for i, st := range s.Steps {
		check(o.get("steps"), i, st.ID)
	}
	for i, r := range s.Releases {
		check(o.get("releases"), i, r.ID)
	}
}

func (d *decoder) contract(t *tree) string {
	s := d.str(t, MaxName)
	if s == "" && t == nil {
		return ""
	}
	digest, ok := strings.CutPrefix(s, "sha256:")
	if b, err := hex.DecodeString(digest); !ok || err != nil || len(b) != 32 || strings.ToLower(digest) != digest {
		d.fail(t, fault.Invalid, `a contract is "sha256:" and 64 lower-case hexadecimal digits`)
	}
	return s
}

func (d *decoder) trust(t *tree) Trust {
	s := Trust(d.str(t, MaxName))
	if known := []Trust{SemiHonest2PC, Dealer2PC, HonestMajority3PC}; d.err == nil && !slices.Contains(known, s) {
		d.fail(t, fault.Unsupported, "unknown trust model; known are %q", known)
	}
	return s
}

// parties reads a set of at least one party id.
func (d *decoder) parties(t *tree) []party.ID {
	kids := d.list(t, 1, MaxParties)
	out := make([]party.ID, 0, len(kids))
	for _, k := range kids {
		p := party.ID(d.id(k))
		if d.err == nil && slices.Contains(out, p) {
			d.fail(k, fault.Invalid, "party %q listed twice", p)
		}
		out = append(out, p)
	}
	return party.Sorted(out)
}

// member reads a party id that the job lists.
func (d *decoder) member(t *tree, parties []party.ID) party.ID {
	p := party.ID(d.id(t))
	if d.err == nil && !slices.Contains(parties, p) {
		d.fail(t, fault.Invalid, "party %q is not one of the job's parties", p)
	}
	return p
}

func (d *decoder) input(t *tree, parties []party.ID) Input {
	o := d.object(t, "id", "party", "dataset", "key", "target", "columns")
	in := Input{
		ID:      d.id(o.need("id")),
		Party:   d.member(o.need("party"), parties),
		Dataset: d.dataset(o.need("dataset")),
		Key:     d.names(o.get("key"), MaxKeys),
		Columns: d.names(o.get("columns"), MaxColumns),
	}
	if target := o.get("target"); target != nil {
		in.Target = d.name(target)
	}
	all := slices.Concat(in.Key, in.Columns)
	if in.Target != "" {
		all = append(all, in.Target)
	}
	if d.err == nil && len(all) == 0 {
		d.fail(t, fault.Invalid, "an input without key, target or columns")
	}
	slices.Sort(all)
	for i := 1; i < len(all) && d.err == nil; i++ {
		if all[i] == all[i-1] {
			d.fail(t, fault.Invalid, "column %q has two places in one input", all[i])
		}
	}
	return in
}

// dataset reads "name" or "name@version"; the version is a positive decimal without leading zeros.
func (d *decoder) dataset(t *tree) string {
	s := d.str(t, MaxName)
	name, version, pinned := strings.Cut(s, "@")
	ok := party.Valid(name)
	if pinned {
		ok = ok && version != "" && version[0] != '0' && digits(version) == len(version)
	}
	if d.err == nil && !ok {
		d.fail(t, fault.Invalid, `a dataset is an id, or an id, "@" and a version number`)
	}
	return s
}

func (d *decoder) release(t *tree, parties []party.ID) Release {
	o := d.object(t, "id", "from", "to", "min_rows", "form", "columns")
	r := Release{
		ID: d.id(o.need("id")), From: d.id(o.need("from")), To: d.parties(o.need("to")),
		MinRows: d.integer(o.get("min_rows"), 1, 1<<40), Columns: d.names(o.get("columns"), MaxColumns),
	}
	for _, p := range r.To {
		if d.err == nil && !slices.Contains(parties, p) {
			d.fail(o.get("to"), fault.Invalid, "party %q is not one of the job's parties", p)
		}
	}
	if form := o.get("form"); form != nil {
		r.Form = d.id(form)
	}
	return r
}

func (d *decoder) limits(t *tree) Limits {
	if t == nil {
		return Limits{}
	}
	o := d.object(t, "rows", "sent_bytes", "cpu_s", "expires")
	l := Limits{
		Rows: d.integer(o.get("rows"), 1, 1<<40), SentBytes: d.integer(o.get("sent_bytes"), 1, 1<<60),
		CPUs: d.integer(o.get("cpu_s"), 1, 1<<40),
	}
	if expires := o.get("expires"); expires != nil {
		s := d.str(expires, MaxName)
		at, err := time.Parse("2006-01-02T15:04:05Z", s)
		if d.err == nil && (err != nil || at.Format("2006-01-02T15:04:05Z") != s || at.IsZero()) {
			d.fail(expires, fault.Invalid, `a time is "2026-12-31T00:00:00Z": UTC, whole seconds, a string`)
		}
		l.Expires = at
	}
	return l
}

func (d *decoder) inherit(t *tree) *Inherit {
	if t == nil {
		return nil
	}
	o := d.object(t, "job", "steps")
	from := o.need("job")
	id, err := ParseID(d.str(from, MaxName))
	if d.err == nil && err != nil {
		d.fail(from, fault.Invalid, "%s", fault.ReasonOf(err))
	}
	out := &Inherit{Job: id}
	for _, k := range d.list(o.need("steps"), 1, MaxSteps) {
		out.Steps = append(out.Steps, d.id(k))
	}
	return out
}
