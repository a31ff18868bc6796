package share

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// Slots whose index has bit i set, as masks over sixteen slots of two bits.
var slotsWithBit = [digitBits]uint32{0xcccccccc, 0xf0f0f0f0, 0xff00ff00, 0xffff0000} // never assigned

// packValues writes the low m bits of every value, one after the other, to dst.
func packValues(dst, v []uint64, m int) {
	clear(dst)
	at := 0
	for _, x := range v {
		word, shift := at/64, at%64
		dst[word] |= x << shift
		if shift+m > 64 {
			dst[word+1] |= x >> (64 - shift)
		}
		at += m
	}
}

// sumPads adds up the pads of each digit of one element; pads has one block per bit.
func sumPads(dst []uint32, pads []aes.Block) {
	for d := range dst {
		var sum uint32
		for i := digitBits * d; i < min(digitBits*(d+1), len(pads)); i++ {
			sum ^= binary.LittleEndian.Uint32(pads[i][:])
		}
		dst[d] = sum
	}
}

// slotPads is the mask of all messages of one digit: slot v is the sum over bits i of pad i of side v_i.
func slotPads(p0, p1 []aes.Block) (mask uint32) {
	for i := range p0 {
		h0, h1 := binary.LittleEndian.Uint32(p0[i][:]), binary.LittleEndian.Uint32(p1[i][:])
		mask ^= h0 ^ (h0^h1)&slotsWithBit[i]
	}
	return mask
}

// digitTable is the message of every v: bit 0 of slot v is [v < y] and bit 1 is [v = y], each plus the sender's share
// (the low two bits of share).
func digitTable(y, share uint32) uint32 {
	less := (uint32(1)<<(2*y) - 1) & 0x55555555
	equal := uint32(2) << (2 * y)
	return less ^ equal ^ (share&3)*0x55555555
}

// putDigit writes the 2^width slots of t in digitBytes(width) bytes; unused bits are zero.
func putDigit(dst []byte, width int, t uint32) {
	switch width {
	case 4:
		binary.LittleEndian.PutUint32(dst, t)
	case 3:
		binary.LittleEndian.PutUint16(dst, uint16(t))
	case 2:
		dst[0] = byte(t)
	case 1:
		dst[0] = byte(t & 0xf)
	}
}

// readDigit is the inverse of putDigit.
func readDigit(src []byte, width int) uint32 {
	switch width {
	case 4:
		return binary.LittleEndian.Uint32(src)
	case 3:
		return uint32(binary.LittleEndian.Uint16(src))
	}
	return uint32(src[0])
}

// putInt writes the low size bytes of v.
func putInt(dst []byte, size int, v uint64) {
	if size == 8 {
		binary.LittleEndian.PutUint64(dst, v)
		return
	}
	for i := range size {
		dst[i] = byte(v >> (8 * i))
	}
}

// readInt is the inverse of putInt.
func readInt(src []byte, size int) (v uint64) {
	if size == 8 {
		return binary.LittleEndian.Uint64(src)
	}
	for i := range size {
		v |= uint64(src[i]) << (8 * i)
	}
	return v
}
