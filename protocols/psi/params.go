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

// Method is a protocol family. MethodECDH needs a Suite, MethodRR22 none.
type Method string

// The methods.
const (
	MethodECDH Method = "ecdh"
	MethodRR22 Method = "rr22"
)

// Suite is a group with its map and encoding, of method ecdh.
type Suite string

// The suites.
const (
	SuiteX25519       Suite = "x25519-ell2"      // Curve25519 by u coordinate; the fastest
	SuiteRistretto255 Suite = "ristretto255"     // RFC 9496
	SuiteP256         Suite = "p256"             // NIST P-256
	SuiteSM2          Suite = "sm2"              // SM2 with SM3: GB/T 32918, GB/T 32905
	SuiteInterop      Suite = "ic-x25519-direct" // known, not built
)

// Output says who learns the matches.
type Output string

// The outputs.
const (
	OutputReceiver    Output = "receiver"    // R only
	OutputBoth        Output = "both"        // R and S, in the same aligned order
	OutputCardinality Output = "cardinality" // R only, and only how many; method ecdh
	OutputSum         Output = "sum"         // R only: how many, and the sum of S's values over them; method ecdh, ReceiveSum
)

// numbersOnly reports whether R may not learn which of its items match.
func (o Output) numbersOnly() bool { return o == OutputCardinality || o == OutputSum }

// ParamsLiteral is what a plan writes down, unchecked. Equal literals at both parties are a condition of the run.
type ParamsLiteral struct {
	Method Method
	Suite  Suite
	Output Output
	// Malicious asks for security against a party that departs from the protocol; method ecdh does not have it.
	Malicious bool
	// Strict checks that every u coordinate of suite x25519-ell2 is on the curve, not one group of eight in 64. The other
	// suites check every point anyway.
	Strict bool
	// MaxValue, of output sum, bounds the magnitude of the sender's values, in their unit; at most MaxValueBound.
	MaxValue int64
	// MinMatches, of outputs cardinality and sum, is the least number of matches that R's node reports; below, Receive returns
	// fault.Denied. It is a promise of R's node: the protocol cannot keep R's process from counting. 0: no minimum.
	MinMatches int
	// SSP is the statistical security in bits, at least MinSSP; advice: 40, plus k when the run is one of 2^k buckets.
	SSP int
	// Ruleset is the digest of the key canonicalisation rules. Parties with different rules would miss matches silently.
	Ruleset [32]byte
	// ReceiverItems and SenderItems are the declared sizes in distinct items, each at most MaxCutItems: upper bounds, or
	// with Exact the sizes themselves. Above 2²², or MaxItemsRR22 under that method, the run is cut into buckets
	// that are padded, and only the declared sizes are revealed.
	ReceiverItems, SenderItems int
	Exact                      bool
}

// Params are checked parameters, immutable and safe for concurrent use. The zero value is refused by Receive and Send.
type Params struct {
	lit      ParamsLiteral
	frame    int     // items per frame; frameItems outside tests
	cut      Buckets // the zero value: one run over the whole sets
	progress func(done, total int)
}

// NewParams checks l.
//
// Errors: fault.Invalid (unknown method, suite or output, SSP below MinSSP, negative size), fault.Unsupported (known but
// not built), fault.LimitExceeded (size above MaxCutItems, tags above 16 bytes).
func NewParams(l ParamsLiteral) (Params, error) {
	const op = "psi.NewParams"
	if err := checkMethod(l); err != nil {
		return Params{}, err
	}
	if err := checkOutput(l); err != nil {
		return Params{}, err
	}
	if l.SSP < MinSSP {
		return Params{}, fault.New(fault.Invalid, op, "ssp of %d bits, at least %d", l.SSP, MinSSP)
	}
	if l.ReceiverItems < 0 || l.SenderItems < 0 {
		return Params{}, fault.New(fault.Invalid, op, "negative declared size")
	}
	cut, err := checkCut(l)
	if err != nil {
		return Params{}, err
	}
	if cut.Bits > 0 {
		return Params{lit: l, frame: frameItems, cut: cut}, nil
	}
	if n := tagBytes(l.SSP, l.ReceiverItems, l.SenderItems); n > maxTagBytes {
		return Params{}, fault.New(fault.LimitExceeded, op, "ssp %d needs tags of %d bytes, at most %d", l.SSP, n, maxTagBytes)
	}
	return Params{lit: l, frame: frameItems}, nil
}

