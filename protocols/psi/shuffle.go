package psi

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"

	"github.com/tacit-data/tacit/api/fault"
)

// shuffle returns a uniform permutation of 0 … n−1 by Fisher–Yates over AES-256-CTR keyed with 256 bits of r.
func shuffle(r io.Reader, n int) ([]int32, error) {
	const op = "psi.shuffle"
	var key [32]byte
	defer clear(key[:])
	if _, err := io.ReadFull(r, key[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "AES-256 is not available")
	}
	d := draws{ctr: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := d.below(uint32(i) + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out, nil
}

// draws is a buffered stream of uniform numbers.
type draws struct {
	ctr  cipher.Stream
	buf  [4096]byte
	left int
}

// below returns a uniform number in 0 … n−1, n > 0, by Lemire's multiplication with rejection: no bias. The expected
// number of draws is below 2.
func (d *draws) below(n uint32) uint32 {
	threshold := -n % n // 2^32 mod n
	for {
		m := uint64(d.next()) * uint64(n)
		if uint32(m) >= threshold {
			return uint32(m >> 32)
		}
	}
}

func (d *draws) next() uint32 {
	if d.left == 0 {
		clear(d.buf[:])
		d.ctr.XORKeyStream(d.buf[:], d.buf[:])
		d.left = len(d.buf)
	}
	v := binary.LittleEndian.Uint32(d.buf[len(d.buf)-d.left:])
	d.left -= 4
	return v
}
