package meter

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	// MaxCountersigners bounds the countersignatures: the other parties of a job of 32.
	MaxCountersigners = 31
	// MaxNameBytes bounds a job or step id.
	MaxNameBytes = 63

	version   = 1
	maxMillis = 253_402_300_799_999 // the end of the year 9999

	// The tags separate the two kinds of signature from each other and from all others of a party.
	signTag    = "tacit/meter/receipt/v1"
	counterTag = "tacit/meter/countersign/v1"
)

// Outcome is how a step ended. The zero value is no outcome, which is refused.
type Outcome uint8

// The outcomes.
const (
	Done    Outcome = iota + 1 // every party sealed its output
	Aborted                    // it began and ended without one
	Unused                     // it never began
)

// String returns the outcome's name.
func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case Aborted:
		return "aborted"
	case Unused:
		return "unused"
	}
	return "Outcome(?)"
}

// Receipt is one party's statement of what a step consumed there. There is one per job, step and party.
type Receipt struct {
	Job, Step string
	Plan      [32]byte
	Party     party.ID
	Attempt   uint32 // the attempt that decided the outcome
	Reading   Reading
	Outcome   Outcome
	T         time.Time // UTC, cut to milliseconds
}

// NewReceipt returns r with its time cut to milliseconds, checked.
//
// Errors: fault.Invalid (malformed id, party, outcome or time; a counter out of range; units of a step that never began).
func NewReceipt(r Receipt) (Receipt, error) {
	r.T = time.UnixMilli(r.T.UnixMilli()).UTC()
	return r, r.check()
}

func (r Receipt) check() error {
	const op = "meter.NewReceipt"
	ms := r.T.UnixMilli()
	switch {
	case !name(r.Job) || !name(r.Step):
		return fault.New(fault.Invalid, op, "job and step are 1 to %d bytes of UTF-8", MaxNameBytes)
	case !party.Valid(string(r.Party)):
		return fault.New(fault.Invalid, op, "not a party id")
	case r.Outcome < Done || r.Outcome > Unused:
		return fault.New(fault.Invalid, op, "unknown outcome %d", r.Outcome)
	case ms < 0 || ms > maxMillis:
		return fault.New(fault.Invalid, op, "a time outside the years 1970 to 9999")
	case r.Outcome == Unused && r.Reading != Reading{}:
		return fault.New(fault.Invalid, op, "a step that never began consumed nothing")
	}
	return r.Reading.check()
}

// Billable returns the units that are paid for: none unless the step is done, and never CPU or wall time.
func (r Receipt) Billable() Reading {
	if r.Outcome != Done {
		return Reading{}
	}
	out := r.Reading
	out.CPU, out.Wall = 0, 0
	return out
}

// Encode returns the canonical bytes of r.
func (r Receipt) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.String(r.Job)
	e.String(r.Step)
	e.Fixed(r.Plan[:])
	e.String(string(r.Party))
	e.U32(r.Attempt)
	r.Reading.encode(&e)
	e.U8(uint8(r.Outcome))
	e.I64(r.T.UnixMilli())
	return e.B
}

// Digest names r in invoices, postings and disputes.
func (r Receipt) Digest() [32]byte { return sha256.Sum256(r.Encode()) }

func decodeReceipt(d *wire.Decoder) Receipt {
	if v := d.U8(); d.Err() == nil && v != version {
		d.Fail(fault.Unsupported, "format version %d, this program reads %d", v, version)
	}
	r := Receipt{Job: d.String(MaxNameBytes), Step: d.String(MaxNameBytes), Plan: d.Hash()}
	r.Party = party.ID(d.String(party.MaxIDBytes))
	r.Attempt = d.U32()
	r.Reading = decodeReading(d)
	r.Outcome = Outcome(d.U8())
	ms := d.I64()
	if ms < 0 || ms > maxMillis {
		d.Fail(fault.Misbehaved, "a time outside the years 1970 to 9999")
	}
	r.T = time.UnixMilli(ms).UTC()
	if d.Err() == nil && r.check() != nil {
		d.Fail(fault.Misbehaved, "a receipt that no party writes")
	}
	return r
}

func name(s string) bool { return len(s) > 0 && len(s) <= MaxNameBytes && utf8.ValidString(s) }

// Countersignature is another party's agreement with a receipt.
type Countersignature struct {
	Party     party.ID
	Signature [ed25519.SignatureSize]byte
}

// Signed is a receipt with its signature and the countersignatures, sorted by party.
type Signed struct {
	Receipt
	Signature [ed25519.SignatureSize]byte
	Counter   []Countersignature
}

// Sign returns r signed by the party that executed the step.
//
// Errors: fault.Unavailable when the key, which may live in a token, does not sign.
func (r Receipt) Sign(key crypto.Signer) (Signed, error) {
	sig, err := sign(key, statement(signTag, r.Party, r))
	return Signed{Receipt: r, Signature: sig}, err
}

