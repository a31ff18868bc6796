package vole

import (
	"syscall"
	"testing"

	"github.com/tacit-data/tacit/protocols/conntest"
)

// BenchmarkVOLE20 runs both parties' steps, one worker each, at the length that PSI of 2^20 items needs (1.35·2^20). Each
// party's user and system time of the process is reported per item, cpu-ns/item, and in parts.
func BenchmarkVOLE20(b *testing.B) {
	for name, l := range map[string]Literal{
		"semihonest":   {Length: 1415578},
		"malicious":    {Length: 1415578, Malicious: true},
		"conservative": {Length: 1415578, Conservative: true},
	} {
		b.Run(name, func(b *testing.B) { benchmarkVOLE(b, params(b, l)) })
	}
}

func benchmarkVOLE(b *testing.B, p Params) {
	const items = 1 << 20
	ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ss.Workers, sr.Workers = 1, 1
	spent := map[string]int64{}
	step := func(party, name string, f func() error) {
		before := cpuMicros(b)
		if err := f(); err != nil {
			b.Fatal(err)
		}
		d := cpuMicros(b) - before
		spent[party] += d
		spent[party+"-"+name] += d
	}
	for b.Loop() {
		var u *SenderSetup
		var r *ReceiverSetup
		var msg []byte
		step("sender", "setup", func() (err error) { u, msg, err = NewSender(ss, sr.Self, p); return err })
		step("sender", "grow", func() error { u.Grow(); return nil })
		step("receiver", "reply", func() (err error) { r, msg, err = NewReceiver(sr, ss.Self, p, msg); return err })
		step("sender", "answer", func() (err error) { msg, err = u.Answer(msg); return err })
		step("receiver", "open", func() (err error) { msg, err = r.Open(msg); return err })
		if msg != nil {
			step("sender", "prove", func() (err error) { msg, err = u.Prove(msg); return err })
			step("receiver", "verify", func() error { return r.Verify(msg) })
		}
		step("sender", "compress", func() error { _, err := u.Compress(); return err })
		step("receiver", "compress", func() error { _, err := r.Compress(); return err })
	}
	for name, micros := range spent {
		b.ReportMetric(float64(micros)*1e3/float64(b.N)/items, name+"-cpu-ns/item")
	}
	c := p.Cost()
	b.ReportMetric(float64(c.SentBytes+c.RecvBytes)/items, "B/item")
	b.ReportMetric(float64(c.Rounds), "rounds")
}

// cpuMicros is the CPU time of this process so far, in microseconds.
func cpuMicros(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}
