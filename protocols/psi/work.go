package psi

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// pool bounds the goroutines that the two streams of a run use together.
type pool struct{ slots chan struct{} }

func newPool(workers int) pool { return pool{slots: make(chan struct{}, workers)} }

// each calls f on consecutive ranges of block items that cover 0 … n−1, several at once, and waits for all. Since f
// writes by index, the result does not depend on the number of workers.
func (p pool) each(ctx context.Context, n, block int, f func(lo, hi int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	for lo := 0; lo < n && gctx.Err() == nil; lo += block {
		select {
		case <-gctx.Done():
		case p.slots <- struct{}{}:
			g.Go(func() error {
				defer func() { <-p.slots }()
				return f(lo, min(lo+block, n))
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// meter reports progress from both streams of a run.
type meter struct {
	mu          sync.Mutex
	done, total int
	report      func(done, total int)
}

func (m *meter) add(n int) {
	if m.report == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.report(m.done, m.total)
}
