package gf128

import (
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// benchElements is a length within the first-level cache.
const benchElements = 1 << 10

// bench reports ns/mul of f over operands of n elements.
func bench(b *testing.B, n int, f func(dst, x, y []aes.Block)) {
	dst, x, y := make([]aes.Block, n), make([]aes.Block, n), make([]aes.Block, n)
	aes.NewStream(aes.Block{1}, aes.Block{}).Fill(x[0][:])
	Powers(x, x[0])
	copy(y, x)
	for b.Loop() {
		f(dst, x, y)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/mul")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkMulBatch(b *testing.B) { bench(b, benchElements, MulBatch) }

func BenchmarkMulBatchTwin(b *testing.B) { bench(b, benchElements, mulBatchTwin) }

func BenchmarkMulConst(b *testing.B) {
	bench(b, benchElements, func(dst, x, y []aes.Block) { MulConst(dst, x, &y[0]) })
}

func BenchmarkMulConstAdd(b *testing.B) {
	bench(b, benchElements, func(dst, x, y []aes.Block) { MulConstAdd(dst, x, &y[0]) })
}

func BenchmarkInnerProduct(b *testing.B) {
	bench(b, benchElements, func(dst, x, y []aes.Block) { dst[0] = InnerProduct(x, y) })
}

// BenchmarkHorner has four terms and counts points.
func BenchmarkHorner(b *testing.B) {
	bench(b, benchElements, func(dst, x, y []aes.Block) { Horner(dst, x, y[:4]) })
}

func BenchmarkAdd(b *testing.B) { bench(b, benchElements, Add) }

// BenchmarkMul is one multiplication in a chain.
func BenchmarkMul(b *testing.B) {
	x := aes.Block{3}
	for b.Loop() {
		x = Mul(x, x)
	}
}

func BenchmarkInvert(b *testing.B) {
	x := aes.Block{3}
	for b.Loop() {
		x = Invert(x)
	}
}
