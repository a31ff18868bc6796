package aes

import (
	"crypto/aes"
	"crypto/cipher"
)

// schedule holds the 11 round keys of AES-128.
type schedule [11]Block

// permutation is AES-128 under a fixed key, in the form that the chosen kernel needs: round keys, or crypto/aes.
type permutation struct {
	rk schedule
	pi cipher.Block // nil if accelerated
}

func newPermutation(key *Block) permutation {
	var p permutation
	if !p.rk.expand(key) {
		p.pi = newCipher(key)
	}
	return p
}

// newCipher is crypto/aes without its error.
func newCipher(key *Block) cipher.Block {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("kernel/aes: 16-byte key refused") // unreachable: the key length is fixed by the type
	}
	return b
}
