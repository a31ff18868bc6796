package oprf

import (
	"context"
	"hash"
	"io"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// BlindEvaluate answers a client's request: RFC 9497 §3.3.1 and, in mode VOPRF, §3.3.2 with one proof of 64 bytes for
// the whole batch. evaluated has the length of the request.
//
// Errors: fault.Misbehaved, without culprit (request is not 1 … MaxBatch canonical non-identity elements), fault.Invalid
// (zero Key, Session without Rand or Workers, mode), fault.Internal (the randomness source failed).
func (k Key) BlindEvaluate(ctx context.Context, s protocols.Session, mode Mode, request []byte) (evaluated, proof []byte, err error) {
	if err := checkSession(s); err != nil {
		return nil, nil, err
	}
	if err := k.check(); err != nil {
		return nil, nil, err
	}
	sch, err := newScheme(k.state.suite, mode)
	if err != nil {
		return nil, nil, err
	}
	evaluated, proof = make([]byte, len(request)), make([]byte, 0, proofBytes)
	if mode == ModeVOPRF {
		proof = proof[:proofBytes]
	}
	if err := k.blindEvaluate(ctx, newPool(s.Workers), s.Rand, sch, evaluated, proof, request); err != nil {
		return nil, nil, err
	}
	return evaluated, proof, nil
}

// blindEvaluate fills evaluated and, in mode VOPRF, proof.
func (k Key) blindEvaluate(ctx context.Context, pool pool, r io.Reader, s *scheme, evaluated, proof, request []byte) error {
	n := len(request) / s.element
	if n*s.element != len(request) || n < 1 || n > MaxBatch {
		return fault.New(fault.Misbehaved, "oprf.blindEvaluate", "a request that is not 1 to %d elements", MaxBatch)
	}
	requested := make([]group.Element, n)
	err := pool.each(ctx, n, block, func(lo, hi int) error {
		e := s.group.NewElement()
		for i := lo; i < hi; i++ {
			at := func(b []byte) []byte { return b[i*s.element : (i+1)*s.element] }
			requested[i] = s.group.NewElement()
			if err := s.decode(requested[i], at(request)); err != nil {
				return err
			}
			if err := s.encode(at(evaluated), e.Mul(requested[i], k.state.k)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || s.mode != ModeVOPRF {
		return err
	}
	return s.prove(ctx, pool, r, proof, k.state, batch{requested, nil, request, evaluated})
}

// Evaluate returns the output for an input that the server knows: RFC 9497 §3.3.1.
//
// Errors: fault.Invalid (zero Key, mode, input over 65535 bytes), fault.Internal (the input maps to the identity).
func (k Key) Evaluate(mode Mode, input []byte) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	s, err := newScheme(k.state.suite, mode)
	if err != nil {
		return nil, err
	}
	if len(input) > 1<<16-1 {
		return nil, fault.New(fault.Invalid, "oprf.Evaluate", "an input of %d bytes, at most 65535", len(input))
	}
	out := make([]byte, s.output)
	return out, k.evaluate(s, s.newHash(), out, make([]byte, s.element), input)
}

// evaluate writes the output to dst; h and enc are scratch.
func (k Key) evaluate(s *scheme, h hash.Hash, dst, enc, input []byte) error {
	e := s.group.HashToElement(input, s.hashToGroup)
	if err := s.encode(enc, e.Mul(e, k.state.k)); err != nil {
		return err
	}
	s.finalize(dst, h, input, enc)
	return nil
}

func checkSession(s protocols.Session) error {
	if s.Rand == nil || s.Workers < 1 {
		return fault.New(fault.Invalid, "oprf.checkSession", "the Session needs Rand and at least 1 worker")
	}
	return nil
}
