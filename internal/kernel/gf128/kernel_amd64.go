//go:build amd64 && !purego

package gf128

import (
	"os"

	"golang.org/x/sys/cpu"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// accelerated chooses the kernels of one element per register, wide those of four. Neither is ever assigned.
var (
	accelerated = cpu.X86.HasPCLMULQDQ && cpu.X86.HasAVX && os.Getenv("TACIT_KERNEL") != "portable"
	wide        = accelerated && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ &&
		cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VPCLMULQDQ && cpu.X86.HasBMI2
)

// wideFrom is the length from which a group of four wide registers pays (measured on Sapphire Rapids).
const wideFrom = 8

func mulOne(out, a, b *aes.Block) {
	if accelerated {
		narrowMul(&out[0], &a[0], &b[0], 1)
		return
	}
	mul(load(a), load(b)).store(out)
}

func mulBatch(dst, a, b []aes.Block) {
	switch n := len(dst); {
	case n == 0:
	case wide && n >= wideFrom:
		wideMul(&dst[0][0], &a[0][0], &b[0][0], n)
	case accelerated:
		narrowMul(&dst[0][0], &a[0][0], &b[0][0], n)
	default:
		mulBatchTwin(dst, a, b)
	}
}

func mulConst(dst, src []aes.Block, c *aes.Block) {
	switch n := len(dst); {
	case n == 0:
	case wide && n >= wideFrom:
		wideMulConst(&dst[0][0], &src[0][0], n, &c[0])
	case accelerated:
		narrowMulConst(&dst[0][0], &src[0][0], n, &c[0])
	default:
		mulConstTwin(dst, src, c)
	}
}

func mulConstAdd(dst, src []aes.Block, c *aes.Block) {
	switch n := len(dst); {
	case n == 0:
	case wide && n >= wideFrom:
		wideMulConstAdd(&dst[0][0], &src[0][0], n, &c[0])
	case accelerated:
		narrowMulConstAdd(&dst[0][0], &src[0][0], n, &c[0])
	default:
		mulConstAddTwin(dst, src, c)
	}
}

func horner(dst, x, c []aes.Block) {
	switch n := len(dst); {
	case n == 0:
	case wide && n >= wideFrom:
		wideHorner(&dst[0][0], &x[0][0], n, &c[0][0], len(c))
	case accelerated:
		narrowHorner(&dst[0][0], &x[0][0], n, &c[0][0], len(c))
	default:
		hornerTwin(dst, x, c)
	}
}

func innerProduct(a, b []aes.Block) (out aes.Block) {
	switch n := len(a); {
	case n == 0:
	case wide && n >= wideFrom:
		wideInner(&out[0], &a[0][0], &b[0][0], n)
	case accelerated:
		narrowInner(&out[0], &a[0][0], &b[0][0], n)
	default:
		out = innerProductTwin(a, b)
	}
	return out
}
