package oprf

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// block is the number of items one goroutine takes at a time: some 5 ms of multiplications.
const block = 64

// pool bounds the goroutines that the two streams of a run use together.
type pool struct{ slots chan struct{} }

func newPool(workers int) pool { return pool{slots: make(chan struct{}, workers)} }

// each calls f on consecutive ranges of at most size that cover 0 … n−1, several at once, and waits for all. Since f
// writes by index, the result does not depend on the number of workers. f must not call each.
func (p pool) each(ctx context.Context, n, size int, f func(lo, hi int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	for lo := 0; lo < n && gctx.Err() == nil; lo += size {
		select {
		case <-gctx.Done():
		case p.slots <- struct{}{}:
			g.Go(func() error {
				defer func() { <-p.slots }()
				return f(lo, min(lo+size, n))
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
