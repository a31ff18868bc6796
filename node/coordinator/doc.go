// Package coordinator gathers approvals and sequences a joint job. It sees no data and is trusted by nobody: every
// party runs the same machine over signed messages, and the lead differs only in the effects it performs.
//
// A job is a pure state machine, (state, event) → (state, effects). The state row, its audit leaf and the outgoing
// messages commit in one transaction; what an effect starts begins after that commit. An event that the state does not
// expect returns the same state and the effect Reject.
//
//	Describing → Approving → Scheduling → Running → Settling → Succeeded | SucceededDisputed
//	Approving → Planned (plan-only)   Approving → Denied   any before Running → Expired
//	any before Settling → Failing → Failed      any before Settling → Canceling → Canceled
//
// Messages of a faster peer may arrive one phase early (its approval before our plan is built, the start before the
// last approval). They are recorded and take effect when their phase comes; they never skip a phase.
package coordinator