// checkMethod refuses what the method does not offer.
func checkMethod(l ParamsLiteral) error {
	const op = "psi.checkMethod"
	switch l.Method {
	case MethodECDH:
		if l.Malicious {
			return fault.New(fault.Unsupported, op, "method %s has no malicious mode", MethodECDH)
		}
		return checkSuite(l.Suite)
	case MethodRR22:
		return checkRR22(l)
	}
	return fault.New(fault.Invalid, op, "unknown method; use %s or %s", MethodECDH, MethodRR22)
}

// checkOutput refuses unknown outputs and those that the method does not offer.
func checkOutput(l ParamsLiteral) error {
	const op = "psi.checkOutput"
	switch {
	case l.Output != OutputReceiver && l.Output != OutputBoth && !l.Output.numbersOnly():
		return fault.New(fault.Invalid, op, "unknown output; use %s, %s, %s or %s", OutputReceiver, OutputBoth, OutputCardinality, OutputSum)
	case l.Output.numbersOnly() && l.Method != MethodECDH:
		return fault.New(fault.Unsupported, op, "output %s needs method %s", l.Output, MethodECDH)
	case l.Output.numbersOnly() && max(l.ReceiverItems, l.SenderItems) > MaxItems:
		return fault.New(fault.Unsupported, op, "output %s takes at most %d items a side", l.Output, MaxItems)
	case l.Output == OutputSum && l.MaxValue < 1:
		return fault.New(fault.Invalid, op, "output %s needs a positive bound on values", OutputSum)
	case l.MaxValue > MaxValueBound:
		return fault.New(fault.Precision, op, "values of up to %d, at most %d can be summed", l.MaxValue, int64(MaxValueBound))
	case l.Output != OutputSum && l.MaxValue != 0:
		return fault.New(fault.Invalid, op, "a bound on values needs output %s", OutputSum)
	case l.MinMatches < 0 || l.MinMatches > MaxItems:
		return fault.New(fault.Invalid, op, "a minimum of %d matches, at most %d", l.MinMatches, MaxItems)
	case l.MinMatches > 0 && !l.Output.numbersOnly():
		return fault.New(fault.Unsupported, op, "a minimum of matches needs output %s or %s", OutputCardinality, OutputSum)
	}
	return nil
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
	e.String("tacit/psi/params/v2")
	e.String(string(p.lit.Method))
	e.String(string(p.lit.Suite))
	e.String(string(p.lit.Output))
	e.Bool(p.lit.Malicious)
	e.Bool(p.lit.Strict)
	e.U32(uint32(p.lit.MinMatches))
	e.I64(p.lit.MaxValue)
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
	if p.cut.Bits > 0 {
		return p.costCut()
	}
	if p.lit.Method == MethodRR22 {
		return p.costRR22(nRecv, nSend)
	}
	return p.costECDH(nRecv, nSend)
}

// Leaks returns what a run discloses besides its output, word for word the reveals lines of the package documentation.
func (p Params) Leaks() []protocols.Leak {
	if p.lit.Method == MethodRR22 {
		return p.leaksRR22()
	}
	return p.leaksECDH()
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
	case n > MaxCutItems:
		return fault.New(fault.LimitExceeded, op, "%d items, MaxCutItems is %d", n, MaxCutItems)
	case p.check(role, n):
		return nil
	case p.lit.Exact:
		return fault.New(fault.Invalid, op, "%d items as %s, the plan declared another number", n, role)
	}
	return fault.New(fault.LimitExceeded, op, "%d items as %s, the plan declared fewer", n, role)
}

// matches returns the frames of R's bitmap over a stream of nSend items.
func (p Params) matches(nSend int) stream {
	return stream{kind: kindMatches, unit: 1, total: nSend, per: p.frame * bitsPerItem}
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
