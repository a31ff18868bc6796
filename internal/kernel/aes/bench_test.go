package aes

import (
	"crypto/cipher"
	"fmt"
	"testing"
)

// Sizes: within the first-level cache, and a level of a large tree.
const (
	benchBlocks = 1 << 10
	benchMany   = 1 << 18
)

// reportBlocks adds ns/block for runs over n blocks.
func reportBlocks(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/block")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkMMO(b *testing.B) {
	for _, n := range []int{16, benchBlocks, benchMany} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			h, buf := NewMMO(Block{1}), make([]Block, n)
			for b.Loop() {
				h.Blocks(buf, buf)
			}
			reportBlocks(b, n)
		})
	}
}

// BenchmarkMMOTwin is crypto/aes a block at a time.
func BenchmarkMMOTwin(b *testing.B) {
	pi, buf := newCipher(&Block{1}), make([]Block, benchBlocks)
	for b.Loop() {
		mmoTwin(pi, buf, buf)
	}
	reportBlocks(b, len(buf))
}

func BenchmarkHash(b *testing.B) {
	h, buf := NewHash(Block{1}), make([]Block, benchBlocks)
	for b.Loop() {
		h.Blocks(buf, buf, 0)
	}
	reportBlocks(b, len(buf))
}

// BenchmarkLevel counts children.
func BenchmarkLevel(b *testing.B) {
	for _, n := range []int{benchBlocks, benchMany} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			t, buf := NewTree(Block{1}, Block{2}), make([]Block, n)
			for b.Loop() {
				t.Level(buf, buf[:n/2])
			}
			reportBlocks(b, n)
		})
	}
}

func BenchmarkHashKeyed(b *testing.B) {
	key, buf := make([]Block, benchBlocks), make([]Block, benchBlocks)
	for b.Loop() {
		HashKeyed(buf, key, buf)
	}
	reportBlocks(b, len(buf))
}

func BenchmarkStream(b *testing.B) {
	for _, n := range []int{1, 16, benchBlocks} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			s, buf := NewStream(Block{1}, Block{2}), make([]byte, 16*n)
			for b.Loop() {
				s.Fill(buf)
			}
			reportBlocks(b, n)
		})
	}
}

// BenchmarkStreamStandard is the same over crypto/cipher.
func BenchmarkStreamStandard(b *testing.B) {
	for _, n := range []int{1, 16, benchBlocks} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			s, buf := &Stream{twin: cipher.NewCTR(newCipher(&Block{1}), make([]byte, 16))}, make([]byte, 16*n)
			for b.Loop() {
				s.Fill(buf)
			}
			reportBlocks(b, n)
		})
	}
}

// BenchmarkNewStream is the cost of a fresh seed and its first block.
func BenchmarkNewStream(b *testing.B) {
	var out Block
	b.ReportAllocs()
	for b.Loop() {
		NewStream(out, Block{1}).Fill(out[:])
	}
}
