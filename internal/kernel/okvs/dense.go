package okvs

import (
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
)

// line is one linear equation over the dense columns: coefficients, and the value last.
type line []aes.Block

func newLine(columns int) line { return make(line, columns+1) }

func (l line) columns() int { return len(l) - 1 }

// addRow adds the dense part and the value of a row.
func (l line) addRow(h, val *aes.Block) {
	powers := make([]aes.Block, len(l))
	gf128.Powers(powers[:l.columns()], *h)
	powers[l.columns()] = *val
	gf128.Add(l, l, powers)
}

// solveLines is Gauss–Jordan elimination. The columns without a pivot keep the value they have in x; the others are
// overwritten. It reports whether the lines are independent.
func solveLines(lines []line, x []aes.Block) bool {
	pivot := make([]int, len(lines))
	for i, l := range lines {
		c := l.lead()
		if c < 0 {
			return false
		}
		pivot[i] = c
		inv := gf128.Invert(l[c])
		gf128.MulConst(l, l, &inv)
		for k, other := range lines {
			if k != i {
				factor := other[c]
				gf128.MulConstAdd(other, l, &factor)
			}
		}
	}
	// A pivot occurs in its own line only: cleared, it drops out of the inner products, whatever their order.
	for _, c := range pivot {
		x[c] = aes.Block{}
	}
	for i, l := range lines {
		known := gf128.InnerProduct(l[:l.columns()], x)
		sum(&x[pivot[i]], &known, &l[l.columns()])
	}
	return true
}

// lead is the first column with a coefficient, −1 if there is none.
func (l line) lead() int {
	for c := range l.columns() {
		if l[c] != (aes.Block{}) {
			return c
		}
	}
	return -1
}
