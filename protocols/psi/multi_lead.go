package psi

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// lead is P₀ after the greetings. An item is in every set when what the members programmed for it adds up to zero with
// the leader's own share.
func (m *multi) lead(ctx context.Context, items []Item) (Matches, error) {
	defer m.wipe()
	sum, err := m.zeroShare(ctx, items)
	if err != nil {
		return Matches{}, err
	}
	order, err := shuffle(m.s.Rand, len(items))
	if err != nil {
		return Matches{}, err
	}
	values := make([][]aes.Block, len(m.links)) // F_i of the leader's items
	var mu sync.Mutex
	err = m.everyLink(ctx, func(ctx context.Context, i int, l *link) error {
		v, programmed, err := m.evaluate(ctx, l, items)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if l.nSend == 0 {
			order = nil // nothing is in all sets
		} else {
			gf128.Add(sum, sum, programmed)
		}
		values[i] = v
		return nil
	})
	if err != nil {
		return Matches{}, err
	}
	common := zeros(sum, order)
	err = m.everyLink(ctx, func(ctx context.Context, i int, l *link) error { return m.tell(ctx, l, values[i], common) })
	if err != nil {
		return Matches{}, err
	}
	return Matches{Count: len(common), Position: common}, nil
}

// everyLink runs f for the connections to all other parties at once.
func (m *multi) everyLink(ctx context.Context, f func(ctx context.Context, i int, l *link) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(m.s.Workers) // each run with a member takes the memory of a bucket
	for i, l := range m.links {
		g.Go(func() error { return l.blame(f(gctx, i, l)) })
	}
	return g.Wait()
}

// zeros lists, in the given order, the positions at which sum is zero. An item that a member lacks has a random sum:
// with 2²⁰ items and the 32 parties allowed, one of them is zero with probability below 2⁻¹⁰⁰.
func zeros(sum []aes.Block, order []int32) []int32 {
	out := []int32{}
	for _, i := range order {
		if sum[i] == (aes.Block{}) {
			out = append(out, i)
		}
	}
	return out
}

// evaluate runs the programmable function with one member, to the end of the member's part. It returns F_i of the
// leader's items, and what the member programmed for each: its zero share where the member holds the item, and a random
// element elsewhere. Both are nil where one of the sets is empty.
func (m *multi) evaluate(ctx context.Context, l *link, items []Item) (v, programmed []aes.Block, err error) {
	sh, err := m.p.multiShape(l.nRecv, l.nSend)
	if err != nil {
		return nil, nil, err
	}
	if sh.empty {
		return nil, make([]aes.Block, len(items)), l.getDone(ctx)
	}
	out, err := l.ownValues(ctx, &sh.shape, items)
	if err != nil {
		return nil, nil, err
	}
	v = out.f
	hint := make([]aes.Block, sh.hints.Slots())
	var open seed
	err = protocols.Exchange(ctx, l.c, nil, func(ctx context.Context) (err error) {
		open, err = l.getVector(ctx, sh.hint, func(lo int, part []aes.Block) { copy(hint[lo:], part) })
		if err != nil {
			return err
		}
		return l.expectDone(ctx)
	})
	if err != nil {
		return nil, nil, err
	}
	set, err := newBlockSet(ctx, l.pool, l.s, items, open.code, sh.hints)
	if err != nil {
		return nil, nil, err
	}
	if programmed, err = set.decode(ctx, l.pool, hint, sh.hints); err != nil {
		return nil, nil, err
	}
	gf128.Add(programmed, programmed, v)
	return v, programmed, nil
}

// getDone is the member's last flight where it has nothing to program.
func (l *link) getDone(ctx context.Context) error {
	return protocols.Exchange(ctx, l.c, nil, l.expectDone)
}

// expectDone receives the sending side's done.
func (r *run) expectDone(ctx context.Context) error {
	return r.getVerdict(ctx, r.verdict(r.out.Sum(), r.in.Sum(), 0))
}

// tell is the leader's last flight: with Everyone the member's tags of what all have in common, and done.
func (m *multi) tell(ctx context.Context, l *link, v []aes.Block, common []int32) error {
	sh, err := m.p.multiShape(l.nRecv, l.nSend)
	if err != nil {
		return err
	}
	return protocols.Exchange(ctx, l.c, func(ctx context.Context) error {
		told := 0
		if m.p.lit.Everyone {
			told = len(common)
			if err := m.putCommon(ctx, l, sh.width, v, common); err != nil {
				return err
			}
		}
		return l.put(ctx, l.verdict(l.out.Sum(), l.in.Sum(), told).encode())
	}, nil)
}

// putCommon sends how many items all have in common, and a tag of each that only this member can match.
func (m *multi) putCommon(ctx context.Context, l *link, width int, v []aes.Block, common []int32) error {
	if err := l.put(ctx, encodeCommon(len(common))); err != nil {
		return err
	}
	picked := make([]aes.Block, len(common))
	for k, i := range common {
		picked[k] = v[i]
	}
	l.tag(picked)
	for f := m.p.result(width, len(common)); !f.finished(); {
		lo, hi := f.span()
		msg, data := f.seal()
		for k := range hi - lo {
			copy(data[k*width:(k+1)*width], picked[lo+k][:])
		}
		if err := l.put(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// tag turns values of F into tags, in place. The key is the pair's: what the leader tells one member says nothing to
// another.
func (l *link) tag(v []aes.Block) {
	tr := transcript.ForSession("tacit/psi/multi/tag/v1", l.s)
	tr.Append("pair", l.key[:])
	var key aes.Block
	tr.Expand("key", key[:])
	aes.NewMMO(key).Blocks(v, v)
}
