package psibench

import (
	"context"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/protocols/psi"
)

// runCore is both parties in this process: items are made first, so that the clock sees the protocol only.
func runCore(ctx context.Context, t task, out io.Writer) (report, error) {
	p, err := protocolNamed(t.Spec.Protocol)
	if err != nil {
		return report{}, err
	}
	a, b := memoryPair(receiverID, senderID)
	r, d := t.Spec.sides()
	recv, err := t.corePlayer(ctx, p, a, r, true)
	if err != nil {
		return report{}, err
	}
	send, err := t.corePlayer(ctx, p, b, d, false)
	if err != nil {
		return report{}, err
	}
	recv.progress = steps(out)
	began, used := time.Now(), cpuTime()
	var rowsR, rowsS []int32
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { rowsR, err = p.run(gctx, recv); return err })
	g.Go(func() (err error) { rowsS, err = p.run(gctx, send); return err })
	if err := g.Wait(); err != nil {
		return report{}, err
	}
	run := Run{WallSeconds: time.Since(began).Seconds(), CPUSeconds: (cpuTime() - used).Seconds(), PeakRSS: peakRSS()}
	if err := t.Spec.verify(rowsR, rowsS); err != nil {
		return report{}, err
	}
	c := a.cost()
	if err := t.verifyCost(c.SentBytes, c.RecvBytes, c.Rounds); err != nil {
		return report{}, err
	}
	run.BytesSent, run.Rounds, run.Matches, run.Correct = c.SentBytes+c.RecvBytes, c.Rounds, len(rowsR), true
	return report{Core: &run}, nil
}

// corePlayer is one party with its items.
func (t task) corePlayer(ctx context.Context, p protocol, c *memoryConn, d side, receiver bool) (pl party, err error) {
	t.Receiver = receiver
	pl = t.party(receiver)
	pl.conn = c
	switch of := p.itemOf(t.Binding); {
	case !p.needsKeys(t):
	case p.setup != nil: // it read a file, so that these must be the digests of one too
		pl.items, err = readKeys(ctx, t.Keys, d.n, of)
	default:
		pl.items = d.items(of)
	}
	return pl, err
}

// items are d's without a file.
func (d side) items(of func([32]byte) psi.Item) []psi.Item {
	items := make([]psi.Item, d.n)
	for row := range d.n {
		k := key(d.seed, d.number(row))
		items[row] = of([32]byte(k[2:34])) // 16 random bytes in hexadecimal: distinct, and all that a digest has to be
	}
	return items
}
