//go:build amd64 && !purego

package exconv

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The assembly equals the twin on random entries and taps, on all taps set and none, over one call and over several.
func TestAssemblyEqualsTwin(t *testing.T) {
	if !accelerated {
		t.Skip("no AVX2 and BMI2, or TACIT_KERNEL=portable")
	}
	const periods = 9
	random1 := make([]byte, 4*period*periods)
	aes.NewStream(aes.Block{1}, aes.Block{2}).Fill(random1)
	for name, taps := range map[string][]byte{
		"random": random1,
		"all":    bytes.Repeat([]byte{0xff}, len(random1)),
		"none":   make([]byte, len(random1)),
	} {
		for lanes := 1; lanes <= 2; lanes++ {
			x := random(3, period*periods*lanes)
			want := slices.Clone(x)
			runTwin(want, make([]pair, slots*sums*lanes), taps, lanes)
			ring := make([]pair, slots*sums*lanes)
			cut := 4 * period * 2
			run(x[:2*period*lanes], ring, taps[:cut], lanes)
			run(x[2*period*lanes:], ring, taps[cut:], lanes)
			if !slices.Equal(x, want) {
				t.Errorf("%s taps, %d lanes: differ", name, lanes)
			}
		}
	}
}
