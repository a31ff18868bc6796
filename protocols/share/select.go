package share

import (
	"context"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// wordBytes is the payload of a transfer of a whole share.
const wordBytes = 8

// Mux returns b·x: x where the shared bit is one, zero elsewhere, mod 2^64.
//
// Bytes: Params.MuxCost, 2 flights per block of BlockRows elements. Errors: fault.Invalid (lengths differ),
// fault.LimitExceeded (MaxRows); fault.Misbehaved and the Conn's from the exchange.
//
// With b = b_0 ⊕ b_1, b·x_i = b_i·x_i + b_{1−i}·(1 − 2b_i)·x_i; the last product is one transfer whose payload is
// (1 − 2b_i)·x_i and whose choice is b_{1−i}.
func (e *Engine) Mux(ctx context.Context, b Bits, x []uint64) ([]uint64, error) {
	const op = "share.Mux"
	if b.n != len(x) {
		return nil, fault.New(fault.Invalid, op, "%d bits and %d values", b.n, len(x))
	}
	if err := checkRows(op, len(x)); err != nil {
		return nil, err
	}
	out := make([]uint64, 0, len(x))
	for lo := 0; lo < len(x); lo += BlockRows {
		hi := min(lo+BlockRows, len(x))
		choice := Bits{n: hi - lo, w: b.w[lo/64 : words(hi)]}
		corr := make([]uint64, hi-lo)
		for i, v := range x[lo:hi] {
			m := spreadBit(choice.At(i))
			corr[i] = v ^ m - m // −x where the own bit is one
		}
		y, err := e.correlate(ctx, op, &choice, corr, len(corr), wordBytes)
		if err != nil {
			return nil, err
		}
		for i, v := range x[lo:hi] {
			y[i] += v & spreadBit(choice.At(i))
		}
		out = append(out, y...)
	}
	return out, nil
}

// B2A returns arithmetic shares, mod 2^64, of the bits of b.
//
// Bytes: Params.B2ACost, 2 flights per block of BlockRows bits. Errors: fault.LimitExceeded (MaxRows);
// fault.Misbehaved and the Conn's from the exchange.
//
// b = b_0 + b_1 − 2·b_0·b_1: one transfer whose payload is −2·b_0, at party first, and whose choice is b_1.
func (e *Engine) B2A(ctx context.Context, b Bits) ([]uint64, error) {
	const op = "share.B2A"
	if err := checkRows(op, b.n); err != nil {
		return nil, err
	}
	out := make([]uint64, 0, b.n)
	for lo := 0; lo < b.n; lo += BlockRows {
		hi := min(lo+BlockRows, b.n)
		own := Bits{n: hi - lo, w: b.w[lo/64 : words(hi)]}
		y, err := e.oneWay(ctx, op, own, func(bit uint64) uint64 { return -(2 * bit) }, wordBytes)
		if err != nil {
			return nil, err
		}
		for i := range y {
			y[i] += own.At(i)
		}
		out = append(out, y...)
	}
	return out, nil
}

// oneWay returns shares of b_1·corr(b_0), where b_0 is party first's vector.
func (e *Engine) oneWay(ctx context.Context, op string, own Bits, corr func(bit uint64) uint64, size int) ([]uint64, error) {
	if !e.first {
		return e.correlate(ctx, op, &own, nil, own.n, size)
	}
	c := make([]uint64, own.n)
	for i := range c {
		c[i] = corr(own.At(i))
	}
	return e.correlate(ctx, op, nil, c, own.n, size)
}

// correlate returns shares, mod 2^(8·size), of choice·(peer's corr) + (peer's choice)·corr for n elements; either side
// may be nil. A transfer's sender keeps −h_0 and sends h_0 + corr − h_1; the receiver with bit a computes
// h_a + a·message = h_0 + a·corr.
func (e *Engine) correlate(ctx context.Context, op string, choice *Bits, corr []uint64, n, size int) ([]uint64, error) {
	out, kept := make([]uint64, n), make([]uint64, n)
	var c *choosing
	if choice != nil {
		c = &choosing{
			n: n, unit: 1, reply: make([]byte, n*size),
			choose: func(lo, hi int, dst []uint64) { copy(dst, choice.w[lo/64:words(hi)]) },
			keep: func(lo, _ int, pads []aes.Block) {
				for i := range pads {
					kept[lo+i] = binary.LittleEndian.Uint64(pads[i][:])
				}
			},
		}
	}
	var g *giving
	if corr != nil {
		g = &giving{n: n, unit: 1, payload: make([]byte, n*size)}
		g.give = func(lo, _ int, p0, p1 []aes.Block) {
			for i := range p0 {
				h0, h1 := binary.LittleEndian.Uint64(p0[i][:]), binary.LittleEndian.Uint64(p1[i][:])
				out[lo+i] = -h0
				putInt(g.payload[(lo+i)*size:], size, h0+corr[lo+i]-h1)
			}
		}
	}
	if err := e.transfer(ctx, op, c, g); err != nil {
		return nil, err
	}
	if choice != nil {
		for i := range out {
			out[i] += kept[i] + readInt(c.reply[i*size:], size)&spreadBit(choice.At(i))
		}
	}
	return out, nil
}
