//go:build !amd64 || purego

package okvs

import "github.com/tacit-data/tacit/internal/kernel/aes"

const accelerated = false

// The assembly's functions are the twins here, and never called.

func triplesGroups(dst []triple, hash []aes.Block, s *scale) { triplesTwin(dst, hash, s) }

func denseGroups(dst, hash, dense []aes.Block) { denseTwin(dst, hash, dense) }

func gatherGroups(dst []aes.Block, place []uint16, row []triple, part, sparse []aes.Block) {
	gatherTwin(dst, place, row, part, sparse)
}
