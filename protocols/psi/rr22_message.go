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
)

// blockBytes is the size of a field element.
const blockBytes = 16

// Encoded sizes in bytes.
const (
	seedBytes       = 1 + 2*blockBytes
	commitmentBytes = 1 + 32
	openingBytes    = 1 + blockBytes
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

// encodeCommitment is S's first message of the malicious mode: the hash of its part of w.
func encodeCommitment(sum [32]byte) []byte {
	e := wire.Encoder{B: make([]byte, 0, commitmentBytes)}
	e.U8(kindCommitment)
	e.Fixed(sum[:])
	return e.B
}

func decodeCommitment(msg []byte) ([32]byte, error) {
	d := wire.NewDecoder(msg, "psi.decodeCommitment")
	expectKind(d, kindCommitment)
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
