package oprf

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
)

// batch is what one proof speaks of: evaluated[i] = k·requested[i]. The encodings are the canonical ones of the
// elements. The prover needs no evaluated elements.
type batch struct {
	requested, evaluated     []group.Element
	requestEnc, evaluatedEnc []byte
}

// weights returns the coefficients of the composites: RFC 9497 §2.2.1, ComputeComposites, the values dᵢ. They are public.
func (s *scheme) weights(ctx context.Context, pool pool, public []byte, b batch) ([]group.Scalar, error) {
	h := s.newHash()
	_, _ = h.Write(appendFramed(appendFramed(nil, public), s.seed)) // a hash never fails
	seed := appendFramed(nil, h.Sum(nil))
	out := make([]group.Scalar, len(b.requested))
	err := pool.each(ctx, len(out), block, func(lo, hi int) error {
		buf := make([]byte, 0, len(seed)+2*s.element+32)
		for i := lo; i < hi; i++ {
			buf = append(buf[:0], seed...)
			buf = binary.BigEndian.AppendUint16(buf, uint16(i))
			buf = appendFramed(buf, b.requestEnc[i*s.element:(i+1)*s.element])
			buf = appendFramed(buf, b.evaluatedEnc[i*s.element:(i+1)*s.element])
			buf = append(buf, "Composite"...)
			out[i] = s.group.HashToScalar(buf, s.hashToScalar)
		}
		return nil
	})
	return out, err
}

// prove writes the proof of b under the key k, with fresh randomness from r: RFC 9497 §2.2.1, GenerateProof.
func (s *scheme) prove(ctx context.Context, pool pool, r io.Reader, proof []byte, k *keyState, b batch) error {
	d, err := s.weights(ctx, pool, k.public, b)
	if err != nil {
		return err
	}
	m, err := s.sum(ctx, pool, d, b.requested)
	if err != nil {
		return err
	}
	nonce, err := s.scalar(r)
	if err != nil {
		return err
	}
	defer nonce.SetUint64(0)
	g := s.group
	c, err := s.challenge(k.public, m, g.NewElement().Mul(m, k.k), g.NewElement().MulGen(nonce), g.NewElement().Mul(m, nonce))
	if err != nil {
		return err
	}
	response := g.NewScalar().Mul(c, k.k)
	response.Sub(nonce, response)
	for i, v := range []group.Scalar{c, response} {
		enc, err := v.MarshalBinary()
		if err != nil || len(enc) != scalarBytes {
			return &fault.Error{Code: fault.Internal, Op: "oprf.prove", Reason: "a scalar did not encode", Err: err}
		}
		copy(proof[i*scalarBytes:], enc)
	}
	return nil
}

// verify checks the proof of b under the public key pk: RFC 9497 §2.2.2, VerifyProof.
//
// Errors: fault.Misbehaved, without culprit, with one reason.
func (s *scheme) verify(ctx context.Context, pool pool, pk group.Element, b batch, proof []byte) error {
	refuse := func() error { return fault.New(fault.Misbehaved, "oprf.verify", "the proof does not hold") }
	if len(proof) != proofBytes {
		return refuse()
	}
	c, okC := s.decodeScalar(proof[:scalarBytes])
	response, okS := s.decodeScalar(proof[scalarBytes:])
	public := make([]byte, s.element)
	if !okC || !okS || s.encode(public, pk) != nil {
		return refuse()
	}
	d, err := s.weights(ctx, pool, public, b)
	if err != nil {
		return err
	}
	m, err := s.sum(ctx, pool, d, b.requested)
	if err != nil {
		return err
	}
	z, err := s.sum(ctx, pool, d, b.evaluated)
	if err != nil {
		return err
	}
	g := s.group
	t2, t3 := g.NewElement().MulGen(response), g.NewElement().Mul(m, response)
	t2.Add(t2, g.NewElement().Mul(pk, c))
	t3.Add(t3, g.NewElement().Mul(z, c))
	want, err := s.challenge(public, m, z, t2, t3)
	if err != nil || !want.IsEqual(c) {
		return refuse()
	}
	return nil
}

// challenge hashes the statement and the commitments t2 and t3 of a proof.
func (s *scheme) challenge(public []byte, m, z, t2, t3 group.Element) (group.Scalar, error) {
	buf := appendFramed(nil, public)
	enc := make([]byte, s.element)
	for _, e := range []group.Element{m, z, t2, t3} {
		if err := s.encode(enc, e); err != nil {
			return nil, err
		}
		buf = appendFramed(buf, enc)
	}
	return s.group.HashToScalar(append(buf, "Challenge"...), s.hashToScalar), nil
}
