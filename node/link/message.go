package link

import (
	"encoding/binary"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// MaxNameBytes bounds the job and step names of a session.
const MaxNameBytes = 128

// SessionID names one session of a pair of parties and what it is bound to. Both sides open it with equal values.
type SessionID struct {
	Binding [32]byte // protocols.Session.Binding; compared in constant time before any payload moves
	Job     string   // 1 to MaxNameBytes
	Step    string   // 1 to MaxNameBytes
	Attempt uint32
}

// sessionKey pairs the two sides; the binding is checked, not looked up.
type sessionKey struct {
	job, step string
	attempt   uint32
}

func (id SessionID) key() sessionKey { return sessionKey{id.Job, id.Step, id.Attempt} }

func (id SessionID) check() error {
	for _, s := range []string{id.Job, id.Step} {
		if len(s) == 0 || len(s) > MaxNameBytes {
			return fault.New(fault.Invalid, "link.Open", "a job or step name of %d bytes, 1 to %d", len(s), MaxNameBytes)
		}
	}
	return nil
}

// open is the payload of OPEN: the session and the credit its sender grants to begin with.
type open struct {
	id     SessionID
	credit int64
}

func (o open) frame(stream uint32) *frame {
	var e wire.Encoder
	e.Fixed(o.id.Binding[:])
	e.String(o.id.Job)
	e.String(o.id.Step)
	e.U32(o.id.Attempt)
	e.I64(o.credit)
	return &frame{kind: kindOpen, stream: stream, payload: e.B}
}

func parseOpen(b []byte) (open, error) {
	d := wire.NewDecoder(b, "link.open")
	o := open{
		id:     SessionID{Binding: d.Hash(), Job: d.String(MaxNameBytes), Step: d.String(MaxNameBytes), Attempt: d.U32()},
		credit: d.I64(),
	}
	if d.Err() == nil && (o.id.check() != nil || o.credit < 0 || o.credit > maxCredit) {
		d.Fail(fault.Misbehaved, "an unnamed session or a credit out of bounds")
	}
	return o, d.Done()
}

func creditFrame(stream uint32, n int64) *frame {
	return &frame{kind: kindCredit, stream: stream, payload: binary.BigEndian.AppendUint64(nil, uint64(n))}
}

func parseCredit(b []byte) (int64, error) {
	d := wire.NewDecoder(b, "link.credit")
	n := d.I64()
	if d.Err() == nil && (n <= 0 || n > maxCredit) {
		d.Fail(fault.Misbehaved, "a credit out of bounds")
	}
	return n, d.Done()
}

const maxReasonBytes = 256

// reset is the payload of RESET.
type reset struct {
	code   fault.Code
	reason string
}

func (r reset) frame(stream uint32) *frame {
	var e wire.Encoder
	e.U8(uint8(r.code))
	e.String(strings.ToValidUTF8(r.reason[:min(len(r.reason), maxReasonBytes)], ""))
	return &frame{kind: kindReset, stream: stream, payload: e.B}
}

func parseReset(b []byte) (reset, error) {
	d := wire.NewDecoder(b, "link.reset")
	r := reset{code: fault.Code(d.U8()), reason: d.String(maxReasonBytes)}
	if d.Err() == nil && !r.code.Known() {
		d.Fail(fault.Misbehaved, "fault code %d", uint8(r.code))
	}
	return r, d.Done()
}
