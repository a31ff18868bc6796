package psibench

import (
	"io"
	"time"
)

// Progress is how far a measurement is.
type Progress struct {
	Phase       string // "set-up" or "run"
	Run, Of     int    // from 1
	Done, Total int    // items; Total 0: the phase begins
	Elapsed     time.Duration
	Left        time.Duration // at the speed so far; 0: unknown
}

// step is a line that a party's process says between its hail and its report.
type step struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// said is a line that may be a step instead of what is waited for.
type said struct {
	Step *step `json:"step"`
}

// stepEvery keeps a party's process from talking: a line costs more than an item.
const stepEvery = 250 * time.Millisecond

// steps returns a protocol's progress callback that says steps on out.
func steps(out io.Writer) func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if now := time.Now(); now.Sub(last) >= stepEvery || done == total {
			last = now
			_ = say(out, said{&step{done, total}}) // a parent that is gone ends the process anyway
		}
	}
}

// told returns what to do with the steps of one phase: they are passed on as they grow.
func (b *Bench) told(phase string, run, of int) func(step) {
	began := time.Now()
	b.progress(Progress{Phase: phase, Run: run, Of: of})
	var first, most int // the speed is that since the first step: files are read before it
	var firstAt time.Duration
	return func(s step) {
		if s.Done <= most || s.Total < s.Done {
			return
		}
		p := Progress{Phase: phase, Run: run, Of: of, Done: s.Done, Total: s.Total, Elapsed: time.Since(began)}
		if most = s.Done; first == 0 {
			first, firstAt = s.Done, p.Elapsed
		} else {
			p.Left = time.Duration(float64(p.Elapsed-firstAt) / float64(s.Done-first) * float64(s.Total-s.Done))
		}
		b.progress(p)
	}
}
