//go:build amd64 && !purego

package okvs

import (
	"os"

	"golang.org/x/sys/cpu"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// accelerated chooses the assembly. It is never assigned.
var accelerated = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VPCLMULQDQ &&
	os.Getenv("TACIT_KERNEL") != "portable"

// The lengths are multiples of groupRows.

func triplesGroups(dst []triple, hash []aes.Block, s *scale) {
	if len(hash) > 0 {
		wideTriples((*uint64)(&dst[0]), &hash[0][0], len(hash), (*[4]uint64)(s))
	}
}

func denseGroups(dst, hash, dense []aes.Block) {
	if len(hash) > 0 {
		wideDense(&dst[0][0], &hash[0][0], len(hash), &dense[0][0], len(dense))
	}
}

func gatherGroups(dst []aes.Block, place []uint16, row []triple, part, sparse []aes.Block) {
	if len(row) > 0 {
		wideGather(&dst[0][0], &place[0], (*uint64)(&row[0]), &part[0][0], len(row), &sparse[0][0])
	}
}
