package gf128

import (
	"bytes"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// FuzzMul holds every form of the product, at a length that reaches the widest kernel, against the oracle.
func FuzzMul(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint8(0))
	f.Add(append(make([]byte, 15), 0x80, 2), uint8(4))
	f.Add([]byte("any two elements of the field, please"), uint8(17))
	f.Fuzz(func(t *testing.T, raw []byte, n uint8) {
		var a, b aes.Block
		copy(b[:], raw[copy(a[:], raw):])
		want := oracle(a, b)
		k := int(n)%maxLen + 1
		x, y := make([]aes.Block, k), make([]aes.Block, k)
		for i := range x {
			x[i], y[i] = a, b
		}
		if k%2 == 1 && InnerProduct(x, y) != want || k%2 == 0 && InnerProduct(x, y) != (aes.Block{}) {
			t.Error("InnerProduct differs")
		}
		MulConst(y, x, &b)
		for i := range x {
			x[i] = Mul(x[i], b)
		}
		for i := range x {
			if x[i] != want || y[i] != want {
				t.Fatalf("element %d of %d: Mul %x, MulConst %x, want %x", i, k, x[i], y[i], want)
			}
		}
	})
}
