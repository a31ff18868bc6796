package aes

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
)

// Stream expands a 128-bit seed with AES-128 in counter mode; the counter is a 128-bit big-endian integer that wraps. It
// is not safe for concurrent use and has no zero value.
type Stream struct {
	twin   cipher.Stream // used alone if it is there
	rk     schedule
	hi, lo uint64 // the counter of the block after those in use
	last   Block  // the block in use
	unread int    // its bytes not yet used, at its end
}

// NewStream returns the generator for seed under counter block iv. Two streams must differ in seed or iv.
func NewStream(seed, iv Block) *Stream {
	s := new(Stream)
	s.start(&seed, &iv)
	return s
}

// start is apart so that NewStream is inlined, and a Stream that does not outlive its caller stays off the heap.
func (s *Stream) start(seed, iv *Block) {
	s.hi, s.lo = binary.BigEndian.Uint64(iv[0:]), binary.BigEndian.Uint64(iv[8:])
	if !s.rk.expand(seed) {
		s.twin = newCounter(*seed, *iv)
	}
}

// newCounter is the portable generator.
func newCounter(seed, iv Block) cipher.Stream { return cipher.NewCTR(newCipher(&seed), iv[:]) }

// Fill overwrites dst with the next len(dst) bytes of the stream.
func (s *Stream) Fill(dst []byte) {
	if s.twin != nil {
		clear(dst)
		s.twin.XORKeyStream(dst, dst)
		return
	}
	n := copy(dst, s.last[16-s.unread:])
	s.unread -= n
	dst = dst[n:]
	whole := len(dst) &^ 15
	s.blocks(dst[:whole], nil)
	if dst = dst[whole:]; len(dst) > 0 {
		s.refill()
		s.unread -= copy(dst, s.last[:])
	}
}

// XOR adds the next len(src) bytes of the stream to src and writes the sum to dst, which has the same length and may be
// src.
func (s *Stream) XOR(dst, src []byte) {
	dst = dst[:len(src)]
	if s.twin != nil {
		s.twin.XORKeyStream(dst, src)
		return
	}
	n := subtle.XORBytes(dst, src, s.last[16-s.unread:])
	s.unread -= n
	dst, src = dst[n:], src[n:]
	whole := len(dst) &^ 15
	s.blocks(dst[:whole], src[:whole])
	if dst, src = dst[whole:], src[whole:]; len(dst) > 0 {
		s.refill()
		s.unread -= subtle.XORBytes(dst, src, s.last[:])
	}
}

// Read makes a Stream an io.Reader; it never fails.
func (s *Stream) Read(p []byte) (int, error) {
	s.Fill(p)
	return len(p), nil
}

// Format prints the type's name only.
func (s *Stream) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "aes.Stream") }

// LogValue logs the type's name only.
func (s *Stream) LogValue() slog.Value { return slog.StringValue("aes.Stream") }

// refill draws one block into last.
func (s *Stream) refill() {
	s.blocks(s.last[:], nil)
	s.unread = len(s.last)
}

// blocks produces whole blocks and advances the counter; the kernel counts in the low word only.
func (s *Stream) blocks(dst, src []byte) {
	for len(dst) > 0 {
		n := len(dst)
		if left := math.MaxUint64 - s.lo; uint64(n/16-1) > left {
			n = 16 * (int(left) + 1)
		}
		if src == nil {
			s.rk.counterBlocks(dst[:n], nil, s.hi, s.lo)
		} else {
			s.rk.counterBlocks(dst[:n], src[:n], s.hi, s.lo)
			src = src[n:]
		}
		dst = dst[n:]
		if s.lo += uint64(n / 16); s.lo == 0 {
			s.hi++
		}
	}
}
