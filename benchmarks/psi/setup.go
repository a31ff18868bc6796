package psibench

import (
	"context"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// setup is what a protocol does once, before any number of runs. Its results stay in a directory of each party.
type setup struct {
	// build is the sender's work alone, over its keys.
	build func(context.Context, party) error
	// hand is what both do over a connection; keys are gone by then.
	hand func(context.Context, party) error
	// cost is the exact cost of hand for the receiver.
	cost func(Spec) (protocols.Cost, error)
}

// Setup is what the set-up of a protocol that has one cost. It is measured once and used by every repeat, in processes that
// end before those of the runs start.
type Setup struct {
	SetupThreads     int     `json:"setup_threads"`        // of each process
	SetupSeconds     float64 `json:"setup_seconds"`        // wall: the server's file read, tags made, handed over and stored
	SetupCPUSeconds  float64 `json:"setup_cpu_seconds"`    // user and system, both parties
	SetupBytes       int64   `json:"setup_bytes"`          // of messages, both parties
	SetupRounds      int     `json:"setup_rounds"`         // flights
	SetupPeakRSS     int64   `json:"setup_peak_rss_bytes"` // of the larger process
	SetupMemoryLimit int64   `json:"setup_memory_limit_bytes"`
}

// prepared is a finished set-up.
type prepared struct {
	Setup
	files files
}

// setupKey is what a set-up depends on: not the network, the threads or the transport of the runs.
func (s Spec) setupKey() Spec {
	return Spec{Protocol: s.Protocol, N: s.N, M: s.M, Suite: s.Suite, Output: s.Output, Seed: s.Seed}
}

// prepare returns the set-up that spec needs, nil for none: an earlier one, or a new one that takes its time. It runs between two
// processes on loopback, with all of the machine's cores and no emulated network.
func (b *Bench) prepare(ctx context.Context, spec Spec) (*prepared, error) {
	p, err := protocolNamed(spec.Protocol)
	if err != nil || p.setup == nil {
		return nil, err
	}
	if done, ok := b.prepared[spec.setupKey()]; ok {
		return done, nil
	}
	dir, err := os.MkdirTemp("", "tacit-bench-setup-")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "psibench.prepare", err, "no temporary directory")
	}
	b.dirs = append(b.dirs, dir)
	f := files{dir}
	for _, receiver := range []bool{true, false} {
		if err := os.Mkdir(f.kept(receiver), 0o700); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "psibench.prepare", err, "no temporary directory")
		}
	}
	_, d := spec.sides()
	if err := d.write(f.keys(false)); err != nil {
		return nil, err
	}
	s := spec.setupKey()
	s.Net, s.TLS, s.Threads, s.Memory = "none", TLS, runtime.NumCPU(), memoryFor(spec.M)
	out, err := b.once(ctx, s, f, task{Setup: true}, b.told("set-up", 1, 1))
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.keys(false)) // hundreds of megabytes; what remains goes with the directory
	done := &prepared{files: f, Setup: Setup{
		s.Threads, out.WallSeconds, out.CPUSeconds, out.BytesSent, out.Rounds, out.PeakRSS, s.Memory,
	}}
	b.prepared[spec.setupKey()] = done
	return done, nil
}

// kept is where a party keeps what the set-up left.
func (f files) kept(receiver bool) string { return filepath.Join(f.dir, name(receiver)+".kept") }
