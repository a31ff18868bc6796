package share

import (
	"context"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// And returns a ∧ b bit by bit.
//
// Bytes: Params.AndCost, 2 flights per block of BlockRows bits. Errors: fault.Invalid (lengths differ),
// fault.LimitExceeded (MaxRows); fault.Misbehaved and the Conn's from the exchange.
func (e *Engine) And(ctx context.Context, a, b Bits) (Bits, error) {
	const op = "share.And"
	if a.n != b.n {
		return Bits{}, fault.New(fault.Invalid, op, "%d bits and %d bits", a.n, b.n)
	}
	if err := checkRows(op, a.n); err != nil {
		return Bits{}, err
	}
	out := NewBits(a.n)
	for lo := 0; lo < len(out.w); lo += BlockRows / 64 {
		hi := min(lo+BlockRows/64, len(out.w))
		y, _, err := e.and(ctx, op, a.w[lo:hi], b.w[lo:hi], nil)
		if err != nil {
			return Bits{}, err
		}
		copy(out.w[lo:hi], y)
	}
	out.trim()
	return out, nil
}

// AndTree returns the AND of all bits of b, one bit; of no bits it is 1.
//
// Bytes: Params.AndTreeCost, 2⌈log₂ n⌉ flights for n ≤ 2·BlockRows. Errors: those of And.
func (e *Engine) AndTree(ctx context.Context, b Bits) (Bits, error) {
	if b.n == 0 {
		return e.Not(NewBits(1)), nil
	}
	for b.n > 1 {
		half := b.n / 2
		low, err := e.And(ctx, b.Slice(0, half), b.Slice(half, 2*half))
		if err != nil {
			return Bits{}, err
		}
		if b.n%2 == 0 {
			b = low
			continue
		}
		next := NewBits(half + 1)
		copy(next.w, low.w)
		next.Set(half, b.At(b.n-1))
		b = next
	}
	return b, nil
}

// and returns shares of a ∧ x1 and, for the last len(x2) words of a, of the same bits of a ∧ x2. The cross terms
// a_0·x_1 and a_1·x_0 take one transfer per bit of a in each direction: the holder of a chooses, the other's payload is
// its one or two bits of x.
func (e *Engine) and(ctx context.Context, op string, a, x1, x2 []uint64) (y1, y2 []uint64, err error) {
	n, skip := len(a), len(a)-len(x2)
	y1, y2 = make([]uint64, n), make([]uint64, len(x2))
	kept1, kept2 := make([]uint64, n), make([]uint64, n)
	size := 8 * (n + len(x2))
	c := &choosing{
		n: n, unit: 64, reply: make([]byte, size),
		choose: func(lo, hi int, dst []uint64) { copy(dst, a[lo:hi]) },
		keep: func(lo, hi int, pads []aes.Block) {
			e.spread(hi-lo, 64, func(i, j int) {
				for w := i; w < j; w++ {
					kept1[lo+w], kept2[lo+w] = lowBits(pads[64*w : 64*w+64])
				}
			})
		},
	}
	g := &giving{n: n, unit: 64, payload: make([]byte, size)}
	g.give = func(lo, hi int, p0, p1 []aes.Block) {
		e.spread(hi-lo, 64, func(i, j int) {
			for w := i; w < j; w++ {
				at := lo + w
				h1, h2 := lowBits(p0[64*w : 64*w+64])
				g1, g2 := lowBits(p1[64*w : 64*w+64])
				y1[at] = h1
				binary.LittleEndian.PutUint64(g.payload[8*at:], h1^g1^x1[at])
				if s := at - skip; s >= 0 {
					y2[s] = h2
					binary.LittleEndian.PutUint64(g.payload[8*(n+s):], h2^g2^x2[s])
				}
			}
		})
	}
	if err := e.transfer(ctx, op, c, g); err != nil {
		return nil, nil, err
	}
	for i := range y1 {
		d := binary.LittleEndian.Uint64(c.reply[8*i:])
		y1[i] ^= kept1[i] ^ a[i]&(d^x1[i])
	}
	for i := range y2 {
		d := binary.LittleEndian.Uint64(c.reply[8*(n+i):])
		y2[i] ^= kept2[skip+i] ^ a[skip+i]&(d^x2[i])
	}
	return y1, y2, nil
}

// lowBits gathers bits 0 and 1 of 64 pads.
func lowBits(p []aes.Block) (b0, b1 uint64) {
	for i := range p {
		v := uint64(p[i][0])
		b0 |= v & 1 << i
		b1 |= v >> 1 & 1 << i
	}
	return b0, b1
}
