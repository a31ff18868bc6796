//go:build amd64 && !purego

package gf128

import (
	"os"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// TestTiers runs the kernels of one element per register, which a CPU with the wide ones meets at short lengths only.
func TestTiers(t *testing.T) {
	if !accelerated {
		t.Skip("no PCLMULQDQ here")
	}
	c := random(3, 1)[0]
	for n := 1; n <= maxLen; n++ {
		a, b := append(random(1, n), edges()...), append(edges(), random(2, n)...)
		got, want := make([]aes.Block, len(a)), make([]aes.Block, len(a))
		same := func(what string) {
			t.Helper()
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%s, n=%d: element %d is %x, want %x", what, len(a), i, got[i], want[i])
				}
			}
		}
		narrowMul(&got[0][0], &a[0][0], &b[0][0], len(a))
		mulBatchTwin(want, a, b)
		same("narrowMul")
		narrowMulConst(&got[0][0], &a[0][0], len(a), &c[0])
		mulConstTwin(want, a, &c)
		same("narrowMulConst")
		narrowMulConstAdd(&got[0][0], &b[0][0], len(a), &c[0])
		mulConstAddTwin(want, b, &c)
		same("narrowMulConstAdd")
		narrowHorner(&got[0][0], &a[0][0], len(a), &b[0][0], 3)
		hornerTwin(want, a, b[:3])
		same("narrowHorner")
		got, want = got[:1], want[:1]
		narrowInner(&got[0][0], &a[0][0], &b[0][0], len(a))
		want[0] = innerProductTwin(a, b)
		same("narrowInner")
	}
}

func TestChoice(t *testing.T) {
	if os.Getenv("TACIT_KERNEL") == "portable" && Accelerated() {
		t.Error("TACIT_KERNEL=portable is ignored")
	}
}

// The kernels of CPUs without AVX-512.
func BenchmarkNarrow(b *testing.B) {
	if !accelerated {
		b.Skip("no PCLMULQDQ here")
	}
	b.Run("Mul", func(b *testing.B) {
		bench(b, benchElements, func(dst, x, y []aes.Block) { narrowMul(&dst[0][0], &x[0][0], &y[0][0], len(x)) })
	})
	b.Run("MulConst", func(b *testing.B) {
		bench(b, benchElements, func(dst, x, y []aes.Block) { narrowMulConst(&dst[0][0], &x[0][0], len(x), &y[0][0]) })
	})
	b.Run("InnerProduct", func(b *testing.B) {
		bench(b, benchElements, func(dst, x, y []aes.Block) { narrowInner(&dst[0][0], &x[0][0], &y[0][0], len(x)) })
	})
}
