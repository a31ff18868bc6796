package oprf

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// MaxBatch bounds the inputs of one batch: RFC 9497 §2.2.1 numbers them with two bytes.
const MaxBatch = 1<<16 - 1

// Blinded is a client's batch of blinded inputs: its Request goes to the server, and Finalize turns the answer into
// outputs, once. It prints as its type only and is not safe for concurrent use.
type Blinded struct{ state *blindedState }

type blindedState struct {
	s       *scheme
	inputs  [][]byte
	inverse []group.Scalar // of the blinds
	blinded []group.Element
	request []byte
	used    atomic.Bool
}

// Format prints the type's name under every verb.
func (Blinded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "oprf.Blinded") }

// LogValue logs the type's name.
func (Blinded) LogValue() slog.Value { return slog.StringValue("oprf.Blinded") }

// Blind hides inputs under fresh blinds from s.Rand: RFC 9497 §3.3.1.
//
// Shape: 1 ≤ len(inputs) ≤ MaxBatch, each at most 65535 bytes, borrowed until Finalize.
// Errors: fault.Invalid (shape, suite or mode, Session without Rand or Workers), fault.Unsupported, fault.Internal (an
// input maps to the identity, or the randomness source failed).
func Blind(ctx context.Context, s protocols.Session, suite Suite, mode Mode, inputs [][]byte) (Blinded, error) {
	sch, err := newScheme(suite, mode)
	if err != nil {
		return Blinded{}, err
	}
	if err := checkSession(s); err != nil {
		return Blinded{}, err
	}
	if err := checkBatch(len(inputs)); err != nil {
		return Blinded{}, err
	}
	for _, in := range inputs {
		if len(in) > 1<<16-1 {
			return Blinded{}, fault.New(fault.Invalid, "oprf.Blind", "an input of %d bytes, at most 65535", len(in))
		}
	}
	return blind(ctx, newPool(s.Workers), s.Rand, sch, inputs)
}

func checkBatch(n int) error {
	if n < 1 || n > MaxBatch {
		return fault.New(fault.Invalid, "oprf.checkBatch", "a batch of %d, at least 1 and at most %d", n, MaxBatch)
	}
	return nil
}

// blind draws in the order of the inputs, so that the request does not depend on the number of workers.
func blind(ctx context.Context, pool pool, r io.Reader, s *scheme, inputs [][]byte) (Blinded, error) {
	n := len(inputs)
	b := &blindedState{
		s: s, inputs: inputs, inverse: make([]group.Scalar, n),
		blinded: make([]group.Element, n), request: make([]byte, n*s.element),
	}
	blinds := make([]group.Scalar, n)
	defer func() { wipe(blinds) }()
	for i := range blinds {
		k, err := s.scalar(r)
		if err != nil {
			return Blinded{}, err
		}
		blinds[i] = k
	}
	err := pool.each(ctx, n, block, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			e := s.group.HashToElement(inputs[i], s.hashToGroup)
			e.Mul(e, blinds[i])
			if err := s.encode(b.request[i*s.element:(i+1)*s.element], e); err != nil {
				return err
			}
			b.blinded[i] = e
		}
		return nil
	})
	if err != nil {
		return Blinded{}, err
	}
	invert(s.group, b.inverse, blinds)
	return Blinded{state: b}, nil
}

// invert sets dst to the inverses of src, none of which is zero, with one inversion (Montgomery 1987, §10.3.1).
func invert(g group.Group, dst, src []group.Scalar) {
	if len(src) == 0 {
		return
	}
	acc := src[0].Copy()
	for i := range src {
		dst[i] = g.NewScalar()
		if i > 0 {
			dst[i].Set(acc) // the product of all before i
			acc.Mul(acc, src[i])
		}
	}
	acc.Inv(acc)
	for i := len(src) - 1; i > 0; i-- {
		dst[i].Mul(dst[i], acc)
		acc.Mul(acc, src[i])
	}
	dst[0].Set(acc)
	acc.SetUint64(0)
}

// wipe overwrites scalars; entries may be nil.
func wipe(list []group.Scalar) {
	for _, k := range list {
		if k != nil {
			k.SetUint64(0)
		}
	}
}

// Request returns the blinded elements in the order of the inputs, encoded and concatenated. It is borrowed.
func (b Blinded) Request() []byte {
	if b.state == nil {
		return nil
	}
	return b.state.request
}

// discard wipes the blinds of a batch that gets no answer.
func (b Blinded) discard() {
	if b.state != nil && !b.state.used.Swap(true) {
		wipe(b.state.inverse)
	}
}

// Finalize checks the proof, in mode VOPRF, under the server's encoded public key and returns the outputs in the order
// of the inputs, concatenated: 64 bytes each with SuiteRistretto255, 32 with SuiteP256. In mode OPRF public and proof
// are ignored. The blinds are wiped: a second call is fault.Invalid.
//
// Errors: fault.Misbehaved, without culprit (an element, the proof or a length is wrong), fault.Invalid (zero or used
// Blinded, workers below 1, a public key that is none).
func (b Blinded) Finalize(ctx context.Context, workers int, public, evaluated, proof []byte) ([]byte, error) {
	const op = "oprf.Finalize"
	if b.state == nil || workers < 1 {
		return nil, fault.New(fault.Invalid, op, "a zero Blinded, or fewer than 1 worker")
	}
	var pk group.Element
	if s := b.state.s; s.mode == ModeVOPRF {
		pk = s.group.NewElement()
		if s.decode(pk, public) != nil {
			return nil, fault.New(fault.Invalid, op, "not a public key of suite %s", s.suite)
		}
	}
	out := make([]byte, len(b.state.inputs)*b.state.s.output)
	err := b.state.finalize(ctx, newPool(workers), pk, evaluated, proof, func(i int, o []byte) {
		copy(out[i*len(o):], o)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// finalize hands every output to emit, several at once, and keeps none.
func (b *blindedState) finalize(ctx context.Context, pool pool, pk group.Element, evaluated, proof []byte, emit func(i int, output []byte)) error {
	const op = "oprf.finalize"
	s, n := b.s, len(b.inputs)
	if b.used.Swap(true) {
		return fault.New(fault.Invalid, op, "the blinds were used before")
	}
	defer wipe(b.inverse)
	if len(evaluated) != n*s.element {
		return fault.New(fault.Misbehaved, op, "an answer of another length than the request")
	}
	answers, err := s.decodeAll(ctx, pool, evaluated)
	if err != nil {
		return err
	}
	if s.mode == ModeVOPRF {
		if err := s.verify(ctx, pool, pk, batch{b.blinded, answers, b.request, evaluated}, proof); err != nil {
			return err
		}
	}
	return pool.each(ctx, n, block, func(lo, hi int) error {
		h := s.newHash()
		enc, out := make([]byte, s.element), make([]byte, s.output)
		defer clear(out)
		for i := lo; i < hi; i++ {
			if err := s.encode(enc, answers[i].Mul(answers[i], b.inverse[i])); err != nil {
				return err
			}
			s.finalize(out, h, b.inputs[i], enc)
			emit(i, out)
		}
		return nil
	})
}

// decodeAll decodes concatenated elements.
func (s *scheme) decodeAll(ctx context.Context, pool pool, b []byte) ([]group.Element, error) {
	out := make([]group.Element, len(b)/s.element)
	err := pool.each(ctx, len(out), block, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			out[i] = s.group.NewElement()
			if err := s.decode(out[i], b[i*s.element:(i+1)*s.element]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
