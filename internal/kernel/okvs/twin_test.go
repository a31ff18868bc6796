package okvs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// lengths are around the assembly's group of 16 rows, and two longer.
func lengths() (n []int) {
	for i := range 35 {
		n = append(n, i)
	}
	return append(n, 511, 512, 513, 3000)
}

// edgeHashes are random hashes among which words of all zeros and all ones are frequent.
func edgeHashes(n int, number uint64) []aes.Block {
	out, choice := blocks(n, number), blocks(n, number+1)
	for i := range out {
		for w := range 4 {
			switch choice[i][w] % 8 {
			case 0:
				clear(out[i][4*w : 4*w+4])
			case 1:
				copy(out[i][4*w:], []byte{255, 255, 255, 255})
			}
		}
	}
	return out
}

func TestTriplesEqualTwin(t *testing.T) {
	for _, p := range []Params{{Sparse: 3, Bins: 1}, {Sparse: 22103, Bins: 64}, {Sparse: maxSparse, Bins: 1 << 14}} {
		for _, n := range lengths() {
			hash, s := edgeHashes(n, uint64(n)), p.scale()
			got, want := make([]triple, n), make([]triple, n)
			triplesOf(got, hash, &s)
			triplesTwin(want, hash, &s)
			if !slices.Equal(got, want) {
				t.Fatalf("%d rows of %+v differ from the twin", n, p)
			}
		}
	}
}

func TestDenseEqualsTwin(t *testing.T) {
	for _, columns := range []int{1, 2, 3, 4, 7, maxDense} {
		for _, n := range lengths() {
			hash, dense := edgeHashes(n, uint64(n)), edgeHashes(columns, 7)
			got, want := make([]aes.Block, n), make([]aes.Block, n)
			denseProducts(got, hash, dense)
			denseTwin(want, hash, dense)
			if !slices.Equal(got, want) {
				t.Fatalf("%d rows, %d columns: differ from the twin", n, columns)
			}
		}
	}
}

func TestGatherEqualsTwin(t *testing.T) {
	const columns = 1000
	sparse, p := blocks(columns, 1), Params{Sparse: columns, Bins: 1 << 14}
	for _, n := range lengths() {
		s, row := p.scale(), make([]triple, n)
		triplesOf(row, edgeHashes(n, 2), &s)
		place := make([]uint16, n)
		for i := range place {
			place[i] = uint16((i*7 + 3) % max(1, 2*n)) // out of order, with gaps
		}
		got, want := blocks(2*n, 3), blocks(2*n, 3)
		gather(got, place, row, blocks(n, 4), sparse)
		gatherTwin(want, place, row, blocks(n, 4), sparse)
		if !slices.Equal(got, want) {
			t.Fatalf("%d rows differ from the twin", n)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	const n = 512
	p := mustParams(b, 1<<20, testSSP)
	s, hash, row := p.scale(), blocks(n, 1), make([]triple, n)
	out, slots, place := make([]aes.Block, n), blocks(p.stride(), 2), make([]uint16, n)
	for i := range place {
		place[i] = uint16(i)
	}
	for _, k := range []struct {
		name string
		f    func()
	}{
		{"triples", func() { triplesOf(row, hash, &s) }},
		{"triples twin", func() { triplesTwin(row, hash, &s) }},
		{fmt.Sprintf("dense %d", p.Dense), func() { denseProducts(out, hash, slots[p.Sparse:]) }},
		{fmt.Sprintf("dense %d twin", p.Dense), func() { denseTwin(out, hash, slots[p.Sparse:]) }},
		{"gather", func() { gather(out, place, row, hash, slots[:p.Sparse]) }},
		{"gather twin", func() { gatherTwin(out, place, row, hash, slots[:p.Sparse]) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
