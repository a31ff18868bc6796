package psibench

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/benchmarks/machine"
)

// kernel is one line of the table of kernels: local arithmetic on one thread, beside what the standard library offers for the
// same or the nearest purpose.
type kernel struct {
	name, about string
	operations  func() ([]operation, error)
}

// operation does items of work at a time. floor does the same work without the kernel; nil: nothing is comparable.
type operation struct {
	name      string
	items     int
	run       func() error
	floor     string
	floorRun  func() error
	floorWork int // items of one floorRun; 0: items
}

func kernels() []kernel {
	return []kernel{
		{"kernel/curve25519", "x-only multiplication by one scalar, beside crypto/ecdh", curveOperations},
		{"kernel/aes", "fixed-key AES, trees and keyed hashing, beside crypto/aes", aesOperations},
		{"kernel/gf128", "products in GF(2^128), beside GHASH of crypto/cipher", fieldOperations},
		{"kernel/okvs", "encoding and decoding 2^20 pairs, beside a Go map", storeOperations},
	}
}

// OperationResult is nanoseconds of thread CPU time per item.
type OperationResult struct {
	Name        string  `json:"operation"`
	Min         float64 `json:"ns_per_item_min"`
	Median      float64 `json:"ns_per_item"`
	Floor       string  `json:"floor,omitempty"`
	FloorMin    float64 `json:"floor_ns_per_item_min,omitempty"`
	FloorMedian float64 `json:"floor_ns_per_item,omitempty"`
}

// KernelResult is what is reported for a kernel.
type KernelResult struct {
	Kind       string            `json:"kind"`
	Protocol   string            `json:"protocol"`
	Operations []OperationResult `json:"operations"`
	Machine    machine.Card      `json:"machine"`
}

// IsKernel reports whether a name is one of a kernel.
func IsKernel(name string) bool {
	return slices.ContainsFunc(kernels(), func(k kernel) bool { return k.name == name })
}

// MeasureKernel measures every operation repeat times, kernel and floor in turn.
//
// Errors: fault.Invalid (no such kernel), fault.Canceled.
func MeasureKernel(ctx context.Context, name string, repeat int) (KernelResult, error) {
	const op = "psibench.MeasureKernel"
	i := slices.IndexFunc(kernels(), func(k kernel) bool { return k.name == name })
	if i < 0 {
		return KernelResult{}, fault.New(fault.Invalid, op, "no such kernel; see tacit bench list")
	}
	operations, err := kernels()[i].operations()
	if err != nil {
		return KernelResult{}, err
	}
	// Thread time is the clock.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out := KernelResult{Kind: "kernel", Protocol: name, Machine: machine.Describe(ctx)}
	for _, o := range operations {
		var own, floor []float64
		for range repeat {
			if ctx.Err() != nil {
				return KernelResult{}, fault.Wrap(fault.Canceled, op, ctx.Err(), "interrupted")
			}
			if own, err = timed(own, o.items, o.run); err != nil {
				return KernelResult{}, err
			}
			work := o.floorWork
			if work == 0 {
				work = o.items
			}
			if floor, err = timed(floor, work, o.floorRun); err != nil {
				return KernelResult{}, err
			}
		}
		r := OperationResult{Name: o.name, Min: slices.Min(own), Median: median(own), Floor: o.floor}
		if len(floor) > 0 {
			r.FloorMin, r.FloorMedian = slices.Min(floor), median(floor)
		}
		out.Operations = append(out.Operations, r)
	}
	return out, nil
}

// leastTime is how long an operation is repeated for one figure.
const leastTime = 200 * time.Millisecond

// timed appends the nanoseconds per item of f, which is nil for nothing.
func timed(to []float64, items int, f func() error) ([]float64, error) {
	if f == nil {
		return to, nil
	}
	if err := f(); err != nil { // warm
		return nil, err
	}
	began, runs := threadTime(), 0
	for threadTime()-began < leastTime {
		if err := f(); err != nil {
			return nil, err
		}
		runs++
	}
	return append(to, float64((threadTime()-began).Nanoseconds())/float64(runs)/float64(items)), nil
}
