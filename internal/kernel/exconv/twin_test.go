package exconv

import (
	stdaes "crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// plain is the code as dense matrices over GF(2), written from the definition: the twin of everything in this package.
type plain struct {
	n, rows, weight int
	a, b            [][]byte // n×n and rows×n, entries 0 or 1
}

// words is AES-128-CTR under seed, the counter block beginning with use, as 32-bit words.
func words(t testing.TB, seed [16]byte, use byte, n int) []uint32 {
	t.Helper()
	k, err := stdaes.NewCipher(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4*n)
	cipher.NewCTR(k, append([]byte{use}, make([]byte, 15)...)).XORKeyStream(b, b)
	out := make([]uint32, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return out
}

func newPlain(t testing.TB, seed [16]byte, n, rows, weight int) *plain {
	p := &plain{n: n, rows: rows, weight: weight}
	p.a = product(passMatrix(n, words(t, seed, 2, n+25)), passMatrix(n, words(t, seed, 1, n+25)))
	perRow := (weight + 3) / 4 * 4
	w := words(t, seed, 3, rows*perRow)
	regions := (weight + 1) / 2
	for r := range rows {
		row := make([]byte, n)
		for j := range weight {
			lo, hi := 0, n
			if j < regions {
				lo, hi = j*n/regions, (j+1)*n/regions
			}
			row[lo+int(uint64(w[r*perRow+j])*uint64(hi-lo)>>32)] ^= 1
		}
		p.b = append(p.b, row)
	}
	return p
}

// passMatrix is one pass: column i is what entry i alone becomes. Sources are pushed forward in ascending order, each to
// the 25 positions after it, modulo n.
func passMatrix(n int, w []uint32) [][]byte {
	m := square(n)
	for c := range n {
		v := make([]byte, n)
		v[c] = 1
		for i := range n {
			for j := 1; j <= 25; j++ {
				tap := byte(1)
				if j < 25 {
					tap = byte(w[i+j] >> (j - 1) & 1)
				}
				v[(i+j)%n] ^= tap & v[i]
			}
		}
		for r := range n {
			m[r][c] = v[r]
		}
	}
	return m
}

func square(n int) [][]byte {
	m := make([][]byte, n)
	for i := range m {
		m[i] = make([]byte, n)
	}
	return m
}

func product(a, b [][]byte) [][]byte {
	out := square(len(a))
	for i := range a {
		for k := range b {
			for j := range b[k] {
				out[i][j] ^= a[i][k] & b[k][j]
			}
		}
	}
	return out
}

// times is m·x over blocks.
func times(m [][]byte, x []aes.Block) []aes.Block {
	out := make([]aes.Block, len(m))
	for i, row := range m {
		for j, bit := range row {
			for b := range out[i] {
				out[i][b] ^= bit * x[j][b]
			}
		}
	}
	return out
}
