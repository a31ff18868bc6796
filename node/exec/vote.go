package exec

import (
	"strings"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// Vote is one party's word on one attempt of a step, cast exactly once, durably, before it is sent.
type Vote struct {
	Step    string     `json:"step"`
	Attempt uint32     `json:"attempt"`
	Mark    uint32     `json:"mark"` // the highest mark the party holds
	Party   party.ID   `json:"party"`
	Sealed  bool       `json:"sealed"`
	Output  [32]byte   `json:"output"` // digest of this party's own sealed output, salted
	Common  [32]byte   `json:"common"` // digest of what all parties must agree on; zero when nothing is common
	Code    fault.Code `json:"code"`   // Abandoned: why
	Culprit string     `json:"culprit,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

const (
	maxVoteText = 1024 // bytes of a reason
	maxStepID   = 128
)

// Encode returns the vote as a control message carries it.
func (v Vote) Encode() []byte {
	var e wire.Encoder
	e.String(v.Step)
	e.U32(v.Attempt)
	e.U32(v.Mark)
	e.String(string(v.Party))
	e.Bool(v.Sealed)
	e.Fixed(v.Output[:])
	e.Fixed(v.Common[:])
	e.U8(uint8(v.Code))
	e.String(v.Culprit)
	e.String(v.Reason)
	return e.B
}

// Shorten cuts a text that travels to at most limit bytes of UTF-8: peers refuse a field that is longer or cut within a
// character. Whoever needs all of it asks the party where it arose.
func Shorten(s string, limit int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// DecodeVote is the inverse of Encode.
//
// Errors: fault.Misbehaved, fault.LimitExceeded.
func DecodeVote(b []byte) (Vote, error) {
	d := wire.NewDecoder(b, "exec.Vote")
	v := Vote{Step: d.String(maxStepID), Attempt: d.U32(), Mark: d.U32(), Party: party.ID(d.String(party.MaxIDBytes))}
	v.Sealed, v.Output, v.Common, v.Code = d.Bool(), d.Hash(), d.Hash(), fault.Code(d.U8())
	v.Culprit, v.Reason = d.String(party.MaxIDBytes), d.String(maxVoteText)
	if d.Err() == nil && !v.Code.Known() {
		d.Fail(fault.Misbehaved, "failure code %d", v.Code)
	}
	if d.Err() == nil && v.Sealed && (v.Code != fault.Internal || v.Reason != "" || v.Culprit != "") {
		d.Fail(fault.Misbehaved, "a sealed vote with a failure")
	}
	return v, d.Done()
}

// Public is the vote as it leaves: its reason without numbers.
func (v Vote) Public() Vote {
	v.Reason = WithoutNumbers(v.Reason)
	return v
}

// WithoutNumbers replaces every number of a reason outside double quotes: how many rows lack a label, or how many are of
// one class, is about a party's own data and stays there. Names in quotes, such as columns, are in the plan.
func WithoutNumbers(reason string) string {
	var b strings.Builder
	quoted, number := false, false
	for _, r := range reason {
		digit := r >= '0' && r <= '9'
		switch {
		case r == '"':
			quoted = !quoted
		case digit && !quoted && number:
			continue
		case digit && !quoted:
			b.WriteRune('…')
			number = true
			continue
		}
		number = false
		b.WriteRune(r)
	}
	return b.String()
}
