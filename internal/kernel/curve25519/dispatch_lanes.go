//go:build amd64 && !purego

package curve25519

import (
	"os"

	"golang.org/x/sys/cpu"
)

// tier is a set of implementations of the block functions.
type tier int

const (
	tierTwin  tier = iota // pure Go
	tierFours             // AVX2
	tierLanes             // AVX-512 IFMA
)

// chosen is decided once.
var chosen = min(fastest(), allowed(os.Getenv("TACIT_KERNEL")))

// fastest is the best that the CPU can run.
func fastest() tier {
	x := &cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512IFMA:
		return tierLanes
	case x.HasAVX2:
		return tierFours
	}
	return tierTwin
}

// allowed is the best that the environment admits. portable is what runs on all servers of the last decade and under
// valgrind, which knows AVX2 and stops at AVX-512; avx2 is the same by the tier's name.
func allowed(kernel string) tier {
	switch kernel {
	case "scalar":
		return tierTwin
	case "avx2", "portable":
		return tierFours
	}
	return tierLanes
}

func accelerated() bool { return chosen != tierTwin }

func mulBlock(dst, src []U, k *[32]byte) (firstZero int) {
	switch chosen {
	case tierLanes:
		return mulBlockLanes(dst, src, k)
	case tierFours:
		return mulBlockFours(dst, src, k)
	}
	return mulBlockPortable(dst, src, k)
}

func mapBlock(dst []U, item [][32]byte, x *xmd) {
	switch chosen {
	case tierLanes:
		mapBlockLanes(dst, item, x)
	case tierFours:
		mapBlockFours(dst, item, x)
	default:
		mapBlockPortable(dst, item, x)
	}
}

func mapMulBlock(dst []U, item [][32]byte, x *xmd, k *[32]byte) {
	switch chosen {
	case tierLanes:
		mapMulBlockLanes(dst, item, x, k)
	case tierFours:
		mapMulBlockFours(dst, item, x, k)
	default:
		mapMulBlockPortable(dst, item, x, k)
	}
}

func onCurveBlock(src []U) (bad int) {
	switch chosen {
	case tierLanes:
		return onCurveLanes(src)
	case tierFours:
		return onCurveFours(src)
	}
	return onCurvePortable(src)
}
