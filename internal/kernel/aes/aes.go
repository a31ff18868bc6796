// Package aes provides the AES-128 kernels of the protocols, batch-first: a counter-mode generator that expands a seed,
// the fixed-key hashes of oblivious transfer and OKVS, GGM tree levels, and a hash under a key per item.
//
// Every kernel has assembly for CPUs with VAES (AVX-512) or AES-NI (AVX) and a portable twin over crypto/aes with equal
// results. The choice is made once, at start; TACIT_KERNEL=portable in the environment or the build tag purego forces
// the twin. All forms are constant-time in keys and blocks; the twin is where the CPU has AES instructions.
package aes

// Block is one 128-bit block.
type Block [16]byte

// Accelerated reports whether the assembly runs in this process.
func Accelerated() bool { return accelerated }

// sameLength asserts the shape that every map over blocks requires.
func sameLength(dst, src []Block) {
	if len(dst) != len(src) {
		panic("kernel/aes: dst and src differ in length")
	}
}
