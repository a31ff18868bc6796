package exconv

import (
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// benchRows is the length of a VOLE for 2^20 items of PSI.
const benchRows = 1415578

func perItem(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<20), "ns/item")
}

// BenchmarkExConv measures one compression at m = 1.35·2^20, per item of 2^20.
func BenchmarkExConv(b *testing.B) {
	c := New(aes.Block{1}, Shape{benchRows, 7})
	x := NewVector(2 * benchRows)
	d0, d1 := NewVector(benchRows), NewVector(benchRows)
	b.Run("accumulate", func(b *testing.B) {
		for b.Loop() {
			c.Accumulate(x[:benchRows], 1)
		}
		perItem(b)
	})
	b.Run("accumulate-two", func(b *testing.B) {
		for b.Loop() {
			c.Accumulate(x, 2)
		}
		perItem(b)
	})
	b.Run("expand", func(b *testing.B) {
		for b.Loop() {
			c.Expand(d0, x[:benchRows], 0)
		}
		perItem(b)
	})
	b.Run("expand-two", func(b *testing.B) {
		for b.Loop() {
			c.ExpandTwo(d0, d1, x, 0)
		}
		perItem(b)
	})
}
