package train

import (
	"cmp"
	"math"
	"slices"

	"github.com/tacit-data/tacit/protocols/share"
)

// The plain oracles share no code with the protocol but the spline, which protocols/share pins.

// gaussInverse inverts a by Gauss–Jordan elimination with pivoting.
func gaussInverse(a [][]float64) [][]float64 {
	d := len(a)
	inv := make([][]float64, d)
	for i := range d {
		a[i] = slices.Clone(a[i])
		inv[i] = make([]float64, d)
		inv[i][i] = 1
	}
	for c := range d {
		p := c
		for i := c; i < d; i++ {
			if math.Abs(a[i][c]) > math.Abs(a[p][c]) {
				p = i
			}
		}
		a[c], a[p], inv[c], inv[p] = a[p], a[c], inv[p], inv[c]
		f := 1 / a[c][c]
		for k := range d {
			a[c][k] *= f
			inv[c][k] *= f
		}
		for i := range d {
			if i == c {
				continue
			}
			f := a[i][c]
			for k := range d {
				a[i][k] -= f * a[c][k]
				inv[i][k] -= f * inv[c][k]
			}
		}
	}
	return inv
}

// columns returns the columns of both blocks, the intercept after the label holder's.
func (s set) columns() (blocks [2][][]float64) {
	cut := func(x []float64) (cols [][]float64) {
		for lo := 0; lo < len(x); lo += s.rows {
			cols = append(cols, x[lo:lo+s.rows])
		}
		return cols
	}
	one := make([]float64, s.rows)
	for i := range one {
		one[i] = 1
	}
	return [2][][]float64{append(cut(s.label), one), cut(s.host)}
}

// twinBlock is one owner's quantised columns and preconditioned columns and penalty.
type twinBlock struct {
	x, pre, pen [][]int64
}

func newTwinBlock(cols [][]float64, intercept bool, lambda float64, s int) (b twinBlock) {
	d, n := len(cols), len(cols[0])
	q := make([][]float64, d)
	for j, c := range cols {
		q[j] = make([]float64, n)
		b.x = append(b.x, make([]int64, n))
		for i, v := range c {
			b.x[j][i] = int64(math.RoundToEven(v * 16384))
			q[j][i] = float64(b.x[j][i]) / 16384
		}
	}
	diag := make([]float64, d)
	h := make([][]float64, d)
	for j := range d {
		if diag[j] = lambda; intercept && j == d-1 {
			diag[j] = 0
		}
		h[j] = make([]float64, d)
		for k := range d {
			for i := range n {
				h[j][k] += q[j][i] * q[k][i] / 4
			}
		}
		h[j][j] += diag[j] + float64(n)/1024
	}
	m := gaussInverse(h)
	for j := range d {
		pre, pen := make([]int64, n), make([]int64, d)
		for i := range n {
			var v float64
			for k := range d {
				v += m[j][k] * q[k][i]
			}
			pre[i] = int64(math.RoundToEven(v / 2 * math.Exp2(float64(s))))
		}
		for k := range d {
			pen[k] = int64(math.RoundToEven(m[j][k] * diag[k] / 2 * math.Exp2(float64(s-2))))
		}
		b.pre, b.pen = append(b.pre, pre), append(b.pen, pen)
	}
	return b
}

// twin trains in the clear: same spline, same fixed point, same order, truncation by flooring. It returns the weights at
// 18 fractional bits after exactly iterations.
func twin(s set, lambda float64, scale, iterations int) []int64 {
	cols := s.columns()
	b := [2]twinBlock{
		newTwinBlock(cols[0], true, lambda, scale),
		newTwinBlock(cols[1], false, lambda, scale),
	}
	d := len(cols[0]) + len(cols[1])
	w, prev := make([]int64, d), make([]int64, d)
	for t := 1; t <= iterations; t++ {
		beta := int64(math.RoundToEven(float64(t-1) / float64(t+2) * 4096))
		u := make([]int64, d)
		for j := range d {
			u[j] = (w[j]<<12 + beta*(w[j]-prev[j])) >> 12
		}
		e := make([]int64, s.rows)
		for i := range s.rows {
			var z int64
			at := 0
			for _, blk := range b {
				for _, x := range blk.x {
					z += x[i] * u[at]
					at++
				}
			}
			e[i] = (share.SigmoidPlain(z) - int64(s.y[i])<<44) >> 28
		}
		prev = w
		w = make([]int64, d)
		at := 0
		for _, blk := range b {
			first := at
			for j := range blk.pre {
				var g int64
				for i, v := range blk.pre[j] {
					g += v * e[i]
				}
				for k, v := range blk.pen[j] {
					g += v * u[first+k]
				}
				w[at] = u[at] - g>>(scale-2)
				at++
			}
		}
	}
	return w
}

// irls fits in float64 with the exact link: Newton's method, the intercept not penalised.
func irls(s set, lambda float64) []float64 {
	cols := s.columns()
	all := append(slices.Clone(cols[0]), cols[1]...)
	d, intercept := len(all), len(cols[0])-1
	w := make([]float64, d)
	for range 30 {
		g := make([]float64, d)
		h := make([][]float64, d)
		for j := range d {
			h[j] = make([]float64, d)
			if j != intercept {
				g[j], h[j][j] = lambda*w[j], lambda
			}
		}
		for i := range s.rows {
			var z float64
			for j, c := range all {
				z += c[i] * w[j]
			}
			p := 1 / (1 + math.Exp(-z))
			for j, c := range all {
				g[j] += c[i] * (p - float64(s.y[i]))
				for k, o := range all[:j+1] {
					h[j][k] += c[i] * o[i] * p * (1 - p)
				}
			}
		}
		for j := range d {
			for k := range j {
				h[k][j] = h[j][k]
			}
		}
		var step float64
		for j, row := range gaussInverse(h) {
			var v float64
			for k, f := range row {
				v += f * g[k]
			}
			w[j] -= v
			step = max(step, math.Abs(v))
		}
		if step < 1e-10 {
			break
		}
	}
	return w
}

// scores returns X·w in float64.
func (s set) scores(w []float64) []float64 {
	z := make([]float64, s.rows)
	cols := s.columns()
	for j, c := range append(slices.Clone(cols[0]), cols[1]...) {
		for i, v := range c {
			z[i] += v * w[j]
		}
	}
	return z
}

// auc is the tie-averaged area under the ROC curve.
func auc(z []float64, y []uint8) float64 {
	order := make([]int, len(z))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(z[a], z[b]) })
	var ranks, ones float64
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && z[order[hi]] == z[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			if y[i] == 1 {
				ranks += float64(lo+hi+1) / 2
				ones++
			}
		}
		lo = hi
	}
	zeros := float64(len(z)) - ones
	return (ranks - ones*(ones+1)/2) / (ones * zeros)
}

// logLoss is the mean loss of the exact link.
func logLoss(z []float64, y []uint8) (sum float64) {
	for i, v := range z {
		if y[i] == 1 {
			v = -v
		}
		sum += math.Log1p(math.Exp(-math.Abs(v))) + max(v, 0)
	}
	return sum / float64(len(z))
}
