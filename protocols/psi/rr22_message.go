package psi

import (
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/wire"
)

// The kinds of messages that only method rr22 has.
const (
	kindSeed       = 6
	kindVector     = 7
	kindCommitment = 8
	kindOpening    = 9
	kindProof      = 15
)

// blockBytes is the size of a field element.
const blockBytes = 16

// Encoded sizes in bytes.
const (
	seedBytes       = 1 + 2*blockBytes
	commitmentBytes = 1 + 32
	openingBytes    = 1 + blockBytes
	proofBytes      = 1 + 32
)

// seed is R's message before its vector: the seed of the code, and its part of w (zero unless malicious).
type seed struct{ code, w aes.Block }

func (m seed) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, seedBytes)}
	e.U8(kindSeed)
	e.Fixed(m.code[:])
	e.Fixed(m.w[:])
	return e.B
}

func decodeSeed(msg []byte) (m seed, err error) {
	d := wire.NewDecoder(msg, "psi.decodeSeed")
	expectKind(d, kindSeed)
	copy(m.code[:], d.Fixed(blockBytes))
	copy(m.w[:], d.Fixed(blockBytes))
	return m, d.Done()
}

// encodeHash is a message of the malicious mode that is one hash: S's commitment to its part of w, and R's proof of the
// matches that it reports.
func encodeHash(kind uint8, sum [32]byte) []byte {
	e := wire.Encoder{B: make([]byte, 0, 1+len(sum))}
	e.U8(kind)
	e.Fixed(sum[:])
	return e.B
}

func decodeHash(kind uint8, msg []byte) ([32]byte, error) {
	d := wire.NewDecoder(msg, "psi.decodeHash")
	expectKind(d, kind)
	sum := d.Hash()
	return sum, d.Done()
}

// encodeOpening is S's part of w, sent once R has sent its own.
func encodeOpening(w aes.Block) []byte {
	e := wire.Encoder{B: make([]byte, 0, openingBytes)}
	e.U8(kindOpening)
	e.Fixed(w[:])
	return e.B
}

func decodeOpening(msg []byte) (w aes.Block, err error) {
	d := wire.NewDecoder(msg, "psi.decodeOpening")
	expectKind(d, kindOpening)
	copy(w[:], d.Fixed(blockBytes))
	return w, d.Done()
}
