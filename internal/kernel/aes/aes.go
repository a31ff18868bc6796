// Package aes provides the AES-128 kernels of the protocols: a counter-mode generator that expands a seed, and the
// tweakable correlation-robust hash of oblivious transfer.
//
// This is the portable twin over crypto/aes; both functions are constant-time in seed and input where the CPU has AES
// instructions.
package aes

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// Block is one 128-bit block.
type Block [16]byte

// Stream expands a 128-bit seed with AES-128 in counter mode. It is not safe for concurrent use and has no zero value.
type Stream struct{ ctr cipher.Stream }

// NewStream returns the generator for seed under counter block iv. Two streams must differ in seed or iv.
func NewStream(seed, iv Block) *Stream {
	b, err := aes.NewCipher(seed[:])
	if err != nil {
		panic("kernel/aes: 16-byte key refused") // unreachable: the key length is fixed by the type
	}
	return &Stream{ctr: cipher.NewCTR(b, iv[:])}
}

// Fill overwrites dst with the next len(dst) bytes of the stream.
func (s *Stream) Fill(dst []byte) {
	clear(dst)
	s.ctr.XORKeyStream(dst, dst)
}

// XOR adds the next len(src) bytes of the stream to src and writes the sum to dst; dst may be src.
func (s *Stream) XOR(dst, src []byte) { s.ctr.XORKeyStream(dst, src) }

// Read makes a Stream an io.Reader; it never fails.
func (s *Stream) Read(p []byte) (int, error) {
	s.Fill(p)
	return len(p), nil
}

// Hash is the tweakable correlation-robust hash TMMO of Guo, Katz, Wang and Yu (ia.cr/2019/074, §7.4):
// H(x, i) = π(π(x) ⊕ i) ⊕ π(x), with π fixed-key AES-128. It is safe for concurrent use.
type Hash struct{ pi cipher.Block }

// NewHash returns the hash whose permutation is AES-128 under key. The key is public; it separates sessions.
func NewHash(key Block) *Hash {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("kernel/aes: 16-byte key refused") // unreachable: the key length is fixed by the type
	}
	return &Hash{pi: b}
}

// Blocks sets dst[j] = H(src[j], first+j). dst may be src; the lengths must be equal.
func (h *Hash) Blocks(dst, src []Block, first uint64) {
	if len(dst) != len(src) {
		panic("kernel/aes: dst and src differ in length")
	}
	var t Block
	for j := range src {
		h.pi.Encrypt(t[:], src[j][:])
		x0 := binary.LittleEndian.Uint64(t[0:])
		x1 := binary.LittleEndian.Uint64(t[8:])
		binary.LittleEndian.PutUint64(t[0:], x0^(first+uint64(j)))
		h.pi.Encrypt(t[:], t[:])
		binary.LittleEndian.PutUint64(dst[j][0:], binary.LittleEndian.Uint64(t[0:])^x0)
		binary.LittleEndian.PutUint64(dst[j][8:], binary.LittleEndian.Uint64(t[8:])^x1)
	}
}
