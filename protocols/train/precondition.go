package train

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
)

// ridge is ε: ε·n is added to the diagonal of every block, which bounds its inverse whatever the data are.
const ridge = 1.0 / 1024

// blocks is m, the number of owners: the step 1/m makes the blocks' joint step a descent, since the Hessian is at most
// m times its block diagonal.
const blocks = 2

// gradientBits returns s, the fractional bits of the preconditioned columns: the most that he.XMax allows for every data
// set of this shape, so that s tells nothing about the data.
//
// With A = XᵀX/4 + λD + εnI and M = A⁻¹/m, Cauchy–Schwarz gives |(M·x_i)_j| ≤ √(x_iᵀA⁻¹x_i · (A⁻¹)_jj)/m, where
// (A⁻¹)_jj ≤ 1/εn, and x_iᵀA⁻¹x_i ≤ 4 because x_i·x_iᵀ/4 ⪯ A, and ≤ Clip²·d/εn. Likewise |λM_jk| ≤
// λ/(m√((λ+εn)·εn)) for a penalised k; the rows of λM have s−2 fractional bits.
func gradientBits(rows, cols int, lambda float64) int {
	en := ridge * float64(rows)
	column := math.Sqrt(min(4, Clip*Clip*float64(cols)/en)/en) / blocks
	s := math.Floor(math.Log2((he.XMax - 1) / column))
	if lambda > 0 {
		penalty := lambda / math.Sqrt((lambda+en)*en) / blocks
		s = min(s, math.Floor(math.Log2((he.XMax-1)/penalty))+penaltyShift)
	}
	return int(s)
}

// penaltyShift aligns the penalty with the gradient: the former multiplies weights, the latter residuals.
const penaltyShift = weightBits - residualBits

// precondition returns the matrix whose transpose takes (residuals, own coefficients) to the step of a block: rows of
// X·M, then the rows of λDM. The intercept, the label holder's last coefficient, is not penalised.
//
// Errors: fault.Precision (a degenerate block), fault.Canceled or fault.Timeout.
func precondition(ctx context.Context, x he.Matrix, label bool, lambda float64, s, workers int) (he.Matrix, error) {
	a, err := gram(ctx, x, workers)
	if err != nil {
		return he.Matrix{}, err
	}
	d := x.Cols
	penalty := make([]float64, d)
	for j := range d {
		if !label || j < d-1 {
			penalty[j] = lambda
		}
		a[j*d+j] += penalty[j] + ridge*float64(x.Rows)
	}
	m, err := invert(a, d)
	if err != nil {
		return he.Matrix{}, err
	}
	out := he.Matrix{Rows: x.Rows + d, Cols: d, Data: make([]int64, (x.Rows+d)*d)}
	var g errgroup.Group
	g.SetLimit(workers)
	for j := range d {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fault.Wrap(fault.CodeOf(err), "train.precondition", err, "stopped")
			}
			col := out.Data[j*out.Rows:][:out.Rows]
			combine(col[:x.Rows], x, m[j*d:][:d], math.Ldexp(1.0/blocks, s-valueBits))
			for k, v := range m[j*d:][:d] {
				col[x.Rows+k] = int64(math.RoundToEven(math.Ldexp(penalty[k]*v/blocks, s-penaltyShift)))
			}
			return nil
		})
	}
	return out, g.Wait()
}

// gram returns XᵀX/4. The integer sums are exact: 2^17 · 2^17 · 2^24 rows < 2^63.
func gram(ctx context.Context, x he.Matrix, workers int) ([]float64, error) {
	d := x.Cols
	a := make([]float64, d*d)
	var g errgroup.Group
	g.SetLimit(workers)
	for j := range d {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fault.Wrap(fault.CodeOf(err), "train.gram", err, "stopped")
			}
			for k := range j + 1 {
				v := math.Ldexp(float64(dot(x.Data[j*x.Rows:][:x.Rows], x.Data[k*x.Rows:][:x.Rows])), -2*valueBits-2)
				a[j*d+k], a[k*d+j] = v, v
			}
			return nil
		})
	}
	return a, g.Wait()
}

func dot(a, b []int64) (sum int64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// combineRows is the number of rows combined at a time: the sums stay in a first-level cache.
const combineRows = 2048

// combine sets dst to scale · Σ_k w_k · column k, rounded.
func combine(dst []int64, x he.Matrix, w []float64, scale float64) {
	var sum [combineRows]float64
	for lo := 0; lo < len(dst); lo += combineRows {
		part := dst[lo:min(lo+combineRows, len(dst))]
		clear(sum[:])
		for k, v := range w {
			for i, c := range x.Data[k*x.Rows+lo:][:len(part)] {
				sum[i] += v * float64(c)
			}
		}
		for i := range part {
			part[i] = int64(math.RoundToEven(sum[i] * scale))
		}
	}
}

// invert returns the inverse of the symmetric positive definite a, d × d, by its Cholesky factor; a is overwritten.
func invert(a []float64, d int) ([]float64, error) {
	for j := range d {
		for k := range j {
			axpyBelow(a, d, j, k)
		}
		pivot := a[j*d+j]
		if !(pivot > 0) {
			return nil, fault.New(fault.Precision, "train.invert", "the columns of this party are degenerate")
		}
		r := math.Sqrt(pivot)
		for i := j; i < d; i++ {
			a[i*d+j] /= r
		}
	}
	inv := make([]float64, d*d)
	column := make([]float64, d)
	for c := range d {
		clear(column)
		column[c] = 1
		solve(a, d, column)
		for i, v := range column {
			inv[i*d+c] = v
		}
	}
	return inv, nil
}

// axpyBelow subtracts column k of the factor, times its entry in row j, from column j on and below the diagonal.
func axpyBelow(a []float64, d, j, k int) {
	f := a[j*d+k]
	for i := j; i < d; i++ {
		a[i*d+j] -= f * a[i*d+k]
	}
}

// solve replaces b by the solution of L·Lᵀ·x = b; L is the lower triangle of a.
func solve(a []float64, d int, b []float64) {
	for i := range d {
		for k := range i {
			b[i] -= a[i*d+k] * b[k]
		}
		b[i] /= a[i*d+i]
	}
	for i := d - 1; i >= 0; i-- {
		for k := i + 1; k < d; k++ {
			b[i] -= a[k*d+i] * b[k]
		}
		b[i] /= a[i*d+i]
	}
}
