// Package wire is the canonical, bounded, length-prefixed encoding of protocol messages and digests.
//
// Integers are fixed-width big-endian, floats their IEEE-754 bits, byte strings and lists carry a u32 count. One value
// has one encoding, so an encoding can be hashed and signed. A decoder is told every maximum before it allocates and
// allocates from bytes that are present, never from a length field alone.
package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
)

// Encoder appends values to B. The zero value is ready to use.
type Encoder struct{ B []byte }

// U8 appends one byte.
func (e *Encoder) U8(v uint8) { e.B = append(e.B, v) }

// U16 appends v big-endian.
func (e *Encoder) U16(v uint16) { e.B = binary.BigEndian.AppendUint16(e.B, v) }

// U32 appends v big-endian.
func (e *Encoder) U32(v uint32) { e.B = binary.BigEndian.AppendUint32(e.B, v) }

// U64 appends v big-endian.
func (e *Encoder) U64(v uint64) { e.B = binary.BigEndian.AppendUint64(e.B, v) }

// I64 appends v in two's complement, big-endian.
func (e *Encoder) I64(v int64) { e.U64(uint64(v)) }

// F64 appends the IEEE-754 bits of v; −0 becomes 0, so that equal numbers have equal encodings.
func (e *Encoder) F64(v float64) {
	if v == 0 {
		v = 0
	}
	e.U64(math.Float64bits(v))
}

// Bool appends 1 or 0.
func (e *Encoder) Bool(v bool) {
	if v {
		e.U8(1)
		return
	}
	e.U8(0)
}

// Bytes appends a u32 length and b.
func (e *Encoder) Bytes(b []byte) {
	e.U32(uint32(len(b)))
	e.B = append(e.B, b...)
}

// String appends a u32 length and s.
func (e *Encoder) String(s string) {
	e.U32(uint32(len(s)))
	e.B = append(e.B, s...)
}

// Fixed appends b without a length: both sides know it.
func (e *Encoder) Fixed(b []byte) { e.B = append(e.B, b...) }

// Strings appends a u32 count and each string.
func (e *Encoder) Strings(list []string) {
	e.U32(uint32(len(list)))
	for _, s := range list {
		e.String(s)
	}
}

// Decoder reads what an Encoder wrote. The first failure sticks: later reads return zero values, and Done or Err
// reports it. Failures are fault.Misbehaved (wrong) or fault.LimitExceeded (over-long) without a culprit; the caller,
// who knows the peer, adds it with fault.Blame. Stored bytes use the same decoder and re-code to fault.Corrupt.
type Decoder struct {
	b   []byte
	op  string
	err error
}

// NewDecoder reads b, which is borrowed; op names the message in errors.
func NewDecoder(b []byte, op string) *Decoder { return &Decoder{b: b, op: op} }

// Err returns the first failure.
func (d *Decoder) Err() error { return d.err }

// Left is the number of bytes not read yet.
func (d *Decoder) Left() int { return len(d.b) }

// Fail records a failure found by the caller, unless an earlier one is recorded.
func (d *Decoder) Fail(c fault.Code, format string, args ...any) {
	if d.err == nil {
		d.err = fault.New(c, d.op, format, args...)
		d.b = nil
	}
}

// Done returns the first failure, or fault.Misbehaved when bytes are left over.
func (d *Decoder) Done() error {
	if d.err == nil && len(d.b) != 0 {
		d.Fail(fault.Misbehaved, "%d bytes after the end", len(d.b))
	}
	return d.err
}

func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > len(d.b) {
		d.Fail(fault.Misbehaved, "truncated: %d bytes wanted, %d left", n, len(d.b))
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

// U8 reads one byte.
func (d *Decoder) U8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a big-endian u16.
func (d *Decoder) U16() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// U32 reads a big-endian u32.
func (d *Decoder) U32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// U64 reads a big-endian u64.
func (d *Decoder) U64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// I64 reads a two's-complement i64.
func (d *Decoder) I64() int64 { return int64(d.U64()) }

// F64 reads a finite float; NaN, infinities and −0 are refused.
func (d *Decoder) F64() float64 {
	bits := d.U64()
	v := math.Float64frombits(bits)
	if math.IsNaN(v) || math.IsInf(v, 0) || bits == 1<<63 {
		d.Fail(fault.Misbehaved, "not a finite number in canonical form")
		return 0
	}
	return v
}

// Bool reads 0 or 1; anything else is refused.
func (d *Decoder) Bool() bool {
	v := d.U8()
	if v > 1 {
		d.Fail(fault.Misbehaved, "a boolean that is neither 0 nor 1")
	}
	return v == 1
}

// Bytes reads a length-prefixed byte string of at most maxBytes. The result borrows the input.
func (d *Decoder) Bytes(maxBytes int) []byte {
	n := d.U32()
	if d.err == nil && uint64(n) > uint64(maxBytes) {
		d.Fail(fault.LimitExceeded, "field of %d bytes, at most %d", n, maxBytes)
		return nil
	}
	return d.take(int(n))
}

// String reads a length-prefixed UTF-8 string of at most maxBytes.
func (d *Decoder) String(maxBytes int) string {
	b := d.Bytes(maxBytes)
	if !utf8.Valid(b) {
		d.Fail(fault.Misbehaved, "not UTF-8")
		return ""
	}
	return string(b)
}

// Fixed reads exactly n bytes, borrowed.
func (d *Decoder) Fixed(n int) []byte { return d.take(n) }

// Hash reads 32 bytes.
func (d *Decoder) Hash() (h [32]byte) {
	copy(h[:], d.take(32))
	return h
}

// Count reads a list length of at most max entries of at least minBytes each; a count that the remaining bytes cannot
// hold is refused before anything is allocated.
func (d *Decoder) Count(max, minBytes int) int {
	n := d.U32()
	if d.err != nil {
		return 0
	}
	if uint64(n) > uint64(max) {
		d.Fail(fault.LimitExceeded, "list of %d entries, at most %d", n, max)
		return 0
	}
	if minBytes > 0 && int(n) > len(d.b)/minBytes {
		d.Fail(fault.Misbehaved, "truncated list of %d entries", n)
		return 0
	}
	return int(n)
}

// Strings reads a list of at most max strings of at most maxBytes each.
func (d *Decoder) Strings(max, maxBytes int) []string {
	n := d.Count(max, 4)
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.String(maxBytes))
	}
	if d.err != nil {
		return nil
	}
	return out
}

// Version reads the format version that opens an encoding and fails with fault.Unsupported where it is not want.
func (d *Decoder) Version(want uint8) {
	if v := d.U8(); d.err == nil && v != want {
		d.Fail(fault.Unsupported, "format version %d, this program reads %d", v, want)
	}
}

// Stored re-codes a decoding error of bytes that this party wrote itself: whatever is wrong with them, they are
// fault.Corrupt, unless another version of the program wrote them.
func Stored(op string, err error) error {
	if fault.CodeOf(err) == fault.Unsupported {
		return err
	}
	return fault.Wrap(fault.Corrupt, op, err, "stored bytes do not decode")
}
