package share

import "github.com/tacit-data/tacit/protocols"

// Every method below is exact and speaks for party first; the other party's cost is its Flip. n = 0 costs nothing.

// SetupCost is the cost of New, the same for both parties.
func (p Params) SetupCost() protocols.Cost { return p.ot.SetupBothCost() }

// MSBCost is the cost of MSB, Less, LessConst and AtLeastConst on n elements in a ring of ringBits bits.
func (p Params) MSBCost(n, ringBits int) protocols.Cost {
	return perBlock(n, func(n int) protocols.Cost { return p.msbCost(n, ringBits) })
}

// AndCost is the cost of And on n bits.
func (p Params) AndCost(n int) protocols.Cost {
	return perBlock(n, func(n int) protocols.Cost { return p.andCost(words(n), 0) })
}

// AndTreeCost is the cost of AndTree on n bits.
func (p Params) AndTreeCost(n int) protocols.Cost {
	var c protocols.Cost
	for n > 1 {
		c = c.Add(p.AndCost(n / 2))
		n -= n / 2
	}
	return c
}

// MuxCost is the cost of Mux on n elements.
func (p Params) MuxCost(n int) protocols.Cost { return perBlock(n, p.muxCost) }

// B2ACost is the cost of B2A on n bits.
func (p Params) B2ACost(n int) protocols.Cost {
	return perBlock(n, func(n int) protocols.Cost { return p.oneWayCost(n, 1, 8*n).Flip() })
}

// TruncateCost is the cost of Truncate by f bits on n elements.
func (p Params) TruncateCost(n, f int) protocols.Cost {
	return perBlock(n, func(n int) protocols.Cost { return p.oneWayCost(n, 1, n*((f+7)/8)).Flip() })
}

// SigmoidCost is the cost of Sigmoid on n elements and extra further signs.
func (p Params) SigmoidCost(n, extra int) protocols.Cost {
	var c protocols.Cost
	for lo := 0; lo < n || lo == 0 && extra > 0; lo += sigmoidRows {
		rows, more := min(n-lo, sigmoidRows), 0
		if lo+sigmoidRows >= n {
			more = extra
		}
		c = c.Add(p.MSBCost(rows+more, sigmoidRing))
		if rows > 0 {
			c = c.Add(p.muxCost(rows)).Add(p.MSBCost(3*rows, sigmoidRing)).Add(p.MuxCost(3 * rows)).Add(p.muxCost(rows))
		}
	}
	return c
}

// OpenCost is the cost of Open on n elements.
func (p Params) OpenCost(n int, to Receiver) protocols.Cost { return openCost(8*n, to) }

// OpenBitsCost is the cost of OpenBits on n bits.
func (p Params) OpenBitsCost(n int, to Receiver) protocols.Cost { return openCost((n+7)/8, to) }

func openCost(size int, to Receiver) (c protocols.Cost) {
	if size == 0 {
		return c
	}
	c.Rounds = 1
	if to != ToFirst {
		c.SentBytes = int64(size)
	}
	if to != ToSecond {
		c.RecvBytes = int64(size)
	}
	return c
}

// perBlock adds up the blocks of an operation on n elements.
func perBlock(n int, f func(int) protocols.Cost) protocols.Cost {
	c := protocols.Cost{}
	if full := n / BlockRows; full > 0 {
		c = f(BlockRows).Times(full)
	}
	if rest := n % BlockRows; rest > 0 {
		c = c.Add(f(rest))
	}
	return c
}

// oneWayCost is one batch of transfers in which this party chooses: its extension goes out, payload bytes come back.
func (p Params) oneWayCost(n, unit, payload int) protocols.Cost {
	c := protocols.Cost{Rounds: 2, RecvBytes: int64(payload)}
	step := chunkRows(unit)
	if full := n / step; full > 0 {
		c.SentBytes = int64(full) * int64(p.ot.ExtendBytes(step*unit))
	}
	if rest := n % step; rest > 0 {
		c.SentBytes += int64(p.ot.ExtendBytes(rest * unit))
	}
	return c
}

// twoWayCost is the same batch in both directions at once.
func (p Params) twoWayCost(n, unit, payload int) protocols.Cost {
	c := p.oneWayCost(n, unit, payload)
	total := c.SentBytes + c.RecvBytes
	return protocols.Cost{Rounds: c.Rounds, SentBytes: total, RecvBytes: total}
}

func (p Params) muxCost(n int) protocols.Cost { return p.twoWayCost(n, 1, 8*n) }

// andCost is one flight pair of the AND of w words, second of which also carry a second payload bit.
func (p Params) andCost(w, second int) protocols.Cost { return p.twoWayCost(w, 64, 8*(w+second)) }

func (p Params) msbCost(n, ringBits int) protocols.Cost {
	m := ringBits - 1
	c := p.oneWayCost(n, m, n*leafBytes(m))
	w := words(n)
	for groups := digits(m); groups > 1; groups -= groups / 2 {
		pairs := groups / 2
		c = c.Add(p.andCost(pairs*w, (pairs-1)*w))
	}
	return c
}

// chunkRows is the number of elements of unit transfers each that one chunk holds: a multiple of 64.
func chunkRows(unit int) int { return chunkTransfers / unit / 64 * 64 }

// words is the number of 64-bit words that hold n bits.
func words(n int) int { return (n + 63) / 64 }

// digits is the number of radix-16 digits of m bits.
func digits(m int) int { return (m + digitBits - 1) / digitBits }

// digitWidth is the number of bits of digit d of m bits.
func digitWidth(m, d int) int { return min(digitBits, m-d*digitBits) }

// digitBytes is the length of the 2^width messages of two bits of one digit.
func digitBytes(width int) int { return (2<<width + 7) / 8 }

// leafBytes is the length of all digits' messages of one element.
func leafBytes(m int) int {
	n := m / digitBits * digitBytes(digitBits)
	if rest := m % digitBits; rest > 0 {
		n += digitBytes(rest)
	}
	return n
}
