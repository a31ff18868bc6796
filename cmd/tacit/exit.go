package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tacit-data/tacit/api/fault"
)

// The exit codes that are no fault codes.
const (
	exitUsage       = 2
	exitNotFinished = 31 // --timeout passed before the job ended
	exitSignal      = 128
)

// usageError is a command line that cannot be meant.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// notFinished ends a watch whose --timeout passed; the job goes on.
type notFinished string

func (e notFinished) Error() string {
	return "job " + string(e) + " has not ended; it goes on: tacit watch " + short(string(e))
}

// caught is the signal that ended the program.
type caught syscall.Signal

func (s caught) Error() string { return "ended by " + syscall.Signal(s).String() }

// withSignals returns a context that ends with the first SIGINT or SIGTERM, which is then its cause. The second one kills
// the process as if nothing were caught.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-got:
			signal.Stop(got)
			if sig, ok := s.(syscall.Signal); ok {
				cancel(caught(sig))
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(got)
		cancel(nil)
		<-done
	}
}

// exitCode is the process exit code of err. What is neither a fault nor ours comes from the parser of the command line.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if s, ok := errors.AsType[caught](err); ok {
		return exitSignal + int(s)
	}
	if _, ok := errors.AsType[notFinished](err); ok {
		return exitNotFinished
	}
	if isFault(err) {
		return fault.CodeOf(err).ExitCode()
	}
	return exitUsage
}

func isFault(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
