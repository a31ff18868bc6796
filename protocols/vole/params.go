package vole

import (
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/exconv"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
)

// MaxLength bounds the entries of one instance: the code gathers at random from a table of 16 or 32 bytes per entry,
// which should stay in the last-level cache. It holds the OKVS of 2^20 items; longer inputs are cut into buckets.
const MaxLength = 3 << 19

// minRows is the least number of rows that are really compressed. The distance of the code is an estimate for long
// codes, and trees of a few leaves would hide nothing; shorter vectors are cut from one of this length.
const minRows = 1 << 14

// Number of noise entries and weight of the expander: t = ⌈κ / −log₂(1−δ)⌉ rounded up to a multiple of 8 for κ = 128 and
// the code's estimated distance δ, 0.15 at weight 7 and 0.20 at weight 21. Noise over GF(2^128) passes a linear test
// exactly when it misses the test's support, which has weight at least δN: with probability (1−δ)^t.
const (
	noiseDefault       = 552
	weightDefault      = 7
	noiseConservative  = 400
	weightConservative = 21
)

// The roles, by the names the leakage statement gives them.
const (
	RoleReceiver protocols.Role = "receiver"
	RoleSender   protocols.Role = "sender"
)

// Literal is what a plan writes down, unchecked. Equal literals at both parties are a condition of the run.
type Literal struct {
	// Length is the number of entries, 1 to MaxLength.
	Length int
	// Malicious asks for security against a party that departs from the protocol.
	Malicious bool
	// Conservative asks for the heavier expander: three times the gathers, for a distance estimate of 0.20 instead of
	// 0.15.
	Conservative bool
}

// Params are checked parameters, immutable and safe for concurrent use. The zero value is refused by Receive and Send.
type Params struct {
	lit    Literal
	ot     ot.Params
	trees  int // t: noise entries, one tree each
	leaves int // per tree; trees·leaves = rows + parity ≥ 2·rows
	depth  int // levels of a tree below its root
	rows   int // the code's outputs, at least Length
	weight int
}

// NewParams checks l.
//
// Errors: fault.Invalid (no entries), fault.LimitExceeded (Length above MaxLength).
func NewParams(l Literal) (Params, error) {
	const op = "vole.NewParams"
	switch {
	case l.Length < 1:
		return Params{}, fault.New(fault.Invalid, op, "%d entries, at least 1", l.Length)
	case l.Length > MaxLength:
		return Params{}, fault.New(fault.LimitExceeded, op, "%d entries, at most %d (MaxLength)", l.Length, MaxLength)
	}
	transfers, err := ot.NewParams(ot.Literal{Malicious: l.Malicious})
	if err != nil {
		return Params{}, err
	}
	p := Params{lit: l, ot: transfers, trees: noiseDefault, weight: weightDefault, rows: max(l.Length, minRows)}
	if l.Conservative {
		p.trees, p.weight = noiseConservative, weightConservative
	}
	p.leaves = (2*p.rows + p.trees - 1) / p.trees
	p.depth = bits.Len(uint(p.leaves - 1))
	return p, nil
}

// Literal returns what p was made of.
func (p Params) Literal() Literal { return p.lit }

// Cost is the exact cost of a run, as the receiver; the sender's is its Flip.
func (p Params) Cost() protocols.Cost {
	cost := protocols.Cost{Rounds: 3, SentBytes: int64(p.replyBytes()), RecvBytes: int64(p.setupBytes() + p.answerBytes())}
	if p.lit.Malicious {
		cost = cost.Add(protocols.Cost{Rounds: 2, SentBytes: maskedBytes, RecvBytes: proofBytes})
	}
	return cost
}

// Leaks lists what a run discloses besides its outputs.
func (p Params) Leaks() []protocols.Leak {
	return []protocols.Leak{
		{To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount, Detail: "number of entries"},
	}
}

// check refuses the zero value.
func (p Params) check(op string) error {
	if p.trees == 0 {
		return fault.New(fault.Invalid, op, "zero parameters: use vole.NewParams")
	}
	return nil
}

// values is the number of elements of the base VOLE: the noise values and, in the malicious mode, the mask of the check.
func (p Params) values() int {
	if p.lit.Malicious {
		return p.trees + 1
	}
	return p.trees
}

// baseTransfers is the number of correlated transfers of the base VOLE, one per bit of a value. They come first.
func (p Params) baseTransfers() int { return ot.Kappa * p.values() }

// transfers is the number of all: the base VOLE's and one per level of each tree.
func (p Params) transfers() int { return p.baseTransfers() + p.trees*p.depth }

// parity is the number of the code's inputs beside the systematic ones.
func (p Params) parity() int { return p.trees*p.leaves - p.rows }

// code is the compression under a public seed.
func (p Params) code(seed aes.Block) *exconv.Code {
	return exconv.New(seed, exconv.Shape{Parity: p.parity(), Weight: p.weight})
}
