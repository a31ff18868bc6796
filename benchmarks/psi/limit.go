package psibench

import "runtime/debug"

// The default of Spec.Memory: what a set takes while a run works on it, measured, and a floor below which the collector would
// only cost time. A run that is cut into buckets works on one of them at a time.
const (
	memoryFloor    = 192 << 20
	memoryBase     = 40 << 20
	memoryPerItem  = 44 // the item, its place in the order of buckets, and its match
	memoryPerWork  = 46 // of each item of a bucket
	memoryWorkMost = 1 << 21
)

// collectPercent is GOGC of a measured process: the garbage of a run is large and short-lived.
const collectPercent = 50

// memoryFor is the soft limit of a process that holds sets of these sizes, in bytes.
func memoryFor(sets ...int) int64 {
	limit := int64(memoryBase)
	for _, n := range sets {
		limit += memoryPerItem*int64(n) + memoryPerWork*int64(min(n, memoryWorkMost))
	}
	return max(limit, memoryFloor)
}

// defaultMemory is the limit of the processes of s.
func (s Spec) defaultMemory(p protocol) int64 {
	switch {
	case p.setup != nil:
		return memoryFor(s.N)
	case s.Core:
		return memoryFor(s.N, s.M)
	}
	return memoryFor(max(s.N, s.M))
}

// limitMemory makes this process collect garbage rather than grow beyond the limit.
func limitMemory(limit int64) {
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(collectPercent)
}
