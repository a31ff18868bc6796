package node

import (
	"context"
	"time"
)

// maintainEvery is how often certificates are renewed and expired reservations given back.
const maintainEvery = time.Hour

// maintain does what a node owes regularly, until ctx ends.
func (n *Node) maintain(ctx context.Context) {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		if renewed, err := n.keys.Renew(n.cfg.Rand, n.cfg.Clock()); err != nil {
			n.cfg.Logger.Error("the node certificate was not renewed", "err", err)
		} else if renewed {
			n.cfg.Logger.Info("the node certificate was renewed")
		}
		if err := n.jobs.Sweep(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Logger.Error("expired reservations were not given back", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
