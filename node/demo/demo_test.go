package demo

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// TestOptionsAreCheckedFirst: what cannot work is said before a node starts.
func TestOptionsAreCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	own := Options{Guest: "g.csv", Host: "h.csv", ID: "id", Label: "y", Dir: dir, Report: filepath.Join(dir, "r.html"), Binary: "/nonexistent"}
	for name, change := range map[string]func(*Options){
		"one file":            func(o *Options) { o.Host = "" },
		"no key":              func(o *Options) { o.ID = "" },
		"columns of a sample": func(o *Options) { *o = Options{Group: "region", Dir: dir} },
		"port":                func(o *Options) { o.Port = 65531 },
		"group is the key":    func(o *Options) { o.Group = "id" },
		"group is the label":  func(o *Options) { o.Group = "y" },
		"label is the key":    func(o *Options) { o.Label = "id" },
		"report":              func(o *Options) { o.Report = filepath.Join(dir, "missing", "r.html") },
	} {
		o := own
		change(&o)
		if err := Run(t.Context(), o, io.Discard, io.Discard); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportCanBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := reportCanBeWritten(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a report is left behind: %v", err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reportCanBeWritten(path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
}
