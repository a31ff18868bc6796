package share

import (
	"context"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// MSB returns the sign bit of every value of x, shared mod 2^ringBits: bit ringBits−1 of the sum of the shares. Higher
// bits of the shares are ignored, so shares mod 2^64 of values in [−2^(ringBits−1), 2^(ringBits−1)) can be used as they
// are, at the price of the smaller ring.
//
// Bytes: Params.MSBCost, 2 + 2⌈log₂⌈(ringBits−1)/4⌉⌉ flights per block of BlockRows elements. Errors: fault.Invalid
// (ringBits outside MinRingBits to MaxRingBits), fault.LimitExceeded (MaxRows); fault.Misbehaved and the Conn's from
// the exchange. Source: CrypTFlow2, ia.cr/2020/1002, algorithms 1 and 2.
func (e *Engine) MSB(ctx context.Context, x []uint64, ringBits int) (Bits, error) {
	const op = "share.MSB"
	if err := checkRing(op, ringBits); err != nil {
		return Bits{}, err
	}
	if err := checkRows(op, len(x)); err != nil {
		return Bits{}, err
	}
	out := NewBits(len(x))
	for lo := 0; lo < len(x); lo += BlockRows {
		b, err := e.msbBlock(ctx, op, x[lo:min(lo+BlockRows, len(x))], ringBits)
		if err != nil {
			return Bits{}, err
		}
		out.put(lo, b)
	}
	return out, nil
}

// Less returns x < y, both shared mod 2^ringBits, where x − y is in [−2^(ringBits−1), 2^(ringBits−1)): the caller
// guarantees it.
//
// Bytes: Params.MSBCost. Errors: fault.Invalid (lengths differ); those of MSB.
func (e *Engine) Less(ctx context.Context, x, y []uint64, ringBits int) (Bits, error) {
	if len(x) != len(y) {
		return Bits{}, fault.New(fault.Invalid, "share.Less", "%d values and %d values", len(x), len(y))
	}
	d := make([]uint64, len(x))
	for i := range d {
		d[i] = x[i] - y[i]
	}
	return e.MSB(ctx, d, ringBits)
}

// LessConst returns x < c for a public c; x − c must be in the range of Less.
//
// Bytes: Params.MSBCost. Errors: those of MSB.
func (e *Engine) LessConst(ctx context.Context, x []uint64, c int64, ringBits int) (Bits, error) {
	return e.MSB(ctx, e.AddConst(x, -uint64(c)), ringBits)
}

// AtLeastConst returns x ≥ c for a public c; x − c must be in the range of Less.
//
// Bytes: Params.MSBCost. Errors: those of MSB.
func (e *Engine) AtLeastConst(ctx context.Context, x []uint64, c int64, ringBits int) (Bits, error) {
	b, err := e.LessConst(ctx, x, c, ringBits)
	if err != nil {
		return Bits{}, err
	}
	return e.Not(b), nil
}

// msbBlock is MSB of one block: msb(x) = msb(x_0) ⊕ msb(x_1) ⊕ carry, where the carry out of the low m = ringBits−1
// bits is [2^m − 1 − x_0 < x_1].
func (e *Engine) msbBlock(ctx context.Context, op string, x []uint64, ringBits int) (Bits, error) {
	m := ringBits - 1
	v := make([]uint64, len(x))
	for i := range v {
		v[i] = (x[i] ^ e.firstMask()) & (1<<m - 1)
	}
	lt, eq, err := e.leaves(ctx, op, v, m)
	if err != nil {
		return Bits{}, err
	}
	carry, err := e.mergeDigits(ctx, op, lt, eq, words(len(x)))
	if err != nil {
		return Bits{}, err
	}
	out := Bits{n: len(x), w: carry}
	for i, s := range x {
		out.w[i/64] ^= s >> m & 1 << (i % 64)
	}
	out.trim()
	return out, nil
}

// leaves compares party first's values a with the other's values b digit by digit. The results are bit planes, one of
// ⌈n/64⌉ words per digit, lowest digit first: shares of a_d < b_d and a_d = b_d.
//
// One digit of w bits is a 1-of-2^w transfer of two bits made of w correlated ones: message v is masked with slot v
// (bits 2v and 2v+1) of the pads of v's bits. For v ≠ a_d at least one of these pads is unknown to party first, and no
// slot of a pad masks two messages.
func (e *Engine) leaves(ctx context.Context, op string, v []uint64, m int) (lt, eq []uint64, err error) {
	if e.first {
		return e.chooseLeaves(ctx, op, v, m)
	}
	return e.giveLeaves(ctx, op, v, m)
}

func (e *Engine) chooseLeaves(ctx context.Context, op string, v []uint64, m int) (lt, eq []uint64, err error) {
	n, w, count := len(v), words(len(v)), digits(m)
	kept := make([]uint32, n*count)
	c := &choosing{
		n: n, unit: m, reply: make([]byte, n*leafBytes(m)),
		choose: func(lo, hi int, dst []uint64) { packValues(dst, v[lo:hi], m) },
		keep: func(lo, hi int, pads []aes.Block) {
			e.spread(hi-lo, m, func(i, j int) {
				for r := i; r < j; r++ {
					sumPads(kept[(lo+r)*count:(lo+r+1)*count], pads[r*m:(r+1)*m])
				}
			})
		},
	}
	if err := e.transfer(ctx, op, c, nil); err != nil {
		return nil, nil, err
	}
	lt, eq = make([]uint64, count*w), make([]uint64, count*w)
	e.spread(n, m, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			msg := c.reply[r*leafBytes(m) : (r+1)*leafBytes(m)]
			for d := range count {
				width := digitWidth(m, d)
				slots := kept[r*count+d] ^ readDigit(msg[d*4:], width)
				slots >>= 2 * (v[r] >> (digitBits * d) & (1<<width - 1))
				lt[d*w+r/64] |= uint64(slots&1) << (r % 64)
				eq[d*w+r/64] |= uint64(slots>>1&1) << (r % 64)
			}
		}
	})
	return lt, eq, nil
}

