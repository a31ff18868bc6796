package psibench

import (
	"context"
	"os"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// runLimit ends a run that hangs.
const runLimit = 30 * time.Minute

// Measure runs spec repeat times. What this version does not build is a Result that says so.
//
// Errors: fault.Invalid (spec), fault.Internal (a run failed or was wrong), fault.Unavailable (disk, processes),
// fault.Canceled.
func (s Self) Measure(ctx context.Context, spec Spec, repeat int, progress func(run int)) (Result, error) {
	const op = "psibench.Measure"
	if repeat < 1 {
		return Result{}, fault.New(fault.Invalid, op, "at least one run")
	}
	card := machineCard(ctx)
	spec, err := spec.check()
	if err != nil && fault.CodeOf(err) == fault.Unsupported {
		return notMeasured(spec, err, card), nil
	}
	if err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "tacit-bench-")
	if err != nil {
		return Result{}, fault.Wrap(fault.Unavailable, op, err, "no temporary directory")
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f := files{dir}
	if !spec.Core {
		if err := spec.WriteKeys(dir); err != nil {
			return Result{}, err
		}
	}
	var runs []Run
	for i := range repeat {
		progress(i + 1)
		r, err := s.limited(ctx, spec, f)
		if err != nil {
			return Result{}, err
		}
		runs = append(runs, r)
	}
	return resultOf(spec, runs, card), nil
}

func (s Self) limited(ctx context.Context, spec Spec, f files) (Run, error) {
	limit, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	r, err := s.once(limit, spec, f)
	if ctx.Err() != nil {
		return Run{}, fault.Wrap(fault.Canceled, "psibench.Measure", ctx.Err(), "interrupted")
	}
	return r, err
}
