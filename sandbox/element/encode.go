package element

import (
	"bytes"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// tag opens every encoding and separates its digest from all others.
const tag = "tacit/element/v1"

// The shortest entries of the lists, for bounds before allocation.
const (
	minInputBytes  = 4 + 4 + 4 + 32 + 4 + 1
	minOutputBytes = 4 + 32
	minMetricBytes = 4 + 8
)

// Encode returns the canonical bytes of e. Elements that differ in the order of a set only have equal bytes.
//
// Errors: those of Check.
func (e Element) Encode() ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	e = e.Normal()
	var w wire.Encoder
	w.String(tag)
	w.String(string(e.Kind))
	w.String(e.Job)
	w.Fixed(e.Plan[:])
	w.String(e.Step)
	w.U32(uint32(len(e.Inputs)))
	for _, in := range e.Inputs {
		w.String(string(in.Kind))
		w.String(string(in.Owner))
		w.String(in.ID)
		w.Fixed(in.Digest[:])
		w.String(in.Right)
		w.U8(uint8(in.Grade))
	}
	w.String(e.Algorithm.Op)
	w.U32(uint32(e.Algorithm.Version))
	w.Fixed(e.Algorithm.Params[:])
	w.U32(uint32(len(e.Outputs)))
	for _, o := range e.Outputs {
		w.String(string(o.Party))
		w.Fixed(o.Digest[:])
	}
	w.U32(uint32(len(e.Metrics)))
	for _, m := range e.Metrics {
		w.String(m.Name)
		w.I64(m.Micro)
	}
	w.U8(uint8(e.Grade))
	w.Strings(e.Categories)
	w.I64(e.Created)
	return w.B, nil
}

// Decode reads what Encode wrote, and nothing else: other orders of a set are refused.
//
// Errors: fault.Unsupported (another kind or version), fault.Misbehaved (malformed), fault.LimitExceeded (a bound),
// and those of Check.
func Decode(b []byte) (Element, error) {
	d := wire.NewDecoder(b, "element.Decode")
	if d.String(len(tag)) != tag {
		d.Fail(fault.Unsupported, "not an element of version 1")
	}
	e := Element{Kind: Kind(d.String(catalog.MaxTokenBytes)), Job: d.String(catalog.MaxTokenBytes), Plan: d.Hash(), Step: d.String(catalog.MaxTokenBytes)}
	for range d.Count(MaxInputs, minInputBytes) {
		e.Inputs = append(e.Inputs, Input{
			Kind: InputKind(d.String(catalog.MaxTokenBytes)), Owner: party.ID(d.String(party.MaxIDBytes)), ID: d.String(catalog.MaxTokenBytes),
			Digest: d.Hash(), Right: d.String(catalog.MaxTokenBytes), Grade: int(d.U8()),
		})
	}
	e.Algorithm = Algorithm{Op: d.String(catalog.MaxTokenBytes), Version: int(d.U32()), Params: d.Hash()}
	for range d.Count(MaxOutputs, minOutputBytes) {
		e.Outputs = append(e.Outputs, Output{party.ID(d.String(party.MaxIDBytes)), d.Hash()})
	}
	for range d.Count(MaxMetrics, minMetricBytes) {
		e.Metrics = append(e.Metrics, Metric{d.String(catalog.MaxTokenBytes), d.I64()})
	}
	e.Grade = int(d.U8())
	e.Categories = d.Strings(MaxCategories, catalog.MaxTokenBytes)
	e.Created = d.I64()
	if err := d.Done(); err != nil {
		return Element{}, err
	}
	again, err := e.Encode()
	if err != nil {
		return Element{}, err
	}
	if !bytes.Equal(again, b) {
		return Element{}, fault.New(fault.Misbehaved, "element.Decode", "a set out of order or with a repeat")
	}
	return e, nil
}
