package psibench

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/protocols/psi"
)

// runCore is both parties in this process: items are made first, so that the clock sees the protocol only.
func runCore(ctx context.Context, t task) (report, error) {
	a, b := memoryPair(receiverID, senderID)
	r, d := t.Spec.sides()
	recv := t.corePlayer(a, r, true)
	send := t.corePlayer(b, d, false)
	began, used := time.Now(), cpuTime()
	var rowsR, rowsS []int32
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { rowsR, err = recv(gctx); return err })
	g.Go(func() (err error) { rowsS, err = send(gctx); return err })
	if err := g.Wait(); err != nil {
		return report{}, err
	}
	out := Run{WallSeconds: time.Since(began).Seconds(), CPUSeconds: (cpuTime() - used).Seconds(), PeakRSS: peakRSS()}
	if err := t.Spec.verify(rowsR, rowsS); err != nil {
		return report{}, err
	}
	c := a.cost()
	if err := t.Spec.verifyCost(c.SentBytes, c.RecvBytes, c.Rounds); err != nil {
		return report{}, err
	}
	out.BytesSent, out.Rounds, out.Matches, out.Correct = c.SentBytes+c.RecvBytes, c.Rounds, len(rowsR), true
	return report{Core: &out}, nil
}

// corePlayer returns one party's run over its items.
func (t task) corePlayer(c *memoryConn, d side, receiver bool) func(context.Context) ([]int32, error) {
	pl := party{
		spec: t.Spec, receiver: receiver, conn: c, session: session(receiver, t.Binding, t.Spec.Threads),
		keys: make([][32]byte, d.n), items: make([]psi.Item, d.n),
	}
	for row := range d.n {
		k := key(d.seed, d.number(row))
		copy(pl.keys[row][:], k[2:]) // 16 random bytes in hexadecimal: distinct, and all that a digest has to be
		pl.items[row] = psi.ItemOf(t.Binding, pl.keys[row])
	}
	return func(ctx context.Context) ([]int32, error) {
		p, err := protocolNamed(t.Spec.Protocol)
		if err != nil {
			return nil, err
		}
		return p.run(ctx, pl)
	}
}
