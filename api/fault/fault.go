// Package fault is the closed vocabulary of failure codes and the one error type that carries them.
//
// A code names a cause, never a verb. Only Code, Op, Reason and Culprit may cross an organisation; Err stays at the
// party where it arose. No field ever holds a row value, a key, a share or a plaintext.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code is the cause of a failure. Its number is the process exit code of the command line (Internal, the zero value,
// exits 1) and never changes meaning.
type Code uint8

// The codes. The comment names the cause and who acts.
const (
	Internal        Code = 0  // our bug; report it
	Invalid         Code = 10 // malformed spec, parameter or data; the caller
	NotFound        Code = 11 // no such dataset, element, right or job; the caller
	Exists          Code = 12 // the name or request id is taken with another body; the caller
	Unauthenticated Code = 13 // identity not proven; the operator
	Denied          Code = 14 // a policy said no, Reason names the rule; the owner
	Expired         Code = 15 // out of term; the owner
	SchemaMismatch  Code = 16 // a batch or file differs from the declared type; the data owner
	PlanMismatch    Code = 17 // digest differs from what was approved; whoever changed it
	BudgetExhausted Code = 18 // ε, uses, rows or money are spent; the owner
	LimitExceeded   Code = 19 // a named bound was hit; the caller
	Precision       Code = 20 // levels, noise or scale too small for the result; the caller
	Misbehaved      Code = 21 // bad bytes or a failed check, Culprit is set; never retried
	PeerAborted     Code = 22 // the peer stopped; a new session
	Unavailable     Code = 23 // transport or resource not there now; retry
	Timeout         Code = 24 // no progress for too long; retry
	Canceled        Code = 25 // somebody asked to stop
	Corrupt         Code = 26 // stored bytes fail their hash; restore
	Unsupported     Code = 27 // valid but not built; another version
)

// Codes lists every code, Internal last. Tests and generated pages iterate over it.
func Codes() []Code {
	out := make([]Code, 0, 19)
	for c := Invalid; c <= Unsupported; c++ {
		out = append(out, c)
	}
	return append(out, Internal)
}

// String returns the code's name.
func (c Code) String() string {
	switch c {
	case Internal:
		return "Internal"
	case Invalid:
		return "Invalid"
	case NotFound:
		return "NotFound"
	case Exists:
		return "Exists"
	case Unauthenticated:
		return "Unauthenticated"
	case Denied:
		return "Denied"
	case Expired:
		return "Expired"
	case SchemaMismatch:
		return "SchemaMismatch"
	case PlanMismatch:
		return "PlanMismatch"
	case BudgetExhausted:
		return "BudgetExhausted"
	case LimitExceeded:
		return "LimitExceeded"
	case Precision:
		return "Precision"
	case Misbehaved:
		return "Misbehaved"
	case PeerAborted:
		return "PeerAborted"
	case Unavailable:
		return "Unavailable"
	case Timeout:
		return "Timeout"
	case Canceled:
		return "Canceled"
	case Corrupt:
		return "Corrupt"
	case Unsupported:
		return "Unsupported"
	}
	return fmt.Sprintf("Code(%d)", uint8(c))
}

// Error makes a Code a target for errors.Is: errors.Is(err, fault.Denied).
func (c Code) Error() string { return c.String() }

// Known reports whether c is one of the codes above; a number from a peer is checked with it.
func (c Code) Known() bool { return c == Internal || (c >= Invalid && c <= Unsupported) }

// ExitCode is the process exit code of c.
func (c Code) ExitCode() int {
	if c == Internal {
		return 1
	}
	return int(c)
}

// Retryable reports whether the same attempt may be made again. Misbehaved never is.
func (c Code) Retryable() bool {
	return c == PeerAborted || c == Unavailable || c == Timeout
}

// Error is the one error type. The zero value is an Internal error without a reason.
type Error struct {
	Code    Code
	Op      string // "package.Func" where it arose
	Culprit string // the party id to blame, empty when nobody is
	Reason  string // one sentence, safe to show to another organisation
	Err     error  // local detail; stays home
}

// New returns an error whose reason is the formatted text. Arguments are names, counts and shapes, never values.
func New(c Code, op, format string, args ...any) *Error {
	return &Error{Code: c, Op: op, Reason: fmt.Sprintf(format, args...)}
}

// Wrap gives err a code, operation and reason. It returns nil when err is nil. Where err already is a *Error its
// culprit is kept.
func Wrap(c Code, op string, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	e := &Error{Code: c, Op: op, Reason: fmt.Sprintf(format, args...), Err: err}
	if in, ok := errors.AsType[*Error](err); ok {
		e.Culprit = in.Culprit
	}
	return e
}

// Blame returns err with its culprit set, unless one is set already. A foreign error becomes Misbehaved.
func Blame(err error, culprit string) error {
	if err == nil {
		return nil
	}
	in, ok := errors.AsType[*Error](err)
	if !ok {
		if c := CodeOf(err); c != Internal {
			return err // a cancelled context is nobody's crime
		}
		return &Error{Code: Misbehaved, Op: "fault.Blame", Culprit: culprit, Reason: "malformed message", Err: err}
	}
	if in.Culprit != "" {
		return err
	}
	out := *in
	out.Culprit = culprit
	return &out
}

// Error returns op, code, culprit, reason and the local detail in one line. It is for the party where it arose; what
// may leave is Public.
func (e *Error) Error() string {
	s := e.Public()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Public returns what may cross an organisation: op, code, culprit and reason.
func (e *Error) Public() string {
	s := e.Code.String()
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Culprit != "" {
		s += " (" + e.Culprit + ")"
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns the local detail.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, fault.Denied) true for the outermost code only.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// CodeOf returns the outermost code of err. A cancelled context is Canceled, an expired one Timeout, anything else
// without a code Internal. CodeOf(nil) is Internal: ask only about errors.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// ReasonOf returns the outermost reason of err, or a neutral sentence when it has none: a foreign error's text may
// quote data and never leaves through here.
func ReasonOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return "see the log of the party where it arose"
}
