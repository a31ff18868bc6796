//go:build amd64 && !purego

package curve25519

import (
	"os"
	"testing"
)

// vectorKernels are those that the CPU can run, whatever the environment admits.
func vectorKernels() (out []kernel) {
	if fastest() >= tierFours {
		out = append(out, kernel{"fours", mulBlockFours, mapBlockFours, mapMulBlockFours, onCurveFours})
	}
	if fastest() >= tierLanes {
		out = append(out, kernel{"lanes", mulBlockLanes, mapBlockLanes, mapMulBlockLanes, onCurveLanes})
	}
	return out
}

func TestTiers(t *testing.T) {
	for kernel, want := range map[string]tier{
		"": tierLanes, "avx512": tierLanes, "avx2": tierFours, "portable": tierFours, "scalar": tierTwin,
	} {
		if got := allowed(kernel); got != want {
			t.Errorf("TACIT_KERNEL=%s admits tier %d, want %d", kernel, got, want)
		}
	}
	if chosen != min(fastest(), allowed(os.Getenv("TACIT_KERNEL"))) || Accelerated() != (chosen > tierTwin) {
		t.Errorf("tier %d is chosen, accelerated: %v", chosen, Accelerated())
	}
}
