package psi

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
)

// join is P_i after the greetings: all that remains is with the leader.
func (m *multi) join(ctx context.Context, items []Item) (Matches, error) {
	defer m.wipe()
	l := m.leader()
	sh, err := m.p.multiShape(l.nRecv, l.nSend)
	if err != nil {
		return Matches{}, err
	}
	v, err := m.program(ctx, l, &sh, items)
	if err != nil {
		return Matches{}, l.blame(err)
	}
	out, err := m.hear(ctx, l, sh.width, v)
	return out, l.blame(err)
}

// leader returns the connection to the leader.
func (m *multi) leader() *link {
	for _, l := range m.links {
		if l.c.Peer() == m.p.lit.Leader.Party {
			return l
		}
	}
	return nil // unreachable: checkMulti compared the connections with the plan
}

// program sends the leader a vector that gives F_i(y) ⊕ s_i(y) back at every own item y, and done. It returns F_i.
func (m *multi) program(ctx context.Context, l *link, sh *multiShape, items []Item) ([]aes.Block, error) {
	if sh.empty {
		return nil, protocols.Exchange(ctx, l.c, l.putDone, nil)
	}
	out, err := l.theirValues(ctx, &sh.shape, items)
	if err != nil {
		return nil, err
	}
	v := out.f
	var open seed
	if err := open.draw(l.s.Rand, false); err != nil {
		return nil, err
	}
	padded, err := encodable(items, sh.hints, l.s.Rand)
	if err != nil {
		return nil, err
	}
	set, err := newBlockSet(ctx, l.pool, l.s, padded, open.code, sh.hints)
	if err != nil {
		return nil, err
	}
	share, err := m.zeroShare(ctx, items)
	if err != nil {
		return nil, err
	}
	gf128.Add(set.value[:len(items)], share, v)
	hint, err := set.encode(ctx, l.pool, l.s.Rand, sh.hints)
	if err != nil {
		return nil, err
	}
	return v, protocols.Exchange(ctx, l.c, func(ctx context.Context) error {
		if err := l.putVector(ctx, sh.hint, open, hint); err != nil {
			return err
		}
		return l.putDone(ctx)
	}, nil)
}

// putDone sends the sending side's done.
func (r *run) putDone(ctx context.Context) error {
	return r.put(ctx, r.verdict(r.in.Sum(), r.out.Sum(), 0).encode())
}

// hear is the member's last flight: what all have in common, where the plan says so, and the leader's done.
func (m *multi) hear(ctx context.Context, l *link, width int, v []aes.Block) (out Matches, err error) {
	err = protocols.Exchange(ctx, l.c, nil, func(ctx context.Context) error {
		if m.p.lit.Everyone {
			tags, err := m.getCommon(ctx, l, width)
			if err != nil {
				return err
			}
			l.tag(v)
			if out.Position, err = locate(tagsOf(v, width), tags); err != nil {
				return err
			}
			out.Count = len(out.Position)
		}
		return l.getVerdict(ctx, l.verdict(l.in.Sum(), l.out.Sum(), out.Count))
	})
	if err != nil {
		return Matches{}, err
	}
	return out, nil
}

// getCommon receives the leader's tags of what all have in common.
func (m *multi) getCommon(ctx context.Context, l *link, width int) (*tagList, error) {
	msg, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	n, err := decodeCommon(msg, min(l.nRecv, l.nSend))
	if err != nil {
		return nil, err
	}
	tags := newTagList(width)
	for f := m.p.result(width, n); !f.finished(); {
		msg, err := l.get(ctx)
		if err != nil {
			return nil, err
		}
		data, err := f.open(msg)
		if err != nil {
			return nil, err
		}
		tags.add(data)
	}
	return tags, nil
}

// locate returns the own item behind each of the leader's tags.
//
// Errors: fault.Misbehaved, without culprit, when a tag is none of this party's, or two are alike.
func locate(own, tags *tagList) ([]int32, error) {
	at, err := join(own, tags)
	if err != nil {
		return nil, err
	}
	for _, i := range at {
		if i < 0 {
			return nil, fault.New(fault.Misbehaved, "psi.locate", "a tag of an item that this party does not hold")
		}
	}
	return at, nil
}
