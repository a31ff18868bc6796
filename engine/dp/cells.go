package dp

import (
	"fmt"
	"log/slog"
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxCells bounds the cells of one release: 256 MiB of accumulators, and at 6 µs a draw under two minutes.
const MaxCells = 1 << 24

// saturation bounds an exact value before noise. Clamping is 1-Lipschitz, so the sensitivity stands.
const saturation = 1 << 62

// Cells hold exact integers that only Release can read. They print as their type's name. Not safe for concurrent use;
// the zero value has no cells.
type Cells struct{ raw *accumulators }

// accumulators are 128-bit sums: sums are independent of the order of rows, and never overflow.
type accumulators struct {
	hi []int64
	lo []uint64
}

// NewCells returns n cells of zero.
//
// Errors: fault.Invalid when n < 1; fault.LimitExceeded when n > MaxCells.
func NewCells(n int) (*Cells, error) {
	if n < 1 {
		return nil, fault.New(fault.Invalid, "dp.NewCells", "%d cells", n)
	}
	if n > MaxCells {
		return nil, fault.New(fault.LimitExceeded, "dp.NewCells", "%d cells, at most 2^24", n)
	}
	return &Cells{raw: &accumulators{hi: make([]int64, n), lo: make([]uint64, n)}}, nil
}

// Add adds v to cell i. The caller has clamped v to the declared bounds.
//
// Errors: fault.Invalid when there is no cell i or the cells were released.
func (c *Cells) Add(i int, v int64) error {
	if c.raw == nil || i < 0 || i >= len(c.raw.lo) {
		return fault.New(fault.Invalid, "dp.Cells.Add", "no such cell, or released before")
	}
	lo, carry := bits.Add64(c.raw.lo[i], uint64(v), 0)
	c.raw.lo[i] = lo
	c.raw.hi[i] += v>>63 + int64(carry)
	return nil
}

// Format prints the type's name only.
func (c *Cells) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("dp.Cells")) }

// LogValue logs the type's name only.
func (c *Cells) LogValue() slog.Value { return slog.StringValue("dp.Cells") }

// take consumes the cells and returns their values, clamped to ±2^62.
func (c *Cells) take() ([]int64, bool) {
	if c == nil || c.raw == nil {
		return nil, false
	}
	out := make([]int64, len(c.raw.lo))
	for i, hi := range c.raw.hi {
		out[i] = clamp128(hi, c.raw.lo[i])
	}
	c.raw = nil
	return out, true
}

func clamp128(hi int64, lo uint64) int64 {
	switch {
	case hi == 0 && lo <= saturation:
		return int64(lo)
	case hi == -1 && int64(lo) < 0 && int64(lo) >= -saturation:
		return int64(lo)
	case hi < 0:
		return -saturation
	}
	return saturation
}
