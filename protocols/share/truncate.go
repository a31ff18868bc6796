package share

import "context"

// truncateOffset makes every value of Truncate's range non-negative and leaves its top bit zero.
const truncateOffset = 1 << 62

// Truncate divides the signed values of x, |x| < 2^62 (the caller guarantees it), by 2^f, 1 ≤ f ≤ MaxTruncate. The
// result is ⌊x/2^f⌋ + e with e ∈ {0, 1}. Over the randomness of the shares P(e = 1) is the fraction that was dropped:
// multiples of 2^f are exact and the mean is x/2^f, so nothing is added for rounding.
//
// Bytes: Params.TruncateCost, 2 flights per block of BlockRows elements. Errors: fault.Invalid (f),
// fault.LimitExceeded (MaxRows); fault.Misbehaved and the Conn's from the exchange.
//
// x + 2^62 has top bit 0, hence its shares wrap around 2^64 exactly when one of their top bits is 1: w = m_0 ∨ m_1 =
// m_0 + m_1 − m_0·m_1, one transfer mod 2^f. Then the result is ⌊x_0/2^f⌋ + ⌈x_1/2^f⌉ − w·2^(64−f) − 2^(62−f).
// Source: Cheetah, ia.cr/2022/207: truncation with known top bit and one-bit error.
func (e *Engine) Truncate(ctx context.Context, x []uint64, f int) ([]uint64, error) {
	const op = "share.Truncate"
	if err := checkTruncate(op, f); err != nil {
		return nil, err
	}
	if err := checkRows(op, len(x)); err != nil {
		return nil, err
	}
	out := make([]uint64, 0, len(x))
	for lo := 0; lo < len(x); lo += BlockRows {
		y, err := e.truncateBlock(ctx, op, x[lo:min(lo+BlockRows, len(x))], f)
		if err != nil {
			return nil, err
		}
		out = append(out, y...)
	}
	return out, nil
}

func (e *Engine) truncateBlock(ctx context.Context, op string, x []uint64, f int) ([]uint64, error) {
	v := e.AddConst(x, truncateOffset)
	top := NewBits(len(v))
	for i, s := range v {
		top.w[i/64] |= s >> 63 << (i % 64)
	}
	wrap, err := e.oneWay(ctx, op, top, func(bit uint64) uint64 { return -bit }, (f+7)/8)
	if err != nil {
		return nil, err
	}
	var up, offset uint64
	if e.first {
		offset = truncateOffset >> f
	} else {
		up = 1<<f - 1
	}
	for i, s := range v {
		// (s mod 2^f + up) >> f is 1 where the other party's share is rounded up; s + up itself could overflow.
		rounded := s>>f + (s&(1<<f-1)+up)>>f
		wrap[i] = rounded - (wrap[i]+top.At(i))<<(64-f) - offset
	}
	return wrap, nil
}
