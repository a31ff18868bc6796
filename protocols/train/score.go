package train

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
)

// ScoreBits is the number of fractional bits of what Scorer.Score returns.
const ScoreBits = scoreBits

// ScoreShape is the public shape of the scores X·w over both parties' columns. Immutable.
type ScoreShape struct {
	rows, labelCols, hostCols int
	products                  products
}

// NewScoreShape returns the shape for rows × (labelCols + hostCols), proved for a job that seals at most sealed
// ciphertexts under one key; 0 is one scoring and nothing else.
//
// Errors: fault.Invalid (no rows, no columns of one party), fault.Precision (MaxCols, noise), fault.LimitExceeded
// (he.MaxDim).
func NewScoreShape(hp he.Params, rows, labelCols, hostCols, sealed int) (ScoreShape, error) {
	if err := checkCols(labelCols, hostCols); err != nil {
		return ScoreShape{}, err
	}
	s := ScoreShape{rows: rows, labelCols: labelCols, hostCols: hostCols}
	var err error
	s.products, err = newProducts(he.NewMatVec, hp, [2]int{rows, blockCols(labelCols, true)}, [2]int{rows, blockCols(hostCols, false)})
	if err != nil {
		return ScoreShape{}, err
	}
	if sealed == 0 {
		sealed = s.products.sealed()
	}
	s.products, err = s.products.prove(valueMax, sealed)
	return s, err
}

func checkCols(labelCols, hostCols int) error {
	const op = "train.NewScoreShape"
	switch {
	case labelCols < 1 || hostCols < 1:
		return fault.New(fault.Invalid, op, "%d and %d columns, at least one of each party", labelCols, hostCols)
	case labelCols > MaxCols || hostCols > MaxCols-labelCols:
		return fault.New(fault.Precision, op, "%d and %d columns, the bit budget allows %d together", labelCols, hostCols, MaxCols)
	}
	return nil
}

// Cost is the cost of one Score, as the label holder.
func (s ScoreShape) Cost() protocols.Cost { return s.products.cost() }

// Weights is the number of coefficients: the label holder's, its intercept last, then the host's.
func (s ScoreShape) Weights() int { return s.labelCols + 1 + s.hostCols }

// split returns the coefficients of this party's columns and those of the peer's.
func (s ScoreShape) split(w []uint64, label bool) (own, peer []uint64) {
	l, h := w[:s.labelCols+1], w[s.labelCols+1:]
	if label {
		return l, h
	}
	return h, l
}

// Scorer computes scores of one set of rows, the forward step of training and all of prediction.
type Scorer struct {
	shape   ScoreShape
	product *product
}

// Columns are one party's columns in fixed point, the label holder's with the constant column. They print as their type.
type Columns struct {
	label bool
	x     he.Matrix
}

// Format prints the type's name, whatever the verb.
func (Columns) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "train.Columns") }

// LogValue is the type's name.
func (Columns) LogValue() slog.Value { return slog.StringValue("train.Columns") }

// Quantise checks this party's columns against the shape: what can be refused is refused before a message is sent.
//
// Errors: fault.Invalid (another shape, a value that is no number), fault.Precision (a value beyond ±Clip).
func Quantise(in Input, s ScoreShape) (Columns, error) {
	x, err := in.fixed(s.rows, s.cols(in.Label))
	return Columns{label: in.Label, x: x}, err
}

// NewScorer encodes this party's columns, keeping them encoded if that takes at most cacheBytes.
//
// Errors: fault.Invalid (columns of the other role or of another shape), fault.Canceled or fault.Timeout.
func NewScorer(ctx context.Context, pair *Pair, s ScoreShape, c Columns, cacheBytes int64) (*Scorer, error) {
	if c.label != pair.label {
		return nil, fault.New(fault.Invalid, "train.NewScorer", "columns of the %s at the %s", roleName(c.label), roleName(pair.label))
	}
	p, err := newProduct(ctx, pair, s.products, c.x, false, cacheBytes)
	return &Scorer{shape: s, product: p}, err
}

func (s ScoreShape) cols(label bool) int {
	if label {
		return s.labelCols
	}
	return s.hostCols
}

// Score returns shares of X·w, one per row at ScoreBits fractional bits, for shares of the Weights() coefficients.
// Every score is exact: nothing is truncated.
//
// Bytes: ScoreShape.Cost. Errors: fault.Invalid (another number of coefficients), fault.Misbehaved with culprit, and the
// Conn's.
func (s *Scorer) Score(ctx context.Context, w []uint64) ([]uint64, error) {
	if len(w) != s.shape.Weights() {
		return nil, fault.New(fault.Invalid, "train.Scorer", "%d coefficients, the shape has %d", len(w), s.shape.Weights())
	}
	own, peer := s.shape.split(w, s.product.pair.label)
	z, other, err := s.product.apply(ctx, own, peer)
	if err != nil {
		return nil, err
	}
	for i, v := range other {
		z[i] += v
	}
	return z, nil
}
