package train

import (
	"crypto/sha256"
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
)

const (
	// MaxCols bounds the columns of both parties together: Clip · WeightCap · 254 + WeightCap < 2^15, the range of
	// share.Sigmoid.
	MaxCols = 254
	// MinRows and MinRowsPerCol bound the rows from below: with fewer a model could be solved for the labels.
	MinRows       = 100
	MinRowsPerCol = 5
	// MaxRows leaves room in he.MaxDim for the penalty's rows.
	MaxRows = he.MaxDim - 256
	// MaxIterations bounds MaxIter: the proof of the noise covers all of them.
	MaxIterations = 1000
	// MaxLambda bounds the penalty: above, the steps' fixed point has too few bits.
	MaxLambda = 1 << 20
	// MinTol is four units of a coefficient's last place, MaxTol makes the first check the last.
	MinTol = 1.0 / (1 << 16)
	MaxTol = 1
)

// Defaults of GLMLiteral.
const (
	DefaultMaxIter    = 50
	DefaultTol        = 1e-3
	DefaultCacheBytes = 256 << 20
)

// LinkLogit is the logistic link, the one built.
const LinkLogit = "logit"

// The roles, by the names the leakage statement gives them.
const (
	LabelHolder protocols.Role = "label holder"
	Host        protocols.Role = "host"
)

// GLMLiteral is what a plan writes down, unchecked; both parties use the same.
type GLMLiteral struct {
	Link                string  // LinkLogit
	Rows                int     // rows of both parties, MinRows to MaxRows and at least MinRowsPerCol per column
	LabelCols, HostCols int     // columns of each party, at least one, the intercept not counted
	MaxIter             int     // iterations, at most MaxIterations; 0 is DefaultMaxIter
	Tol                 float64 // stop when no coefficient changes by as much; 0 is DefaultTol
	Lambda              float64 // penalty λ/2·‖w‖² on the sum of losses, 1/C of scikit-learn; 0 is none
	// CacheBytes is the memory each of the two products may use to hold its matrix encoded, 32 bytes per value, at each
	// party; above it the matrix is encoded anew in every iteration. 0 is DefaultCacheBytes, negative is none.
	CacheBytes int64
	ShareK     int // share.Literal.K
}

// GLMParams are checked parameters, immutable and safe for concurrent use. The zero value is refused by GLM.
type GLMParams struct {
	lit      GLMLiteral
	he       he.Params
	share    share.Params
	scale    int // s, fractional bits of the preconditioned columns
	tol      int64
	forward  ScoreShape
	backward products
	progress func(done, total int)
}

// NewGLMParams checks l: the bit budget, the noise over the whole job and the number of rows.
//
// Errors: fault.Unsupported (another link), fault.Invalid (a count, tolerance or penalty out of range; too few rows),
// fault.LimitExceeded (MaxRows, MaxIterations), fault.Precision (more than MaxCols columns, noise).
func NewGLMParams(l GLMLiteral) (GLMParams, error) {
	l = l.withDefaults()
	if err := l.check(); err != nil {
		return GLMParams{}, err
	}
	p := GLMParams{lit: l, tol: int64(math.Round(math.Ldexp(l.Tol, weightBits)))}
	var err error
	if p.he, err = he.Lookup(he.H2); err != nil {
		return GLMParams{}, err
	}
	if p.share, err = share.NewParams(share.Literal{K: l.ShareK}); err != nil {
		return GLMParams{}, err
	}
	if err := p.shapes(); err != nil {
		return GLMParams{}, err
	}
	return p, nil
}

// shapes fixes the scale, both products and their noise over the whole job.
func (p *GLMParams) shapes() (err error) {
	l := p.lit
	own, host := blockCols(l.LabelCols, true), blockCols(l.HostCols, false)
	p.scale = gradientBits(l.Rows, max(own, host), l.Lambda)
	p.backward, err = newProducts(he.NewMatTVec, p.he, [2]int{l.Rows + own, own}, [2]int{l.Rows + host, host})
	if err != nil {
		return err
	}
	if p.forward, err = NewScoreShape(p.he, l.Rows, l.LabelCols, l.HostCols, 0); err != nil {
		return err
	}
	total := l.MaxIter * (p.forward.products.sealed() + p.backward.sealed())
	if p.forward, err = NewScoreShape(p.he, l.Rows, l.LabelCols, l.HostCols, total); err != nil {
		return err
	}
	p.backward, err = p.backward.prove(he.XMax, total)
	return err
}

func (l GLMLiteral) withDefaults() GLMLiteral {
	if l.MaxIter == 0 {
		l.MaxIter = DefaultMaxIter
	}
	if l.Tol == 0 {
		l.Tol = DefaultTol
	}
	if l.CacheBytes == 0 {
		l.CacheBytes = DefaultCacheBytes
	}
	return l
}

func (l GLMLiteral) check() error {
	const op = "train.NewGLMParams"
	if err := checkCols(l.LabelCols, l.HostCols); err != nil {
		return err
	}
	switch {
	case l.Link != LinkLogit:
		return fault.New(fault.Unsupported, op, "this link is not built; use %q", LinkLogit)
	case l.Rows < MinRows || l.Rows < MinRowsPerCol*(l.LabelCols+l.HostCols):
		return fault.New(fault.Invalid, op, "too-few-rows: %d for %d columns, at least %d and %d per column",
			l.Rows, l.LabelCols+l.HostCols, MinRows, MinRowsPerCol)
	case l.Rows > MaxRows:
		return fault.New(fault.LimitExceeded, op, "%d rows, at most %d", l.Rows, MaxRows)
	case l.MaxIter < 0:
		return fault.New(fault.Invalid, op, "%d iterations", l.MaxIter)
	case l.MaxIter > MaxIterations:
		return fault.New(fault.LimitExceeded, op, "%d iterations, at most %d", l.MaxIter, MaxIterations)
	case !(l.Tol >= MinTol && l.Tol <= MaxTol):
		return fault.New(fault.Invalid, op, "a tolerance outside 2^-16 to 1")
	case !(l.Lambda >= 0 && l.Lambda <= MaxLambda):
		return fault.New(fault.Invalid, op, "a penalty outside 0 to 2^20")
	}
	return nil
}

// WithProgress returns p with a callback: f is called after every iteration, with their number and MaxIter. It must not
// block.
func (p GLMParams) WithProgress(f func(done, total int)) GLMParams {
	p.progress = f
	return p
}

// Literal returns what p was made of, defaults filled in.
func (p GLMParams) Literal() GLMLiteral { return p.lit }

// Digest identifies the parameters that both parties must have alike.
func (p GLMParams) Digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/train/glm/params/v1")
	e.String(p.lit.Link)
	e.U32(uint32(p.lit.Rows))
	e.U32(uint32(p.lit.LabelCols))
	e.U32(uint32(p.lit.HostCols))
	e.U32(uint32(p.lit.MaxIter))
	e.F64(p.lit.Tol)
	e.F64(p.lit.Lambda)
	e.U32(uint32(p.lit.ShareK))
	return sha256.Sum256(e.B)
}

// Leaks returns what a run discloses besides its output, word for word in the package documentation.
func (p GLMParams) Leaks() []protocols.Leak {
	return []protocols.Leak{
		{
			To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount,
			Detail: "the number of rows, the columns of each party and the training parameters",
		},
		{
			To: protocols.All, About: protocols.All, Kind: protocols.LeakIterations,
			Detail: "the number of iterations and, at every check, whether all weights are in range and whether training converged",
		},
	}
}
