package feature

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Most keys are ASCII, of random letters and digits: a branch per byte is mispredicted at every second one, hence eight
// bytes at a time without any.

const everyByte = 0x0101010101010101

// word returns the first eight bytes of s.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// ascii reports whether s has no byte beyond 127.
func ascii(s string) bool {
	var all uint64
	for ; len(s) >= 8; s = s[8:] {
		all |= word(s)
	}
	for i := range len(s) {
		all |= uint64(s[i])
	}
	return all&(everyByte*utf8.RuneSelf) == 0
}

// capitals returns 0x20 in each byte of x that is a capital letter. No byte is beyond 127.
func capitals(x uint64) uint64 {
	fromA, beyondZ := x+everyByte*(0x80-'A'), x+everyByte*(0x80-'Z'-1)
	return (fromA &^ beyondZ) & (everyByte * 0x80) >> 2
}

// lower is strings.ToLower of ASCII.
func lower(s string) string {
	var all uint64
	rest := s
	for ; len(rest) >= 8; rest = rest[8:] {
		all |= capitals(word(rest))
	}
	for i := range len(rest) {
		all |= capitals(uint64(rest[i]))
	}
	if all == 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for ; len(s) >= 8; s = s[8:] {
		x := word(s)
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], x|capitals(x))
		out.Write(b[:])
	}
	for i := range len(s) {
		out.WriteByte(s[i] | byte(capitals(uint64(s[i]))))
	}
	return out.String()
}
