package feature

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
)

// maxFracBits bounds the fractional bits: a float64 has no more to give.
const maxFracBits = 52

// Quantize returns round(x·2^fracBits) of every cell, column-major as m, halves to even. Nothing may be missing.
//
// Errors: fault.Invalid (fracBits outside 0..52; NaN, an infinity or a missing value, column named), fault.Precision (a
// value of 2^53 or more after scaling, column named).
func Quantize(m Matrix, fracBits int) ([]int64, error) {
	if err := m.shape(); err != nil {
		return nil, err
	}
	if fracBits < 0 || fracBits > maxFracBits {
		return nil, fault.New(fault.Invalid, "feature.Quantize", "%d fractional bits, 0 to %d are possible", fracBits, maxFracBits)
	}
	scale := math.Ldexp(1, fracBits)
	out := make([]int64, len(m.Data))
	for j := range m.Cols {
		x := m.Column(j)
		if err := finite(m.Names[j], x, nil); err != nil {
			return nil, err
		}
		dst := out[j*m.Rows:]
		for i, v := range x {
			q := math.RoundToEven(v * scale)
			if math.Abs(q) >= 1<<53 {
				return nil, fault.New(fault.Precision, "feature.Quantize", "column %q: a value of 2^53 or more at %d fractional bits", m.Names[j], fracBits)
			}
			dst[i] = int64(q)
		}
	}
	return out, nil
}
