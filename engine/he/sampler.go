package he

import (
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// samplerBuffer is the number of stream bytes drawn at once: it fits the first-level cache.
const samplerBuffer = 8192

// sampler turns an AES-CTR stream into the distributions of RLWE. One sampler belongs to one goroutine.
type sampler struct {
	stream *aes.Stream
	buf    []byte
	at     int // first unread byte of buf
}

// newSampler reads its seed from rand once; afterwards it cannot fail, so nothing is ever partly random.
//
// Errors: fault.Unavailable when rand fails or ends early.
func newSampler(rand io.Reader) (*sampler, error) {
	var seed [SeedBytes]byte
	if rand == nil {
		return nil, fault.New(fault.Invalid, "he.newSampler", "no random source")
	}
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "he.newSampler", err, "the random source failed")
	}
	s := &sampler{buf: make([]byte, samplerBuffer)}
	s.reset(seed)
	return s, nil
}

// reset restarts the sampler at the beginning of seed's stream: AES-128 key, then initial counter block.
func (s *sampler) reset(seed [SeedBytes]byte) {
	s.stream = aes.NewStream(aes.Block(seed[:16]), aes.Block(seed[16:]))
	s.at = len(s.buf)
}

func (s *sampler) word() uint64 {
	if s.at == len(s.buf) {
		s.stream.Fill(s.buf)
		s.at = 0
	}
	v := binary.LittleEndian.Uint64(s.buf[s.at:])
	s.at += 8
	return v
}

// words fills dst with uniform 64-bit integers.
func (s *sampler) words(dst []uint64) {
	for i := range dst {
		dst[i] = s.word()
	}
}

// seed draws a fresh seed for a public expansion.
func (s *sampler) seed() (out [SeedBytes]byte) {
	for i := 0; i < SeedBytes; i += 8 {
		binary.LittleEndian.PutUint64(out[i:], s.word())
	}
	return out
}

// uniform fills every limb with residues uniform below its prime: the low 49 bits of each word, rejected when too
// large. Expansion of a public seed is part of the wire format: words in order, limb after limb.
func (s *sampler) uniform(dst poly, subs []*ring.SubRing) {
	for i, limb := range dst {
		q := subs[i].Modulus
		mask := uint64(1)<<bits.Len64(q) - 1
		for j := 0; j < len(limb); {
			if v := s.word() & mask; v < q {
				limb[j] = v
				j++
			}
		}
	}
}

// ternary fills dst with −1, 0 and 1, each with probability 1/3: two bits per trial, the value 3 rejected. Whether a
// trial is rejected is independent of what is kept.
func (s *sampler) ternary(dst []int64) {
	for i := 0; i < len(dst); {
		w := s.word()
		for range 32 {
			if v := w & 3; v != 3 && i < len(dst) {
				dst[i] = int64(v) - 1
				i++
			}
			w >>= 2
		}
	}
}

// errors fills dst with centred binomial errors of parameter 21 in constant time: |e| ≤ 21, σ = √(21/2) = 3.24.
func (s *sampler) errors(dst []int64) {
	const mask = 1<<errorBound - 1
	for i := range dst {
		w := s.word()
		dst[i] = int64(bits.OnesCount64(w&mask)) - int64(bits.OnesCount64(w>>errorBound&mask))
	}
}

// floodLimb reduces a 129-bit integer modulo one prime.
type floodLimb struct{ two64, minus128 uint64 } // 2^64 in Montgomery form, −2^128

func newFloodLimbs(subs []*ring.SubRing) []floodLimb {
	out := make([]floodLimb, len(subs))
	for i, s := range subs {
		two64 := montgomery(s, 1)
		two128 := montgomery(s, two64)
		out[i] = floodLimb{two64: two128, minus128: s.Modulus - two128}
	}
	return out
}

// addFlood adds noise uniform in [−2^128, 2^128) to every coefficient of x: 129 bits u, minus 2^128, per limb.
func (s *sampler) addFlood(x poly, subs []*ring.SubRing, limbs []floodLimb) {
	for j := range x[0] {
		lo, hi, top := s.word(), s.word(), s.word()&1
		for i, sub := range subs {
			q := sub.Modulus
			v := ring.BRedAdd(lo, q, sub.BRedConstant) + mulMont(sub, hi, limbs[i].two64)
			v = reduceOnce(v, q) + limbs[i].minus128&(top-1)
			x[i][j] = reduceOnce(x[i][j]+reduceOnce(v, q), q)
		}
	}
}
