package credit

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/node/demo"
)

func TestJobFileIsTheDemos(t *testing.T) {
	b, err := os.ReadFile("job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := demo.SampleJob(); string(b) != want {
		t.Errorf("job.yaml differs from the demo's job; it should be\n%s", want)
	}
}

// TestRun does by hand what README.md tells, on free ports of loopback, and compares the masked story.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("three nodes train a model")
	}
	for _, tool := range []string{"bash", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "./run.sh")
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) } // the script ends its nodes
	run.WaitDelay = 10 * time.Second
	var log strings.Builder
	run.Stderr = &log
	story, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, story, log.String())
	}
	mask := exec.CommandContext(ctx, "sed", "-E", "-f", "mask.sed")
	mask.Stdin = strings.NewReader(string(story))
	got, err := mask.Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, strings.Split(string(got), "\n"), strings.Split(string(want), "\n"))
}

// compare reports the first lines that differ.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(no line)", "(no line)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("line %d of the masked story\n got %s\nwant %s", i+1, g, w)
		}
	}
}
