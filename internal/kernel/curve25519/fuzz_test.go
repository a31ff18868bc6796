package curve25519

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzMulBatch: points are bytes from outside. Both kernels and crypto/ecdh agree on every one of them.
func FuzzMulBatch(f *testing.F) {
	for _, u := range lowOrder(f) {
		f.Add(bytes.Repeat([]byte{0x42}, 32), u[:])
	}
	for _, v := range edges() {
		b := encode(v)
		f.Add(bytes.Repeat([]byte{0xff}, 32), append(b[:], bytes.Repeat([]byte{0xff}, 64)...))
	}
	f.Fuzz(func(t *testing.T, key, points []byte) {
		if len(key) != 32 || len(points) > 32*33 {
			return
		}
		k := scalar(t, key)
		src := make([]U, len(points)/32)
		for i := range src {
			copy(src[i][:], points[32*i:])
		}
		for _, kern := range kernels() {
			dst := make([]U, len(src))
			zero, want := kern.mul(dst, src, k.bytes()), -1
			for i := len(src) - 1; i >= 0; i-- {
				shared := viaECDH(t, k, src[i])
				if shared == nil {
					shared, want = make([]byte, 32), i
				}
				if !bytes.Equal(dst[i][:], shared) {
					t.Fatalf("%s: %x times %x gives %x, want %x", kern.name, key, src[i], dst[i], shared)
				}
			}
			if zero != want || CanonicalBatch(dst) != -1 {
				t.Fatalf("%s: first zero %d, want %d", kern.name, zero, want)
			}
		}
	})
}

// FuzzMapBatch: every item and tag gives the plain map's point, on the curve, from both kernels.
func FuzzMapBatch(f *testing.F) {
	f.Add(make([]byte, 32), []byte("t"))
	f.Add(bytes.Repeat([]byte{0xff}, 32*17), bytes.Repeat([]byte{0xff}, 255))
	f.Fuzz(func(t *testing.T, items, tag []byte) {
		if len(tag) == 0 || len(tag) > maxDST || len(items) > 32*33 {
			return
		}
		item := make([][32]byte, len(items)/32)
		want := make([]U, len(item))
		for i := range item {
			copy(item[i][:], items[32*i:])
			want[i] = encode(mapBig(hashToField(item[i][:], tag)))
		}
		var x xmd
		x.setup(tag)
		for _, kern := range kernels() {
			dst := make([]U, len(item))
			kern.mapped(dst, item, &x)
			if !slices.Equal(dst, want) || kern.onCurve(dst) != -1 {
				t.Fatalf("%s: items %x under %x", kern.name, items, tag)
			}
		}
	})
}
