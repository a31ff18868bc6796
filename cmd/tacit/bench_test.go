package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	psibench "github.com/tacit-data/tacit/benchmarks/psi"

	"github.com/tacit-data/tacit/api/fault"
)

func TestBenchList(t *testing.T) {
	a, out, _ := start(t, &fake{})
	if code := run(t.Context(), a, []string{"bench", "list", "--format", "json"}); code != 0 {
		t.Fatalf("exit %d", code)
	}
	var got page[psibench.Subject]
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || len(got.Items) != len(psibench.Subjects()) || got.Kind != "benchmarks" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestBenchSpecs(t *testing.T) {
	f := benchFlags{sizes: []string{"2^4", "100"}, nets: []string{"none", "lan"}, threads: []string{"1", "2"}, tls: "off", senderSize: "2^5", memory: "256M"}
	specs, err := f.specs("psi/ecdh")
	if err != nil || len(specs) != 8 {
		t.Fatalf("%d specs, %v", len(specs), err)
	}
	want := psibench.Spec{Protocol: "psi/ecdh", N: 100, M: 32, Net: "lan", TLS: psibench.NoTLS, Threads: 2, Memory: 256e6}
	if last := specs[7]; last != want {
		t.Errorf("the last is %+v, want %+v", last, want)
	}
}

// TestBenchSizes: the ways to write a size.
func TestBenchSizes(t *testing.T) {
	for text, want := range map[string]int{"10^5": 1e5, "100k": 1e5, "10M": 1e7, "10^7": 1e7, "2^20": 1 << 20} {
		f := benchFlags{sizes: []string{text}, nets: []string{"none"}, threads: []string{"1"}, tls: "on", senderSize: text}
		specs, err := f.specs("psi/oprf")
		if err != nil || len(specs) != 1 || specs[0].N != want || specs[0].M != want {
			t.Errorf("%s: %+v, %v", text, specs, err)
		}
	}
}

// TestBenchPainter: a line when a phase begins and then at a pace that can be read, with what is left.
func TestBenchPainter(t *testing.T) {
	a, _, errOut := start(t, &fake{})
	p := &benchPainter{a: a, spec: psibench.Spec{Protocol: "psi/rr22", N: 10, M: 1000, Net: "slow", Threads: 1}}
	p.paint(psibench.Progress{Phase: "run", Run: 1, Of: 2})
	for i := 1; i <= 100; i++ {
		at := time.Duration(i) * 300 * time.Millisecond
		p.paint(psibench.Progress{Phase: "run", Run: 1, Of: 2, Done: i, Total: 100, Elapsed: at, Left: 30*time.Second - at})
	}
	want := "psi/rr22 n=10 m=1000 net=slow threads=1: run 1 of 2\n" +
		"  run  10 %  10 of 100 items  3s, 27s left\n" +
		"  run  20 %  20 of 100 items  6s, 24s left\n"
	lines := strings.Split(strings.TrimSpace(errOut.String()), "\n")
	if !strings.HasPrefix(errOut.String(), want) || len(lines) != 11 || lines[10] != "  run 100 %  100 of 100 items  30s" {
		t.Errorf("%s", errOut)
	}
}

func TestBenchRefusals(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"bench"}, exitUsage},
		{[]string{"bench", "run"}, exitUsage},
		{[]string{"bench", "run", "psi/ecdh", "--repeat", "0"}, exitUsage},
		{[]string{"bench", "run", "psi/ecdh", "--tls", "maybe"}, exitUsage},
		{[]string{"bench", "run", "psi/ecdh", "--threads", "x"}, exitUsage},
		{[]string{"bench", "run", "psi/ecdh", "--memory", "much"}, exitUsage},
		{[]string{"bench", "run", "psi/ecdh", "--memory", "0"}, exitUsage},
		{[]string{"bench", "run", "psi/none"}, fault.Invalid.ExitCode()},
		{[]string{"bench", "run", "psi/ecdh", "--n", "2^99"}, fault.Invalid.ExitCode()},
		{[]string{"bench", "run", "psi/ecdh", "--net", "moon"}, fault.Invalid.ExitCode()},
		{[]string{"bench", "keys", "/nonexistent/dir"}, fault.Unavailable.ExitCode()},
		{[]string{"bench", "keys", "/tmp", "--n", "1"}, fault.Invalid.ExitCode()},
	} {
		a, _, errOut := start(t, &fake{})
		if code := run(t.Context(), a, c.args); code != c.want {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.want, errOut)
		}
	}
}

// TestBenchUnsupported: what this version does not build is a result that says so, and collect reads it.
func TestBenchUnsupported(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	a, out, _ := start(t, &fake{})
	args := []string{"bench", "run", "psi/ecdh", "--suite", "ic-x25519-direct", "--format", "json", "-o", file}
	if code := run(t.Context(), a, args); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if !strings.Contains(out.String(), `"not_measured":"Unsupported`) {
		t.Errorf("printed %s", out)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), `"study": "psi"`) {
		t.Errorf("stored %s, %v", b, err)
	}
	line := out.String()
	a, out, _ = start(t, &fake{})
	a.in = strings.NewReader(line)
	if code := run(t.Context(), a, []string{"bench", "collect"}); code != 0 || !strings.Contains(out.String(), "not measured") {
		t.Errorf("exit %d, printed %s", code, out)
	}
}

func TestBenchKeys(t *testing.T) {
	dir := t.TempDir()
	a, _, _ := start(t, &fake{})
	if code := run(t.Context(), a, []string{"bench", "keys", dir, "--n", "10", "--m", "20"}); code != 0 {
		t.Fatalf("exit %d", code)
	}
	in := map[string]int{}
	for name, want := range map[string]int{"receiver.csv": 10, "sender.csv": 20} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		lines := strings.Fields(string(b))
		if err != nil || len(lines) != want+1 || lines[0] != "id" {
			t.Fatalf("%s: %d lines, %v", name, len(lines), err)
		}
		for _, k := range lines[1:] {
			if len(k) != 66 {
				t.Errorf("a key of %d bytes", len(k))
			}
			in[k]++
		}
	}
	if common := 30 - len(in); common != 5 {
		t.Errorf("%d keys in common, want 5", common)
	}
}
