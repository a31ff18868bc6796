package main

import (
	"fmt"
	"strconv"
	"time"

	psibench "github.com/tacit-data/tacit/benchmarks/psi"
)

// The pace of bench's progress on stderr: a line after this time, or sooner when this much is done.
const (
	benchLineAfter   = 10 * time.Second
	benchLineSoonest = 2 * time.Second
	benchLinePercent = 10
)

// benchPainter shows the progress of bench run: the start of every phase, and lines with what is done and left in long ones.
type benchPainter struct {
	a       *app
	spec    psibench.Spec
	at      time.Duration // of the last line
	percent int
}

// paint shows one step. Failing to print is no reason to stop.
func (b *benchPainter) paint(p psibench.Progress) {
	s := b.spec
	if p.Total == 0 {
		b.at, b.percent = 0, 0
		sizes := "n=" + strconv.Itoa(s.N)
		if s.M > 0 {
			sizes += " m=" + strconv.Itoa(s.M)
		}
		_ = b.a.note("%s %s net=%s threads=%d: %s %d of %d\n", s.Protocol, sizes, s.Net, s.Threads, p.Phase, p.Run, p.Of)
		return
	}
	percent := int(100 * int64(p.Done) / int64(p.Total))
	since := p.Elapsed - b.at
	if since < benchLineSoonest || (since < benchLineAfter && percent < b.percent+benchLinePercent) {
		return
	}
	b.at, b.percent = p.Elapsed, percent
	line := fmt.Sprintf("  %s %3d %%  %d of %d items  %s", p.Phase, percent, p.Done, p.Total, p.Elapsed.Round(time.Second))
	if p.Left > 0 {
		line += ", " + p.Left.Round(time.Second).String() + " left"
	}
	_ = b.a.note("%s\n", line)
}
