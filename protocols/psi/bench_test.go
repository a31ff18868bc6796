package psi

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/tacit-data/tacit/protocols/conntest"
)

// BenchmarkECDH runs both parties in one process over an in-memory Conn, half of the items matching. cpu-µs/pair is user
// and system time of the process per pair (x, y): both parties together.
func BenchmarkECDH(b *testing.B) {
	for _, suite := range suites() {
		for _, n := range []int{1 << 10, 1 << 14} {
			b.Run(fmt.Sprintf("%s/n=%d", suite, n), func(b *testing.B) { benchmarkECDH(b, suite, n) })
		}
	}
	b.Run(fmt.Sprintf("%s/n=%d", SuiteX25519, 1<<20), func(b *testing.B) { benchmarkECDH(b, SuiteX25519, 1<<20) })
}

func benchmarkECDH(b *testing.B, suite Suite, n int) {
	l := literal(OutputBoth).of(suite)
	l.ReceiverItems, l.SenderItems = n, n
	p, err := NewParams(l)
	if err != nil {
		b.Fatal(err)
	}
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, n), set(sr.Binding, n/2, n/2+n)
	before := cpuMicros(b)
	for b.Loop() {
		o := play(b.Context(), x, y, p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil || o.recv.Count != n/2 {
			b.Fatal(o.errRecv, o.errSend, o.recv.Count)
		}
	}
	pairs := float64(b.N) * float64(n)
	c := p.Cost(n, n)
	b.ReportMetric(float64(cpuMicros(b)-before)/pairs, "cpu-µs/pair")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/pairs, "wall-µs/pair")
	b.ReportMetric(float64(c.SentBytes+c.RecvBytes)/float64(n), "B/pair")
}

// cpuMicros returns the CPU time of this process so far, in microseconds.
func cpuMicros(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}
