package psi

import (
	"crypto/sha256"
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// MaxItems bounds the items of one side of one run: above, the tags and permutation no longer fit a step's memory and
// the caller cuts the sets into buckets.
const MaxItems = 1 << 24

// MinSSP is the least statistical security, in bits: the probability of a false match is at most 2^−ssp.
const MinSSP = 40

// maxTagBytes bounds a tag; longer ones would mean parameters that nobody needs.
const maxTagBytes = 16

// frameItems is the number of items of a full frame: 512 KiB of points, half of protocols.MaxMessage.
const frameItems = 1 << 14

// bitsPerItem is how many bitmap bits a matches frame holds for each item of a full frame: 512 KiB too.
const bitsPerItem = 256

// The roles, by the names the leakage statement gives them.
const (
	Receiver protocols.Role = "receiver"
	Sender   protocols.Role = "sender"
)

// Method is a protocol family. MethodECDH is the one built.
type Method string

// The methods.
const (
	MethodECDH Method = "ecdh"
	MethodRR22 Method = "rr22" // known, not built
)

// Suite is a group with its map and encoding. SuiteRistretto255 is the one built.
type Suite string

// The suites.
const (
	SuiteRistretto255 Suite = "ristretto255"
	SuiteX25519       Suite = "x25519-ell2"      // known, not built
	SuiteP256         Suite = "p256"             // known, not built
	SuiteSM2          Suite = "sm2"              // known, not built
	SuiteInterop      Suite = "ic-x25519-direct" // known, not built
)

// Output says who learns the matches.
type Output string

// The outputs.
const (
	OutputReceiver Output = "receiver" // R only
	OutputBoth     Output = "both"     // R and S, in the same aligned order
)

// ParamsLiteral is what a plan writes down, unchecked. Equal literals at both parties are a condition of the run.
type ParamsLiteral struct {
	Method Method
	Suite  Suite
	Output Output
	// SSP is the statistical security in bits, at least MinSSP; advice: 40, plus k when the run is one of 2^k buckets.
	SSP int
	// Ruleset is the digest of the key canonicalisation rules. Parties with different rules would miss matches silently.
	Ruleset [32]byte
	// ReceiverItems and SenderItems are the declared sizes in distinct items, each at most MaxItems: upper bounds, or
	// with Exact the sizes themselves.
	ReceiverItems, SenderItems int
	Exact                      bool
}

// Params are checked parameters, immutable and safe for concurrent use. The zero value is refused by Receive and Send.
type Params struct {
	lit      ParamsLiteral
	frame    int // items per frame; frameItems outside tests
	progress func(done, total int)
}

// NewParams checks l.
//
// Errors: fault.Invalid (unknown method, suite or output, SSP below MinSSP, negative size), fault.Unsupported (known but
// not built), fault.LimitExceeded (size above MaxItems, tags above 16 bytes).
func NewParams(l ParamsLiteral) (Params, error) {
	const op = "psi.NewParams"
	switch l.Method {
	case MethodECDH:
	case MethodRR22:
		return Params{}, fault.New(fault.Unsupported, op, "method %s is not built; use %s", l.Method, MethodECDH)
	default:
		return Params{}, fault.New(fault.Invalid, op, "unknown method; use %s", MethodECDH)
	}
	switch l.Suite {
	case SuiteRistretto255:
	case SuiteX25519, SuiteP256, SuiteSM2, SuiteInterop:
		return Params{}, fault.New(fault.Unsupported, op, "suite %s is not built; use %s", l.Suite, SuiteRistretto255)
	default:
		return Params{}, fault.New(fault.Invalid, op, "unknown suite; use %s", SuiteRistretto255)
	}
	if l.Output != OutputReceiver && l.Output != OutputBoth {
		return Params{}, fault.New(fault.Invalid, op, "unknown output; use %s or %s", OutputReceiver, OutputBoth)
	}
	if l.SSP < MinSSP {
		return Params{}, fault.New(fault.Invalid, op, "ssp of %d bits, at least %d", l.SSP, MinSSP)
	}
	if l.ReceiverItems < 0 || l.SenderItems < 0 {
		return Params{}, fault.New(fault.Invalid, op, "negative declared size")
	}
	if n := max(l.ReceiverItems, l.SenderItems); n > MaxItems {
		return Params{}, fault.New(fault.LimitExceeded, op, "%d declared items, MaxItems is %d", n, MaxItems)
	}
	if n := tagBytes(l.SSP, l.ReceiverItems, l.SenderItems); n > maxTagBytes {
		return Params{}, fault.New(fault.LimitExceeded, op, "ssp %d needs tags of %d bytes, at most %d", l.SSP, n, maxTagBytes)
	}
	return Params{lit: l, frame: frameItems}, nil
}

// WithProgress returns p with a callback: f is called after every frame with the items processed so far and the total
// of both sides, monotone and never concurrently. It is not part of the digest and must not block.
func (p Params) WithProgress(f func(done, total int)) Params {
	p.progress = f
	return p
}

// Literal returns what p was made of.
func (p Params) Literal() ParamsLiteral { return p.lit }

// Digest identifies the parameters; hello compares it.
func (p Params) Digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/psi/params/v1")
	e.String(string(p.lit.Method))
	e.String(string(p.lit.Suite))
	e.String(string(p.lit.Output))
	e.U32(uint32(p.lit.SSP))
	e.Fixed(p.lit.Ruleset[:])
	e.U32(uint32(p.lit.ReceiverItems))
	e.U32(uint32(p.lit.SenderItems))
	e.Bool(p.lit.Exact)
	e.U32(uint32(p.frame))
	return sha256.Sum256(e.B)
}

