//go:build !linux

package psibench

import "time"

// threadTime is that of the process, which does nothing else meanwhile.
func threadTime() time.Duration { return cpuTime() }
