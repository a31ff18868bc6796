// Package invariant holds assertions: they panic under `-tags invariants`, and are a fault.Internal otherwise.
//
// It is for statements that only a programming error can break. What a peer, a file or a user can break is checked
// where it enters and answered with that cause's code.
package invariant

import "github.com/tacit-data/tacit/api/fault"

// Check returns nil when ok holds. Otherwise it panics in builds with assertions and returns fault.Internal in others.
// The text names the invariant ("P1: …") and holds counts, never values.
func Check(ok bool, op, format string, args ...any) error {
	if ok {
		return nil
	}
	err := fault.New(fault.Internal, op, format, args...)
	if Enabled {
		panic(err)
	}
	return err
}
