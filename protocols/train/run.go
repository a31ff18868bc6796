package train

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
)

// GLM trains a logistic regression on the columns of two parties and the labels of one. Each gets its half of the model.
//
// Shape: in as GLMParams declares it; rows in the same order at both. Bytes: Params.Cost of the Model's Iterations.
// Reveals: GLMParams.Leaks. Errors: fault.Unsupported (other than two parties), fault.Invalid (an input of another shape,
// labels of one class), fault.Precision (values beyond ±Clip, weights beyond ±WeightCap), fault.PlanMismatch (the peer
// has other parameters or the same role), fault.Misbehaved with culprit, and the Conn's. Source: secure-modelling §5.
func GLM(ctx context.Context, s protocols.Session, c []protocols.Conn, in Input, p GLMParams) (Model, error) {
	const op = "train.GLM"
	m, err := glm(ctx, s, c, in, p)
	if err != nil {
		return Model{}, settle(op, err)
	}
	return m, nil
}

func glm(ctx context.Context, s protocols.Session, c []protocols.Conn, in Input, p GLMParams) (Model, error) {
	if p.lit.Rows == 0 {
		return Model{}, fault.New(fault.Invalid, "train.GLM", "zero GLMParams; use NewGLMParams")
	}
	x, err := Quantise(in, p.forward)
	if err != nil {
		return Model{}, err
	}
	if err := in.checkLabels(); err != nil {
		return Model{}, err
	}
	pair, err := NewPair(ctx, s, c, in.Label, p.Digest(), p.he, p.share)
	if err != nil {
		return Model{}, err
	}
	d, err := p.start(ctx, pair, x, in.Y)
	if err != nil {
		return Model{}, err
	}
	m := Model{m: &model{
		id: runTranscript(s, p.Digest()).Sum(), label: in.Label,
		labelCols: p.lit.LabelCols, hostCols: p.lit.HostCols,
	}}
	for !m.Converged && m.Iterations < p.lit.MaxIter {
		m.Iterations++
		if m.Converged, err = d.iterate(ctx, m.Iterations); err != nil {
			return Model{}, err
		}
	}
	m.m.shares = d.w
	return m, nil
}

// start prepares both products: all the work that is not repeated.
func (p GLMParams) start(ctx context.Context, pair *Pair, x Columns, y []uint8) (*descent, error) {
	w := p.forward.Weights()
	d := &descent{p: p, label: pair.label, y: y, engine: pair.engine, w: make([]uint64, w), prev: make([]uint64, w)}
	var err error
	if d.scorer, err = NewScorer(ctx, pair, p.forward, x, p.lit.CacheBytes); err != nil {
		return nil, err
	}
	pre, err := precondition(ctx, x.x, pair.label, p.lit.Lambda, p.scale, pair.workers)
	if err != nil {
		return nil, err
	}
	d.gradient, err = newProduct(ctx, pair, p.backward, pre, true, p.lit.CacheBytes)
	return d, err
}

// iterate is one iteration with its check, if one is due.
func (d *descent) iterate(ctx context.Context, t int) (converged bool, err error) {
	if err := d.step(ctx, t); err != nil {
		return false, err
	}
	if d.p.checks(t) {
		if converged, err = d.check(ctx); err != nil {
			return false, err
		}
	}
	if d.p.progress != nil {
		d.p.progress(t, d.p.lit.MaxIter)
	}
	return converged, nil
}

// NewPair draws fresh keys and exchanges them, then sets up the engine. digest is of everything that both parties must
// have alike; hp floods.
//
// Bytes: PairCost. Errors: fault.Unsupported (other than two parties), fault.Invalid (an incomplete session),
// fault.PlanMismatch (another digest, session or the same role), fault.Misbehaved with culprit, and the Conn's.
func NewPair(ctx context.Context, s protocols.Session, c []protocols.Conn, label bool, digest [32]byte, hp he.Params, sp share.Params) (*Pair, error) {
	conn, err := checkPair("train.NewPair", s, c)
	if err != nil {
		return nil, err
	}
	p := &Pair{conn: conn, label: label, workers: s.Workers}
	if p.kits, err = he.NewKits(hp, s.Rand, s.Workers); err != nil {
		return nil, err
	}
	if p.secret, err = he.NewSecret(hp, s.Rand); err != nil {
		return nil, err
	}
	t := runTranscript(s, digest)
	key, err := p.kits[0].PublicKey(p.secret, keySeed(t, label))
	if err != nil {
		return nil, err
	}
	tag := helloTag(t, label)
	hello := make([]byte, helloBytes(hp))
	if err := exchange(ctx, p.conn, [][]byte{key.Append(tag[:])}, [][]byte{hello}); err != nil {
		return nil, err
	}
	if p.peerKey, err = decodeHello(hp, t, !label, hello); err != nil {
		return nil, blame(p.conn, err)
	}
	p.engine, err = share.NewWithParams(ctx, s, conn, sp, label)
	return p, err
}

