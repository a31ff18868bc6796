package share

import (
	"context"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
)

// Receiver says who learns opened values.
type Receiver uint8

// The receivers. The zero value is nobody and is refused.
const (
	ToBoth Receiver = iota + 1
	ToFirst
	ToSecond
)

// Open adds up both parties' shares at the receiver; the other party gets nil. This is the only operation, with
// OpenBits, that reveals a value: a step calls it for what its own statement of leakage lists.
//
// Bytes: Params.OpenCost, 1 flight. Errors: fault.Invalid (receiver), fault.LimitExceeded (MaxRows); fault.Misbehaved
// and the Conn's from the exchange.
func (e *Engine) Open(ctx context.Context, x []uint64, to Receiver) ([]uint64, error) {
	const op = "share.Open"
	var out []byte
	if !e.alone(to) {
		out = make([]byte, 8*len(x))
		for i, v := range x {
			binary.LittleEndian.PutUint64(out[8*i:], v)
		}
	}
	in, err := e.open(ctx, op, out, 8*len(x), len(x), to)
	if err != nil || in == nil {
		return nil, err
	}
	sum := make([]uint64, len(x))
	for i, v := range x {
		sum[i] = v + binary.LittleEndian.Uint64(in[8*i:])
	}
	return sum, nil
}

// OpenBits opens bits at the receiver; the other party gets the empty vector.
//
// Bytes: Params.OpenBitsCost, 1 flight. Errors: those of Open; fault.Misbehaved (padding bits set).
func (e *Engine) OpenBits(ctx context.Context, b Bits, to Receiver) (Bits, error) {
	const op = "share.OpenBits"
	size := (b.n + 7) / 8
	buf := make([]byte, 8*len(b.w))
	for i, v := range b.w {
		binary.LittleEndian.PutUint64(buf[8*i:], v)
	}
	var out []byte
	if !e.alone(to) {
		out = buf[:size]
	}
	in, err := e.open(ctx, op, out, size, b.n, to)
	if err != nil || in == nil {
		return Bits{}, err
	}
	if b.n%8 != 0 && in[size-1]>>(b.n%8) != 0 {
		return Bits{}, e.fail(op, e.blame(fault.New(fault.Misbehaved, op, "padding bits set")))
	}
	sum := NewBits(b.n)
	padded := make([]byte, 8*len(b.w))
	copy(padded, in)
	for i, v := range b.w {
		sum.w[i] = v ^ binary.LittleEndian.Uint64(padded[8*i:])
	}
	return sum, nil
}

// alone reports whether this party alone receives.
func (e *Engine) alone(to Receiver) bool {
	return e.first && to == ToFirst || !e.first && to == ToSecond
}

// open is the exchange of Open: in is nil where this party does not receive.
func (e *Engine) open(ctx context.Context, op string, out []byte, size, n int, to Receiver) (in []byte, err error) {
	if to < ToBoth || to > ToSecond {
		return nil, fault.New(fault.Invalid, op, "unknown receiver %d", to)
	}
	if err := checkRows(op, n); err != nil {
		return nil, err
	}
	if to == ToBoth || e.alone(to) {
		in = make([]byte, size)
	}
	if size == 0 {
		return in, nil
	}
	return in, e.exchange(ctx, op, out, in)
}
