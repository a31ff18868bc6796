package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const (
	vkeyEd25519   = 1   // algorithm byte of a note verifier key
	maxVKeyBytes  = 160 // origin of at most 80 bytes, 8 hexadecimal digits, 44 of base64
	vkeyHashBytes = 4
)

// AuditOrigin is the name of a party's first audit log: origin line of its checkpoints and name of its verifier key.
func AuditOrigin(id party.ID) string { return string(id) + "/tacit/1" }

// VKey encodes an Ed25519 public key as a note verifier key, "<name>+<hash>+<base64 of 1 ‖ key>": the form in which
// checkpoint verifiers everywhere take a log's key. Source: golang.org/x/mod/sumdb/note, C2SP signed-note.
func VKey(name string, key ed25519.PublicKey) string {
	alg := append([]byte{vkeyEd25519}, key...)
	return fmt.Sprintf("%s+%08x+%s", name, vkeyHash(name, alg), base64.StdEncoding.EncodeToString(alg))
}

// ParseVKey returns name and key of a verifier key.
//
// Errors: fault.Invalid when s is not what VKey writes.
func ParseVKey(s string) (string, ed25519.PublicKey, error) {
	bad := fault.New(fault.Invalid, "identity.ParseVKey", "not an Ed25519 verifier key")
	parts := strings.SplitN(s, "+", 3)
	if len(s) > maxVKeyBytes || len(parts) != 3 || parts[0] == "" || strings.ContainsAny(parts[0], " \t\r\n") {
		return "", nil, bad
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return "", nil, bad
	}
	alg, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(alg) != 1+ed25519.PublicKeySize || alg[0] != vkeyEd25519 || vkeyHash(parts[0], alg) != uint32(hash) {
		return "", nil, bad
	}
	key := ed25519.PublicKey(bytes.Clone(alg[1:]))
	if VKey(parts[0], key) != s { // one key has one text
		return "", nil, bad
	}
	return parts[0], key, nil
}

func vkeyHash(name string, alg []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n'})
	h.Write(alg)
	return binary.BigEndian.Uint32(h.Sum(nil)[:vkeyHashBytes])
}
