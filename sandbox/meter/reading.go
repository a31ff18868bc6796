package meter

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// maxUnits bounds every counter.
const maxUnits = 1 << 62

// Reading is what one party saw of one step, in declared units. The zero value is nothing consumed.
type Reading struct {
	Uses                 int64
	RowsIn, RowsOut      int64
	CellsOut             int64 // cells of released answers
	SentBytes, RecvBytes int64 // protocol messages, without the link's framing
	Rounds               int64 // flights
	DPRho                int64 // zCDP ρ in 1e-12

	CPU, Wall time.Duration // reported, never billed
}

// units lists the billable counters in the order of their encoding.
func (r *Reading) units() [8]*int64 {
	return [8]*int64{&r.Uses, &r.RowsIn, &r.RowsOut, &r.CellsOut, &r.SentBytes, &r.RecvBytes, &r.Rounds, &r.DPRho}
}

// check verifies the range of every counter.
func (r Reading) check() error {
	for _, v := range r.units() {
		if *v < 0 || *v > maxUnits {
			return fault.New(fault.Invalid, "meter.Reading", "a counter is outside 0 to 2^62")
		}
	}
	if r.CPU < 0 || r.Wall < 0 || r.CPU > maxUnits || r.Wall > maxUnits {
		return fault.New(fault.Invalid, "meter.Reading", "a duration is outside 0 to 2^62 ns")
	}
	return nil
}

// Plus returns what both consumed: a party's attempts or parts of one step. Counters saturate at 2^62.
func (r Reading) Plus(o Reading) Reading {
	to, from := r.units(), o.units()
	for i := range to {
		*to[i] = saturate(*to[i], *from[i])
	}
	r.CPU = time.Duration(saturate(int64(r.CPU), int64(o.CPU)))
	r.Wall = time.Duration(saturate(int64(r.Wall), int64(o.Wall)))
	return r
}

// saturate adds two values of 0 to 2^62; their plain sum may be 2^63.
func saturate(a, b int64) int64 { return a + min(b, maxUnits-a) }

func (r Reading) encode(e *wire.Encoder) {
	for _, v := range r.units() {
		e.I64(*v)
	}
	e.I64(int64(r.CPU))
	e.I64(int64(r.Wall))
}

func decodeReading(d *wire.Decoder) (r Reading) {
	for _, v := range r.units() {
		*v = d.I64()
	}
	r.CPU, r.Wall = time.Duration(d.I64()), time.Duration(d.I64())
	if d.Err() == nil && r.check() != nil {
		d.Fail(fault.Misbehaved, "a counter out of range")
	}
	return r
}

// Mismatch is one unit about which two parties disagree.
type Mismatch struct {
	Unit         string
	Mine, Theirs int64
}

// Compare returns where two parties' receipts of one two-party step contradict each other: what one sent the other
// received, both saw the same rounds and the same outcome. Empty means that they agree.
//
// Errors: fault.Invalid when the receipts are not two parties' receipts of one job, step and plan.
func Compare(mine, theirs Receipt) ([]Mismatch, error) {
	if mine.Job != theirs.Job || mine.Step != theirs.Step || mine.Plan != theirs.Plan || mine.Party == theirs.Party {
		return nil, fault.New(fault.Invalid, "meter.Compare", "not two parties' receipts of one step")
	}
	var out []Mismatch
	for _, c := range []Mismatch{
		{"outcome", int64(mine.Outcome), int64(theirs.Outcome)},
		{"sent_bytes", mine.Reading.SentBytes, theirs.Reading.RecvBytes},
		{"recv_bytes", mine.Reading.RecvBytes, theirs.Reading.SentBytes},
		{"rounds", mine.Reading.Rounds, theirs.Reading.Rounds},
	} {
		if c.Mine != c.Theirs {
			out = append(out, c)
		}
	}
	return out, nil
}