// Cost returns the exact cost of a run over nRecv and nSend distinct items, as the receiver; the sender's is its Flip.
func (p Params) Cost(nRecv, nSend int) protocols.Cost {
	f := p.streams(nRecv, nSend)
	sent := helloBytes + f.fromReceiver.bytes() + doneBytes
	if p.lit.Output == OutputBoth {
		sent += f.matches.bytes()
	}
	recvd := helloBytes + f.fromSender.bytes() + f.tags.bytes() + doneBytes
	return protocols.Cost{Rounds: 4, SentBytes: sent, RecvBytes: recvd}
}

// Leaks returns what a run discloses besides its output, word for word the reveals lines of the package documentation.
func (p Params) Leaks() []protocols.Leak {
	rows := protocols.Leak{
		To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount,
		Detail: "the number of distinct items of each party",
	}
	if p.lit.Output == OutputBoth {
		return []protocols.Leak{rows, {
			To: protocols.All, About: protocols.All, Kind: protocols.LeakIntersectionMembers,
			Detail: "which of its items the other party also holds",
		}}
	}
	return []protocols.Leak{rows, {
		To: Receiver, About: Sender, Kind: protocols.LeakIntersectionMembers,
		Detail: "which of its items the sender also holds",
	}}
}

// check reports whether n items of role are what the plan declared.
func (p Params) check(role protocols.Role, n int) bool {
	declared := p.lit.SenderItems
	if role == Receiver {
		declared = p.lit.ReceiverItems
	}
	if p.lit.Exact {
		return n == declared
	}
	return n <= declared
}

// checkOwn refuses a set of this party that the plan did not declare.
func (p Params) checkOwn(role protocols.Role, n int) error {
	const op = "psi.checkOwn"
	switch {
	case n > MaxItems:
		return fault.New(fault.LimitExceeded, op, "%d items, MaxItems is %d", n, MaxItems)
	case p.check(role, n):
		return nil
	case p.lit.Exact:
		return fault.New(fault.Invalid, op, "%d items as %s, the plan declared another number", n, role)
	}
	return fault.New(fault.LimitExceeded, op, "%d items as %s, the plan declared fewer", n, role)
}

// streams returns the frame sequences of a run, each at its start.
func (p Params) streams(nRecv, nSend int) streams {
	return streams{
		fromReceiver: stream{kind: kindPoints, unit: 8 * pointBytes, total: nRecv, per: p.frame},
		fromSender:   stream{kind: kindPoints, unit: 8 * pointBytes, total: nSend, per: p.frame},
		tags:         stream{kind: kindTags, unit: 8 * tagBytes(p.lit.SSP, nRecv, nSend), total: nRecv, per: p.frame},
		matches:      stream{kind: kindMatches, unit: 1, total: nSend, per: p.frame * bitsPerItem},
	}
}

// tagBytes returns L = ⌈(ssp + log₂(nRecv·nSend))/8⌉: the expected number of false matches is at most 2^−ssp.
func tagBytes(ssp, nRecv, nSend int) int {
	pairs := uint64(nRecv) * uint64(nSend)
	log := 0
	if pairs > 1 {
		log = bits.Len64(pairs - 1)
	}
	return (ssp + log + 7) / 8
}
