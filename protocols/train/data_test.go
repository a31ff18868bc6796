package train

import (
	"math"
	"math/rand/v2"
)

// set is a generated data set, standardised and clipped.
type set struct {
	rows, labelCols, hostCols int
	label, host               []float64 // column-major
	y                         []uint8
}

// generate draws correlated columns and labels from a logistic model of strength signal.
func generate(seed uint64, rows, labelCols, hostCols int, signal float64) set {
	r := rand.New(rand.NewPCG(seed, 1))
	d := labelCols + hostCols
	x := make([]float64, rows*d)
	z := make([]float64, rows)
	for i := range rows {
		z[i] = -0.3
	}
	for j := range d {
		w := signal * r.NormFloat64() / math.Sqrt(float64(d))
		for i := range rows {
			v := r.NormFloat64()
			if j > 0 {
				v += 0.4 * x[(j-1)*rows+i]
			}
			x[j*rows+i] = v
			z[i] += w * v
		}
	}
	standardise(x, rows)
	s := set{rows: rows, labelCols: labelCols, hostCols: hostCols, label: x[:rows*labelCols], host: x[rows*labelCols:]}
	s.y = make([]uint8, rows)
	for i := range rows {
		if r.Float64() < 1/(1+math.Exp(-z[i])) {
			s.y[i] = 1
		}
	}
	s.y[0], s.y[1] = 0, 1
	return s
}

// standardise gives every column mean 0 and deviation 1, clipped to ±Clip.
func standardise(x []float64, rows int) {
	for lo := 0; lo < len(x); lo += rows {
		col := x[lo : lo+rows]
		var sum, square float64
		for _, v := range col {
			sum += v
		}
		mean := sum / float64(rows)
		for _, v := range col {
			square += (v - mean) * (v - mean)
		}
		sd := math.Sqrt(square / float64(rows))
		if sd == 0 {
			sd = 1
		}
		for i, v := range col {
			col[i] = max(-Clip, min(Clip, (v-mean)/sd))
		}
	}
}

func (s set) inputs() (label, host Input) {
	return Input{Label: true, X: s.label, Rows: s.rows, Cols: s.labelCols, Y: s.y},
		Input{X: s.host, Rows: s.rows, Cols: s.hostCols}
}

// literal is a plan for the set.
func (s set) literal() GLMLiteral {
	return GLMLiteral{Link: LinkLogit, Rows: s.rows, LabelCols: s.labelCols, HostCols: s.hostCols, Lambda: 1}
}
