package catalog

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// tag opens every encoding, so that bytes of another kind or version are not read as a resource.
const tag = "tacit/resource/v1"

// minColumnBytes is the shortest column: two empty strings, no role, a grade.
const minColumnBytes = 4 + 4 + 4 + 1

// Encode returns the canonical bytes of r: equal resources have equal bytes.
//
// Errors: those of Check.
func (r Resource) Encode() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var e wire.Encoder
	e.String(tag)
	e.String(r.Name)
	e.U32(uint32(r.Version))
	e.String(string(r.Owner))
	e.String(string(r.Class))
	e.U32(uint32(len(r.Columns)))
	for _, c := range r.Columns {
		e.String(c.Name)
		e.String(c.Type)
		e.U32(uint32(len(c.Roles)))
		for _, role := range c.Roles {
			e.String(string(role))
		}
		e.U8(uint8(c.Grade))
	}
	e.Fixed(r.DataDigest[:])
	e.Fixed(r.SchemaDigest[:])
	e.I64(r.Rows)
	e.I64(r.DeclaredRows)
	e.I64(r.Registered)
	return e.B, nil
}

// Decode reads what Encode wrote.
//
// Errors: fault.Unsupported (another kind or version), fault.Misbehaved (malformed), fault.LimitExceeded (a bound),
// and those of Check.
func Decode(b []byte) (Resource, error) {
	d := wire.NewDecoder(b, "catalog.Decode")
	if d.String(len(tag)) != tag {
		d.Fail(fault.Unsupported, "not a resource of version 1")
	}
	r := Resource{Name: d.String(maxIDBytes), Version: int(d.U32()), Owner: party.ID(d.String(party.MaxIDBytes)), Class: Class(d.String(maxIDBytes))}
	n := d.Count(MaxColumns, minColumnBytes)
	for range n {
		c := Column{Name: d.String(MaxNameBytes), Type: d.String(MaxNameBytes)}
		for range d.Count(maxRoles, 4) {
			c.Roles = append(c.Roles, Role(d.String(maxIDBytes)))
		}
		c.Grade = int(d.U8())
		r.Columns = append(r.Columns, c)
	}
	r.DataDigest, r.SchemaDigest = d.Hash(), d.Hash()
	r.Rows, r.DeclaredRows, r.Registered = d.I64(), d.I64(), d.I64()
	if err := d.Done(); err != nil {
		return Resource{}, err
	}
	if err := r.Check(); err != nil {
		return Resource{}, err
	}
	return r, nil
}

// maxRoles is the number of roles there are: each at most once.
const maxRoles = 5
