package psibench

import (
	"context"
	"os"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/benchmarks/machine"
)

// runLimit ends a run that hangs.
const runLimit = 60 * time.Minute

// Bench measures. It keeps the set-ups of protocols that have one, for every Spec that can use them, until Close. It is not safe
// for concurrent use.
type Bench struct {
	self     Self
	progress func(Progress)
	prepared map[Spec]*prepared
	dirs     []string
}

// NewBench returns a Bench whose parties are processes of self. progress is told how far it is, never concurrently.
func NewBench(self Self, progress func(Progress)) *Bench {
	return &Bench{self: self, progress: progress, prepared: map[Spec]*prepared{}}
}

// Close removes what set-ups left.
func (b *Bench) Close() {
	for _, dir := range b.dirs {
		_ = os.RemoveAll(dir) // in the directory for what may be lost
	}
}

// Measure runs spec repeat times. What this version does not build is a Result that says so.
//
// Errors: fault.Invalid (spec), fault.Internal (a run failed or was wrong), fault.Unavailable (disk, processes),
// fault.Canceled.
func (b *Bench) Measure(ctx context.Context, spec Spec, repeat int) (Result, error) {
	const op = "psibench.Measure"
	if repeat < 1 {
		return Result{}, fault.New(fault.Invalid, op, "at least one run")
	}
	card := machine.Describe(ctx)
	spec, err := spec.check()
	if err != nil && fault.CodeOf(err) == fault.Unsupported {
		return notMeasured(spec, err, card), nil
	}
	if err != nil {
		return Result{}, err
	}
	runs, ready, err := b.repeat(ctx, spec, repeat)
	if ctx.Err() != nil {
		return Result{}, fault.Wrap(fault.Canceled, op, ctx.Err(), "interrupted")
	}
	if err != nil {
		return Result{}, err
	}
	r := resultOf(spec, runs, card)
	if ready != nil {
		r.Setup = &ready.Setup
	}
	return r, nil
}

// repeat makes the files of spec and its set-up, and runs it.
func (b *Bench) repeat(ctx context.Context, spec Spec, times int) ([]Run, *prepared, error) {
	dir, err := os.MkdirTemp("", "tacit-bench-")
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, "psibench.Measure", err, "no temporary directory")
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, t := files{dir}, task{}
	ready, err := b.prepare(ctx, spec)
	if err != nil {
		return nil, nil, err
	}
	if ready != nil {
		t.KeptReceiver, t.KeptSender = ready.files.kept(true), ready.files.kept(false)
	}
	if err := spec.writeNeeded(f, ready != nil); err != nil {
		return nil, nil, err
	}
	var runs []Run
	for i := range times {
		r, err := b.once(ctx, spec, f, t, b.told("run", i+1, times))
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, r)
	}
	return runs, ready, nil
}

// writeNeeded writes the files that the runs read.
func (s Spec) writeNeeded(f files, prepared bool) error {
	switch {
	case prepared:
		r, _ := s.sides()
		return r.write(f.keys(true))
	case s.Core:
		return nil
	}
	return s.WriteKeys(f.dir)
}
