package he

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
)

// Matrix is private integers, column-major: entry (i, j) is Data[j·Rows+i], |x| ≤ XMax. It prints as its shape.
type Matrix struct {
	Rows, Cols int
	Data       []int64
}

// Format prints the shape, whatever the verb.
func (m Matrix) Format(f fmt.State, _ rune) {
	redact(f, fmt.Sprintf("he.Matrix(%d×%d)", m.Rows, m.Cols))
}

// LogValue is the shape.
func (m Matrix) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("he.Matrix(%d×%d)", m.Rows, m.Cols))
}

// Encoded is a Matrix ready for the products of one shape: encoded in memory, or borrowed and encoded anew at each
// use. Results are the same. It is immutable, safe for concurrent use, and prints as its type's name.
type Encoded struct{ e *encoded }

type encoded struct {
	shape Product
	x     Matrix
	xmax  int64
	cache []*Plain // Outputs × Inputs, nil when the limit did not allow it
}

// Format prints the type's name, whatever the verb.
func (Encoded) Format(f fmt.State, _ rune) { redact(f, "he.Encoded") }

// LogValue is the type's name.
func (Encoded) LogValue() slog.Value { return slog.StringValue("he.Encoded") }

// Cached reports whether the matrix is held encoded.
func (e *Encoded) Cached() bool { return e.e.cache != nil }

// XMax returns the largest |x| of the matrix.
func (e *Encoded) XMax() int64 { return e.e.xmax }

// Encode checks x against the shape and holds it encoded if CacheBytes is at most maxBytes. x.Data is borrowed and may
// not change while the result is in use.
//
// Errors: fault.Invalid (other dimensions, kits of another set), fault.Precision (|x| > XMax), fault.Canceled or
// fault.Timeout.
func (s Product) Encode(ctx context.Context, kits []*Kit, x Matrix, maxBytes int64) (*Encoded, error) {
	const op = "he.Product.Encode"
	if x.Rows != s.rows || x.Cols != s.cols || len(x.Data) != s.rows*s.cols || s.width == 0 {
		return nil, fault.New(fault.Invalid, op, "a matrix of %d × %d with %d entries, the shape is %d × %d",
			x.Rows, x.Cols, len(x.Data), s.rows, s.cols)
	}
	e := &encoded{shape: s, x: x, xmax: max(maxAbs(x.Data), 1)}
	if e.xmax > XMax {
		return nil, fault.New(fault.Precision, op, "an entry beyond ±%d", XMax)
	}
	if s.CacheBytes() > maxBytes {
		return &Encoded{e}, nil
	}
	cache := make([]*Plain, s.Outputs()*s.Inputs())
	err := each(ctx, s.p, kits, len(cache), func(k *Kit, i int) error {
		cache[i] = newPlain(s.p)
		return e.encode(k, cache[i], i/s.Inputs(), i%s.Inputs())
	})
	if err != nil {
		return nil, err
	}
	e.cache = cache
	return &Encoded{e}, nil
}

// plain returns the encoded polynomial of output o and input g.
func (e *encoded) plain(k *Kit, o, g int) (*Plain, error) {
	if e.cache != nil {
		return e.cache[o*e.shape.Inputs()+g], nil
	}
	return k.s.plain, e.encode(k, k.s.plain, o, g)
}

// encode packs rows o·N/w … of A and columns g·w … into dst.
func (e *encoded) encode(k *Kit, dst *Plain, o, g int) error {
	s, c := e.shape, k.s.coeff
	clear(c)
	w, first, from := s.width, o*s.perOutput(), g*s.width
	outs := min(s.perOutput(), s.OutputLen()-first)
	ins := min(w, s.InputLen()-from)
	if s.transposed {
		for i := range outs {
			column := e.x.Data[(first+i)*s.rows+from:][:ins]
			for j, v := range column {
				c[i*w+w-1-j] = v
			}
		}
		return k.EncodeInt(dst, c)
	}
	for j := range ins {
		column := e.x.Data[(from+j)*s.rows+first:][:outs]
		for i, v := range column {
			c[i*w+w-1-j] = v
		}
	}
	return k.EncodeInt(dst, c)
}
