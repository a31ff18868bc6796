package oprf

import (
	"context"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// fewTerms is the length up to which a sum goes term by term: buckets do not pay yet.
const fewTerms = 8

// maxWindow bounds the bits of a window, and with it the buckets of one task: 2¹² elements of some 200 bytes.
const maxWindow = 13

// sum returns Σ kᵢ·eᵢ over public scalars and elements; its time depends on them.
func (s *scheme) sum(ctx context.Context, pool pool, k []group.Scalar, e []group.Element) (group.Element, error) {
	if s.cheapAdd && len(k) > fewTerms {
		return s.sumByBuckets(ctx, pool, k, e, windowBits(len(k)))
	}
	parts := make([]group.Element, (len(k)+block-1)/block)
	err := pool.each(ctx, len(k), block, func(lo, hi int) error {
		part, t := s.group.NewElement(), s.group.NewElement()
		for i := lo; i < hi; i++ {
			part.Add(part, t.Mul(e[i], k[i]))
		}
		parts[lo/block] = part
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := s.group.NewElement()
	for _, part := range parts {
		total.Add(total, part)
	}
	return total, nil
}

// sumByBuckets is Pippenger's method with signed digits (Bernstein, Doumen, Lange, Oosterwijk 2012, §4): one addition
// per term and window of width bits instead of one multiplication per term. Windows run at once. Scalars are
// little-endian.
func (s *scheme) sumByBuckets(ctx context.Context, pool pool, k []group.Scalar, e []group.Element, width int) (group.Element, error) {
	windows := 8*scalarBytes/width + 1
	digits := make([]int16, windows*len(k)) // window by window
	for i := range k {
		b, err := k[i].MarshalBinary()
		if err != nil || len(b) != scalarBytes {
			return nil, &fault.Error{Code: fault.Internal, Op: "oprf.sum", Reason: "a scalar did not encode", Err: err}
		}
		recode(digits[i:], len(k), b, width, windows)
	}
	parts := make([]group.Element, windows)
	err := pool.each(ctx, windows, 1, func(w, _ int) error {
		parts[w] = s.window(digits[w*len(k):(w+1)*len(k)], e, width)
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := parts[windows-1]
	for w := windows - 2; w >= 0; w-- {
		for range width {
			total.Dbl(total)
		}
		total.Add(total, parts[w])
	}
	return total, nil
}

// windowBits returns the window that needs the fewest additions for n terms.
func windowBits(n int) int {
	best, least := 2, 0
	for width := 2; width <= maxWindow; width++ {
		additions := (8*scalarBytes/width + 1) * (n + 1<<width)
		if least == 0 || additions < least {
			best, least = width, additions
		}
	}
	return best
}

// recode writes the digits of the little-endian scalar b, base 2^width and between −2^(width−1) and 2^(width−1), to
// every stride-th entry of dst.
func recode(dst []int16, stride int, b []byte, width, windows int) {
	carry := 0
	for w := range windows {
		v := carry
		for bit := range width {
			if at := w*width + bit; at < 8*len(b) {
				v += int(b[at/8]>>(at%8)&1) << bit
			}
		}
		carry = 0
		if v > 1<<(width-1) {
			v -= 1 << width
			carry = 1
		}
		dst[w*stride] = int16(v)
	}
}

// window returns Σ digitᵢ·eᵢ.
func (s *scheme) window(digits []int16, e []group.Element, width int) group.Element {
	buckets := make([]group.Element, 1<<(width-1))
	negative := s.group.NewElement()
	for i, d := range digits {
		if d == 0 {
			continue
		}
		term := e[i]
		if d < 0 {
			term, d = negative.Neg(term), -d
		}
		if b := buckets[d-1]; b != nil {
			b.Add(b, term)
			continue
		}
		buckets[d-1] = term.Copy()
	}
	run, total := s.group.NewElement(), s.group.NewElement()
	for i := len(buckets) - 1; i >= 0; i-- {
		if buckets[i] != nil {
			run.Add(run, buckets[i])
		}
		total.Add(total, run)
	}
	return total
}
