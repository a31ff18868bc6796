// Command optable measures github.com/optable/match between two processes on loopback, as its examples run it: the sender dials,
// the receiver learns the intersection.
//
//	optable -proto kkrt -receiver a.csv -sender b.csv [-nodelay] [-threads 1] [-repeat 3]
//
// The files have a header and one key per line. As shipped, the examples switch Nagle's algorithm on, and KKRT's base oblivious
// transfers, hundreds of small messages to and fro, wait 40 ms each; -nodelay leaves it off, as Go does by default. It prints
// one JSON object in its last line.
//
// A module of its own, for a toolchain of its own: a dependency's pointer casts crash the compiler of Go 1.26.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
)

// options are the command line.
type options struct {
	Proto    string
	Receiver string
	Sender   string
	NoDelay  bool
	Threads  int
	Repeat   int
}

// measurement is what is printed, in the form of every peer of the study.
type measurement struct {
	Peer         string    `json:"peer"`
	Version      string    `json:"version"`
	Go           string    `json:"toolchain"`
	Protocol     string    `json:"protocol"`
	N            int       `json:"n"`
	M            int       `json:"m"`
	Threads      int       `json:"threads"`
	Wall         []float64 `json:"wall_seconds"`
	CPU          []float64 `json:"cpu_seconds"` // both processes
	Bytes        int64     `json:"bytes_sent"`  // both directions, on TCP
	PeakRSS      int64     `json:"peak_rss_bytes"`
	Intersection int       `json:"intersection"`
	Correct      bool      `json:"correct"`
}

func main() {
	var o options
	var role string
	flag.StringVar(&o.Proto, "proto", "kkrt", "dhpsi or kkrt")
	flag.StringVar(&o.Receiver, "receiver", "", "the receiver's file")
	flag.StringVar(&o.Sender, "sender", "", "the sender's file")
	flag.BoolVar(&o.NoDelay, "nodelay", false, "no Nagle's algorithm")
	flag.IntVar(&o.Threads, "threads", 1, "GOMAXPROCS of each process")
	flag.IntVar(&o.Repeat, "repeat", 3, "runs")
	flag.StringVar(&role, "role", "", "receiver or sender: one process of a run")
	flag.Parse()
	var err error
	if role != "" {
		err = play(o, role)
	} else {
		err = measure(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(o options) error {
	theirs, err := keys(o.Sender)
	if err != nil {
		return err
	}
	mine, err := keys(o.Receiver)
	if err != nil {
		return err
	}
	m := measurement{
		Peer: "optable", Version: version(), Go: toolchain(), Protocol: o.Proto, N: len(mine), M: len(theirs), Threads: o.Threads, Correct: true,
	}
	if o.NoDelay {
		m.Protocol += " nodelay"
	}
	for range o.Repeat {
		r, err := once(o)
		if err != nil {
			return err
		}
		m.Wall, m.CPU = append(m.Wall, r.wall), append(m.CPU, r.cpu)
		m.Bytes, m.PeakRSS = max(m.Bytes, r.bytes), max(m.PeakRSS, r.rss)
		m.Intersection = len(r.matches)
		m.Correct = m.Correct && right(r.matches, mine, theirs)
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// right compares the matches with the plain join.
func right(matches []string, mine, theirs map[string]bool) bool {
	want := 0
	for k := range mine {
		if theirs[k] {
			want++
		}
	}
	seen := map[string]bool{}
	for _, k := range matches {
		if seen[k] || !mine[k] || !theirs[k] {
			return false
		}
		seen[k] = true
	}
	return len(matches) == want
}

// keys reads a file whole, for the comparison.
func keys(path string) (map[string]bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // reading: nothing to lose
	out := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		out[lines.Text()] = true
	}
	delete(out, header)
	return out, lines.Err()
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == "github.com/optable/match" {
			return d.Version
		}
	}
	return "unknown"
}

func toolchain() string {
	info, _ := debug.ReadBuildInfo()
	return info.GoVersion
}