// OwnCoefficients opens to each party that to names the coefficients of its own columns, to the label holder the
// intercept after them: the release form own-coefficients. label is this party's role; the label holder is first. A party
// that is not named gets nil, and no share either.
//
// Bytes: CoefficientsCost. Reveals: CoefficientsLeaks. Errors: fault.Invalid (no model, another role, unknown receiver),
// fault.Precision (the halves are not of one model), fault.Unsupported (other than two parties), fault.Misbehaved with
// culprit, and the Conn's.
func OwnCoefficients(ctx context.Context, s protocols.Session, c []protocols.Conn, m Model, label bool, to share.Receiver) ([]float64, error) {
	const op = "train.OwnCoefficients"
	conn, err := checkPair(op, s, c)
	if err != nil {
		return nil, err
	}
	if m.m == nil || m.m.label != label {
		return nil, fault.New(fault.Invalid, op, "not the %s's half of a model", roleName(label))
	}
	if to != share.ToBoth && to != share.ToFirst && to != share.ToSecond {
		return nil, fault.New(fault.Invalid, op, "unknown receiver %d", to)
	}
	own, peer := m.m.split()
	var out, in [][]byte
	if receives(to, !label) {
		out = [][]byte{encodeShares(peer)}
	}
	if receives(to, label) {
		in = [][]byte{make([]byte, 8*len(own))}
	}
	if err := exchange(ctx, conn, out, in); err != nil {
		return nil, settle(op, err)
	}
	if in == nil {
		return nil, nil
	}
	return openCoefficients(own, decodeShares(in[0]))
}

// Partition tells the host which rows the label holder has put into the test part, where the draw depends on the labels
// and the host cannot repeat it. test holds the label holder's ascending positions, at the host nil. Both get both parts,
// ascending.
//
// Bytes: PartitionCost. Reveals: PartitionLeaks. Errors: fault.Invalid (positions out of order or range, an empty part, a
// host that names positions), fault.LimitExceeded (MaxPartitionRows), fault.Unsupported (other than two parties),
// fault.Misbehaved with culprit, and the Conn's.
func Partition(ctx context.Context, s protocols.Session, c []protocols.Conn, label bool, rows int, test []int32) (trainRows, testRows []int32, err error) {
	const op = "train.Partition"
	conn, err := checkPair(op, s, c)
	switch {
	case err != nil:
		return nil, nil, err
	case rows < 2:
		return nil, nil, fault.New(fault.Invalid, op, "%d rows, at least 2 are parted", rows)
	case rows > MaxPartitionRows:
		return nil, nil, fault.New(fault.LimitExceeded, op, "%d rows, at most %d (MaxPartitionRows)", rows, MaxPartitionRows)
	case !label && test != nil:
		return nil, nil, fault.New(fault.Invalid, op, "test positions at the host")
	}
	bits := make([]byte, membershipBytes(rows))
	out, in := [][]byte(nil), [][]byte{bits}
	if label {
		if bits, err = encodeMembership(rows, test); err != nil {
			return nil, nil, err
		}
		out, in = [][]byte{bits}, nil
	}
	if err := exchange(ctx, conn, out, in); err != nil {
		return nil, nil, settle(op, err)
	}
	trainRows, testRows, err = decodeMembership(rows, bits)
	return trainRows, testRows, blame(conn, err)
}

// exchange is one flight: out goes to the peer while in is filled, each in its order; either may be nil.
func exchange(ctx context.Context, c protocols.Conn, out, in [][]byte) error {
	var send, recv func(context.Context) error
	if out != nil {
		send = func(ctx context.Context) error {
			for _, b := range out {
				if err := protocols.SendAll(ctx, c, b); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if in != nil {
		recv = func(ctx context.Context) error {
			for _, b := range in {
				if err := protocols.RecvAll(ctx, c, b); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return protocols.Exchange(ctx, c, send, recv)
}

// blame names the peer where its bytes are at fault.
func blame(c protocols.Conn, err error) error {
	if err != nil && fault.CodeOf(err) == fault.Misbehaved {
		return fault.Blame(err, string(c.Peer()))
	}
	return err
}

// settle gives an error of the context, or of a foreign Conn, its code.
func settle(op string, err error) error {
	if fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(fault.Internal, op, err, "the run failed")
	}
	return fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
}
