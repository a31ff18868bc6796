package train

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// modelVersion is the first byte of an encoded model.
const modelVersion = 1

// Model is one party's half of a trained model: shares of every coefficient of both parties, which alone say nothing.
// It is immutable and prints as its type's name; the zero value holds no model.
type Model struct {
	Iterations int
	Converged  bool // false: MaxIter came first, which is a result
	m          *model
}

type model struct {
	id                  [32]byte
	label               bool
	labelCols, hostCols int
	shares              []uint64 // the label holder's coefficients, its intercept last, then the host's
}

// ID identifies the training run, alike at both parties: halves with different IDs do not belong together. It is zero
// for the zero Model.
func (m Model) ID() [32]byte {
	if m.m == nil {
		return [32]byte{}
	}
	return m.m.id
}

// Label reports whether this is the label holder's half.
func (m Model) Label() bool { return m.m != nil && m.m.label }

// Cols returns the columns of both parties, the intercept not counted.
func (m Model) Cols() (label, host int) {
	if m.m == nil {
		return 0, 0
	}
	return m.m.labelCols, m.m.hostCols
}

// SharesInsecure returns a copy of the shares modulo 2^64 at 18 fractional bits: the label holder's coefficients, the
// intercept last of them, then the host's. With the peer's shares they are the model.
func (m Model) SharesInsecure() []uint64 {
	if m.m == nil {
		return nil
	}
	return append([]uint64(nil), m.m.shares...)
}

// Format prints the type's name, whatever the verb.
func (m Model) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "train.Model") }

// LogValue is the type's name and what all parties know.
func (m Model) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", "train.Model"), slog.Int("iterations", m.Iterations), slog.Bool("converged", m.Converged))
}

// EncodeInsecure returns the bytes of m, for sealed storage at its owner.
//
// Format: version u8, link, valueBits, weightBits, role, converged (u8 each), iterations u32, id 32 bytes, columns of
// label holder and host u32 each, a u64 share per coefficient; big-endian.
//
// Errors: fault.Invalid (the zero Model).
func (m Model) EncodeInsecure() ([]byte, error) {
	if m.m == nil {
		return nil, fault.New(fault.Invalid, "train.Model", "no model")
	}
	var e wire.Encoder
	e.U8(modelVersion)
	e.U8(linkLogit)
	e.U8(valueBits)
	e.U8(weightBits)
	e.Bool(m.m.label)
	e.Bool(m.Converged)
	e.U32(uint32(m.Iterations))
	e.Fixed(m.m.id[:])
	e.U32(uint32(m.m.labelCols))
	e.U32(uint32(m.m.hostCols))
	for _, v := range m.m.shares {
		e.U64(v)
	}
	return e.B, nil
}

// linkLogit is LinkLogit in an encoded model.
const linkLogit = 1

// DecodeModel reads what EncodeInsecure wrote.
//
// Errors: fault.Unsupported (another version, link or fixed point), fault.Corrupt (anything else).
func DecodeModel(b []byte) (Model, error) {
	const op = "train.DecodeModel"
	d := wire.NewDecoder(b, op)
	head := [4]uint8{d.U8(), d.U8(), d.U8(), d.U8()}
	if d.Err() == nil && head != [4]uint8{modelVersion, linkLogit, valueBits, weightBits} {
		return Model{}, fault.New(fault.Unsupported, op, "a model of version %d and link %d", head[0], head[1])
	}
	m := Model{m: &model{label: d.Bool()}}
	m.Converged = d.Bool()
	iterations := d.U32()
	m.m.id = d.Hash()
	labelCols, hostCols := d.U32(), d.U32()
	if d.Err() == nil && (iterations < 1 || iterations > MaxIterations || labelCols < 1 || hostCols < 1 ||
		labelCols > MaxCols || hostCols > MaxCols-labelCols) {
		d.Fail(fault.Corrupt, "counts out of range")
	}
	if d.Err() == nil && d.Left() == 8*int(labelCols+1+hostCols) {
		m.m.shares = make([]uint64, labelCols+1+hostCols)
		for i := range m.m.shares {
			m.m.shares[i] = d.U64()
		}
	}
	if err := d.Done(); err != nil || m.m.shares == nil {
		return Model{}, fault.New(fault.Corrupt, op, "a stored model that is no model: %d bytes", len(b))
	}
	m.Iterations, m.m.labelCols, m.m.hostCols = int(iterations), int(labelCols), int(hostCols)
	return m, nil
}
