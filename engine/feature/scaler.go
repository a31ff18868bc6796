package feature

import (
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// DefaultClip bounds a standardised value: the scale of the fixed-point protocols is derived from it.
const DefaultClip = 8

// Scaler imputes and standardises: x → clip((x − Mean)/Sd, ±Clip), and Fill for a missing x. Training and scoring use
// the same one; it is part of the model. It is immutable and safe for concurrent use; the zero value fits no matrix.
type Scaler struct {
	Names []string
	Fill  []float64 // mean of the training rows that have a value
	Mean  []float64 // of the training rows after imputation
	Sd    []float64 // likewise, divided by n (ddof 0); 1 for an allowed constant column
	Clip  float64   // standard deviations
}

// FitOptions says what Fit accepts.
type FitOptions struct {
	// Allow names columns that may be constant on the training rows; they become 0.
	Allow []string
}

// Fit learns imputation and scale from the given rows of m, nil for all. Sums run in row order, so that equal inputs give
// equal bits.
//
// Errors: fault.Invalid (a column without any value, with NaN or an infinity, or constant and not allowed: named; a row
// out of range), fault.Precision (a column whose variance float64 does not hold, named).
func Fit(m Matrix, rows []int32, o FitOptions) (Scaler, error) {
	if err := m.shape(); err != nil {
		return Scaler{}, err
	}
	if rows != nil {
		part, err := m.Select(rows)
		if err != nil {
			return Scaler{}, err
		}
		m = part
	}
	s := Scaler{
		Names: slices.Clone(m.Names), Clip: DefaultClip,
		Fill: make([]float64, m.Cols), Mean: make([]float64, m.Cols), Sd: make([]float64, m.Cols),
	}
	for j := range m.Cols {
		if err := s.fit(j, m.Column(j), m.Missing(j), slices.Contains(o.Allow, m.Names[j])); err != nil {
			return Scaler{}, err
		}
	}
	return s, nil
}

// fit learns column j from its cells.
func (s *Scaler) fit(j int, x []float64, missing []bool, allowConstant bool) error {
	if err := finite(s.Names[j], x, missing); err != nil {
		return err
	}
	var sum, lo, hi float64
	present := 0
	for i, v := range x {
		if missing != nil && missing[i] {
			continue
		}
		if present == 0 {
			lo, hi = v, v
		}
		lo, hi = min(lo, v), max(hi, v)
		sum += v
		present++
	}
	if present == 0 {
		return fault.New(fault.Invalid, "feature.Fit", "column %q has no value in %d training rows", s.Names[j], len(x))
	}
	mean := sum / float64(present)
	if lo == hi {
		if !allowConstant {
			return fault.New(fault.Invalid, "feature.Fit", "column %q is constant on the %d training rows", s.Names[j], len(x))
		}
		s.Fill[j], s.Mean[j], s.Sd[j] = lo, lo, 1
		return nil
	}
	// A filled cell is the mean: it moves neither the mean nor the sum of squares, only their number of rows.
	var squares float64
	for i, v := range x {
		if missing == nil || !missing[i] {
			squares += (v - mean) * (v - mean)
		}
	}
	sd := math.Sqrt(squares / float64(len(x)))
	if math.IsInf(sd, 0) || math.IsInf(mean, 0) || sd == 0 {
		return fault.New(fault.Precision, "feature.Fit", "column %q: its spread is beyond float64; rescale it", s.Names[j])
	}
	s.Fill[j], s.Mean[j], s.Sd[j] = mean, mean, sd
	return nil
}

// finite refuses NaN and infinities that are in the data.
func finite(name string, x []float64, missing []bool) error {
	bad := 0
	for i, v := range x {
		if (math.IsNaN(v) || math.IsInf(v, 0)) && (missing == nil || !missing[i]) {
			bad++
		}
	}
	if bad > 0 {
		return fault.New(fault.Invalid, "feature.Check", "column %q: %d of %d values are NaN or infinite", name, bad, len(x))
	}
	return nil
}

// Apply returns the imputed, standardised and clipped matrix; m is not changed. Nothing in the result is missing.
//
// Errors: fault.SchemaMismatch (other columns than were fitted), fault.Invalid (NaN or an infinity, column named).
func (s Scaler) Apply(m Matrix) (Matrix, error) {
	if err := m.shape(); err != nil {
		return Matrix{}, err
	}
	if !slices.Equal(s.Names, m.Names) {
		return Matrix{}, fault.New(fault.SchemaMismatch, "feature.Apply", "the columns are not the %d that were fitted, in their order", len(s.Names))
	}
	out, err := NewMatrix(m.Names, m.Rows)
	if err != nil {
		return Matrix{}, err
	}
	for j := range m.Cols {
		if err := finite(m.Names[j], m.Column(j), m.Missing(j)); err != nil {
			return Matrix{}, err
		}
		s.column(j, out.Column(j), m.Column(j), m.Missing(j))
	}
	return out, nil
}

// column is the one place where a value is scaled: batch, online and training all come here.
func (s Scaler) column(j int, dst, x []float64, missing []bool) {
	fill, mean, sd := s.Fill[j], s.Mean[j], s.Sd[j]
	for i, v := range x {
		if missing != nil && missing[i] {
			v = fill
		}
		dst[i] = min(max((v-mean)/sd, -s.Clip), s.Clip)
	}
}

// scalerVersion is the version of the encoding.
const scalerVersion = 1

// maxNameBytes bounds a column name in an encoded Scaler.
const maxNameBytes = 255

// Encode returns the canonical encoding: u16 version, u32 count, per column name, fill, mean, sd, and the clip.
func (s Scaler) Encode() []byte {
	var e wire.Encoder
	e.U16(scalerVersion)
	e.U32(uint32(len(s.Names)))
	for j, name := range s.Names {
		e.String(name)
		e.F64(s.Fill[j])
		e.F64(s.Mean[j])
		e.F64(s.Sd[j])
	}
	e.F64(s.Clip)
	return e.B
}

// DecodeScaler reads what Encode wrote.
//
// Errors: fault.Misbehaved, fault.LimitExceeded, fault.Unsupported (another version), without a culprit.
func DecodeScaler(b []byte) (Scaler, error) {
	d := wire.NewDecoder(b, "feature.DecodeScaler")
	if v := d.U16(); v != scalerVersion {
		d.Fail(fault.Unsupported, "scaler version %d, this build reads %d", v, scalerVersion)
	}
	n := d.Count(MaxColumns, 4+3*8)
	s := Scaler{Names: make([]string, n), Fill: make([]float64, n), Mean: make([]float64, n), Sd: make([]float64, n)}
	for j := range n {
		s.Names[j], s.Fill[j], s.Mean[j], s.Sd[j] = d.String(maxNameBytes), d.F64(), d.F64(), d.F64()
		if d.Err() == nil && s.Sd[j] <= 0 {
			d.Fail(fault.Misbehaved, "column %d of %d: a standard deviation that is not positive", j+1, n)
		}
	}
	if s.Clip = d.F64(); d.Err() == nil && s.Clip <= 0 {
		d.Fail(fault.Misbehaved, "a clip that is not positive")
	}
	if err := d.Done(); err != nil {
		return Scaler{}, err
	}
	return s, nil
}
