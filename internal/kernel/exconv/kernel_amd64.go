//go:build amd64 && !purego

package exconv

import (
	"os"

	"golang.org/x/sys/cpu"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// accelerated is the choice of kernel; it is never assigned.
var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && os.Getenv("TACIT_KERNEL") != "portable"

// run convolves len(taps)/4 entries, a multiple of period; x has lanes blocks for each.
func run(x []aes.Block, ring []pair, taps []byte, lanes int) {
	switch {
	case len(taps) == 0:
	case !accelerated:
		runTwin(x, ring, taps, lanes)
	case lanes == 1:
		avxConvolve(&x[0][0], &ring[0].lo, &taps[0], len(taps)/(4*period))
	default:
		avxConvolveTwo(&x[0][0], &ring[0].lo, &taps[0], len(taps)/(4*period))
	}
}
