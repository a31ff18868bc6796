package exec

import (
	"context"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	defaultIdle = 10 * time.Minute
	// idleChecks is how many looks at the counters make one idle limit.
	idleChecks = 20
)

// watched performs the slot under the idle limit: a step that progresses is never failed for taking long, one whose
// counters stand still for the limit fails and names the peer whose input it waits for.
func (r *Run) watched(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { r.watch(stop, cancel) })
	out, err := r.perform(ctx)
	close(stop)
	wg.Wait()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return out, err
}

// watch cancels once nothing has moved for the idle limit.
func (r *Run) watch(stop <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(r.engine.cfg.Idle / idleChecks)
	defer tick.Stop()
	last, still := r.counters(), 0
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := r.counters()
		if now != last {
			last, still = now, 0
			continue
		}
		if still++; still >= idleChecks && (r.waiting.Load() || r.session.Load() != nil) {
			e := fault.New(fault.Timeout, "exec.watch", "no progress for %s; waiting for %s", r.engine.cfg.Idle, r.peers()[0])
			e.Culprit = string(r.peers()[0])
			cancel(e)
			return
		}
	}
}

// counters is everything of this run that only grows.
func (r *Run) counters() [3]int64 {
	p := r.engine.Progress(r.task.Job, r.slot.ID)
	out := [3]int64{p.Done}
	if s := r.session.Load(); s != nil {
		st := s.Stats()
		out[1], out[2] = st.SentBytes, st.RecvBytes
	}
	return out
}
