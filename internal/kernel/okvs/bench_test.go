package okvs

import (
	"fmt"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// benchmarkSizes runs f with keys, values, a vector and rows of n items, and reports ns per item.
func benchmarkSizes(b *testing.B, f func(b *testing.B, s *store)) {
	for _, k := range []int{14, 20} {
		n := 1 << k
		b.Run(fmt.Sprintf("n=2^%d", k), func(b *testing.B) {
			p := mustParams(b, n, testSSP)
			s := &store{p: p, key: blocks(n, 1), val: blocks(n, 2), out: make([]aes.Block, n)}
			s.vector = mustEncode(b, s.key, s.val, s.seed, p, randomness(1))
			s.rows = NewRows(n, s.seed, p)
			s.rows.HashChunks(s.key, 0, s.rows.Chunks())
			f(b, s)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/item")
		})
	}
}

type store struct {
	p                     Params
	seed                  aes.Block
	key, val, vector, out []aes.Block
	rows                  *Rows
}

func BenchmarkEncode(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, s *store) {
		for b.Loop() {
			if err := Encode(s.vector, s.key, s.val, s.seed, s.p, randomness(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncodeBins is Encode of rows that are there already.
func BenchmarkEncodeBins(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, s *store) {
		for b.Loop() {
			e, err := NewEncoder(s.rows, randomness(1))
			if err != nil {
				b.Fatal(err)
			}
			if err := e.EncodeBins(s.vector, s.val, 0, s.p.Bins); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkHashChunks(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, s *store) {
		for b.Loop() {
			s.rows.HashChunks(s.key, 0, s.rows.Chunks())
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, s *store) {
		for b.Loop() {
			Decode(s.out, s.key, s.vector, s.seed, s.p)
		}
	})
}

// BenchmarkDecodeBins is Decode of rows that are there already.
func BenchmarkDecodeBins(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, s *store) {
		for b.Loop() {
			s.rows.DecodeBins(s.out, s.vector, 0, s.p.Bins)
		}
	})
}

func BenchmarkNewParams(b *testing.B) {
	for _, n := range []int{100, 2048, 1 << 20, 1 << 28} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				mustParams(b, n, testSSP)
			}
		})
	}
}
