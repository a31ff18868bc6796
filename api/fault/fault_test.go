package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNumbersAreExitCodes(t *testing.T) {
	if got := len(Codes()); got != 19 {
		t.Fatalf("%d codes, want 19", got)
	}
	seen := map[int]Code{}
	for _, c := range Codes() {
		n := c.ExitCode()
		if old, twice := seen[n]; twice {
			t.Errorf("%s and %s both exit %d", old, c, n)
		}
		seen[n] = c
		if !c.Known() || strings.HasPrefix(c.String(), "Code(") {
			t.Errorf("code %d has no name", c)
		}
	}
	if Internal.ExitCode() != 1 || Invalid.ExitCode() != 10 || Denied.ExitCode() != 14 || Unsupported.ExitCode() != 27 {
		t.Error("an exit code has changed its number")
	}
	for _, c := range []Code{1, 9, 28, 255} {
		if c.Known() {
			t.Errorf("code %d is known", c)
		}
	}
}

func TestOuterCodeWins(t *testing.T) {
	inner := New(NotFound, "a.B", "no such %s", "thing")
	err := Wrap(Denied, "c.D", inner, "not allowed")
	if CodeOf(err) != Denied || !errors.Is(err, Denied) || ReasonOf(err) != "not allowed" {
		t.Errorf("got %v", err)
	}
	if CodeOf(fmt.Errorf("in between: %w", err)) != Denied {
		t.Error("a foreign wrapper hides the code")
	}
	if Wrap(Denied, "c.D", nil, "x") != nil {
		t.Error("no error became one")
	}
}

func TestForeignErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Code
	}{
		{context.Canceled, Canceled}, {context.DeadlineExceeded, Timeout}, {errors.New("secret 4711"), Internal},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	if r := ReasonOf(errors.New("secret 4711")); strings.Contains(r, "4711") {
		t.Errorf("the reason quotes a foreign text: %q", r)
	}
}

func TestPublicHidesTheDetail(t *testing.T) {
	err := &Error{Code: Misbehaved, Op: "a.B", Culprit: "utility", Reason: "bad point", Err: errors.New("4711")}
	if got, want := err.Public(), "a.B: Misbehaved (utility): bad point"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(err.Error(), "4711") {
		t.Error("the local text lost its detail")
	}
}

func TestBlame(t *testing.T) {
	err := Blame(New(Misbehaved, "a.B", "bad"), "utility")
	if e, _ := errors.AsType[*Error](err); e == nil || e.Culprit != "utility" {
		t.Errorf("got %v", err)
	}
	if e, _ := errors.AsType[*Error](Blame(err, "bank")); e.Culprit != "utility" {
		t.Error("the first culprit was replaced")
	}
	if Blame(nil, "x") != nil || !errors.Is(Blame(context.Canceled, "x"), context.Canceled) {
		t.Error("nobody is to blame for nothing, nor for a cancellation")
	}
	if CodeOf(Blame(errors.New("x"), "utility")) != Misbehaved {
		t.Error("a foreign error about a peer's bytes is misbehaviour")
	}
}
