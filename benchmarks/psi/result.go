package psibench

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/benchmarks/machine"
)

// Run is one repeat of a Spec.
type Run struct {
	WallSeconds float64 `json:"wall_seconds"`   // until both parties have written their rows
	CPUSeconds  float64 `json:"cpu_seconds"`    // user and system, both parties
	BytesSent   int64   `json:"bytes_sent"`     // of messages, both parties
	WireBytes   int64   `json:"wire_bytes"`     // on TCP, both directions: TLS, frames and heartbeats included; core: 0
	Rounds      int     `json:"rounds"`         // flights
	PeakRSS     int64   `json:"peak_rss_bytes"` // of the larger process; core: of the one
	ReadSeconds float64 `json:"read_seconds"`   // of the slower party: file to hashed keys; core: 0
	Matches     int     `json:"intersection"`
	Correct     bool    `json:"correct"` // at both parties, and bytes_sent what the protocol's Cost says where it declares one
}

// Study is a stored list of results.
type Study struct {
	Kind  string `json:"kind"`
	Study string `json:"study"`
	Runs  []any  `json:"runs"` // Result, KernelResult or Peer
}

// Result is what is reported for a Spec. Without a unit in their names numbers are of the median run; min and median are over the
// repeats, each number on its own.
type Result struct {
	Kind string `json:"kind"`
	Spec
	Run
	*Setup                    // nil: the protocol has none
	Min          Timing       `json:"min"`
	Median       Timing       `json:"median"`
	Runs         []Run        `json:"runs"`
	Machine      machine.Card `json:"machine"`
	NotMeasured  string       `json:"not_measured,omitempty"` // why there is nothing
	BytesPerItem float64      `json:"bytes_per_item"`         // bytes_sent over the larger set
}

// Timing is what changes from repeat to repeat.
type Timing struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PeakRSS     int64   `json:"peak_rss_bytes"`
}

// resultOf summarises at least one run.
func resultOf(s Spec, runs []Run, m machine.Card) Result {
	r := Result{Kind: "psi", Spec: s, Runs: runs, Machine: m}
	walls := each(runs, func(r Run) float64 { return r.WallSeconds })
	cpus := each(runs, func(r Run) float64 { return r.CPUSeconds })
	peaks := each(runs, func(r Run) int64 { return r.PeakRSS })
	r.Min = Timing{slices.Min(walls), slices.Min(cpus), slices.Min(peaks)}
	r.Median = Timing{median(walls), median(cpus), median(peaks)}
	r.Run = runs[0]
	r.WallSeconds, r.CPUSeconds, r.PeakRSS = r.Median.WallSeconds, r.Median.CPUSeconds, r.Median.PeakRSS
	r.ReadSeconds = median(each(runs, func(r Run) float64 { return r.ReadSeconds }))
	for _, run := range runs {
		r.Correct = r.Correct && run.Correct && run.Matches == r.Matches
		r.BytesSent, r.WireBytes = max(r.BytesSent, run.BytesSent), max(r.WireBytes, run.WireBytes)
	}
	r.BytesPerItem = float64(r.BytesSent) / float64(max(s.N, s.M))
	return r
}

// notMeasured is the result of a Spec that this version cannot run.
func notMeasured(s Spec, why error, m machine.Card) Result {
	return Result{Kind: "psi", Spec: s, Runs: []Run{}, Machine: m, NotMeasured: fault.CodeOf(why).String() + ": " + fault.ReasonOf(why)}
}

func each[T any](runs []Run, of func(Run) T) []T {
	out := make([]T, len(runs))
	for i, r := range runs {
		out[i] = of(r)
	}
	return out
}

// median is the middle value, of an even number the lower of the two in the middle.
func median[T int64 | float64](v []T) T {
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)-1)/2]
}
