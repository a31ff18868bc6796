package account

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// version is the first byte of every encoding.
const version = 1

// Encode returns the canonical bytes of a.
func (a Account) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	encodeName(&e, a.Name)
	e.Bool(a.NoOverdraft)
	e.I64(a.Balance)
	return e.B
}

// DecodeAccount reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else).
func DecodeAccount(b []byte) (Account, error) {
	const op = "account.DecodeAccount"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	a := Account{Name: decodeName(d), NoOverdraft: d.Bool(), Balance: d.I64()}
	if err := d.Done(); err != nil {
		return Account{}, wire.Stored(op, err)
	}
	bad := a.Balance > MaxAmount || a.Balance < -MaxAmount || a.NoOverdraft && a.Balance < 0
	if !a.valid() || bad {
		return Account{}, fault.New(fault.Corrupt, op, "an account that no entry leads to")
	}
	return a, nil
}

// Encode returns the canonical bytes of e.
func (e Entry) Encode() []byte {
	w := wire.Encoder{}
	w.U8(version)
	w.String(e.Key)
	w.String(e.Reason)
	w.I64(e.T.UnixMilli())
	w.U32(uint32(len(e.Postings)))
	for _, p := range e.Postings {
		encodeName(&w, p.Account)
		w.I64(p.Amount)
	}
	return w.B
}

// minPostingBytes is the least a posting takes: three lengths and an amount.
const minPostingBytes = 3*4 + 8

// DecodeEntry reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else, an entry that does not balance included).
func DecodeEntry(b []byte) (Entry, error) {
	const op = "account.DecodeEntry"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	e := Entry{Key: d.String(MaxKeyBytes), Reason: d.String(MaxReasonBytes)}
	ms := d.I64()
	if ms < 0 || ms > maxMillis {
		d.Fail(fault.Corrupt, "a time outside the years 1970 to 9999")
	}
	e.T = time.UnixMilli(ms).UTC()
	for range d.Count(MaxPostings, minPostingBytes) {
		e.Postings = append(e.Postings, Posting{Account: decodeName(d), Amount: d.I64()})
	}
	if err := d.Done(); err != nil {
		return Entry{}, wire.Stored(op, err)
	}
	if err := e.check(); err != nil {
		return Entry{}, wire.Stored(op, err)
	}
	return e, nil
}

func encodeName(e *wire.Encoder, n Name) {
	e.String(string(n.Party))
	e.String(string(n.Code))
	e.String(n.Currency)
}

func decodeName(d *wire.Decoder) Name {
	return Name{
		Party:    party.ID(d.String(party.MaxIDBytes)),
		Code:     Code(d.String(len(suspensePrefix) + MaxAgreementBytes)),
		Currency: d.String(3),
	}
}
