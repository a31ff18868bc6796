package okvs

import (
	"math/rand/v2"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// Encode must succeed exactly where the rank allows it: the dense part makes up for as many rows as it has columns, and
// not for more. The shapes are so tight that about half of them fail, most by a core of several rows.
func TestSolvableIffRankSuffices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	instances := 3000
	if testing.Short() {
		instances = 300
	}
	solved, cores := 0, 0
	for i := range instances {
		n := 2 + rng.IntN(70)
		p := Params{Items: n, Bins: 1, BinCap: n, Sparse: 3, Dense: 1 + rng.IntN(3)}
		p.Sparse = max(p.Sparse, n-p.Dense+rng.IntN(6))
		seed, key, val := blocks(1, uint64(i))[0], sequential(n, uint64(i)), blocks(n, uint64(i+1))
		rows := NewRows(n, seed, p)
		rows.HashChunks(key, 0, 1)
		deficit := n - sparseRank(rows.hash, p.Sparse)
		dst := make([]aes.Block, p.Slots())
		err := Encode(dst, key, val, seed, p, randomness(uint64(i)))
		if (err == nil) != (deficit <= p.Dense) {
			t.Fatalf("%+v with %d dependent rows: %v", p, deficit, err)
		}
		if err != nil {
			continue
		}
		solved++
		if deficit > 0 {
			cores++
		}
		got := make([]aes.Block, n)
		Decode(got, key, dst, seed, p)
		for j := range got {
			if got[j] != val[j] {
				t.Fatalf("%+v: value %d differs", p, j)
			}
		}
	}
	if solved < instances/4 || solved > instances*3/4 || cores < instances/8 {
		t.Errorf("%d of %d solved, %d with the dense part: the shapes test too little", solved, instances, cores)
	}
}

// sparseRank is the rank over GF(2) of the rows' sparse parts.
func sparseRank(hash []aes.Block, columns int) (rank int) {
	type bits [4]uint64
	basis := make([]bits, columns)
	rows := make([]triple, len(hash))
	triplesOf(rows, hash, new(Params{Sparse: columns, Bins: 1}.scale()))
	for _, t := range rows {
		var v bits
		for range 3 {
			v[uint16(t)/64] ^= 1 << (uint16(t) % 64)
			t >>= 16
		}
		for c := range basis {
			if v[c/64]>>(c%64)&1 == 0 {
				continue
			}
			if basis[c] == (bits{}) {
				basis[c] = v
				rank++
				break
			}
			for w := range v {
				v[w] ^= basis[c][w]
			}
		}
	}
	return rank
}

// Columns are distinct, in range, and all triples are equally likely (35 of them: 90 is beyond 10^−6).
func TestColumnsAreUniformTriples(t *testing.T) {
	for _, columns := range []int{3, 4, 7, 22103, maxSparse} {
		count := make(map[[3]uint16]int)
		rows := make([]triple, 70000)
		triplesOf(rows, blocks(len(rows), 9), new(Params{Sparse: columns, Bins: 5}.scale()))
		for _, c := range rows {
			if c>>48 >= 5 {
				t.Fatalf("bin %d of 5", c>>48)
			}
			x := [3]uint16{uint16(c), uint16(c >> 16), uint16(c >> 32)}
			if x[0] == x[1] || x[1] == x[2] || x[0] == x[2] || int(max(x[0], x[1], x[2])) >= columns {
				t.Fatalf("%d columns: %v", columns, x)
			}
			if columns == 7 {
				count[sorted(x)]++
			}
		}
		chi := 0.0
		for _, n := range count {
			chi += float64((n-2000)*(n-2000)) / 2000
		}
		if columns == 7 && (len(count) != 35 || chi > 90) {
			t.Errorf("%d triples, chi-square %.1f over 34 degrees of freedom", len(count), chi)
		}
	}
}

func sorted(x [3]uint16) [3]uint16 {
	lo, hi := min(x[0], x[1], x[2]), max(x[0], x[1], x[2])
	return [3]uint16{lo, x[0] ^ x[1] ^ x[2] ^ lo ^ hi, hi}
}
