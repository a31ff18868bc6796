package psibench

import (
	"syscall"
	"time"
)

// threadTime is user and system time of this thread so far.
func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thisThread, &u) != nil {
		return 0 // unreachable: the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
