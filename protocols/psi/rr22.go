package psi

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/vole"
)

// receiveRR22 is R after hello.
func (r *run) receiveRR22(ctx context.Context, items []Item) (Matches, error) {
	sh, err := r.p.shape(r.nRecv, r.nSend)
	if err != nil {
		return Matches{}, err
	}
	if sh.empty {
		return r.receiveNothing(ctx, &sh)
	}
	v, err := r.ownValues(ctx, &sh, items)
	if err != nil {
		return Matches{}, err
	}
	r.vouchFor(v)
	own := tagsOf(v.tag, sh.width)
	theirs, err := r.getTags(ctx, &sh)
	if err != nil {
		return Matches{}, err
	}
	return r.conclude(ctx, func() ([]int32, error) { return join(own, theirs) })
}

// receiveNothing is R where one of the sets is empty: the peer's done and an empty answer.
func (r *run) receiveNothing(ctx context.Context, sh *shape) (Matches, error) {
	if _, err := r.getTags(ctx, sh); err != nil {
		return Matches{}, err
	}
	r.meter.add(r.nRecv + r.nSend)
	return r.conclude(ctx, func() ([]int32, error) {
		at := make([]int32, r.nSend)
		for j := range at {
			at[j] = -1
		}
		return at, nil
	})
}

// ownValues is R up to F of its own items: Raghuraman and Rindal, ia.cr/2022/320, Figures 4 (semi-honest) and 5.
func (r *run) ownValues(ctx context.Context, sh *shape, items []Item) (out evaluated, err error) {
	commitment, err := r.getCommitment(ctx)
	if err != nil {
		return out, err
	}
	var open seed
	if err := open.draw(r.s.Rand, r.p.lit.Malicious); err != nil {
		return out, err
	}
	set, code, values, err := r.correlate(ctx, sh, items, open.code)
	if err != nil {
		return out, err
	}
	defer clear(values)
	err = protocols.Exchange(ctx, r.c, func(ctx context.Context) error { return r.putVector(ctx, sh.vector, open, code) }, nil)
	if err != nil {
		return out, err
	}
	v, err := set.decode(ctx, r.pool, values, sh.code)
	if err != nil {
		return out, err
	}
	w, err := r.getOpening(ctx, commitment, open.w)
	if err != nil {
		return out, err
	}
	if out, err = set.finish(ctx, r.pool, v, w); err != nil {
		return out, err
	}
	r.meter.add(r.nRecv)
	return evaluated{f: out.f[:len(items)], tag: out.tag[:len(items)]}, nil
}

// vouchFor makes R prove, and S check, the matches of the malicious mode. Without a proof R could claim any of S's
// positions; with it R can only leave matches out.
func (r *run) vouchFor(o evaluated) {
	if r.p.lit.Malicious {
		r.proof = func(position []int32) [32]byte { return o.proof(r.s.Binding, position) }
	}
}

// correlate runs the VOLE and, at the same time, encodes R's own items: the result is P ⊕ C, and A.
func (r *run) correlate(ctx context.Context, sh *shape, items []Item, seed aes.Block) (set *blockSet, code, values []aes.Block, err error) {
	var v vole.Receiver
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		v, err = vole.Receive(gctx, r.s, noted{r}, sh.vole)
		return err
	})
	g.Go(func() (err error) {
		if items, err = encodable(items, sh.code, r.s.Rand); err != nil {
			return err
		}
		if set, err = newBlockSet(gctx, r.pool, r.s, items, seed, sh.code); err != nil {
			return err
		}
		code, err = set.encode(gctx, r.pool, r.s.Rand, sh.code)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, nil, err
	}
	gf128.Add(code, code, v.C)
	clear(v.C)
	return set, code, v.A, nil
}

// sendRR22 is S after hello.
func (r *run) sendRR22(ctx context.Context, items []Item) (Matches, error) {
	sh, err := r.p.shape(r.nRecv, r.nSend)
	if err != nil {
		return Matches{}, err
	}
	order, err := shuffle(r.s.Rand, len(items))
	if err != nil {
		return Matches{}, err
	}
	v, err := r.theirValues(ctx, &sh, items)
	if err != nil {
		return Matches{}, err
	}
	if !sh.empty {
		r.vouchFor(v)
	}
	if err := r.putTags(ctx, &sh, v.tag, order); err != nil {
		return Matches{}, err
	}
	return r.learn(ctx, order)
}

