package budget

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// version is the first byte of every encoding; another one is a newer program's.
const version = 1

// Times are stored as int64 milliseconds. They stay within the years 1970 to 9999.
const maxMillis = 253_402_300_799_999

// Encode returns the canonical bytes of a.
func (a Account) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.String(string(a.ID))
	for _, v := range []Amounts{a.Caps, a.Committed, a.Open, a.Held} {
		encodeAmounts(&e, v)
	}
	return e.B
}

// DecodeAccount reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else, counters beyond the cap included).
func DecodeAccount(b []byte) (Account, error) {
	const op = "budget.DecodeAccount"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	a := Account{ID: AccountID(d.String(MaxAccountIDBytes))}
	for _, v := range []*Amounts{&a.Caps, &a.Committed, &a.Open, &a.Held} {
		*v = decodeAmounts(d)
	}
	if err := d.Done(); err != nil {
		return Account{}, wire.Stored(op, err)
	}
	if err := a.check(fault.Corrupt, op); err != nil {
		return Account{}, err
	}
	return a, nil
}

// Encode returns the canonical bytes of h.
func (h Hold) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.String(string(h.Owner))
	e.Fixed(h.Key[:])
	e.U32(h.Round)
	e.String(h.Job)
	e.String(h.Step)
	e.Fixed(h.Plan[:])
	encodeBody(&e, h.Reservation)
	e.I64(h.Expires.UnixMilli())
	e.U8(uint8(h.State))
	e.Bool(h.Used)
	e.Bool(h.Captured)
	encodeAmounts(&e, h.Actual)
	e.Fixed(h.Sealed[:])
	e.String(h.Reason)
	return e.B
}

// DecodeHold reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else).
func DecodeHold(b []byte) (Hold, error) {
	const op = "budget.DecodeHold"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	h := Hold{}
	h.Owner = party.ID(d.String(party.MaxIDBytes))
	h.Key, h.Round = d.Hash(), d.U32()
	h.Job, h.Step = d.String(MaxNameBytes), d.String(MaxNameBytes)
	h.Plan = d.Hash()
	for range d.Count(MaxAccounts, 4) {
		h.Accounts = append(h.Accounts, AccountID(d.String(MaxAccountIDBytes)))
	}
	h.Amounts = decodeAmounts(d)
	h.Expires = decodeTime(d)
	h.State, h.Used, h.Captured = State(d.U8()), d.Bool(), d.Bool()
	h.Actual, h.Sealed = decodeAmounts(d), d.Hash()
	h.Reason = d.String(MaxReasonBytes)
	if err := d.Done(); err != nil {
		return Hold{}, wire.Stored(op, err)
	}
	ok := h.State >= Held && h.State <= Expired && h.Actual.check(op) == nil && h.Actual.within(h.Amounts)
	if h.Reservation.check() != nil || !ok {
		return Hold{}, fault.New(fault.Corrupt, op, "a hold that no operation writes")
	}
	return h, nil
}

// Encode returns the canonical bytes of v, signature last.
func (v Vote) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	v.fields(&e)
	e.Fixed(v.Signature[:])
	return e.B
}

// DecodeVote reads a vote from a peer. It does not verify it.
//
// Errors: fault.Misbehaved or fault.LimitExceeded (malformed), fault.Unsupported (newer version), all without culprit.
func DecodeVote(b []byte) (Vote, error) {
	d := wire.NewDecoder(b, "budget.DecodeVote")
	d.Version(version)
	v := Vote{Owner: party.ID(d.String(party.MaxIDBytes)), Key: d.Hash(), Round: d.U32()}
	v.Job, v.Step = d.String(MaxNameBytes), d.String(MaxNameBytes)
	v.Plan, v.Body, v.Expires = d.Hash(), d.Hash(), decodeTime(d)
	copy(v.Signature[:], d.Fixed(len(v.Signature)))
	if d.Err() == nil && (!party.Valid(string(v.Owner)) || !name(v.Job) || !name(v.Step)) {
		d.Fail(fault.Misbehaved, "a malformed owner, job or step")
	}
	if err := d.Done(); err != nil {
		return Vote{}, err
	}
	return v, nil
}

func (v Vote) fields(e *wire.Encoder) {
	e.String(string(v.Owner))
	e.Fixed(v.Key[:])
	e.U32(v.Round)
	e.String(v.Job)
	e.String(v.Step)
	e.Fixed(v.Plan[:])
	e.Fixed(v.Body[:])
	e.I64(v.Expires.UnixMilli())
}

func encodeBody(e *wire.Encoder, r Reservation) {
	e.U32(uint32(len(r.Accounts)))
	for _, id := range r.Accounts {
		e.String(string(id))
	}
	encodeAmounts(e, r.Amounts)
}

func encodeAmounts(e *wire.Encoder, a Amounts) {
	for _, v := range a {
		e.I64(v)
	}
}

func decodeAmounts(d *wire.Decoder) (a Amounts) {
	for i := range a {
		a[i] = d.I64()
	}
	return a
}

func decodeTime(d *wire.Decoder) time.Time {
	ms := d.I64()
	if ms < 0 || ms > maxMillis {
		d.Fail(fault.Misbehaved, "a time outside the years 1970 to 9999")
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
