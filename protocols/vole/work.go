package vole

import "golang.org/x/sync/errgroup"

// minRowsPerWorker is the number of rows below which a second goroutine costs more than it saves.
const minRowsPerWorker = 1 << 13

// minTreesPerWorker is the same for trees.
const minTreesPerWorker = 16

// spread runs f over [0, n) in at most workers contiguous parts of at least least each. The parts depend on workers, what
// f computes must not.
func spread(workers, n, least int, f func(lo, hi int)) {
	workers = max(1, min(workers, n/least))
	part := (n + workers - 1) / workers
	var g errgroup.Group
	for lo := part; lo < n; lo += part {
		g.Go(func() error {
			f(lo, min(lo+part, n))
			return nil
		})
	}
	f(0, min(part, n))
	_ = g.Wait() // the functions return no error
}