func (e *Engine) giveLeaves(ctx context.Context, op string, v []uint64, m int) (lt, eq []uint64, err error) {
	n, w, count := len(v), words(len(v)), digits(m)
	lt, eq = make([]uint64, count*w), make([]uint64, count*w)
	masks := make([]byte, 8*chunkRows(m))
	g := &giving{n: n, unit: m, payload: make([]byte, n*leafBytes(m))}
	g.give = func(lo, hi int, p0, p1 []aes.Block) {
		e.rnd.Fill(masks[:8*(hi-lo)])
		e.spread(hi-lo, m, func(i, j int) {
			for r := i; r < j; r++ {
				row, mask := lo+r, binary.LittleEndian.Uint64(masks[8*r:])
				msg := g.payload[row*leafBytes(m) : (row+1)*leafBytes(m)]
				for d := range count {
					width, share := digitWidth(m, d), mask>>(2*d)
					at := r*m + digitBits*d
					pad := slotPads(p0[at:at+width], p1[at:at+width])
					y := uint32(v[row] >> (digitBits * d) & (1<<width - 1))
					putDigit(msg[d*4:], width, digitTable(y, uint32(share))^pad)
					lt[d*w+row/64] |= share & 1 << (row % 64)
					eq[d*w+row/64] |= share >> 1 & 1 << (row % 64)
				}
			}
		})
	}
	return lt, eq, e.transfer(ctx, op, nil, g)
}

// mergeDigits folds the digits' planes of w words pairwise into the plane of a < b:
// lt = lt_hi ⊕ eq_hi·lt_lo and eq = eq_hi·eq_lo; both products share the operand eq_hi. The lowest group's eq is never
// needed.
func (e *Engine) mergeDigits(ctx context.Context, op string, lt, eq []uint64, w int) ([]uint64, error) {
	for groups := len(lt) / w; groups > 1; groups -= groups / 2 {
		pairs := groups / 2
		choice, x1 := make([]uint64, 0, pairs*w), make([]uint64, 0, pairs*w)
		x2 := make([]uint64, 0, (pairs-1)*w)
		for p := range pairs {
			choice = append(choice, eq[(2*p+1)*w:(2*p+2)*w]...)
			x1 = append(x1, lt[2*p*w:(2*p+1)*w]...)
			if p > 0 {
				x2 = append(x2, eq[2*p*w:(2*p+1)*w]...)
			}
		}
		y1, y2, err := e.and(ctx, op, choice, x1, x2)
		if err != nil {
			return nil, err
		}
		for p := range pairs {
			for i := range w {
				y1[p*w+i] ^= lt[(2*p+1)*w+i]
			}
		}
		// The unused eq of group 0 keeps its place; an odd group at the top moves up unchanged.
		y2 = append(make([]uint64, w, groups*w), y2...)
		if groups%2 == 1 {
			y1 = append(y1, lt[(groups-1)*w:]...)
			y2 = append(y2, eq[(groups-1)*w:]...)
		}
		lt, eq = y1, y2
	}
	return lt[:w], nil
}
