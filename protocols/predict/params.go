package predict

import (
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// FractionBits is the precision of an opened score: finer digits would say more about the columns than about the score.
const FractionBits = 12

// truncateBits is what a score loses before it is opened.
const truncateBits = train.ScoreBits - FractionBits

// Literal is what a plan writes down, unchecked; both parties use the same.
type Literal struct {
	Rows                int // rows to score, 1 to he.MaxDim
	LabelCols, HostCols int // columns of each party, those of the model
	ShareK              int // share.Literal.K
}

// Params are checked parameters, immutable and safe for concurrent use. The zero value is refused by Score.
type Params struct {
	lit   Literal
	he    he.Params
	share share.Params
	shape train.ScoreShape
}

// NewParams checks l.
//
// Errors: fault.Invalid (no rows, no columns of one party, ShareK), fault.Precision (more than train.MaxCols columns),
// fault.LimitExceeded (he.MaxDim).
func NewParams(l Literal) (Params, error) {
	p := Params{lit: l}
	var err error
	if p.he, err = he.Lookup(he.H2); err != nil {
		return Params{}, err
	}
	if p.share, err = share.NewParams(share.Literal{K: l.ShareK}); err != nil {
		return Params{}, err
	}
	if p.shape, err = train.NewScoreShape(p.he, l.Rows, l.LabelCols, l.HostCols, 0); err != nil {
		return Params{}, err
	}
	return p, nil
}

// Literal returns what p was made of.
func (p Params) Literal() Literal { return p.lit }

// Digest identifies the parameters that both parties must have alike.
func (p Params) Digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/predict/params/v1")
	e.U32(uint32(p.lit.Rows))
	e.U32(uint32(p.lit.LabelCols))
	e.U32(uint32(p.lit.HostCols))
	e.U32(uint32(p.lit.ShareK))
	return sha256.Sum256(e.B)
}

// Cost returns the exact cost of a run, as the label holder; the host's is its Flip.
func (p Params) Cost() protocols.Cost {
	return train.PairCost(p.he, p.share).
		Add(p.shape.Cost()).
		Add(p.share.TruncateCost(p.lit.Rows, truncateBits)).
		Add(p.share.OpenCost(p.lit.Rows, share.ToFirst))
}

// Leaks returns what a run discloses besides the parameters' existence, word for word in the package documentation.
func (p Params) Leaks() []protocols.Leak {
	return []protocols.Leak{
		{
			To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount,
			Detail: "the number of scored rows and the columns of each party",
		},
		{
			To: train.LabelHolder, About: protocols.All, Kind: protocols.LeakScore,
			Detail: "the score of every row to 12 binary places",
		},
	}
}

// check refuses a model that is not the one these parameters score.
func (p Params) check(m train.Model, label bool) error {
	const op = "predict.Score"
	if p.lit.Rows == 0 {
		return fault.New(fault.Invalid, op, "zero Params; use NewParams")
	}
	labelCols, hostCols := m.Cols()
	switch {
	case labelCols == 0:
		return fault.New(fault.Invalid, op, "no model")
	case m.Label() != label:
		return fault.New(fault.Invalid, op, "the other party's half of the model")
	case labelCols != p.lit.LabelCols || hostCols != p.lit.HostCols:
		return fault.New(fault.Invalid, op, "a model of %d + %d columns, the parameters say %d + %d",
			labelCols, hostCols, p.lit.LabelCols, p.lit.HostCols)
	}
	return nil
}

// runDigest binds a run to the parameters and to the training run that both halves come from.
func (p Params) runDigest(m train.Model) [32]byte {
	params, id := p.Digest(), m.ID()
	return sha256.Sum256(append(params[:], id[:]...))
}
