package okvs

import (
	stdaes "crypto/aes"
	"math/big"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// The plain twin of a row and of decoding: crypto/aes and big integers, and no code of the package.

func plainDecode(key aes.Block, vector []aes.Block, seed aes.Block, p Params) aes.Block {
	pi, err := stdaes.NewCipher(seed[:])
	if err != nil {
		panic(err)
	}
	var h aes.Block
	pi.Encrypt(h[:], key[:])
	for i := range h {
		h[i] ^= key[i]
	}
	scale := func(i, below int) int { // word i of h, scaled
		w := int(h[4*i]) | int(h[4*i+1])<<8 | int(h[4*i+2])<<16 | int(h[4*i+3])<<24
		return w * below >> 32
	}
	bin := vector[scale(3, p.Bins)*(p.Sparse+p.Dense):]
	// The i-th of the columns that are not taken yet.
	var taken [3]int
	for i := range taken {
		rank := scale(i, p.Sparse-i)
		for c := 0; ; c++ {
			used := false
			for _, t := range taken[:i] {
				used = used || t == c
			}
			if !used && rank == 0 {
				taken[i] = c
				break
			}
			if !used {
				rank--
			}
		}
	}
	out, power := new(big.Int), integer(h)
	for _, c := range taken {
		out.Xor(out, integer(bin[c]))
	}
	for d := range p.Dense {
		out.Xor(out, plainMul(power, integer(bin[p.Sparse+d])))
		power = plainMul(power, integer(h))
	}
	return fromInteger(out)
}

func integer(b aes.Block) *big.Int {
	for i := range 8 {
		b[i], b[15-i] = b[15-i], b[i]
	}
	return new(big.Int).SetBytes(b[:])
}

func fromInteger(x *big.Int) (b aes.Block) {
	x.FillBytes(b[:])
	for i := range 8 {
		b[i], b[15-i] = b[15-i], b[i]
	}
	return b
}

// plainMul is the product of polynomials modulo x^128 + x^7 + x^2 + x + 1.
func plainMul(a, b *big.Int) *big.Int {
	out := new(big.Int)
	for i := range 128 {
		if b.Bit(i) == 1 {
			out.Xor(out, new(big.Int).Lsh(a, uint(i)))
		}
	}
	modulus := new(big.Int).SetBit(big.NewInt(0x87), 128, 1)
	for i := out.BitLen() - 1; i >= 128; i = out.BitLen() - 1 {
		out.Xor(out, new(big.Int).Lsh(modulus, uint(i-128)))
	}
	return out
}