// theirValues is S up to F of its own items, in their order.
func (r *run) theirValues(ctx context.Context, sh *shape, items []Item) (o evaluated, err error) {
	if sh.empty {
		r.meter.add(r.nRecv + r.nSend)
		return o, nil
	}
	w, err := r.putCommitment(ctx)
	if err != nil {
		return o, err
	}
	out, err := vole.Send(ctx, r.s, noted{r}, sh.vole)
	if err != nil {
		return o, err
	}
	defer out.Wipe()
	delta := out.DeltaInsecure()
	defer clear(delta[:])
	open, err := r.absorb(ctx, sh, out.B, &delta)
	if err != nil {
		return o, err
	}
	var mix *aes.Block
	if w != nil {
		// R's vector is here, so w_S may be known; R can hash its own items while this side does.
		if err := r.put(ctx, encodeOpening(*w)); err != nil {
			return o, err
		}
		mix = &open.w
		xorBlock(mix, w)
	}
	set, err := newBlockSet(ctx, r.pool, r.s, items, open.code, sh.code)
	if err != nil {
		return o, err
	}
	v, err := set.decode(ctx, r.pool, out.B, sh.code)
	if err != nil {
		return o, err
	}
	if err := set.raise(ctx, r.pool, v, &delta); err != nil {
		return o, err
	}
	return set.finish(ctx, r.pool, v, mix)
}

// noted is the run's Conn for the VOLE: its messages enter the digests of done like the others.
type noted struct{ *run }

func (n noted) Peer() party.ID                             { return n.c.Peer() }
func (n noted) Send(ctx context.Context, msg []byte) error { return n.put(ctx, msg) }
func (n noted) Recv(ctx context.Context) ([]byte, error)   { return n.get(ctx) }

// Flight implements protocols.FlightCounter.
func (n noted) Flight() {
	if f, ok := n.c.(protocols.FlightCounter); ok {
		f.Flight()
	}
}

// putVector sends a seed and the vector that was encoded under it.
func (r *run) putVector(ctx context.Context, f stream, open seed, vector []aes.Block) error {
	if err := r.put(ctx, open.encode()); err != nil {
		return err
	}
	for !f.finished() {
		lo, hi := f.span()
		msg, data := f.seal()
		for i := lo; i < hi; i++ {
			copy(data[(i-lo)*blockBytes:], vector[i][:])
		}
		if err := r.put(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// getVector receives a seed and a vector, whose parts it gives to take in order. A part is valid during the call.
func (r *run) getVector(ctx context.Context, f stream, take func(lo int, part []aes.Block)) (open seed, err error) {
	msg, err := r.get(ctx)
	if err != nil {
		return seed{}, err
	}
	if open, err = decodeSeed(msg); err != nil {
		return seed{}, err
	}
	part := make([]aes.Block, min(f.per, f.total))
	for !f.finished() {
		lo, hi := f.span()
		if msg, err = r.get(ctx); err != nil {
			return seed{}, err
		}
		data, err := f.open(msg)
		if err != nil {
			return seed{}, err
		}
		for i := range part[:hi-lo] {
			copy(part[i][:], data[i*blockBytes:])
		}
		take(lo, part[:hi-lo])
	}
	return open, nil
}

// absorb adds Δ·(P ⊕ C), as it arrives, to S's side of the VOLE.
func (r *run) absorb(ctx context.Context, sh *shape, b []aes.Block, delta *aes.Block) (open seed, err error) {
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) (err error) {
		open, err = r.getVector(ctx, sh.vector, func(lo int, part []aes.Block) {
			hi := lo + len(part)
			gf128.MulConstAdd(b[lo:hi], part, delta)
			r.meter.add(itemsUpTo(hi, sh, r.nRecv) - itemsUpTo(lo, sh, r.nRecv))
		})
		return err
	})
	return open, err
}

// itemsUpTo is how many of R's n items the first slots of the vector stand for in the progress.
func itemsUpTo(slot int, sh *shape, n int) int { return slot * n / sh.vector.total }

// putTags sends S's tags in the order of its stream, and done.
func (r *run) putTags(ctx context.Context, sh *shape, v []aes.Block, order []int32) error {
	return protocols.Exchange(ctx, r.c, func(ctx context.Context) error {
		for f := sh.tags; !f.finished(); {
			lo, hi := f.span()
			msg, data := f.seal()
			for k, i := range order[lo:hi] {
				copy(data[k*sh.width:(k+1)*sh.width], v[i][:])
			}
			if err := r.put(ctx, msg); err != nil {
				return err
			}
			r.meter.add(hi - lo)
		}
		return r.putDone(ctx)
	}, nil)
}

// getTags receives S's tags and its done.
func (r *run) getTags(ctx context.Context, sh *shape) (*tagList, error) {
	l := newTagList(sh.width)
	err := protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		for f := sh.tags; !f.finished(); {
			lo, hi := f.span()
			msg, err := r.get(ctx)
			if err != nil {
				return err
			}
			data, err := f.open(msg)
			if err != nil {
				return err
			}
			l.add(data)
			r.meter.add(hi - lo)
		}
		return r.expectDone(ctx)
	})
	return l, err
}

// tagsOf truncates the values to tags of width bytes.
func tagsOf(v []aes.Block, width int) *tagList {
	l := newTagList(width)
	for len(v) > 0 {
		room := l.room(len(v))
		n := len(room) / width
		for i := range n {
			copy(room[i*width:(i+1)*width], v[i][:])
		}
		v = v[n:]
	}
	return l
}
