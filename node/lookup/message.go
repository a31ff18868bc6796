package lookup

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// The kinds of messages before those of package oprf, their first byte.
const (
	kindOpening = 80
	kindCatalog = 81
	kindWant    = 82
	kindVerdict = 83
)

const (
	wireVersion  = 1
	maxWordBytes = 32 // a name in a message
)

// opening is what both say first: nothing about their data.
type opening struct {
	holder  bool
	ruleset [32]byte
	nonce   [32]byte
}

func (o opening) encode() []byte {
	var e wire.Encoder
	e.U8(kindOpening)
	e.U16(wireVersion)
	e.Bool(o.holder)
	e.Fixed(o.ruleset[:])
	e.Fixed(o.nonce[:])
	return e.B
}

func decodeOpening(msg []byte) (opening, error) {
	d := wire.NewDecoder(msg, "lookup.decodeOpening")
	if kind := d.U8(); kind != kindOpening {
		d.Fail(fault.PlanMismatch, "the other party runs another command: publish, serve and query belong together, tacit psi alone is between equals")
	}
	if v := d.U16(); v != wireVersion {
		d.Fail(fault.Unsupported, "the other party speaks version %d, this is %d: use the same release of tacit", v, wireVersion)
	}
	o := opening{holder: d.Bool(), ruleset: d.Hash(), nonce: d.Hash()}
	return o, d.Done()
}

// catalog is the epoch in force.
type catalog struct {
	lit     oprf.ParamsLiteral // the ruleset is that of the opening
	pin     oprf.Pin
	records int
}

func (c catalog) append(e *wire.Encoder) {
	e.String(string(c.lit.Suite))
	e.U16(uint16(c.lit.SSP))
	e.U64(uint64(c.lit.ServerItems))
	e.U64(uint64(c.lit.Queries))
	e.U64(uint64(c.lit.SessionQueries))
	e.Fixed(c.pin.Epoch[:])
	e.Fixed(c.pin.Key[:])
	e.Fixed(c.pin.File[:])
	e.U64(uint64(c.records))
}

// readCatalog reads a catalog; its parameters are checked by the caller.
func readCatalog(d *wire.Decoder) catalog {
	var c catalog
	c.lit.Suite, c.lit.SSP = oprf.Suite(d.String(maxWordBytes)), int(d.U16())
	items, queries, session := d.U64(), d.U64(), d.U64()
	c.pin = oprf.Pin{Epoch: d.Hash(), Key: d.Hash(), File: d.Hash()}
	records := d.U64()
	if items > oprf.MaxTagBuffer || queries > oprf.MaxQueries || session > oprf.MaxSessionQueries || records > items {
		d.Fail(fault.LimitExceeded, "a catalog of %d records, %d declared, %d queries, %d a session", records, items, queries, session)
		return c
	}
	c.lit.ServerItems, c.lit.Queries, c.lit.SessionQueries, c.records = int(items), int64(queries), int(session), int(records)
	return c
}

func (c catalog) encode() []byte {
	e := wire.Encoder{B: []byte{kindCatalog}}
	c.append(&e)
	return e.B
}

func decodeCatalog(msg []byte) (catalog, error) {
	d := wire.NewDecoder(msg, "lookup.decodeCatalog")
	expect(d, kindCatalog)
	c := readCatalog(d)
	return c, d.Done()
}

// want is what the client asks for.
type want struct {
	fetch   bool
	queries int
}

func (w want) encode() []byte {
	e := wire.Encoder{B: []byte{kindWant}}
	e.Bool(w.fetch)
	e.U32(uint32(w.queries))
	return e.B
}

func decodeWant(msg []byte) (want, error) {
	d := wire.NewDecoder(msg, "lookup.decodeWant")
	expect(d, kindWant)
	w := want{fetch: d.Bool(), queries: int(d.U32())}
	if w.queries > oprf.MaxSessionQueries {
		d.Fail(fault.LimitExceeded, "MaxSessionQueries: %d queries, at most %d", w.queries, oprf.MaxSessionQueries)
	}
	return w, d.Done()
}

// verdict is the holder's answer: granted, or why not.
type verdict struct {
	granted bool
	code    fault.Code
	left    int64 // queries the client could still ask
}

func (v verdict) encode() []byte {
	e := wire.Encoder{B: []byte{kindVerdict}}
	e.Bool(v.granted)
	e.U8(uint8(v.code)) // Internal, which is 0, when granted
	e.I64(v.left)
	return e.B
}

func decodeVerdict(msg []byte) (verdict, error) {
	d := wire.NewDecoder(msg, "lookup.decodeVerdict")
	expect(d, kindVerdict)
	v := verdict{granted: d.Bool(), code: fault.Code(d.U8())}
	switch v.code {
	case fault.BudgetExhausted, fault.LimitExceeded, fault.Expired, fault.Unavailable:
		if v.granted {
			d.Fail(fault.Misbehaved, "granted and refused")
		}
	default:
		if !v.granted || v.code != fault.Internal {
			d.Fail(fault.Misbehaved, "a refusal of kind %d", v.code)
		}
	}
	if v.left = d.I64(); v.left < 0 {
		d.Fail(fault.Misbehaved, "a negative count")
	}
	return v, d.Done()
}

func expect(d *wire.Decoder, kind uint8) {
	if got := d.U8(); got != kind {
		d.Fail(fault.Misbehaved, "message of kind %d where %d is due", got, kind)
	}
}