func sign(key crypto.Signer, msg []byte) (out [ed25519.SignatureSize]byte, err error) {
	sig, err := key.Sign(nil, msg, crypto.Hash(0))
	if err == nil && len(sig) != len(out) {
		err = errors.New("not an Ed25519 signature")
	}
	if err != nil {
		return out, fault.Wrap(fault.Unavailable, "meter.Sign", err, "the key did not sign")
	}
	copy(out[:], sig)
	return out, nil
}

// Countersign returns s with p's countersignature. p has compared the receipt with what it saw. s is not changed.
//
// Errors: fault.Invalid when p is the signer, has countersigned, or is one too many; fault.Unavailable when the key does
// not sign.
func (s Signed) Countersign(p party.ID, key crypto.Signer) (Signed, error) {
	const op = "meter.Countersign"
	i, found := slices.BinarySearchFunc(s.Counter, p, byParty)
	switch {
	case !party.Valid(string(p)) || found || p == s.Party:
		return Signed{}, fault.New(fault.Invalid, op, "countersigners are other parties, each once")
	case len(s.Counter) >= MaxCountersigners:
		return Signed{}, fault.New(fault.Invalid, op, "more than %d countersignatures", MaxCountersigners)
	}
	sig, err := sign(key, statement(counterTag, p, s.Receipt))
	if err != nil {
		return Signed{}, err
	}
	c := Countersignature{Party: p, Signature: sig}
	s.Counter = slices.Insert(slices.Clone(s.Counter), i, c)
	return s, nil
}

func byParty(c Countersignature, p party.ID) int {
	switch {
	case c.Party < p:
		return -1
	case c.Party > p:
		return 1
	}
	return 0
}

// statement is what a party signs: the tag, its own name, the receipt.
func statement(tag string, signer party.ID, r Receipt) []byte {
	e := wire.Encoder{}
	e.String(tag)
	e.String(string(signer))
	e.Bytes(r.Encode())
	return e.B
}

// Verify checks the signature and every countersignature against pinned keys. It blames nobody: a receipt may have been
// relayed, and the caller knows who delivered it.
//
// Errors: fault.Unauthenticated (no key is pinned for a signer), fault.Misbehaved (a signature does not verify).
func (s Signed) Verify(publicKey func(party.ID) (ed25519.PublicKey, bool)) error {
	if err := verify(publicKey, s.Party, statement(signTag, s.Party, s.Receipt), s.Signature[:]); err != nil {
		return err
	}
	for _, c := range s.Counter {
		if err := verify(publicKey, c.Party, statement(counterTag, c.Party, s.Receipt), c.Signature[:]); err != nil {
			return err
		}
	}
	return nil
}

func verify(publicKey func(party.ID) (ed25519.PublicKey, bool), p party.ID, msg, sig []byte) error {
	key, ok := publicKey(p)
	if !ok {
		return fault.New(fault.Unauthenticated, "meter.Verify", "no key is pinned for %s", p)
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, msg, sig) {
		return fault.New(fault.Misbehaved, "meter.Verify", "the signature of %s does not verify", p)
	}
	return nil
}

// Complete reports whether every party but the signer has countersigned.
func (s Signed) Complete(parties []party.ID) bool {
	for _, p := range parties {
		if _, ok := slices.BinarySearchFunc(s.Counter, p, byParty); !ok && p != s.Party {
			return false
		}
	}
	return true
}

// Encode returns the canonical bytes of s.
func (s Signed) Encode() []byte {
	e := wire.Encoder{}
	e.Fixed(s.Receipt.Encode())
	e.Fixed(s.Signature[:])
	e.U32(uint32(len(s.Counter)))
	for _, c := range s.Counter {
		e.String(string(c.Party))
		e.Fixed(c.Signature[:])
	}
	return e.B
}

// DecodeSigned reads what Encode wrote, from a peer or the store. It does not verify signatures.
//
// Errors: fault.Misbehaved or fault.LimitExceeded (malformed), fault.Unsupported (newer version), all without culprit.
func DecodeSigned(b []byte) (Signed, error) {
	d := wire.NewDecoder(b, "meter.DecodeSigned")
	s := Signed{Receipt: decodeReceipt(d)}
	copy(s.Signature[:], d.Fixed(len(s.Signature)))
	last := party.ID("")
	for range d.Count(MaxCountersigners, 4+ed25519.SignatureSize) {
		c := Countersignature{Party: party.ID(d.String(party.MaxIDBytes))}
		copy(c.Signature[:], d.Fixed(len(c.Signature)))
		if d.Err() == nil && (!party.Valid(string(c.Party)) || c.Party <= last || c.Party == s.Party) {
			d.Fail(fault.Misbehaved, "countersigners must be other parties, sorted, each once")
		}
		last = c.Party
		s.Counter = append(s.Counter, c)
	}
	if err := d.Done(); err != nil {
		return Signed{}, err
	}
	return s, nil
}
