package share

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
)

// BlockRows is the number of elements an operation works on at a time: state stays below 64 MB whatever n is, and the
// flights of an operation are repeated per block. A multiple of 64.
const BlockRows = 3 << 16

// MaxRows bounds the elements of one call: the 8 bytes per share of input and output then take 4 GiB each.
const MaxRows = 1 << 29

// chunkTransfers is the number of oblivious transfers extended and hashed at a time. Two blocks each, they stay in a
// second-level cache, and one message of them is 128 KiB at k = 4.
const chunkTransfers = 1 << 15

// digitBits is the radix of a comparison: one leaf transfer decides 4 bits, from 1 of 16 messages.
const digitBits = 4

// Bounds of the ring of a comparison, in bits.
const (
	MinRingBits = 2
	MaxRingBits = 64
)

// MaxTruncate is the largest number of bits Truncate drops; values are below 2^62.
const MaxTruncate = 62

// Literal is what a caller chooses; NewParams checks it.
type Literal struct {
	// K is the parameter of the oblivious transfer (ot.Literal): 2, 4 or 8; 0 is the default 4. Use 8 on links
	// below about 200 Mb/s.
	K int
}

// Params are checked parameters; immutable. The zero value is not usable, Default and NewParams give one.
type Params struct{ ot ot.Params }

// Default returns the parameters for a link of 1 Gb/s or more.
func Default() Params { return Params{ot: ot.Default()} }

// NewParams checks l.
//
// Errors: fault.Invalid when k is not 0, 2, 4 or 8.
func NewParams(l Literal) (Params, error) {
	p, err := ot.NewParams(ot.Literal{K: l.K})
	return Params{ot: p}, err
}

// Leaks lists what a run discloses besides its outputs.
func (p Params) Leaks() []protocols.Leak {
	return []protocols.Leak{
		{To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount, Detail: "number of elements of every operation"},
	}
}

// checkRows bounds n.
func checkRows(op string, n int) error {
	if n > MaxRows {
		return fault.New(fault.LimitExceeded, op, "%d elements in one call, at most %d (MaxRows)", n, MaxRows)
	}
	return nil
}

// checkRing bounds the ring of a comparison.
func checkRing(op string, bits int) error {
	if bits < MinRingBits || bits > MaxRingBits {
		return fault.New(fault.Invalid, op, "a ring of %d bits, expected %d to %d", bits, MinRingBits, MaxRingBits)
	}
	return nil
}

// checkTruncate bounds the bits that Truncate drops.
func checkTruncate(op string, f int) error {
	if f < 1 || f > MaxTruncate {
		return fault.New(fault.Invalid, op, "%d bits to drop, expected 1 to %d", f, MaxTruncate)
	}
	return nil
}
