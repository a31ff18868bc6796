package psi

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
)

// Item is one element of a set: a hash bound to the session, so that items of two sessions are unlinkable. It is
// guessable by whoever guesses the key behind it, and is treated as private: it is never logged nor sent.
type Item [32]byte

// ItemOf binds the digest of a canonical key to a session: SHA-256("tacit/psi/item/v1" ‖ binding ‖ digest).
func ItemOf(binding, digest [32]byte) Item {
	const domain = "tacit/psi/item/v1"
	var b [len(domain) + 64]byte
	copy(b[:], domain)
	copy(b[len(domain):], binding[:])
	copy(b[len(domain)+32:], digest[:])
	return sha256.Sum256(b[:])
}

// distinct refuses repeated items; it names only how many there are.
func distinct(items []Item) error {
	if n := repeats(itemList(items)); n > 0 {
		return fault.New(fault.Invalid, "psi.distinct", "%d of %d items repeat another; items must be distinct", n, len(items))
	}
	return nil
}

// itemList makes items sortable.
type itemList []Item

func (l itemList) size() int { return len(l) }

func (l itemList) at(i int32) []byte { return l[i][:] }

func (l itemList) prefixes(i int, dst []uint64) {
	for k := range dst {
		dst[k] = binary.BigEndian.Uint64(l[i+k][:])
	}
}
