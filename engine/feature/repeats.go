package feature

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// filterBits is the least number of bits per digest in a filter: 1 digest in 16 at most shares its bit with another.
const filterBits = 16

// duplicates counts the digests that an earlier one equals. Digests that share no bit of a filter with another are put
// aside, four times by other bits of the digest, and only those that are left are sorted: none, but for real duplicates.
// It needs four to eight bytes a row.
func duplicates(digests [][sha256.Size]byte) int {
	var left [][sha256.Size]byte
	for word := range sha256.Size / 8 {
		if word == 0 {
			left = crowded(nil, digests, word)
		} else {
			left = crowded(left[:0], left, word)
		}
		if len(left) == 0 {
			return 0
		}
	}
	slices.SortFunc(left, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	return len(left) - len(slices.Compact(left))
}

// crowded appends to dst the digests whose place in a filter, chosen by that word of the digest, is another's too; equal
// ones are all among them. dst may be digests[:0].
func crowded(dst, digests [][sha256.Size]byte, word int) [][sha256.Size]byte {
	size := uint64(64)
	for size < filterBits*uint64(len(digests)) {
		size *= 2
	}
	seen, twice := make([]uint64, size/64), make([]uint64, size/64)
	for i := range digests {
		at, bit := place(&digests[i], word, size)
		if seen[at]&bit != 0 {
			twice[at] |= bit
		}
		seen[at] |= bit
	}
	for i := range digests {
		if at, bit := place(&digests[i], word, size); twice[at]&bit != 0 {
			dst = append(dst, digests[i])
		}
	}
	return dst
}

// place returns the place of a digest in a filter of size bits, a power of two.
func place(digest *[sha256.Size]byte, word int, size uint64) (at, bit uint64) {
	h := binary.LittleEndian.Uint64(digest[8*word:]) & (size - 1)
	return h / 64, 1 << (h % 64)
}
