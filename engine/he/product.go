package he

import (
	"github.com/tacit-data/tacit/api/fault"
)

const (
	// MaxDim bounds rows and columns. The noise proof of a full column at 2^24 rows leaves 2^-81 per value.
	MaxDim = 1 << 24
	// MaxInputs bounds the input ciphertexts of a product: the evaluator holds them all decoded, 2 GiB at H2.
	MaxInputs = 1 << 12
)

// Product is the shape of a private matrix times an encrypted vector: y = X·v (MatVec, v has a value per column) or
// y = Xᵀ·v (MatTVec, v has a value per row). It is an immutable value that both parties compute alike.
//
// With A = X or Xᵀ, a width w that divides N packs w entries of v per ciphertext and N/w rows of A per result:
//
//	v̂ = Σ_{j<w} v_j x^j    Â = Σ_{i<N/w} Σ_{j<w} A_ij x^{i·w + w−1−j}    y_i at coefficient i·w + w−1 of Σ Â·v̂
//
// (wrap-around only reaches coefficients 0 … w−2).
type Product struct {
	p          Params
	rows, cols int
	transposed bool
	width      int
}

// NewMatVec returns the shape of X·v for rows × cols.
//
// Errors: fault.Invalid (zero rows or columns, zero Params), fault.LimitExceeded (MaxDim), fault.Unsupported (a set
// that cannot seal).
func NewMatVec(p Params, rows, cols int) (Product, error) { return newProduct(p, rows, cols, false) }

// NewMatTVec returns the shape of Xᵀ·v for an X of rows × cols. Errors as NewMatVec.
func NewMatTVec(p Params, rows, cols int) (Product, error) { return newProduct(p, rows, cols, true) }

func newProduct(p Params, rows, cols int, transposed bool) (Product, error) {
	const op = "he.NewProduct"
	if err := p.same(op, p); err != nil {
		return Product{}, err
	}
	switch {
	case !p.Floods():
		return Product{}, fault.New(fault.Unsupported, op, "parameter set %s has no room to flood", p.ID())
	case rows < 1 || cols < 1:
		return Product{}, fault.New(fault.Invalid, op, "a matrix of %d × %d", rows, cols)
	case rows > MaxDim || cols > MaxDim:
		return Product{}, fault.New(fault.LimitExceeded, op, "a matrix of %d × %d, at most %d each", rows, cols, MaxDim)
	}
	best := Product{}
	for w := 1; w <= p.N(); w *= 2 {
		s := Product{p: p, rows: rows, cols: cols, transposed: transposed, width: w}
		if s.Inputs() > MaxInputs {
			continue
		}
		if best.width == 0 || s.InputBytes()+s.OutputBytes() < best.InputBytes()+best.OutputBytes() {
			best = s
		}
	}
	return best, nil // never zero: w = N needs at most MaxDim/N inputs
}

// Params returns the parameter set.
func (s Product) Params() Params { return s.p }

// Width returns w, the values per input ciphertext: the power of two with the fewest bytes in total.
func (s Product) Width() int { return s.width }

// InputLen returns the length of the encrypted vector.
func (s Product) InputLen() int {
	if s.transposed {
		return s.rows
	}
	return s.cols
}

// OutputLen returns the length of the product.
func (s Product) OutputLen() int {
	if s.transposed {
		return s.cols
	}
	return s.rows
}

// perOutput is the number of results in a full sealed ciphertext.
func (s Product) perOutput() int { return s.p.N() / s.width }

// Inputs returns the number of input ciphertexts.
func (s Product) Inputs() int { return ceilDiv(s.InputLen(), s.width) }

// Outputs returns the number of sealed ciphertexts.
func (s Product) Outputs() int { return ceilDiv(s.OutputLen(), s.perOutput()) }

// Kept returns the pattern of sealed ciphertext o, 0 ≤ o < Outputs.
func (s Product) Kept(o int) Kept {
	count := min(s.perOutput(), s.OutputLen()-o*s.perOutput())
	return Kept{Stride: s.width, Offset: s.width - 1, Count: count}
}

// InputSize returns the bytes of one input ciphertext.
func (s Product) InputSize() int { return s.p.WireBytes(KindSeeded, 0) }

// OutputSize returns the bytes of sealed ciphertext o.
func (s Product) OutputSize(o int) int { return s.p.WireBytes(KindSealed, s.Kept(o).Count) }

// InputBytes returns the bytes of all input ciphertexts.
func (s Product) InputBytes() int64 { return int64(s.Inputs()) * int64(s.InputSize()) }

// OutputBytes returns the bytes of all sealed ciphertexts.
func (s Product) OutputBytes() int64 {
	last := s.Outputs() - 1
	return int64(last)*int64(s.OutputSize(0)) + int64(s.OutputSize(last))
}

// CacheBytes returns the memory that Encode needs to keep the whole matrix encoded.
func (s Product) CacheBytes() int64 {
	return int64(s.Inputs()) * int64(s.Outputs()) * int64(s.p.Limbs()) * int64(s.p.N()) * 8
}

// Noise proves the product for entries up to xmax when the whole job, all iterations and products under one key,
// returns sealed ciphertexts.
//
// Errors: as NoiseBound.
func (s Product) Noise(xmax int64, sealed int) (Noise, error) {
	if s.width == 0 {
		return Noise{}, fault.New(fault.Invalid, "he.Product", "the zero Product")
	}
	return NoiseBound(s.p, Load{Polys: s.Inputs(), XMax: xmax, Kept: s.Kept(0).Count, Sealed: sealed})
}

// same reports whether o is the same shape, whichever Lookup its Params come from.
func (s Product) same(o Product) bool {
	return s.p.ID() == o.p.ID() && s.rows == o.rows && s.cols == o.cols && s.transposed == o.transposed && s.width == o.width
}

// slice returns the part of the input vector that ciphertext g encrypts.
func (s Product) slice(v []uint64, g int) []uint64 {
	return v[g*s.width : min((g+1)*s.width, len(v))]
}

// ceilDiv returns ⌈a/b⌉ for a ≥ 0, b > 0.
func ceilDiv(a, b int) int { return (a + b - 1) / b }
