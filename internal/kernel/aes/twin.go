package aes

import (
	"crypto/cipher"
	"encoding/binary"
)

// The portable twins, over crypto/aes. They define what the assembly computes.

// xor sets dst = a ⊕ b.
func xor(dst, a, b *Block) {
	binary.LittleEndian.PutUint64(dst[0:], binary.LittleEndian.Uint64(a[0:])^binary.LittleEndian.Uint64(b[0:]))
	binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(a[8:])^binary.LittleEndian.Uint64(b[8:]))
}

// Blocks go through variables of the twin, since what an interface is given escapes to the heap: the callers' slices
// must not.

func mmoTwin(pi cipher.Block, dst, src []Block) {
	var t, x Block
	for i := range src {
		x = src[i]
		pi.Encrypt(t[:], x[:])
		xor(&dst[i], &t, &x)
	}
}

func tmmoTwin(pi cipher.Block, dst, src []Block, first uint64) {
	var p, t Block
	for i := range src {
		t = src[i]
		pi.Encrypt(p[:], t[:])
		t = p
		binary.LittleEndian.PutUint64(t[0:], binary.LittleEndian.Uint64(p[0:])^(first+uint64(i)))
		pi.Encrypt(t[:], t[:])
		xor(&dst[i], &t, &p)
	}
}

// levelTwin goes from the last node to the first, so that no node is overwritten before it is read.
func levelTwin(left, right cipher.Block, dst, src []Block) {
	var t, x Block
	for i := len(src) - 1; i >= 0; i-- {
		x = src[i]
		if 2*i+1 < len(dst) {
			right.Encrypt(t[:], x[:])
			xor(&dst[2*i+1], &t, &x)
		}
		left.Encrypt(t[:], x[:])
		xor(&dst[2*i], &t, &x)
	}
}

func keyedTwin(dst, key, src []Block) {
	var t, x Block
	for i := range src {
		x = src[i]
		newCipher(&key[i]).Encrypt(t[:], x[:])
		xor(&dst[i], &t, &x)
	}
}
