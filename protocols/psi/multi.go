package psi

import (
	"cmp"
	"context"
	dh "crypto/ecdh"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Lead finds the intersection of the leader's items with those of every member.
//
// Shape: items are distinct, at most the declared number; conns has one connection to each member. Positions are in the
// leader's random order, the one that members get with Everyone. Bytes: MultiParams.Cost per member. Reveals:
// MultiParams.Leaks. Errors: fault.Invalid (arguments, repeated items), fault.LimitExceeded, fault.PlanMismatch,
// fault.Misbehaved with the culprit; those of the Conns. Source: Kolesnikov, Matania, Pinkas, Rosulek, Trieu,
// ia.cr/2017/799, Figure 8, over the programmable function of method rr22.
func Lead(ctx context.Context, s protocols.Session, conns []protocols.Conn, items []Item, p MultiParams) (Matches, error) {
	const op = "psi.Lead"
	m, err := newMulti(ctx, s, conns, items, p, Leader)
	if err != nil {
		return Matches{}, settle(op, err)
	}
	out, err := m.lead(ctx, items)
	return out, settle(op, err)
}

// Join is a member's side of Lead. conns has one connection to each other party. Without Everyone the result is empty.
//
// Errors: those of Lead.
func Join(ctx context.Context, s protocols.Session, conns []protocols.Conn, items []Item, p MultiParams) (Matches, error) {
	const op = "psi.Join"
	m, err := newMulti(ctx, s, conns, items, p, Member)
	if err != nil {
		return Matches{}, settle(op, err)
	}
	out, err := m.join(ctx, items)
	return out, settle(op, err)
}

// multi is one party's side of one run among several.
type multi struct {
	s     protocols.Session
	p     MultiParams
	pool  pool
	links []*link // to every other party, by name
}

// link is the connection to one other party.
type link struct {
	run
	key aes.Block // K, the pair's key
}

// newMulti checks the arguments and greets every other party.
func newMulti(ctx context.Context, s protocols.Session, conns []protocols.Conn, items []Item, p MultiParams, role protocols.Role) (*multi, error) {
	if err := checkMulti(s, conns, len(items), p, role); err != nil {
		return nil, err
	}
	if err := distinct(items); err != nil {
		return nil, err
	}
	m := &multi{s: s, p: p, pool: newPool(s.Workers), links: make([]*link, len(conns))}
	conns = slices.Clone(conns)
	slices.SortFunc(conns, func(a, b protocols.Conn) int { return cmp.Compare(a.Peer(), b.Peer()) })
	g, gctx := errgroup.WithContext(ctx)
	for i, c := range conns {
		l := &link{run: run{s: s, p: p.pair(pairMember(s.Self, c.Peer(), p)), c: c, role: Sender, pool: m.pool, meter: &meter{}}}
		if role == Leader {
			l.role = Receiver
		}
		l.out, l.in = transcript.ForSession("tacit/psi/multi/v1", s), transcript.ForSession("tacit/psi/multi/v1", s)
		m.links[i] = l
		g.Go(func() error { return l.blame(m.greet(gctx, l, len(items))) })
	}
	return m, g.Wait()
}

// pairMember is the member of a pair that the leader is in; of two members, it does not matter which.
func pairMember(self, peer party.ID, p MultiParams) party.ID {
	if self == p.lit.Leader.Party {
		return peer
	}
	return self
}

func checkMulti(s protocols.Session, conns []protocols.Conn, n int, p MultiParams, role protocols.Role) error {
	const op = "psi.checkMulti"
	if p.frame == 0 {
		return fault.New(fault.Invalid, op, "zero MultiParams; use NewMultiParams")
	}
	if s.Rand == nil || s.Workers < 1 {
		return fault.New(fault.Invalid, op, "the Session needs Rand and at least 1 worker")
	}
	own, ok := p.declared(s.Self)
	if !ok || (role == Leader) != (s.Self == p.lit.Leader.Party) {
		return fault.New(fault.Invalid, op, "this party is not the plan's %s", role)
	}
	if n > own.Items {
		return fault.New(fault.LimitExceeded, op, "%d items, the plan declared %d", n, own.Items)
	}
	want := make([]party.ID, 0, len(p.lit.Members))
	for _, d := range append([]Declared{p.lit.Leader}, p.lit.Members...) {
		if d.Party != s.Self {
			want = append(want, d.Party)
		}
	}
	got := make([]party.ID, 0, len(conns))
	for _, c := range conns {
		got = append(got, c.Peer())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fault.New(fault.Invalid, op, "the connections are not one to each other party of the plan")
	}
	return nil
}

// greet is the flight between every two parties: it compares plan and session and makes their key.
func (m *multi) greet(ctx context.Context, l *link, n int) error {
	key, err := newPairKey(m.s.Rand)
	if err != nil {
		return err
	}
	own := greeting{
		version: wireVersion, binding: m.s.Binding, params: m.p.Digest(), items: n, key: [32]byte(key.PublicKey().Bytes()),
	}
	var peer greeting
	err = protocols.Exchange(ctx, l.c,
		func(ctx context.Context) error { return l.put(ctx, own.encode()) },
		func(ctx context.Context) error {
			msg, err := l.get(ctx)
			if err != nil {
				return err
			}
			peer, err = decodeGreeting(msg)
			return err
		})
	if err != nil {
		return err
	}
	if err := m.checkGreeting(l, own, peer); err != nil {
		return err
	}
	l.nRecv, l.nSend = n, peer.items
	if l.role == Sender {
		l.nRecv, l.nSend = peer.items, n
	}
	return m.derive(l, key, own.key, peer.key)
}

// newPairKey draws this party's key pair for one other party. NewPrivateKey takes the bytes as they are, which
// GenerateKey would not.
func newPairKey(rnd io.Reader) (*dh.PrivateKey, error) {
	const op = "psi.newPairKey"
	var b [32]byte
	defer clear(b[:])
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	key, err := dh.X25519().NewPrivateKey(b[:])
	return key, fault.Wrap(fault.Internal, op, err, "X25519 refused its key")
}

// derive makes the key of the pair, so that neither who carries the messages nor the leader knows it: from the shared
// point, and bound to the session, both public keys and both names.
//
// Errors: fault.Misbehaved, without culprit, for a public key of low order.
func (m *multi) derive(l *link, key *dh.PrivateKey, own, peer [32]byte) error {
	const op = "psi.derive"
	public, err := dh.X25519().NewPublicKey(peer[:])
	if err != nil {
		return fault.New(fault.Misbehaved, op, "no public key")
	}
	shared, err := key.ECDH(public)
	if err != nil {
		return fault.New(fault.Misbehaved, op, "a public key of low order")
	}
	defer clear(shared)
	names, keys := [2]party.ID{m.s.Self, l.c.Peer()}, [2][32]byte{own, peer}
	if names[1] < names[0] {
		names[0], names[1], keys[0], keys[1] = names[1], names[0], keys[1], keys[0]
	}
	tr := transcript.ForSession("tacit/psi/multi/key/v1", m.s)
	for i := range names {
		tr.Append("party", []byte(names[i]))
		tr.Append("public", keys[i][:])
	}
	tr.Append("shared", shared)
	tr.Expand("key", l.key[:])
	return nil
}

func (m *multi) checkGreeting(l *link, own, peer greeting) error {
	const op = "psi.checkGreeting"
	d, _ := m.p.declared(l.c.Peer())
	switch {
	case peer.version != own.version:
		return fault.New(fault.PlanMismatch, op, "the peer speaks version %d, this is %d", peer.version, own.version)
	case peer.binding != own.binding:
		return fault.New(fault.PlanMismatch, op, "the peer runs another session, plan or attempt")
	case peer.params != own.params:
		return fault.New(fault.PlanMismatch, op, "the peer has other parameters or key rules")
	case peer.items > d.Items:
		return fault.New(fault.PlanMismatch, op, "%d items is not what the plan declared", peer.items)
	}
	return nil
}

// zeroShare is s_i(item) for every item: the sum over the other parties of a pseudorandom function under the key of the
// pair. The shares of all parties for one item add up to zero. ia.cr/2017/799, §5.1.
func (m *multi) zeroShare(ctx context.Context, items []Item) ([]aes.Block, error) {
	sum := make([]aes.Block, len(items))
	return sum, m.pool.each(ctx, len(items), shareItems, func(lo, hi int) error {
		first, part := make([]aes.Block, hi-lo), make([]aes.Block, hi-lo)
		firstBlocks(first, items[lo:hi])
		for _, l := range m.links {
			aes.NewMMO(l.key).Blocks(part, first)
			gf128.Add(sum[lo:hi], sum[lo:hi], part)
		}
		clear(part)
		return nil
	})
}

// wipe overwrites the keys of the pairs.
func (m *multi) wipe() {
	for _, l := range m.links {
		clear(l.key[:])
	}
}
