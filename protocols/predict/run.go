package predict

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// Score scores the rows of both parties' columns with a trained model. The label holder gets the linear score of every
// row, a multiple of 2^-FractionBits within one such unit of the exact one; Logistic of it is the probability. The host
// gets nil.
//
// Shape: in.Rows and in.Cols as Params; columns standardised as in training; in.Y is not read. Bytes: Params.Cost.
// Reveals: Params.Leaks. Errors: fault.Unsupported (other than two parties), fault.Invalid (an input or model of another
// shape or role), fault.Precision (a value beyond ±train.Clip, a score out of range), fault.PlanMismatch (the peer has
// other parameters, the same role or a half of another model), fault.Misbehaved with culprit, and the Conn's.
func Score(ctx context.Context, s protocols.Session, c []protocols.Conn, m train.Model, in train.Input, p Params) ([]float64, error) {
	z, err := score(ctx, s, c, m, in, p)
	if err != nil {
		return nil, settle("predict.Score", err)
	}
	return z, nil
}

func score(ctx context.Context, s protocols.Session, c []protocols.Conn, m train.Model, in train.Input, p Params) ([]float64, error) {
	if err := p.check(m, in.Label); err != nil {
		return nil, err
	}
	x, err := train.Quantise(in, p.shape)
	if err != nil {
		return nil, err
	}
	pair, err := train.NewPair(ctx, s, c, in.Label, p.runDigest(m), p.he, p.share)
	if err != nil {
		return nil, err
	}
	scorer, err := train.NewScorer(ctx, pair, p.shape, x, 0) // used once: not worth keeping encoded
	if err != nil {
		return nil, err
	}
	z, err := scorer.Score(ctx, m.SharesInsecure())
	if err != nil {
		return nil, err
	}
	engine := pair.Engine()
	if z, err = engine.Truncate(ctx, z, truncateBits); err != nil {
		return nil, err
	}
	opened, err := engine.Open(ctx, z, share.ToFirst)
	if err != nil || !in.Label {
		return nil, err
	}
	return decode(opened)
}

// settle gives an error of the context, or of a foreign Conn, its code.
func settle(op string, err error) error {
	if fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(fault.Internal, op, err, "the run failed")
	}
	return fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
}
