package exec

import (
	"syscall"
	"time"
)

// Reading is what a slot consumed at this party. CPU and wall time are reported, never billed.
type Reading struct {
	RowsIn, RowsOut, Cells int64
	Sent, Recv             int64
	Rounds                 int64
	CPU, Wall              time.Duration
}

type meterStart struct {
	wall time.Time
	cpu  time.Duration
}

func startMeter(now time.Time) meterStart { return meterStart{wall: now, cpu: ProcessCPU()} }

// ProcessCPU is the CPU time this process has used, user and system.
func ProcessCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r *Run) reading(out Result) Reading {
	m := Reading{
		RowsIn: out.RowsIn, RowsOut: out.RowsOut, Cells: out.Cells,
		CPU: ProcessCPU() - r.began.cpu, Wall: r.engine.cfg.Clock().Sub(r.began.wall),
	}
	if s := r.session.Load(); s != nil {
		st := s.Stats()
		m.Sent, m.Recv, m.Rounds = st.SentBytes, st.RecvBytes, int64(st.Flights)
	}
	return m
}
