// Package machine describes the machine that a study ran on.
package machine

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/cpu"
)

// Card is what a number means nothing without.
type Card struct {
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	RAMBytes int64    `json:"ram_bytes"` // 0: unknown
	OS       string   `json:"os"`
	Go       string   `json:"go"`
	Commit   string   `json:"commit"`
	Date     string   `json:"date"`
	Features []string `json:"kernel_features"` // CPU instructions that the kernels' speed hangs on and that are there
	Load     string   `json:"load_before"`     // of the last minute, as the system says; a busy machine's wall times mean little
}

// Describe returns the card of this machine, now. What cannot be found out is empty or zero.
func Describe(ctx context.Context) Card {
	m := Card{
		CPU: ProcField("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Commit: commit(ctx), Date: time.Now().UTC().Format(time.RFC3339), Features: features(), Load: load(),
	}
	if m.CPU == "" {
		m.CPU = command(ctx, "sysctl", "-n", "machdep.cpu.brand_string")
	}
	if kb, err := strconv.ParseInt(strings.TrimSuffix(ProcField("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.RAMBytes = kb << 10
	} else if b, err := strconv.ParseInt(command(ctx, "sysctl", "-n", "hw.memsize"), 10, 64); err == nil {
		m.RAMBytes = b
	}
	return m
}

// features are those that Go's AES and SHA and our own kernels choose by.
func features() []string {
	out := []string{}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"aes", cpu.X86.HasAES || cpu.ARM64.HasAES},
		{"pclmulqdq", cpu.X86.HasPCLMULQDQ},
		{"pmull", cpu.ARM64.HasPMULL},
		{"sha2", cpu.ARM64.HasSHA2},
		{"bmi2", cpu.X86.HasBMI2},
		{"adx", cpu.X86.HasADX},
		{"avx2", cpu.X86.HasAVX2},
		{"avx512f", cpu.X86.HasAVX512F},
		{"avx512ifma", cpu.X86.HasAVX512IFMA},
		{"vaes", cpu.X86.HasAVX512VAES},
		{"asimd", cpu.ARM64.HasASIMD},
	} {
		if f.has {
			out = append(out, f.name)
		}
	}
	return out
}

// commit is the tree's, with -dirty when it is not what was committed.
func commit(ctx context.Context) string {
	c := command(ctx, "git", "rev-parse", "HEAD")
	if c == "" {
		return "unknown"
	}
	if command(ctx, "git", "status", "--porcelain") != "" {
		c += "-dirty"
	}
	return c
}

func load() string {
	b, _ := os.ReadFile("/proc/loadavg") // absent elsewhere than on Linux
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// ProcField returns the value of the first "name: value" line of a file; empty when there is none.
func ProcField(file, name string) string {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func command(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).Output() // a card without it is still a card
	return strings.TrimSpace(string(out))
}
