package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// The guards of Check. A table beyond them would train to nonsense or tell more about a row than a model should.
const (
	// MinRows is the least number of rows that is trained on.
	MinRows = 100
	// MinRowsPerColumn keeps coefficients from solving for the labels.
	MinRowsPerColumn = 5
	// MinOfEach is the least number of zeros, and of ones, in a column of zeros and ones.
	MinOfEach = 10
	// MaxMissing is the largest share of missing values in a column.
	MaxMissing = 0.95
	// MaxLabelCorrelation is the largest |ρ| of a column with the label: above it the column is the label.
	MaxLabelCorrelation = 0.99
)

// TooFewRows is the word with which the reason of a fault begins where there are too few rows for a guard.
const TooFewRows = "too-few-rows"

// CheckOptions says what Check is told besides the matrix.
type CheckOptions struct {
	// Allow names columns that may be constant, rare, equal to another or to the label.
	Allow []string
	// TotalColumns is Σd over all owners of the job; 0 takes the matrix's own.
	TotalColumns int
	// Label is the label of every row at its holder, nil elsewhere.
	Label []uint8
}

// Check refuses a matrix that must not be trained on; the column is named. Missing values are left out of every finding
// but their own.
//
// Errors: fault.Invalid (NaN or an infinity; too few rows; a column that is constant, repeats another, is the label or is
// zeros and ones with fewer than MinOfEach of either), fault.LimitExceeded (MaxMissing).
func Check(m Matrix, o CheckOptions) error {
	if err := m.shape(); err != nil {
		return err
	}
	if o.Label != nil && len(o.Label) != m.Rows {
		return fault.New(fault.Invalid, "feature.Check", "%d labels for %d rows", len(o.Label), m.Rows)
	}
	for j, name := range m.Names {
		if err := finite(name, m.Column(j), m.Missing(j)); err != nil {
			return err
		}
	}
	if err := CheckRows(m.Rows, max(o.TotalColumns, m.Cols)); err != nil {
		return err
	}
	for j, name := range m.Names {
		if err := checkColumn(name, m.Column(j), m.Missing(j), o.Label, slices.Contains(o.Allow, name)); err != nil {
			return err
		}
	}
	return checkRepeats(m, o.Allow)
}

// CheckRows refuses a job of n rows and d columns over all owners.
//
// Errors: fault.Invalid, reason too-few-rows.
func CheckRows(n, d int) error {
	if least := max(MinRows, MinRowsPerColumn*d); n < least {
		return fault.New(fault.Invalid, "feature.Check", "%s: %d rows for %d columns, at least %d are needed", TooFewRows, n, d, least)
	}
	return nil
}

func checkColumn(name string, x []float64, missing []bool, label []uint8, allowed bool) error {
	const op = "feature.Check"
	p := profileOf(x, missing, label)
	if rate := 1 - float64(p.present)/float64(len(x)); rate > MaxMissing {
		return fault.New(fault.LimitExceeded, op, "MaxMissing: column %q: %d of %d values are missing, at most %g", name, len(x)-p.present, len(x), MaxMissing)
	}
	if allowed {
		return nil
	}
	if p.lo == p.hi {
		return fault.New(fault.Invalid, op, "column %q is constant in %d rows", name, len(x))
	}
	if p.zeros+p.ones == p.present && min(p.zeros, p.ones) < MinOfEach {
		return fault.New(fault.Invalid, op, "%s: column %q is of zeros and ones with %d of one kind, at least %d are needed",
			TooFewRows, name, min(p.zeros, p.ones), MinOfEach)
	}
	if label != nil && math.Abs(p.rho) > MaxLabelCorrelation {
		return fault.New(fault.Invalid, op, "column %q is the label: |ρ| > %g", name, MaxLabelCorrelation)
	}
	return nil
}

// columnProfile is what one pass over the present values of a column tells.
type columnProfile struct {
	present, zeros, ones int
	lo, hi               float64
	rho                  float64 // with the label; 0 when either is constant
}

func profileOf(x []float64, missing []bool, label []uint8) columnProfile {
	p := columnProfile{lo: math.Inf(1), hi: math.Inf(-1)}
	var sumX, sumY float64
	each := func(f func(v, y float64)) {
		for i, v := range x {
			if missing != nil && missing[i] {
				continue
			}
			y := 0.0
			if label != nil {
				y = float64(label[i])
			}
			f(v, y)
		}
	}
	each(func(v, y float64) {
		p.present++
		p.lo, p.hi = min(p.lo, v), max(p.hi, v)
		switch v {
		case 0:
			p.zeros++
		case 1:
			p.ones++
		}
		sumX += v
		sumY += y
	})
	n := float64(p.present)
	var xx, yy, xy float64
	each(func(v, y float64) {
		dx, dy := v-sumX/n, y-sumY/n
		xx += dx * dx
		yy += dy * dy
		xy += dx * dy
	})
	if xx > 0 && yy > 0 {
		p.rho = xy / (math.Sqrt(xx) * math.Sqrt(yy))
	}
	return p
}

// checkRepeats refuses two columns of equal cells, found by hash.
func checkRepeats(m Matrix, allow []string) error {
	seen := make(map[[32]byte]int, m.Cols)
	for j, name := range m.Names {
		h := columnHash(m.Column(j))
		first, ok := seen[h]
		if ok && !slices.Contains(allow, name) && !slices.Contains(allow, m.Names[first]) {
			return fault.New(fault.Invalid, "feature.Check", "column %q repeats column %q", name, m.Names[first])
		}
		seen[h] = j
	}
	return nil
}

// columnHash hashes the cells; −0 counts as 0 and every missing cell is the same NaN.
func columnHash(x []float64) (out [32]byte) {
	h := sha256.New()
	buf := make([]byte, 0, 8*512)
	for i, v := range x {
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v+0))
		if len(buf) == cap(buf) || i == len(x)-1 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Sum(out[:0])
	return out
}
