package he

import (
	"encoding/binary"
	"slices"
)

// packer appends coefficients as one little-endian bit string, the lowest bit of the first coefficient first.
type packer struct {
	dst  []byte
	acc  uint64
	held uint // bits in acc, below 8 between coefficients
}

func (w *packer) put(limb []uint64) {
	at := len(w.dst)
	w.dst = slices.Grow(w.dst, packedBytes(len(limb))+8)
	buf := w.dst[:cap(w.dst)]
	for _, v := range limb {
		w.acc |= v << w.held
		w.held += primeBits // at most 7 + 49
		binary.LittleEndian.PutUint64(buf[at:], w.acc)
		at += int(w.held / 8)
		w.acc >>= w.held &^ 7
		w.held &= 7
	}
	w.dst = buf[:at]
}

// flush pads the last byte with zero bits.
func (w *packer) flush() []byte {
	if w.held > 0 {
		w.dst = append(w.dst, byte(w.acc))
	}
	return w.dst
}

// unpacker reads what a packer wrote. Its caller has checked the length.
type unpacker struct {
	src []byte
	at  uint // bit position
}

// take fills limb and reports whether every coefficient is below q.
func (r *unpacker) take(limb []uint64, q uint64) bool {
	bad := uint64(0)
	for j := range limb {
		i := r.at / 8
		var w uint64
		if int(i)+8 <= len(r.src) {
			w = binary.LittleEndian.Uint64(r.src[i:])
		} else {
			var tail [8]byte
			copy(tail[:], r.src[i:])
			w = binary.LittleEndian.Uint64(tail[:])
		}
		v := w >> (r.at % 8) & (1<<primeBits - 1) // at most 7 + 49 bits of w
		bad |= (q - 1 - v) >> 63
		limb[j] = v
		r.at += primeBits
	}
	return bad == 0
}

// padded reports whether the bits after the last coefficient are zero.
func (r *unpacker) padded() bool {
	if r.at%8 == 0 {
		return true
	}
	return r.src[r.at/8]>>(r.at%8) == 0
}

// packedBytes is the length of count packed coefficients.
func packedBytes(count int) int { return (count*primeBits + 7) / 8 }
