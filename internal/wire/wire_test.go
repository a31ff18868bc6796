package wire

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Uint64().Draw(t, "a"), rapid.Int64().Draw(t, "b"), rapid.Float64Range(-1e300, 1e300).Draw(t, "c")
		s, list := rapid.String().Draw(t, "s"), rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "list")
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		var e Encoder
		e.U8(uint8(a))
		e.U16(uint16(a))
		e.U32(uint32(a))
		e.U64(a)
		e.I64(b)
		e.F64(c)
		e.Bool(a%2 == 1)
		e.String(s)
		e.Strings(list)
		e.Bytes(raw)
		e.Fixed(raw)
		d := NewDecoder(e.B, "test")
		ok := d.U8() == uint8(a) && d.U16() == uint16(a) && d.U32() == uint32(a) && d.U64() == a && d.I64() == b && d.F64() == c &&
			d.Bool() == (a%2 == 1) && d.String(1<<20) == s
		got := d.Strings(5, 1<<20)
		ok = ok && len(got) == len(list)
		for i := range got {
			ok = ok && got[i] == list[i]
		}
		ok = ok && bytes.Equal(d.Bytes(1<<20), raw) && bytes.Equal(d.Fixed(len(raw)), raw)
		if err := d.Done(); err != nil || !ok {
			t.Fatalf("ok=%v, %v", ok, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	nan := Encoder{}
	nan.U64(math.Float64bits(math.NaN()))
	minusZero := Encoder{}
	minusZero.U64(1 << 63)
	for _, c := range []struct {
		name string
		b    []byte
		read func(d *Decoder)
		want fault.Code
	}{
		{"truncated integer", []byte{1, 2, 3}, func(d *Decoder) { d.U32() }, fault.Misbehaved},
		{"truncated bytes", []byte{0, 0, 0, 9, 1}, func(d *Decoder) { d.Bytes(16) }, fault.Misbehaved},
		{"over-long bytes", []byte{0, 0, 0, 9}, func(d *Decoder) { d.Bytes(8) }, fault.LimitExceeded},
		{"length 2^32−1", []byte{255, 255, 255, 255}, func(d *Decoder) { d.Bytes(math.MaxInt32) }, fault.LimitExceeded},
		{"over-long list", []byte{0, 0, 0, 9}, func(d *Decoder) { d.Count(8, 0) }, fault.LimitExceeded},
		{"a list that cannot fit", []byte{0, 0, 0, 9, 1, 2}, func(d *Decoder) { d.Count(100, 4) }, fault.Misbehaved},
		{"bool 2", []byte{2}, func(d *Decoder) { d.Bool() }, fault.Misbehaved},
		{"not UTF-8", []byte{0, 0, 0, 1, 0xff}, func(d *Decoder) { d.String(4) }, fault.Misbehaved},
		{"NaN", nan.B, func(d *Decoder) { d.F64() }, fault.Misbehaved},
		{"minus zero", minusZero.B, func(d *Decoder) { d.F64() }, fault.Misbehaved},
		{"bytes left", []byte{1, 2}, func(d *Decoder) { d.U8() }, fault.Misbehaved},
	} {
		d := NewDecoder(c.b, "test")
		c.read(d)
		if err := d.Done(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestFirstFailureSticks(t *testing.T) {
	d := NewDecoder([]byte{2, 1}, "test")
	d.Bool()
	first := d.Err()
	if d.U8() != 0 || d.Left() != 0 || d.Done() != first {
		t.Error("a decoder went on after a failure")
	}
}

func TestMinusZeroEncodesAsZero(t *testing.T) {
	var a, b Encoder
	a.F64(math.Copysign(0, -1))
	b.F64(0)
	if !bytes.Equal(a.B, b.B) {
		t.Error("equal numbers have two encodings")
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(b, "fuzz")
		s, list, ok := d.String(64), d.Strings(8, 64), d.Bool()
		if d.Done() != nil {
			return
		}
		var e Encoder
		e.String(s)
		e.Strings(list)
		e.Bool(ok)
		if !bytes.Equal(e.B, b) {
			t.Fatal("one value, two encodings")
		}
	})
}
