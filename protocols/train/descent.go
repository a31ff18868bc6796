package train

import (
	"context"
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/share"
)

// checkEvery is the number of iterations between two openings of the stop bits.
const checkEvery = 5

// rangeRing is the ring of the comparisons with WeightCap, that of share.Sigmoid: it holds |u| < 2^29. The first u out
// of range is seen, since one step moves a coefficient by at most 16, for ‖A⁻¹Xᵀ‖ ≤ 1/√(εn), and the penalty's 2^25.
const rangeRing = 48

// descent is one party's state of the iterations. Coefficients are ordered as in Model.
type descent struct {
	p        GLMParams
	label    bool
	y        []uint8
	engine   *share.Engine
	scorer   *Scorer
	gradient *product
	w, prev  []uint64
	inRange  []share.Bits // of every iteration since the last check
}

// step is iteration t, from 1. Source: secure-modelling §5.2; Nesterov's extrapolation.
func (d *descent) step(ctx context.Context, t int) error {
	u, err := d.extrapolate(ctx, t)
	if err != nil {
		return err
	}
	z, err := d.scorer.Score(ctx, u)
	if err != nil {
		return err
	}
	prob, signs, err := d.engine.Sigmoid(ctx, z, d.margins(u, WeightCap<<weightBits))
	if err != nil {
		return err
	}
	d.inRange = append(d.inRange, d.engine.Not(signs))
	e, err := d.residuals(ctx, prob)
	if err != nil {
		return err
	}
	delta, err := d.delta(ctx, e, u)
	if err != nil {
		return err
	}
	d.prev = d.w
	d.w = u
	for i, v := range delta {
		d.w[i] -= v
	}
	return nil
}

// extrapolate returns u = w + β_t·(w − w_prev), β_t = (t−1)/(t+2), a fresh vector.
func (d *descent) extrapolate(ctx context.Context, t int) ([]uint64, error) {
	if t == 1 {
		return append([]uint64(nil), d.w...), nil
	}
	beta := uint64(momentum(t))
	u := make([]uint64, len(d.w))
	for i, w := range d.w {
		u[i] = w<<momentumBits + beta*(w-d.prev[i])
	}
	return d.engine.Truncate(ctx, u, momentumBits)
}

func momentum(t int) int64 {
	return int64(math.RoundToEven(math.Ldexp(float64(t-1)/float64(t+2), momentumBits)))
}

// margins returns bound + v and bound − v for every v: both are non-negative where |v| ≤ bound.
func (d *descent) margins(v []uint64, bound uint64) []uint64 {
	minus := make([]uint64, len(v))
	for i, x := range v {
		minus[i] = -x
	}
	return append(d.engine.AddConst(v, bound), d.engine.AddConst(minus, bound)...)
}

// residuals returns p − y at residualBits.
func (d *descent) residuals(ctx context.Context, prob []uint64) ([]uint64, error) {
	for i, y := range d.y {
		prob[i] -= uint64(y) << share.SigmoidOut
	}
	return d.engine.Truncate(ctx, prob, share.SigmoidOut-residualBits)
}

// delta returns (M·Xᵀ·e + λ·M·D·u)/m of both blocks at weightBits.
func (d *descent) delta(ctx context.Context, e, u []uint64) ([]uint64, error) {
	own, peer := d.p.forward.split(u, d.label)
	own, peer, err := d.gradient.apply(ctx, join(e, own), join(e, peer))
	if err != nil {
		return nil, err
	}
	if !d.label {
		own, peer = peer, own
	}
	return d.engine.Truncate(ctx, join(own, peer), d.p.scale+residualBits-weightBits)
}

func join(a, b []uint64) []uint64 {
	return append(append(make([]uint64, 0, len(a)+len(b)), a...), b...)
}

// checks reports whether the stop bits are opened after iteration t.
func (p GLMParams) checks(t int) bool { return t%checkEvery == 0 || t == p.lit.MaxIter }

// check opens two bits: whether every u since the last check and w are within ±WeightCap, and whether no coefficient
// changed by tol in the last iteration.
//
// Errors: fault.Precision (the first bit is false), and the exchange's.
func (d *descent) check(ctx context.Context) (converged bool, err error) {
	n := len(d.w)
	change := make([]uint64, n)
	for i, v := range d.w {
		change[i] = v - d.prev[i]
	}
	signs, err := d.engine.MSB(ctx, join(d.margins(d.w, WeightCap<<weightBits), d.margins(change, uint64(d.p.tol-1))), rangeRing)
	if err != nil {
		return false, err
	}
	within := d.engine.Not(signs)
	inRange, err := d.engine.AndTree(ctx, concat(append(d.inRange, within.Slice(0, 2*n))))
	if err != nil {
		return false, err
	}
	still, err := d.engine.AndTree(ctx, within.Slice(2*n, 4*n))
	if err != nil {
		return false, err
	}
	stop, err := d.engine.OpenBits(ctx, concat([]share.Bits{inRange, still}), share.ToBoth)
	if err != nil {
		return false, err
	}
	d.inRange = nil
	if stop.At(0) != 1 {
		return false, fault.New(fault.Precision, "train.GLM", "weights beyond ±%d: separable or unscaled data", WeightCap)
	}
	return stop.At(1) == 1, nil
}

// concat returns all bits of list, in order.
func concat(list []share.Bits) share.Bits {
	var n int
	for _, b := range list {
		n += b.Len()
	}
	out, at := share.NewBits(n), 0
	for _, b := range list {
		for i := range b.Len() {
			out.Set(at, b.At(i))
			at++
		}
	}
	return out
}
