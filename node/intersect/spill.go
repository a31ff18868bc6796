package intersect

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/tacit-data/tacit/api/fault"
)

// maxPieceBytes bounds one sealed piece of a spill, and so what reading it holds twice.
const maxPieceBytes = 4 << 20

// spill is a fixed number of append-only streams that move to a file once they outgrow a budget. The file is encrypted
// under a key that is only in memory, and has no name: whatever ends the process also ends the file. It is made again
// from the input when a run is resumed.
//
// Invariant S1: no nonce is used twice, since every piece has its own number under the spill's own key.
type spill struct {
	dir    string
	budget int64
	held   int64
	parts  []part
	file   *os.File
	seal   cipher.AEAD
	rand   io.Reader
	end    int64
	pieces uint64
}

type part struct {
	tail   []byte // what is still in memory
	pieces []piece
}

// piece is where a sealed part of a stream lies.
type piece struct {
	at     int64
	bytes  int // of plaintext
	number uint64
}

func newSpill(dir string, parts int, budget int64, rand io.Reader) *spill {
	return &spill{dir: dir, budget: budget, parts: make([]part, parts), rand: rand}
}

// add appends b to stream p.
func (s *spill) add(p int, b []byte) error {
	t := &s.parts[p]
	t.tail = append(t.tail, b...)
	s.held += int64(len(b))
	if s.held > s.budget || len(t.tail) >= maxPieceBytes && s.file != nil {
		return s.flush()
	}
	return nil
}

// flush moves all tails to the file.
func (s *spill) flush() error {
	if s.file == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	for p := range s.parts {
		t := &s.parts[p]
		for rest := t.tail; len(rest) > 0; {
			n := min(len(rest), maxPieceBytes)
			if err := s.write(p, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		s.held -= int64(len(t.tail))
		clear(t.tail)
		t.tail = t.tail[:0]
	}
	return nil
}

// open makes the file and takes away its name.
func (s *spill) open() error {
	const op = "intersect.spill"
	var key [32]byte
	defer clear(key[:])
	if _, err := io.ReadFull(s.rand, key[:]); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "AES-256 is not available")
	}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return fault.Wrap(fault.Internal, op, err, "AES-GCM is not available")
	}
	f, err := os.CreateTemp(s.dir, "spill-*")
	if err != nil {
		return diskFault(op, err)
	}
	s.file = f
	if err := os.Remove(f.Name()); err != nil {
		return diskFault(op, err)
	}
	return nil
}

func (s *spill) nonce(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, 12), number)
}

// write seals b as the next piece of stream p.
func (s *spill) write(p int, b []byte) error {
	sealed := s.seal.Seal(nil, s.nonce(s.pieces), b, binary.BigEndian.AppendUint32(nil, uint32(p)))
	if _, err := s.file.WriteAt(sealed, s.end); err != nil {
		return diskFault("intersect.spill", err)
	}
	s.parts[p].pieces = append(s.parts[p].pieces, piece{at: s.end, bytes: len(b), number: s.pieces})
	s.end += int64(len(sealed))
	s.pieces++
	return nil
}

// size is the bytes of stream p.
func (s *spill) size(p int) int64 {
	n := int64(len(s.parts[p].tail))
	for _, pc := range s.parts[p].pieces {
		n += int64(pc.bytes)
	}
	return n
}

// read returns stream p whole; without pieces on disk it is borrowed until the next add.
//
// Errors: fault.Corrupt when the file does not hold what was written.
func (s *spill) read(p int) ([]byte, error) {
	t := &s.parts[p]
	if len(t.pieces) == 0 {
		return t.tail, nil
	}
	out := make([]byte, 0, s.size(p))
	var sealed []byte
	for _, pc := range t.pieces {
		sealed = append(sealed[:0], make([]byte, pc.bytes+s.seal.Overhead())...)
		if _, err := s.file.ReadAt(sealed, pc.at); err != nil {
			return nil, diskFault("intersect.spill", err)
		}
		var err error
		if out, err = s.seal.Open(out, s.nonce(pc.number), sealed, binary.BigEndian.AppendUint32(nil, uint32(p))); err != nil {
			return nil, fault.New(fault.Corrupt, "intersect.spill", "what the disk of %s gave back is not what was written to it", s.dir)
		}
	}
	return append(out, t.tail...), nil
}

// drop frees stream p in memory; what is on disk goes with the file.
func (s *spill) drop(p int) {
	s.held -= int64(len(s.parts[p].tail))
	clear(s.parts[p].tail)
	s.parts[p] = part{}
}

func (s *spill) close() {
	for p := range s.parts {
		s.drop(p)
	}
	if s.file != nil {
		_ = s.file.Close() // nameless: nothing is kept
	}
}

// diskFault gives a failure of the disk its code; a full one says so.
func diskFault(op string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.Wrap(fault.Unavailable, op, err, "the disk is full: free space, or name another directory (--state, --dir, --cache), and run the same command again")
	}
	return fault.Wrap(fault.Unavailable, op, err, "the disk cannot be used")
}
