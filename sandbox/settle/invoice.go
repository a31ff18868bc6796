package settle

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/account"
)

const (
	// MaxReceipts bounds the receipts of one line: 256 steps at a few parties.
	MaxReceipts = 1024
	// MaxJobBytes bounds a job id.
	MaxJobBytes = 63
)

// Line is what one payee earns from an invoice.
type Line struct {
	Payee    party.ID
	Weight   int64
	Amount   int64      // negative after a reversal
	Receipts [][32]byte // digests of the receipts behind it, sorted
}

// Invoice says who pays what for a job, and who earns it. Total = Σ Amount + Suspense.
type Invoice struct {
	Agreement string
	Job       string
	Payer     party.ID
	Currency  string
	Total     int64
	Suspense  int64 // what this invoice adds to the units that wait, negative when it takes from them
	Lines     []Line
}

// invoice writes the invoice of an instalment whose shares are due.
func (s Split) invoice(in Instalment, due []int64) (Invoice, error) {
	v := Invoice{
		Agreement: s.Agreement, Job: in.Job, Payer: in.Payer, Currency: s.Currency,
		Total: in.Amount, Suspense: in.Amount, Lines: make([]Line, len(due)),
	}
	for i, share := range s.Shares {
		v.Lines[i] = Line{Payee: share.Payee, Weight: share.Weight, Amount: due[i], Receipts: slices.Clone(in.Receipts)}
		v.Suspense -= due[i]
	}
	if err := v.Check(); err != nil {
		return Invoice{}, err
	}
	return v, nil
}

// Check verifies form and arithmetic, as a reader of a foreign invoice does.
//
// Errors: fault.Invalid (malformed name, order, amount, or a total that is not the sum), fault.LimitExceeded (too many
// lines or receipts).
func (v Invoice) Check() error {
	const op = "settle.Invoice"
	switch {
	case !account.ValidAgreement(v.Agreement) || !party.Valid(string(v.Payer)) || !account.ValidCurrency(v.Currency):
		return fault.New(fault.Invalid, op, "malformed agreement, payer or currency")
	case len(v.Job) == 0 || len(v.Job) > MaxJobBytes || !utf8.ValidString(v.Job):
		return fault.New(fault.Invalid, op, "a job is 1 to %d bytes of UTF-8", MaxJobBytes)
	case len(v.Lines) == 0:
		return fault.New(fault.Invalid, op, "no lines")
	case len(v.Lines) > MaxPayees:
		return fault.New(fault.LimitExceeded, op, "%d lines, at most %d", len(v.Lines), MaxPayees)
	case outside(v.Total, maxTotal) || outside(v.Suspense, MaxPayees):
		return fault.New(fault.Invalid, op, "an amount out of range")
	}
	// Every part is at most 2^62 and has one sign, but for suspense: compare by subtracting, which cannot wrap.
	left := v.Total - v.Suspense
	for i, l := range v.Lines {
		if err := l.check(); err != nil {
			return err
		}
		if i > 0 && l.Payee <= v.Lines[i-1].Payee {
			return fault.New(fault.Invalid, op, "lines must be sorted by payee, each once")
		}
		if l.Amount < 0 != (v.Total < 0) && l.Amount != 0 {
			return fault.New(fault.Invalid, op, "a line against the direction of the invoice")
		}
		if left -= l.Amount; outside(left, maxTotal+MaxPayees) {
			return fault.New(fault.Invalid, op, "the lines exceed the total")
		}
	}
	if left != 0 {
		return fault.New(fault.Invalid, op, "the lines and suspense do not sum to the total")
	}
	return nil
}

func (l Line) check() error {
	const op = "settle.Invoice"
	switch {
	case !party.Valid(string(l.Payee)) || l.Weight < 1 || l.Weight > MaxWeight || outside(l.Amount, maxTotal):
		return fault.New(fault.Invalid, op, "malformed payee, weight or amount")
	case len(l.Receipts) > MaxReceipts:
		return fault.New(fault.LimitExceeded, op, "%d receipts, at most %d", len(l.Receipts), MaxReceipts)
	}
	for i := 1; i < len(l.Receipts); i++ {
		if bytes.Compare(l.Receipts[i-1][:], l.Receipts[i][:]) >= 0 {
			return fault.New(fault.Invalid, op, "receipts must be sorted, each once")
		}
	}
	return nil
}

// outside reports |v| > limit without overflow.
func outside(v, limit int64) bool { return v > limit || v < -limit }

// Digest names v in postings and in the log.
func (v Invoice) Digest() [32]byte { return sha256.Sum256(v.Encode()) }

// Encode returns the canonical bytes of v.
func (v Invoice) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.String(v.Agreement)
	e.String(v.Job)
	e.String(string(v.Payer))
	e.String(v.Currency)
	e.I64(v.Total)
	e.I64(v.Suspense)
	e.U32(uint32(len(v.Lines)))
	for _, l := range v.Lines {
		e.String(string(l.Payee))
		e.I64(l.Weight)
		e.I64(l.Amount)
		e.U32(uint32(len(l.Receipts)))
		for _, r := range l.Receipts {
			e.Fixed(r[:])
		}
	}
	return e.B
}

// minLineBytes is the least a line takes: two lengths and two integers.
const minLineBytes = 4 + 8 + 8 + 4

// DecodeInvoice reads an invoice from a peer or the store, and checks it.
//
// Errors: fault.Misbehaved or fault.LimitExceeded (malformed), fault.Unsupported (newer version), all without culprit.
func DecodeInvoice(b []byte) (Invoice, error) {
	d := wire.NewDecoder(b, "settle.DecodeInvoice")
	d.Version(version)
	v := Invoice{
		Agreement: d.String(account.MaxAgreementBytes), Job: d.String(MaxJobBytes),
		Payer: party.ID(d.String(party.MaxIDBytes)), Currency: d.String(3), Total: d.I64(), Suspense: d.I64(),
	}
	for range d.Count(MaxPayees, minLineBytes) {
		l := Line{Payee: party.ID(d.String(party.MaxIDBytes)), Weight: d.I64(), Amount: d.I64()}
		for range d.Count(MaxReceipts, 32) {
			l.Receipts = append(l.Receipts, d.Hash())
		}
		v.Lines = append(v.Lines, l)
	}
	if d.Err() == nil && v.Check() != nil {
		d.Fail(fault.Misbehaved, "an invoice that no split writes")
	}
	if err := d.Done(); err != nil {
		return Invoice{}, err
	}
	return v, nil
}
