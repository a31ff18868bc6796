package model

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
)

// newton is the state of a fit. theta holds the d coefficients and, last, the intercept.
type newton struct {
	x     feature.Matrix
	y     []uint8
	l2    float64
	theta []float64

	z, r, w []float64 // per row: linear predictor, residual p − y, weight p(1−p)
	grad    []float64
	hess    []float64 // (d+1)×(d+1), row-major, lower triangle
	loss    float64   // at theta
}

func newNewton(x feature.Matrix, y []uint8, l2 float64) *newton {
	k := x.Cols + 1
	f := &newton{
		x: x, y: y, l2: l2, theta: make([]float64, k), grad: make([]float64, k), hess: make([]float64, k*k),
		z: make([]float64, x.Rows), r: make([]float64, x.Rows), w: make([]float64, x.Rows),
	}
	f.loss = f.objective(f.theta)
	return f
}

// objective is the penalised loss at theta; it leaves the linear predictor in z.
func (f *newton) objective(theta []float64) float64 {
	d := f.x.Cols
	linear(f.z, f.x, theta[:d], theta[d])
	sum := 0.0
	for i, z := range f.z {
		sum += math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
		if f.y[i] == 1 {
			sum -= z
		}
	}
	for _, c := range theta[:d] {
		sum += f.l2 / 2 * c * c
	}
	return sum
}

// column returns the cells of coefficient j; the intercept's, all ones, is nil.
func (f *newton) column(j int) []float64 {
	if j == f.x.Cols {
		return nil
	}
	return f.x.Column(j)
}

// derivatives fills gradient and Hessian at theta, whose linear predictor is in z.
func (f *newton) derivatives() {
	for i, z := range f.z {
		p := sigmoid(z)
		f.r[i] = p - float64(f.y[i])
		f.w[i] = p * (1 - p)
	}
	k := len(f.theta)
	weighted := make([]float64, f.x.Rows)
	for j := range k {
		f.grad[j] = dot(f.column(j), f.r)
		copy(weighted, f.w)
		for i, v := range f.column(j) {
			weighted[i] *= v
		}
		for l := range j + 1 {
			f.hess[j*k+l] = dot(f.column(l), weighted)
		}
		if j < f.x.Cols {
			f.grad[j] += f.l2 * f.theta[j]
			f.hess[j*k+j] += f.l2
		}
	}
}

// dot is a·b in row order; a nil a is all ones.
func dot(a, b []float64) float64 {
	sum := 0.0
	if a == nil {
		for _, v := range b {
			sum += v
		}
		return sum
	}
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// step takes one Newton step, halved until the loss does not grow, and returns the largest move of a coefficient.
func (f *newton) step() (moved float64, err error) {
	f.derivatives()
	delta, ok := solve(f.hess, f.grad)
	if !ok {
		return 0, fault.New(fault.Precision, "model.FitLogistic", "the system of %d coefficients is singular: columns depend on each other and L2 is zero", len(f.theta))
	}
	next := make([]float64, len(f.theta))
	for scale := 1.0; scale > 1e-12; scale /= 2 {
		moved = 0
		for j, d := range delta {
			next[j] = f.theta[j] - scale*d
			moved = math.Max(moved, math.Abs(scale*d))
		}
		// At the optimum rounding may add an ulp per row: that is not growth.
		if loss := f.objective(next); loss <= f.loss+1e-12*math.Abs(f.loss) {
			f.theta, f.loss = next, loss
			return moved, nil
		}
	}
	f.objective(f.theta)
	return 0, nil // no direction improves: converged to the last bit
}

// solve returns h⁻¹g for a symmetric positive definite h, given by its lower triangle, by Cholesky; h is overwritten.
func solve(h, g []float64) ([]float64, bool) {
	k := len(g)
	for j := range k {
		for i := j; i < k; i++ {
			s := h[i*k+j]
			for l := range j {
				s -= h[i*k+l] * h[j*k+l]
			}
			if i > j {
				h[i*k+j] = s / h[j*k+j]
				continue
			}
			if !(s > 1e-12*math.Abs(h[j*k+j])) {
				return nil, false
			}
			h[j*k+j] = math.Sqrt(s)
		}
	}
	out := append([]float64(nil), g...)
	for i := range k {
		for l := range i {
			out[i] -= h[i*k+l] * out[l]
		}
		out[i] /= h[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		for l := i + 1; l < k; l++ {
			out[i] -= h[l*k+i] * out[l]
		}
		out[i] /= h[i*k+i]
	}
	return out, true
}
