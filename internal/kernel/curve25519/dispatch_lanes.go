//go:build amd64 && !purego

package curve25519

import (
	"os"

	"golang.org/x/sys/cpu"
)

// accelerated is decided once; TACIT_KERNEL=portable forces the twin.
var accelerated = os.Getenv("TACIT_KERNEL") != "portable" && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ &&
	cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512IFMA

func mulBlock(dst, src []U, k *[32]byte) (firstZero int) {
	if accelerated {
		return mulBlockLanes(dst, src, k)
	}
	return mulBlockPortable(dst, src, k)
}

func mapBlock(dst []U, item [][32]byte, x *xmd) {
	if accelerated {
		mapBlockLanes(dst, item, x)
		return
	}
	mapBlockPortable(dst, item, x)
}

func mapMulBlock(dst []U, item [][32]byte, x *xmd, k *[32]byte) {
	if accelerated {
		mapMulBlockLanes(dst, item, x, k)
		return
	}
	mapMulBlockPortable(dst, item, x, k)
}

func onCurveBlock(src []U) (bad int) {
	if accelerated {
		return onCurveLanes(src)
	}
	return onCurvePortable(src)
}
