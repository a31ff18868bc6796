package main

import (
	"maps"
	"math"
	"slices"

	"github.com/tacit-data/tacit/node/demo"
)

// Study is the stored result.
type Study struct {
	Kind    string  `json:"kind"`
	Study   string  `json:"study"`
	Machine Machine `json:"machine"`
	Runs    []Run   `json:"runs"`
}

// Run is one table. Rows are those in common, Cols the features of both parties. Minima and medians are over the repeats,
// each number on its own.
type Run struct {
	Name    string             `json:"name"`
	Rows    int                `json:"rows"`
	Cols    int                `json:"cols"`
	Repeat  int                `json:"repeat"`
	Min     Timing             `json:"min"`
	Median  Timing             `json:"median"`
	Quality Quality            `json:"quality"`
	Rounds  int64              `json:"rounds"`
	Bytes   int64              `json:"bytes_sent"`     // of all parties together; the most of the repeats
	PeakRSS int64              `json:"peak_rss_bytes"` // of the largest process of all repeats
	Peer    map[string]Peer    `json:"peer"`
	Ratios  map[string]float64 `json:"ratios"` // without those whose peer was not measured
	Demos   []demo.Summary     `json:"demos"`  // as the demo printed them, without the report's path
}

// Timing is what changes from repeat to repeat with the machine's load; CPU seconds change least.
type Timing struct {
	WallSeconds              float64 `json:"wall_seconds"`
	TrainSeconds             float64 `json:"train_seconds"`
	TrainSecondsPerIteration float64 `json:"train_seconds_per_iteration"`
	CPUSeconds               float64 `json:"cpu_seconds"` // of the three nodes together
}

// Quality is the median over the repeats: each draws other test rows.
type Quality struct {
	AUCJoint  float64 `json:"auc_joint"`
	AUCPooled float64 `json:"auc_pooled"`
	AUCAOnly  float64 `json:"auc_a_only"`
	KSJoint   float64 `json:"ks_joint"`
}

// Peer is what another system's script printed, or why there is nothing. Fields that a peer has no number for are absent.
type Peer struct {
	NotMeasured string `json:"not_measured,omitempty"`

	Name    string `json:"peer,omitempty"`
	Version string `json:"version,omitempty"`

	RowsTrain int      `json:"rows_train,omitempty"`
	RowsTest  int      `json:"rows_test,omitempty"`
	Cols      int      `json:"cols,omitempty"`
	Repeat    int      `json:"repeat,omitempty"`
	Iteration []int    `json:"iterations,omitempty"` // of each training that was timed
	Fit       *Spread  `json:"fit_seconds,omitempty"`
	FitCPU    *Spread  `json:"fit_cpu_seconds,omitempty"`
	AUC       *float64 `json:"auc,omitempty"`
	KS        *float64 `json:"ks,omitempty"`

	Seconds      []float64 `json:"seconds,omitempty"` // of each training, setup included
	CPU          []float64 `json:"cpu_seconds,omitempty"`
	PerIteration float64   `json:"seconds_per_iteration,omitempty"` // setup excluded
	CPUIteration float64   `json:"cpu_seconds_per_iteration,omitempty"`
	PeakRSS      int64     `json:"peak_rss_bytes,omitempty"`
	WeightError  *float64  `json:"weight_error,omitempty"` // largest, against the same algorithm in the clear
}

// Spread is a repeated measurement.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
}

func (r *Run) summarise() {
	r.Rows, r.Rounds = r.Demos[0].Intersection, r.Demos[0].Rounds
	for _, d := range r.Demos {
		r.Bytes, r.PeakRSS = max(r.Bytes, d.BytesSent), max(r.PeakRSS, d.PeakRSSBytes)
	}
	for into, pick := range map[*Timing]func([]float64) float64{&r.Min: slices.Min[[]float64], &r.Median: median} {
		*into = Timing{
			WallSeconds:              pick(r.each(func(d demo.Summary) float64 { return d.WallSeconds })),
			TrainSeconds:             pick(r.each(trainSeconds)),
			TrainSecondsPerIteration: pick(r.each(func(d demo.Summary) float64 { return d.TrainSecondsPerIteration })),
			CPUSeconds:               pick(r.each(func(d demo.Summary) float64 { return d.CPUSeconds })),
		}
	}
	r.Quality = Quality{
		AUCJoint:  median(r.each(func(d demo.Summary) float64 { return d.AUCJoint })),
		AUCPooled: median(r.each(func(d demo.Summary) float64 { return d.AUCPooled })),
		AUCAOnly:  median(r.each(func(d demo.Summary) float64 { return d.AUCAOnly })),
		KSJoint:   median(r.each(func(d demo.Summary) float64 { return d.KSJoint })),
	}
}

func (r *Run) each(of func(demo.Summary) float64) []float64 {
	out := make([]float64, len(r.Demos))
	for i, d := range r.Demos {
		out[i] = of(d)
	}
	return out
}

func trainSeconds(d demo.Summary) float64 { return d.TrainSecondsPerIteration * float64(d.Iterations) }

// cpuPerIteration spreads the whole job over its iterations, matching and reporting too: more than an iteration costs.
func cpuPerIteration(d demo.Summary) float64 { return d.CPUSeconds / float64(max(1, d.Iterations)) }

// median is the middle value, of an even number the mean of the two in the middle.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratios compares medians, secure over plain and peer over ours. The AUC difference to the pooled twin, which has the same
// test rows, is the largest of the repeats; the one to scikit-learn, which has other test rows, is that of the medians.
func (r *Run) ratios() map[string]float64 {
	out := map[string]float64{
		"auc_pooled_gap": slices.Max(r.each(func(d demo.Summary) float64 { return math.Abs(d.AUCJoint - d.AUCPooled) })),
	}
	if p := r.Peer[sklearnPeer]; p.Fit != nil && p.Fit.Median > 0 {
		out["train_to_sklearn_fit"] = r.Median.TrainSeconds / p.Fit.Median
		out["wall_to_sklearn_fit"] = r.Median.WallSeconds / p.Fit.Median
	}
	if p := r.Peer[sklearnPeer]; p.FitCPU != nil && p.FitCPU.Median > 0 {
		out["cpu_to_sklearn_fit_cpu"] = r.Median.CPUSeconds / p.FitCPU.Median
	}
	if p := r.Peer[sklearnPeer]; p.AUC != nil {
		out["auc_minus_sklearn"] = r.Quality.AUCJoint - *p.AUC
	}
	if p := r.Peer[spuPeer]; p.PerIteration > 0 && r.Median.TrainSecondsPerIteration > 0 {
		out["spu_iteration_to_tacit_iteration"] = p.PerIteration / r.Median.TrainSecondsPerIteration
	}
	if p, ours := r.Peer[spuPeer], median(r.each(cpuPerIteration)); p.CPUIteration > 0 && ours > 0 {
		out["spu_iteration_cpu_to_tacit_job_cpu_per_iteration"] = p.CPUIteration / ours
	}
	maps.DeleteFunc(out, func(_ string, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	return out
}
