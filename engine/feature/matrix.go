package feature

import (
	"github.com/tacit-data/tacit/api/fault"
)

// Matrix is Rows×Cols float64 in column-major order: cell (i, j) is Data[j*Rows+i]. A cell without a value is NaN in
// Data and true in Null; a NaN that is not in Null was in the data. The zero value is an empty matrix. It is not safe
// for concurrent writes.
type Matrix struct {
	Names      []string // one per column
	Rows, Cols int
	Data       []float64
	Null       []bool // as Data; nil when nothing is missing
}

// NewMatrix returns a matrix of zeros.
//
// Errors: fault.Invalid (no rows or columns), fault.LimitExceeded (MaxColumns, MaxCells).
func NewMatrix(names []string, rows int) (Matrix, error) {
	cols := len(names)
	switch {
	case rows <= 0 || cols == 0:
		return Matrix{}, fault.New(fault.Invalid, "feature.Matrix", "%d rows and %d columns, at least one of both is wanted", rows, cols)
	case cols > MaxColumns:
		return Matrix{}, fault.New(fault.LimitExceeded, "feature.Matrix", "MaxColumns: %d columns, at most %d", cols, MaxColumns)
	case rows > MaxCells/cols:
		return Matrix{}, fault.New(fault.LimitExceeded, "feature.Matrix", "MaxCells: %d rows of %d columns, at most %d cells", rows, cols, MaxCells)
	}
	return Matrix{Names: names, Rows: rows, Cols: cols, Data: make([]float64, rows*cols)}, nil
}

// Column returns the cells of column j; it aliases the matrix.
func (m Matrix) Column(j int) []float64 { return m.Data[j*m.Rows : (j+1)*m.Rows : (j+1)*m.Rows] }

// Missing returns which cells of column j have no value, nil when nothing is missing anywhere; it aliases the matrix.
func (m Matrix) Missing(j int) []bool {
	if m.Null == nil {
		return nil
	}
	return m.Null[j*m.Rows : (j+1)*m.Rows : (j+1)*m.Rows]
}

// Select returns a copy of the given rows, in the given order.
//
// Errors: fault.Invalid when a row is out of range or none is given.
func (m Matrix) Select(rows []int32) (Matrix, error) {
	out, err := NewMatrix(m.Names, len(rows))
	if err != nil {
		return Matrix{}, err
	}
	if m.Null != nil {
		out.Null = make([]bool, len(out.Data))
	}
	for _, r := range rows {
		if r < 0 || int(r) >= m.Rows {
			return Matrix{}, fault.New(fault.Invalid, "feature.Matrix", "row out of range of %d rows", m.Rows)
		}
	}
	for j := range m.Cols {
		dst, src := out.Column(j), m.Column(j)
		for i, r := range rows {
			dst[i] = src[r]
		}
		if m.Null != nil {
			dst, src := out.Missing(j), m.Missing(j)
			for i, r := range rows {
				dst[i] = src[r]
			}
		}
	}
	return out, nil
}

// shape refuses a matrix whose parts disagree, as one put together by hand may.
func (m Matrix) shape() error {
	if m.Rows <= 0 || m.Cols <= 0 || len(m.Names) != m.Cols || len(m.Data) != m.Rows*m.Cols ||
		(m.Null != nil && len(m.Null) != len(m.Data)) {
		return fault.New(fault.Invalid, "feature.Matrix", "%d rows × %d columns with %d names, %d cells and %d null marks",
			m.Rows, m.Cols, len(m.Names), len(m.Data), len(m.Null))
	}
	return nil
}
