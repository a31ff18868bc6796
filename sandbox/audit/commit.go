package audit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// commitTag separates commitments from every other hash of the product.
const commitTag = "tacit/commit/v1\x00"

// SaltBytes is the length of a commitment's salt, drawn from crypto/rand by the caller and kept outside the log.
const SaltBytes = 32

// Commit hides value in a leaf: hex(SHA-256("tacit/commit/v1" ‖ 0x00 ‖ salt ‖ value)). Whoever holds salt and value
// can open it later; once the salt is erased nobody can, however few values there are.
func Commit(salt [SaltBytes]byte, value []byte) string {
	h := sha256.New()
	h.Write([]byte(commitTag))
	h.Write(salt[:])
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil))
}

// Opens reports whether salt and value open commitment. It takes the same time for every wrong value.
func Opens(commitment string, salt [SaltBytes]byte, value []byte) bool {
	return subtle.ConstantTimeCompare([]byte(Commit(salt, value)), []byte(commitment)) == 1
}
