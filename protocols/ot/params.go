package ot

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// Kappa is the computational security parameter in bits, and the number of base transfers of one setup.
const Kappa = 128

// MaxExtend bounds the transfers of one Extend, so that its message (at most 8 bytes per transfer) stays below
// protocols.MaxMessage for every k. Longer batches are cut by the caller.
const MaxExtend = 1 << 16

// MaxTransfers bounds the transfers of one setup: the index is part of the hash's tweak and is never used twice.
const MaxTransfers = 1 << 48

// padTo is the granularity of the index, in transfers: one bit transposition handles 128 of them.
const padTo = 128

// headerBytes is the length of the index that opens an extension message.
const headerBytes = 8

// Literal is what a caller chooses; NewParams checks it.
type Literal struct {
	// K is the number of bits of Δ per punctured tree: 2, 4 or 8; 0 is the default 4. A larger k halves the bytes
	// and doubles (from 4 to 8: eightfold) the AES work of the extension.
	K int
	// Malicious asks for security against a party that departs from the protocol, by consistency checks of the trees and
	// of every extension.
	Malicious bool
}

// Params are checked parameters; immutable. The zero value is not usable, Default and NewParams give one.
type Params struct {
	k         int
	malicious bool
}

// Default returns the parameters for a link of 1 Gb/s or more: k = 4, 4 bytes per transfer.
func Default() Params { return Params{k: 4} }

// NewParams checks l.
//
// Errors: fault.Invalid when k is not 0, 2, 4 or 8.
func NewParams(l Literal) (Params, error) {
	switch l.K {
	case 0:
		return Params{k: Default().k, malicious: l.Malicious}, nil
	case 2, 4, 8:
		return Params{k: l.K, malicious: l.Malicious}, nil
	}
	return Params{}, fault.New(fault.Invalid, "ot.NewParams", "k is %d, expected 2, 4 or 8", l.K)
}

// K is the number of bits of Δ per punctured tree.
func (p Params) K() int { return p.k }

// Malicious reports whether the consistency checks are part of the run.
func (p Params) Malicious() bool { return p.malicious }

// groups is the number of punctured trees.
func (p Params) groups() int { return Kappa / p.k }

// check refuses the zero value.
func (p Params) check(op string) error {
	if p.k == 0 {
		return fault.New(fault.Invalid, op, "zero parameters: use ot.Default or ot.NewParams")
	}
	return nil
}

// Padded is the number of indices that an Extend of n transfers uses up: n rounded up to a multiple of 128.
func Padded(n int) int { return (n + padTo - 1) / padTo * padTo }

// ExtendBytes is the length of the message of an Extend of n transfers.
func (p Params) ExtendBytes(n int) int { return p.correctionBytes(n) + p.checkBytes() }

// columns is the number of transfers that an Extend of n really makes: with the check, maskColumns more.
func (p Params) columns(n int) int {
	if p.malicious {
		return Padded(n) + maskColumns
	}
	return Padded(n)
}

// correctionBytes is the part of an extension message before the check: index and corrections.
func (p Params) correctionBytes(n int) int { return headerBytes + p.groups()*p.columns(n)/8 }

// checkBytes is the length of the check that ends an extension message.
func (p Params) checkBytes() int {
	if p.malicious {
		return (1 + Kappa) * blockBytes
	}
	return 0
}

// treesBytes is the length of the corrections of the trees, every level but the first.
func (p Params) treesBytes() int { return p.groups() * (p.k - 1) * 2 * blockBytes }

// proofBytes is the length of the proof that the trees are consistent.
func (p Params) proofBytes() int {
	if p.malicious {
		return (p.groups() + 1) * commitmentBytes
	}
	return 0
}

// replyBytes is the length of the tree holder's setup message: A, the corrections of the trees, their proof.
func (p Params) replyBytes() int { return pointBytes + p.treesBytes() + p.proofBytes() }

// SetupCost is the exact cost of SetupSender; SetupReceiver's is its Flip.
func (p Params) SetupCost() protocols.Cost {
	return protocols.Cost{Rounds: 2, SentBytes: baseBytes, RecvBytes: int64(p.replyBytes())}
}

// SetupBothCost is the exact cost of SetupBoth, for either party.
func (p Params) SetupBothCost() protocols.Cost {
	n := int64(baseBytes + p.replyBytes())
	return protocols.Cost{Rounds: 2, SentBytes: n, RecvBytes: n}
}

// Cost is the exact cost for the receiver of n transfers after the setup, extended in batches of MaxExtend within one
// flight; the sender's is its Flip. Payloads that a caller masks with the pads are the caller's.
func (p Params) Cost(n int) protocols.Cost {
	sent := int64(n/MaxExtend) * int64(p.ExtendBytes(MaxExtend))
	if rest := n % MaxExtend; rest > 0 {
		sent += int64(p.ExtendBytes(rest))
	}
	return protocols.Cost{Rounds: 1, SentBytes: sent}
}

// Leaks lists what a run discloses besides its outputs.
func (p Params) Leaks() []protocols.Leak {
	return []protocols.Leak{
		{To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount, Detail: "number of transfers"},
	}
}
