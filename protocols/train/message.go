package train

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// tagBytes is the length of the first part of hello, which both parties can compute: it tells them that they run the
// same step with the same parameters in different roles.
const tagBytes = 32

// helloBytes is the length of hello: tag and public key.
func helloBytes(p he.Params) int { return tagBytes + p.WireBytes(he.KindPublic, 0) }

// helloTag is the tag of a role, and keySeed the seed of its public key, which the key holder does not choose.
func helloTag(t *transcript.Transcript, label bool) (tag [tagBytes]byte) {
	t.Expand("hello "+roleName(label), tag[:])
	return tag
}

func keySeed(t *transcript.Transcript, label bool) (seed [he.SeedBytes]byte) {
	t.Expand("public key "+roleName(label), seed[:])
	return seed
}

// decodeHello returns the public key of the party in role label.
//
// Errors: fault.PlanMismatch (another step, role or parameters), fault.Misbehaved without culprit (a bad key).
func decodeHello(p he.Params, t *transcript.Transcript, label bool, msg []byte) (*he.PublicKey, error) {
	const op = "train.decodeHello"
	if len(msg) != helloBytes(p) {
		return nil, fault.New(fault.Misbehaved, op, "a hello of %d bytes, expected %d", len(msg), helloBytes(p))
	}
	if want := helloTag(t, label); subtle.ConstantTimeCompare(want[:], msg[:tagBytes]) != 1 {
		return nil, fault.New(fault.PlanMismatch, op, "the peer runs another step, attempt or role, or has other parameters")
	}
	return he.DecodePublicKey(p, keySeed(t, label), msg[tagBytes:])
}

// encodeShares is eight little-endian bytes per share.
func encodeShares(v []uint64) []byte {
	out := make([]byte, 0, 8*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint64(out, x)
	}
	return out
}

func decodeShares(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}
