package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/demo"
)

const (
	sampleSeed  = 1 // the demo's default
	sklearnPeer = "sklearn"
	spuPeer     = "spu"
	maxTail     = 400 // bytes of a failed process's last words
)

// peerNames are the directories below benchmarks/peers, in the order in which they run.
func peerNames() []string { return []string{sklearnPeer, spuPeer} }

// runDemo runs the demo once on t.
func runDemo(ctx context.Context, tacit string, t table, dir string) (s demo.Summary, err error) {
	const op = "credit.runDemo"
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	args := []string{"demo", "--format", "json", "--report", filepath.Join(dir, "report.html")}
	if t.sample {
		args = append(args, "--seed", fmt.Sprint(sampleSeed))
	} else {
		args = append(args, "--guest", t.guest, "--host", t.host, "--id", t.id, "--label", t.label)
	}
	out, tail, err := output(ctx, tacit, args...)
	if err != nil {
		return s, fault.Wrap(fault.Unavailable, op, err, "the demo on %s failed: %s", t.name, tail)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fault.Wrap(fault.Internal, op, err, "the demo on %s printed no summary", t.name)
	}
	if s.Kind != "demo" || !s.AuditVerified {
		return s, fault.New(fault.Internal, op, "the demo on %s did not verify its logs", t.name)
	}
	s.Report = "" // a path of this machine
	return s, nil
}

// runPeer runs a peer's script on t. That one is not installed or fails is a result, not an error.
func runPeer(ctx context.Context, o options, name string, t table) (Peer, error) {
	python := o.pythons[name]
	if python == "" {
		return Peer{NotMeasured: "not installed"}, nil
	}
	limit, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	args := []string{filepath.Join(o.peerDir, name, "run.py"), "--guest", t.guest, "--host", t.host, "--id", t.id, "--label", t.label}
	for _, c := range t.without {
		args = append(args, "--without", c)
	}
	out, tail, err := output(limit, python, args...)
	if ctx.Err() != nil {
		return Peer{}, fault.Wrap(fault.Canceled, "credit.runPeer", ctx.Err(), "interrupted")
	}
	if err != nil {
		return Peer{NotMeasured: fmt.Sprintf("the script failed (%v): %s", err, tail)}, nil
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var p Peer
	if err := json.Unmarshal(lines[len(lines)-1], &p); err != nil {
		return Peer{}, fault.Wrap(fault.Internal, "credit.runPeer", err, "%s printed no JSON in its last line", name)
	}
	return p, nil
}

// output runs a program and returns what it printed and the end of its complaints.
func output(ctx context.Context, name string, args ...string) (out []byte, tail string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// An interrupt lets the demo stop its nodes and a peer its processes.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	err = cmd.Run()
	tail = strings.TrimSpace(stderr.String())
	return stdout.Bytes(), tail[max(0, len(tail)-maxTail):], err
}
