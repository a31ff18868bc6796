package feature

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestDuplicates compares the count with a map's, on digests with many words in common: what SHA-256 never gives.
func TestDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.Uint64Range(0, rapid.SampledFrom([]uint64{0, 1, 3, 1 << 20}).Draw(t, "words"))
		digests := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) (d [32]byte) {
			for i := range 4 {
				binary.LittleEndian.PutUint64(d[8*i:], words.Draw(t, "word"))
			}
			return d
		}), 0, 300).Draw(t, "digests")
		compareDuplicates(t, digests)
	})
}

// TestDuplicatesAtScale has filters of several sizes, and repeats far apart.
func TestDuplicatesAtScale(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4095, 4096, 4097, 60_000} {
		for _, distinct := range []int{1, n/2 + 1, n - 1, n} {
			digests := make([][32]byte, n)
			for i := range digests {
				x := uint64(i % max(distinct, 1))
				for w := range 4 { // SplitMix64: evenly spread
					x += 0x9e3779b97f4a7c15
					z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
					z = (z ^ z>>27) * 0x94d049bb133111eb
					binary.LittleEndian.PutUint64(digests[i][8*w:], z^z>>31)
				}
			}
			compareDuplicates(t, digests)
		}
	}
}

func compareDuplicates(t rapid.TB, digests [][32]byte) {
	t.Helper()
	before := append([][32]byte(nil), digests...)
	seen := map[[32]byte]bool{}
	for _, d := range digests {
		seen[d] = true
	}
	if got, want := duplicates(digests), len(digests)-len(seen); got != want {
		t.Fatalf("%d of %d, want %d", got, len(digests), want)
	}
	for i := range digests {
		if digests[i] != before[i] {
			t.Fatal("the digests were changed")
		}
	}
}
