package psibench

import (
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tacit-data/tacit/benchmarks/machine"
)

// cpuTime is user and system time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // unreachable: the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the most memory this process had resident, in bytes. What getrusage says on Linux includes the parent's memory at
// the fork, so that /proc goes first.
func peakRSS() int64 {
	if kb, err := strconv.ParseInt(strings.TrimSuffix(machine.ProcField("/proc/self/status", "VmHWM"), " kB"), 10, 64); err == nil {
		return kb << 10
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // unreachable: the arguments are right
	}
	return int64(u.Maxrss) // bytes on macOS
}
