package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	c := Describe(t.Context())
	if c.Cores != runtime.NumCPU() || c.Go != runtime.Version() || c.OS != runtime.GOOS+"/"+runtime.GOARCH || c.Commit == "" || c.Features == nil {
		t.Errorf("%+v", c)
	}
	if _, err := time.Parse(time.RFC3339, c.Date); err != nil {
		t.Error(err)
	}
	if runtime.GOOS == "linux" && (c.RAMBytes <= 0 || c.Load == "") {
		t.Errorf("%d bytes of memory, load %q", c.RAMBytes, c.Load)
	}
}

// TestCommit: outside a tree the commit is unknown, and no error.
func TestCommit(t *testing.T) {
	t.Chdir(t.TempDir())
	if c := commit(t.Context()); c != "unknown" {
		t.Errorf("commit %q", c)
	}
}

func TestProcField(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("no colon\nVmHWM:\t 12 kB\nmodel name : a: b\nmodel name: second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"VmHWM": "12 kB", "model name": "a: b", "none": "", "no colon": ""} {
		if got := ProcField(file, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := ProcField(strings.Repeat("x", 10), "a"); got != "" {
		t.Errorf("no file: %q", got)
	}
}
