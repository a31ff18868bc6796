package right

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// agreementTag opens the encoding and separates its digest and signatures from all others.
const agreementTag = "tacit/agreement/v1"

// Encode returns the canonical bytes of a: what is hashed and what every party signs. Agreements that differ in the
// order of a set only have equal bytes.
//
// Errors: those of Check.
func (a Agreement) Encode() ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	a = a.Normal()
	var e wire.Encoder
	e.String(agreementTag)
	putParties(&e, a.Parties)
	e.U32(uint32(len(a.Assets)))
	for _, asset := range a.Assets {
		e.String(string(asset.Owner))
		e.String(asset.ID)
	}
	e.String(a.Purpose)
	e.String(a.Price.Currency)
	e.I64(a.Price.Minor)
	e.String(string(a.Payer))
	e.U32(uint32(len(a.Shares)))
	for _, s := range a.Shares {
		e.String(string(s.Party))
		e.I64(s.Weight)
	}
	e.I64(a.NotBefore)
	e.I64(a.NotAfter)
	e.Fixed(a.Text[:])
	return e.B, nil
}

// DecodeAgreement reads what Encode wrote, and nothing else: other orders of a set are refused.
//
// Errors: fault.Unsupported (another kind or version), fault.Misbehaved (malformed), fault.LimitExceeded (a bound),
// and those of Check.
func DecodeAgreement(b []byte) (Agreement, error) {
	d := wire.NewDecoder(b, "right.DecodeAgreement")
	if d.String(len(agreementTag)) != agreementTag {
		d.Fail(fault.Unsupported, "not an agreement of version 1")
	}
	a := Agreement{Parties: getParties(d)}
	for range d.Count(MaxAssets, 8) {
		a.Assets = append(a.Assets, Asset{party.ID(d.String(party.MaxIDBytes)), d.String(catalog.MaxTokenBytes)})
	}
	a.Purpose = d.String(party.MaxIDBytes)
	a.Price = Price{d.String(3), d.I64()}
	a.Payer = party.ID(d.String(party.MaxIDBytes))
	for range d.Count(MaxParties, 12) {
		a.Shares = append(a.Shares, Share{party.ID(d.String(party.MaxIDBytes)), d.I64()})
	}
	a.NotBefore, a.NotAfter, a.Text = d.I64(), d.I64(), d.Hash()
	if err := d.Done(); err != nil {
		return Agreement{}, err
	}
	if err := checkCanonical(b, "right.DecodeAgreement", a.Encode); err != nil {
		return Agreement{}, err
	}
	return a, nil
}

// ID is the agreement's content address, "sha256:" and 64 hex digits.
//
// Errors: those of Check.
func (a Agreement) ID() (string, error) {
	b, err := a.Encode()
	if err != nil {
		return "", err
	}
	return contentID(b), nil
}

func contentID(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// checkCanonical refuses bytes that decode but are not what their value encodes to.
func checkCanonical(b []byte, op string, encode func() ([]byte, error)) error {
	again, err := encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fault.New(fault.Misbehaved, op, "a set out of order or with a repeat")
	}
	return nil
}

func putParties(e *wire.Encoder, list []party.ID) {
	e.U32(uint32(len(list)))
	for _, p := range list {
		e.String(string(p))
	}
}

func getParties(d *wire.Decoder) []party.ID {
	var out []party.ID
	for range d.Count(MaxParties, 4) {
		out = append(out, party.ID(d.String(party.MaxIDBytes)))
	}
	return out
}
