//go:build amd64 && !purego

package aes

import (
	"os"

	"golang.org/x/sys/cpu"
)

// accelerated chooses the kernels of one block per register, wide those of four. Neither is ever assigned.
var (
	accelerated = cpu.X86.HasAES && cpu.X86.HasAVX && os.Getenv("TACIT_KERNEL") != "portable"
	wide        = accelerated && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ &&
		cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VAES && cpu.X86.HasBMI2
)

// expand writes the key schedule of key to rk, and reports false where the twin is to be used.
func (rk *schedule) expand(key *Block) bool {
	if accelerated {
		expandKey(&rk[0][0], &key[0])
	}
	return accelerated
}

func (p *permutation) mmo(dst, src []Block) {
	switch {
	case len(src) == 0:
	case wide:
		wideMMO(&dst[0][0], &src[0][0], len(src), &p.rk[0][0])
	case accelerated:
		narrowMMO(&dst[0][0], &src[0][0], len(src), &p.rk[0][0])
	default:
		mmoTwin(p.pi, dst, src)
	}
}

func (p *permutation) tmmo(dst, src []Block, first uint64) {
	switch {
	case len(src) == 0:
	case wide:
		wideTMMO(&dst[0][0], &src[0][0], len(src), &p.rk[0][0], first)
	case accelerated:
		narrowTMMO(&dst[0][0], &src[0][0], len(src), &p.rk[0][0], first)
	default:
		tmmoTwin(p.pi, dst, src, first)
	}
}

func (t *Tree) level(dst, src []Block) {
	switch {
	case len(src) == 0:
	case wide:
		wideLevel(&dst[0][0], &src[0][0], len(dst), &t.rk[0][0][0])
	case accelerated:
		narrowLevel(&dst[0][0], &src[0][0], len(dst), &t.rk[0][0][0])
	default:
		levelTwin(t.left, t.right, dst, src)
	}
}

func hashKeyed(dst, key, src []Block) {
	switch {
	case len(src) == 0:
	case wide:
		wideKeyed(&dst[0][0], &key[0][0], &src[0][0], len(src))
	case accelerated:
		narrowKeyed(&dst[0][0], &key[0][0], &src[0][0], len(src))
	default:
		keyedTwin(dst, key, src)
	}
}

// counterBlocks writes whole blocks hi·2^64 + lo, … of the stream to dst, at least one, added to src unless that is nil.
func (rk *schedule) counterBlocks(dst, src []byte, hi, lo uint64) {
	n := len(dst) / 16
	switch {
	case wide && src == nil:
		wideCounter(&dst[0], n, &rk[0][0], hi, lo)
	case wide:
		wideCounterXOR(&dst[0], &src[0], n, &rk[0][0], hi, lo)
	case src == nil:
		narrowCounter(&dst[0], n, &rk[0][0], hi, lo)
	default:
		narrowCounterXOR(&dst[0], &src[0], n, &rk[0][0], hi, lo)
	}
}
