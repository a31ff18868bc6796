package share

import (
	"context"
)

// Scales of the sigmoid, in fractional bits: its input z, its slopes, its output.
const (
	SigmoidIn    = 32
	sigmoidSlope = 12
	SigmoidOut   = SigmoidIn + sigmoidSlope
)

// sigmoidRing holds z and |z| − knot: |z|·2^32 < 2^47.
const sigmoidRing = 48

// SigmoidMax bounds |z| at scale 2^32: |z| < 2^15.
const SigmoidMax = 1 << (sigmoidRing - 1)

// sigmoidRows is the number of rows of one block: the comparisons with all knots then are one block of BlockRows.
const sigmoidRows = BlockRows / 3

const (
	outOne  = 1 << SigmoidOut
	outHalf = outOne / 2
)

// The spline on |z|: from each knot on, the slope changes and the value jumps.
//
// With σ the logistic function and a = (0, 1.233, 2.333, 4.167): knot i is ⌊a_i·2^32⌉, and the slope before it is
// 2^12·(σ(a_i) − σ(a_{i−1}))/(a_i − a_{i−1}) = 911.362, 510.996, 163.403, rounded to 911, 511, 163. A change is the
// difference of neighbouring slopes, the last one to 0. At the last knot the spline reaches 0.984449 (σ is 0.984738)
// and jumps to 1: jump = 2^44 − (2^43 + 911·k_1 + 511·(k_2 − k_1) + 163·(k_3 − k_2)). The largest error, at that knot,
// is 0.01527.
const sigmoidFirstSlope = 911

var sigmoidPieces = [3]struct { // never assigned
	knot   uint64 // scale 2^32
	change int64  // of the slope, over 2^12
	jump   uint64 // of the value, scale 2^44
}{
	{knot: 5295694676, change: 511 - 911},
	{knot: 10020158702, change: 163 - 511},
	{knot: 17897128722, change: -163, jump: 273567941826},
}

// SigmoidPlain is the function Sigmoid computes, bit for bit, on a plaintext z at scale 2^32, |z| < SigmoidMax; the
// result has scale 2^44. It is odd about ½: SigmoidPlain(z) + SigmoidPlain(−z) = 2^44 for z ≠ 0.
func SigmoidPlain(z int64) int64 {
	abs := max(z, -z)
	h := int64(outHalf) + sigmoidFirstSlope*abs
	for _, p := range sigmoidPieces {
		if d := abs - int64(p.knot); d >= 0 {
			h += p.change*d + int64(p.jump)
		}
	}
	if z < 0 {
		return outOne - h
	}
	return h
}

// Sigmoid returns the spline approximation of the logistic function of z and, from the same batch, the signs of extra.
//
// Shape: z and extra are shares mod 2^64 of values in [−2^47, 2^47), z at scale 2^32 and |z| < SigmoidMax (the caller
// guarantees both); p has len(z) shares mod 2^64 at scale 2^44, signs len(extra) bits. Equal to SigmoidPlain, without
// error. Bytes: Params.SigmoidCost. Errors: fault.LimitExceeded (MaxRows); fault.Misbehaved and the Conn's from the
// exchange.
//
// Per block of sigmoidRows rows: sign, |z| (1 mux), three comparisons in one batch, three pieces (3 mux), reflection
// (1 mux).
func (e *Engine) Sigmoid(ctx context.Context, z, extra []uint64) (p []uint64, signs Bits, err error) {
	const op = "share.Sigmoid"
	if err := checkRows(op, max(len(z), len(extra))); err != nil {
		return nil, Bits{}, err
	}
	p = make([]uint64, 0, len(z))
	for lo := 0; lo < len(z) || lo == 0 && len(extra) > 0; lo += sigmoidRows {
		hi := min(lo+sigmoidRows, len(z))
		var more []uint64
		if hi == len(z) {
			more = extra
		}
		y, s, err := e.sigmoidBlock(ctx, z[lo:hi], more)
		if err != nil {
			return nil, Bits{}, err
		}
		p, signs = append(p, y...), s
	}
	return p, signs, nil
}

func (e *Engine) sigmoidBlock(ctx context.Context, z, extra []uint64) (p []uint64, signs Bits, err error) {
	n := len(z)
	all, err := e.MSB(ctx, append(append(make([]uint64, 0, n+len(extra)), z...), extra...), sigmoidRing)
	if err != nil {
		return nil, Bits{}, err
	}
	neg, signs := all.Slice(0, n), all.Slice(n, all.n)
	if n == 0 {
		return nil, signs, nil
	}
	abs, err := e.Mux(ctx, neg, z)
	if err != nil {
		return nil, Bits{}, err
	}
	for i, v := range z {
		abs[i] = v - 2*abs[i]
	}
	h, err := e.spline(ctx, abs)
	if err != nil {
		return nil, Bits{}, err
	}
	// p = h, or 1 − h where z < 0.
	flip := make([]uint64, n)
	for i, v := range h {
		flip[i] = outOne&e.firstMask() - 2*v
	}
	flip, err = e.Mux(ctx, neg, flip)
	if err != nil {
		return nil, Bits{}, err
	}
	for i := range h {
		h[i] += flip[i]
	}
	return h, signs, nil
}

// spline returns the value of the spline at abs = |z|: the comparisons with all knots are one batch, and so are the
// selections of all pieces.
func (e *Engine) spline(ctx context.Context, abs []uint64) ([]uint64, error) {
	n := len(abs)
	over := make([]uint64, 0, len(sigmoidPieces)*n)
	for _, p := range sigmoidPieces {
		over = append(over, e.AddConst(abs, -p.knot)...)
	}
	below, err := e.MSB(ctx, over, sigmoidRing)
	if err != nil {
		return nil, err
	}
	for k, p := range sigmoidPieces {
		for i := k * n; i < (k+1)*n; i++ {
			over[i] = uint64(p.change)*over[i] + p.jump&e.firstMask()
		}
	}
	pieces, err := e.Mux(ctx, e.Not(below), over)
	if err != nil {
		return nil, err
	}
	h := make([]uint64, n)
	for i, v := range abs {
		h[i] = outHalf&e.firstMask() + sigmoidFirstSlope*v + pieces[i] + pieces[n+i] + pieces[2*n+i]
	}
	return h, nil
}
