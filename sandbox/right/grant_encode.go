package right

import (
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// grantTag opens the encoding and separates its signatures from all others.
const grantTag = "tacit/grant/v1"

// maxUses, maxKinds: each use and kind at most once.
const (
	maxUses  = 6
	maxKinds = 5
)

// SigningBytes is what the owner signs: g without its revocation, which comes later.
//
// Errors: those of Check.
func (g Grant) SigningBytes() ([]byte, error) {
	g.Revoked = 0
	return g.Encode()
}

// Encode returns the canonical bytes of g. Grants that differ in the order of a set only have equal bytes.
//
// Errors: those of Check.
func (g Grant) Encode() ([]byte, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	g = g.Normal()
	var e wire.Encoder
	e.String(grantTag)
	e.String(g.ID)
	e.String(string(g.Owner))
	putParties(&e, g.Grantees)
	e.String(g.Asset)
	e.String(g.Agreement)
	e.String(g.Purpose)
	e.U32(uint32(len(g.Columns)))
	for _, name := range slices.Sorted(maps.Keys(g.Columns)) {
		e.String(name)
		putNames(&e, g.Columns[name])
	}
	putNames(&e, g.Actions)
	putNames(&e, g.TrustModels)
	putNames(&e, g.Leaks)
	e.U32(uint32(len(g.Outputs)))
	for _, kind := range slices.Sorted(maps.Keys(g.Outputs)) {
		rule := g.Outputs[kind]
		e.String(string(kind))
		e.I64(rule.MinRows)
		e.Bool(rule.Noised)
		putParties(&e, rule.Recipients)
	}
	e.I64(g.Limits.Uses)
	e.I64(g.Limits.Rows)
	e.I64(g.Limits.EpsilonPico)
	e.I64(g.NotBefore)
	e.I64(g.NotAfter)
	e.I64(g.Revoked)
	return e.B, nil
}

// DecodeGrant reads what Encode wrote, and nothing else.
//
// Errors: fault.Unsupported (another kind or version), fault.Misbehaved (malformed), fault.LimitExceeded (a bound),
// and those of Check.
func DecodeGrant(b []byte) (Grant, error) {
	d := wire.NewDecoder(b, "right.DecodeGrant")
	if d.String(len(grantTag)) != grantTag {
		d.Fail(fault.Unsupported, "not a grant of version 1")
	}
	g := Grant{
		ID: d.String(catalog.MaxTokenBytes), Owner: party.ID(d.String(party.MaxIDBytes)), Grantees: getParties(d),
		Asset: d.String(catalog.MaxTokenBytes), Agreement: d.String(catalog.MaxTokenBytes), Purpose: d.String(party.MaxIDBytes),
		Columns: make(map[string][]Use), Outputs: make(map[OutputKind]OutputRule),
	}
	for range d.Count(catalog.MaxColumns, 8) {
		name := d.String(catalog.MaxNameBytes)
		g.Columns[name] = getNames[Use](d, maxUses)
	}
	g.Actions = getNames[Action](d, MaxLeaks)
	g.TrustModels = getNames[string](d, MaxLeaks)
	g.Leaks = getNames[string](d, MaxLeaks)
	for range d.Count(maxKinds, 17) {
		kind := OutputKind(d.String(catalog.MaxTokenBytes))
		g.Outputs[kind] = OutputRule{MinRows: d.I64(), Noised: d.Bool(), Recipients: getRecipients(d)}
	}
	g.Limits = Limits{Uses: d.I64(), Rows: d.I64(), EpsilonPico: d.I64()}
	g.NotBefore, g.NotAfter, g.Revoked = d.I64(), d.I64(), d.I64()
	if err := d.Done(); err != nil {
		return Grant{}, err
	}
	if err := checkCanonical(b, "right.DecodeGrant", g.Encode); err != nil {
		return Grant{}, err
	}
	return g, nil
}

// getRecipients reads the grantees and possibly the owner.
func getRecipients(d *wire.Decoder) []party.ID {
	var out []party.ID
	for range d.Count(MaxParties+1, 4) {
		out = append(out, party.ID(d.String(party.MaxIDBytes)))
	}
	return out
}

func putNames[T ~string](e *wire.Encoder, list []T) {
	e.U32(uint32(len(list)))
	for _, s := range list {
		e.String(string(s))
	}
}

func getNames[T ~string](d *wire.Decoder, max int) []T {
	var out []T
	for range d.Count(max, 4) {
		out = append(out, T(d.String(catalog.MaxTokenBytes)))
	}
	return out
}
