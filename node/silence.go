package node

import (
	"context"
	"time"

	"github.com/tacit-data/tacit/node/link"
)

const (
	defaultSilence = 2 * time.Minute
	// upSilence is the least limit while the connection stands: three heartbeats.
	upSilence = 30 * time.Second
	// silenceChecks is how many looks make one silence limit.
	silenceChecks = 8
)

// watchSilence ends the jobs of a peer from which nothing has been heard for the limit, until ctx ends. A peer that is
// there is heard every ten seconds, whatever its jobs do; one that is gone takes its sessions with it, so in this version
// nothing is gained by waiting for its return.
func (n *Node) watchSilence(ctx context.Context) {
	tick := time.NewTicker(n.cfg.Silence / silenceChecks)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := n.endSilent(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Logger.Error("silent peers were not looked for", "err", err)
		}
	}
}

// endSilent looks once.
func (n *Node) endSilent(ctx context.Context) error {
	open, err := n.jobs.Open(ctx)
	if err != nil {
		return err
	}
	now := n.cfg.Clock()
	for _, r := range open {
		for _, p := range r.Job.Others() {
			st, heard, limit := n.link.State(p), time.UnixMilli(r.Created), n.cfg.Silence
			if st.Heard.After(heard) {
				heard = st.Heard
			}
			if st.State == link.Up {
				limit = max(limit, upSilence)
			}
			if now.Sub(heard) < limit {
				continue
			}
			if err := n.jobs.Silent(ctx, r.Job.ID, p, limit); err != nil {
				return err
			}
			break
		}
	}
	return nil
}
