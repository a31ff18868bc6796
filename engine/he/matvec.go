package he

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
)

// Encrypt is the key holder's first step: the input ciphertexts of v, Inputs() of InputSize() bytes each.
//
// Shape: v has InputLen values modulo 2^64, an arithmetic share at any scale.
// Errors: fault.Invalid (other length, key or kits of another set), fault.Canceled or fault.Timeout.
func (s Product) Encrypt(ctx context.Context, kits []*Kit, key Secret, v []uint64) ([][]byte, error) {
	const op = "he.Product.Encrypt"
	if len(v) != s.InputLen() || s.width == 0 {
		return nil, fault.New(fault.Invalid, op, "%d values, the shape takes %d", len(v), s.InputLen())
	}
	out := make([][]byte, s.Inputs())
	err := each(ctx, s.p, kits, len(out), func(k *Kit, g int) error {
		if err := k.Encrypt(k.s.acc, key, s.slice(v, g)); err != nil {
			return err
		}
		// The packer wants eight bytes of room past the end.
		out[g] = k.s.acc.Append(make([]byte, 0, s.InputSize()+8))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Mul is the evaluator's step: it multiplies the matrix with the encrypted vector and seals the result under fresh
// masks. It returns Outputs() sealed ciphertexts, the o-th of OutputSize(o) bytes, and the evaluator's own share, minus
// the masks: what Open yields plus the share is the product modulo 2^64.
//
// Errors: fault.Misbehaved without culprit (bad inputs), fault.Precision (the matrix or shape exceeds n), fault.Invalid
// (an x of another shape, key or kits of another set), fault.Canceled or fault.Timeout.
func (s Product) Mul(ctx context.Context, kits []*Kit, x *Encoded, inputs [][]byte, to *PublicKey, n Noise) (sealed [][]byte, share []uint64, err error) {
	if len(kits) == 0 {
		return nil, nil, fault.New(fault.Invalid, "he.Product.Mul", "no kits")
	}
	mask := make([]uint64, s.OutputLen())
	kits[0].s.rng.words(mask)
	sealed, err = s.MulMasked(ctx, kits, x, inputs, to, n, mask)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range mask {
		mask[i] = -r
	}
	return sealed, mask, nil
}

// MulMasked is Mul with masks that the caller has drawn, one per result: an owner that keeps no share seals to one
// party with ρ and to the other with −ρ. A mask is uniform and serves one product only.
//
// Errors: as Mul; fault.Invalid (masks of another length).
func (s Product) MulMasked(ctx context.Context, kits []*Kit, x *Encoded, inputs [][]byte, to *PublicKey, n Noise, mask []uint64) ([][]byte, error) {
	const op = "he.Product.Mul"
	switch {
	case s.width == 0 || x == nil || x.e == nil || !x.e.shape.same(s):
		return nil, fault.New(fault.Invalid, op, "a matrix that is not encoded for this shape")
	case len(mask) != s.OutputLen():
		return nil, fault.New(fault.Invalid, op, "%d masks for %d results", len(mask), s.OutputLen())
	case n.p.ID() != s.p.ID() || n.load.Kept == 0 || s.Inputs() > n.load.Polys || x.e.xmax > n.load.XMax:
		return nil, fault.New(fault.Precision, op, "the matrix exceeds the noise proof")
	}
	in, err := s.decodeInputs(ctx, kits, inputs)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, s.Outputs())
	err = each(ctx, s.p, kits, len(out), func(k *Kit, o int) error {
		acc := k.s.acc
		acc.clear()
		for g, ct := range in {
			pt, err := x.e.plain(k, o, g)
			if err != nil {
				return err
			}
			if err := k.MulAcc(acc, ct, pt); err != nil {
				return err
			}
		}
		kept := s.Kept(o)
		sealed, err := k.Seal(acc, to, mask[o*s.perOutput():][:kept.Count], kept, n)
		if err != nil {
			return err
		}
		out[o] = sealed.Append(make([]byte, 0, s.OutputSize(o)+8))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s Product) decodeInputs(ctx context.Context, kits []*Kit, inputs [][]byte) ([]*Ciphertext, error) {
	if len(inputs) != s.Inputs() {
		return nil, fault.New(fault.Misbehaved, "he.Product.Mul", "%d input ciphertexts, the shape fixes %d", len(inputs), s.Inputs())
	}
	in := make([]*Ciphertext, len(inputs))
	err := each(ctx, s.p, kits, len(in), func(_ *Kit, g int) (err error) {
		in[g], err = Decode(s.p, KindSeeded, inputs[g])
		return err
	})
	return in, err
}

// Open is the key holder's last step: the product plus the evaluator's masks, OutputLen values modulo 2^64, its share
// of the product.
//
// Errors: fault.Misbehaved without culprit (bad ciphertexts or another number of them), fault.Invalid (key or kits of
// another set), fault.Canceled or fault.Timeout.
func (s Product) Open(ctx context.Context, kits []*Kit, key Secret, sealed [][]byte) ([]uint64, error) {
	const op = "he.Product.Open"
	if s.width == 0 {
		return nil, fault.New(fault.Invalid, op, "the zero Product")
	}
	if len(sealed) != s.Outputs() {
		return nil, fault.New(fault.Misbehaved, op, "%d sealed ciphertexts, the shape fixes %d", len(sealed), s.Outputs())
	}
	out := make([]uint64, s.OutputLen())
	err := each(ctx, s.p, kits, len(sealed), func(k *Kit, o int) error {
		kept := s.Kept(o)
		c, err := DecodeSealed(s.p, kept, sealed[o])
		if err != nil {
			return err
		}
		return k.Open(out[o*s.perOutput():][:kept.Count], key, c)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
