package share

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
)

// Bits is a vector of bits or of one party's XOR shares of bits, 64 to a word. Bits after the last are zero. The zero
// value is the empty vector; copies share memory. It prints as its type name and length.
type Bits struct {
	n int
	w []uint64
}

// NewBits returns n zero bits.
func NewBits(n int) Bits { return Bits{n: n, w: make([]uint64, words(n))} }

// BitsOf returns n bits from words (bit i is bit i%64 of word i/64), which are copied; later bits are dropped.
//
// Errors: fault.Invalid when n is negative or the words do not hold n bits.
func BitsOf(w []uint64, n int) (Bits, error) {
	if n < 0 || len(w) < words(n) {
		return Bits{}, fault.New(fault.Invalid, "share.BitsOf", "%d words for %d bits", len(w), n)
	}
	b := NewBits(n)
	copy(b.w, w)
	b.trim()
	return b, nil
}

// Len is the number of bits.
func (b Bits) Len() int { return b.n }

// Words returns the packed bits, borrowed.
func (b Bits) Words() []uint64 { return b.w }

// At returns bit i, 0 or 1.
func (b Bits) At(i int) uint64 { return b.w[i/64] >> (i % 64) & 1 }

// Set makes bit i the low bit of v.
func (b Bits) Set(i int, v uint64) { b.w[i/64] = b.w[i/64]&^(1<<(i%64)) | (v&1)<<(i%64) }

// Slice returns a copy of bits lo to hi−1.
func (b Bits) Slice(lo, hi int) Bits {
	out := NewBits(hi - lo)
	shift := lo % 64
	for i := range out.w {
		at := lo/64 + i
		out.w[i] = b.w[at] >> shift
		if shift > 0 && at+1 < len(b.w) {
			out.w[i] |= b.w[at+1] << (64 - shift)
		}
	}
	out.trim()
	return out
}

// Xor returns a ⊕ b: the XOR of two shared vectors is local.
//
// Errors: fault.Invalid when the lengths differ.
func Xor(a, b Bits) (Bits, error) {
	if a.n != b.n {
		return Bits{}, fault.New(fault.Invalid, "share.Xor", "%d bits and %d bits", a.n, b.n)
	}
	out := NewBits(a.n)
	for i := range out.w {
		out.w[i] = a.w[i] ^ b.w[i]
	}
	return out, nil
}

// trim clears the bits after the last.
func (b Bits) trim() {
	if rest := b.n % 64; rest > 0 {
		b.w[len(b.w)-1] &= 1<<rest - 1
	}
}

// flip complements every bit in place.
func (b Bits) flip() {
	for i := range b.w {
		b.w[i] = ^b.w[i]
	}
	b.trim()
}

// put copies src to bits lo, lo+1, …; lo is a multiple of 64.
func (b Bits) put(lo int, src Bits) { copy(b.w[lo/64:], src.w) }

// spreadBit is all ones where v's low bit is one.
func spreadBit(v uint64) uint64 { return -(v & 1) }

// Format prints the type's name and length only.
func (b Bits) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.name()) }

// LogValue logs the type's name and length only.
func (b Bits) LogValue() slog.Value { return slog.StringValue(b.name()) }

func (b Bits) name() string { return fmt.Sprintf("share.Bits(%d)", b.n) }
