package settle

import (
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/account"
)

// version is the first byte of every encoding.
const version = 1

// minShareBytes is the least a share takes: a length and two integers.
const minShareBytes = 4 + 8 + 8

// Encode returns the canonical bytes of s.
func (s Split) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.String(s.Agreement)
	e.String(string(s.Keeper))
	e.String(s.Currency)
	e.I64(s.Total)
	e.Bool(s.Closed)
	e.U32(uint32(len(s.Shares)))
	for i, share := range s.Shares {
		e.String(string(share.Payee))
		e.I64(share.Weight)
		e.I64(s.Owed[i])
	}
	return e.B
}

// DecodeSplit reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else).
func DecodeSplit(b []byte) (Split, error) {
	const op = "settle.DecodeSplit"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	s := Split{
		Agreement: d.String(account.MaxAgreementBytes), Keeper: party.ID(d.String(party.MaxIDBytes)),
		Currency: d.String(3), Total: d.I64(), Closed: d.Bool(),
	}
	for range d.Count(MaxPayees, minShareBytes) {
		s.Shares = append(s.Shares, Share{Payee: party.ID(d.String(party.MaxIDBytes)), Weight: d.I64()})
		s.Owed = append(s.Owed, d.I64())
	}
	if err := d.Done(); err != nil {
		return Split{}, wire.Stored(op, err)
	}
	if err := s.check(); err != nil {
		return Split{}, wire.Stored(op, err)
	}
	return s, nil
}
