package oprf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
)

// Digest is the hash of a canonical key: SHA-256("tacit/key/v1" ‖ ruleset ‖ encoding). It is guessable by whoever
// guesses the key behind it, and is treated as private: it is never logged nor sent.
type Digest [32]byte

// item binds a digest to an epoch: SHA-256("tacit/psi/item/v1" ‖ epoch ‖ digest). Items of two epochs are unlinkable.
func item(epoch [32]byte, digest Digest) [32]byte {
	const domain = "tacit/psi/item/v1"
	var b [len(domain) + 64]byte
	copy(b[:], domain)
	copy(b[len(domain):], epoch[:])
	copy(b[len(domain)+32:], digest[:])
	return sha256.Sum256(b[:])
}

// tagOf is T of the package documentation before truncation. output is the OPRF's.
func tagOf(output []byte) [32]byte {
	const domain = "tacit/oprf/tag/v1"
	var b [len(domain) + 64]byte
	n := copy(b[:], domain)
	n += copy(b[n:], output)
	return sha256.Sum256(b[:n])
}

// valueKey derives the key under which one value of one tag file is sealed. The salt is fresh for every file: an item
// whose value changes is never sealed twice under one key.
func valueKey(salt [32]byte, output []byte) [32]byte {
	const domain = "tacit/oprf/value/v1"
	var b [len(domain) + 32 + 64]byte
	n := copy(b[:], domain)
	n += copy(b[n:], salt[:])
	n += copy(b[n:], output)
	return sha256.Sum256(b[:n])
}

// seal appends the value under a key that is used once, hence the zero nonce. The tag of the record is authenticated.
func seal(dst []byte, key *[32]byte, tag, value []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	var nonce [12]byte
	return aead.Seal(dst, nonce[:], value, tag), nil
}

// open returns the value of a record, and false when it was not sealed under key. The file's digest holds, so its maker
// wrote it wrong; that is no error, since a failure that a client shows would tell the maker that it asked for the item.
func open(key *[32]byte, tag, sealed []byte) (value []byte, ok bool, err error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, false, err
	}
	var nonce [12]byte
	value, err = aead.Open(nil, nonce[:], sealed, tag)
	return value, err == nil, nil
}

func newAEAD(key *[32]byte) (cipher.AEAD, error) {
	c, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "oprf.newAEAD", err, "AES refused its key")
	}
	aead, err := cipher.NewGCM(c)
	return aead, fault.Wrap(fault.Internal, "oprf.newAEAD", err, "AES refused GCM")
}
