package psi

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestRun runs the script and compares what it tells.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "./run.sh")
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) } // the script ends what it started
	run.WaitDelay = 10 * time.Second
	var log strings.Builder
	run.Stderr = &log
	got, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	want, err := os.ReadFile("expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
