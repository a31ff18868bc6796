package train

import (
	"fmt"
	"log/slog"
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
)

// Fractional bits of the fixed point, secure-modelling §4.1.
const (
	valueBits    = 14                     // columns
	weightBits   = 18                     // coefficients
	scoreBits    = valueBits + weightBits // X·w, without truncation; equals share.SigmoidIn
	residualBits = 16                     // p − y
	momentumBits = 12                     // β of the extrapolation
)

// Clip bounds a standardised value, in standard deviations.
const Clip = 8

// WeightCap bounds a coefficient: with Clip and MaxCols it keeps every score below share.SigmoidMax.
const WeightCap = 16

const valueMax = Clip << valueBits

// Input is one party's columns, standardised and clipped to ±Clip, and at the label holder the labels. Both parties have
// their rows in the same order. It is borrowed and prints as its shape.
type Input struct {
	Label      bool      // this party holds the labels
	X          []float64 // column-major, Rows × Cols
	Rows, Cols int
	Y          []uint8 // 0 or 1, one per row at the label holder of a training, otherwise nil
}

// Format prints the shape, whatever the verb.
func (in Input) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "train.Input(%d×%d)", in.Rows, in.Cols)
}

// LogValue is the shape.
func (in Input) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("train.Input(%d×%d)", in.Rows, in.Cols))
}

// fixed returns the columns at valueBits fractional bits, the label holder's with the constant column last.
//
// Errors: fault.Invalid (another shape, a value that is no number), fault.Precision (a value beyond ±Clip).
func (in Input) fixed(rows, cols int) (he.Matrix, error) {
	const op = "train.Input"
	if in.Rows != rows || in.Cols != cols || len(in.X) != rows*cols {
		return he.Matrix{}, fault.New(fault.Invalid, op, "%d × %d with %d values, the parameters say %d × %d",
			in.Rows, in.Cols, len(in.X), rows, cols)
	}
	x := he.Matrix{Rows: rows, Cols: blockCols(cols, in.Label), Data: make([]int64, rows*blockCols(cols, in.Label))}
	for i, v := range in.X {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return he.Matrix{}, fault.New(fault.Invalid, op, "column %d holds a value that is no number: impute first", i/rows)
		case math.Abs(v) > Clip:
			return he.Matrix{}, fault.New(fault.Precision, op, "column %d holds a value beyond ±%d: standardise and clip first", i/rows, Clip)
		}
		x.Data[i] = int64(math.RoundToEven(math.Ldexp(v, valueBits)))
	}
	for i := rows * cols; i < len(x.Data); i++ {
		x.Data[i] = 1 << valueBits
	}
	return x, nil
}

// checkLabels refuses labels that no classifier can be trained on.
func (in Input) checkLabels() error {
	const op = "train.Input"
	if !in.Label {
		if len(in.Y) != 0 {
			return fault.New(fault.Invalid, op, "%d labels at the party without labels", len(in.Y))
		}
		return nil
	}
	if len(in.Y) != in.Rows {
		return fault.New(fault.Invalid, op, "%d labels for %d rows", len(in.Y), in.Rows)
	}
	var ones int
	for _, y := range in.Y {
		if y > 1 {
			return fault.New(fault.Invalid, op, "a label that is neither 0 nor 1: map the labels first")
		}
		ones += int(y)
	}
	if ones == 0 || ones == in.Rows {
		return fault.New(fault.Invalid, op, "labels of one class only")
	}
	return nil
}

// blockCols is the number of coefficients of a party with cols columns.
func blockCols(cols int, label bool) int {
	if label {
		return cols + 1
	}
	return cols
}
