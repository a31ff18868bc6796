// Command credit measures the main job beside its plain floor and the nearest peer: every table is run by `tacit demo`,
// by scikit-learn on the pooled features and, where installed, by SPU, one after the other on the same machine.
//
// benchmarks/credit/run.sh builds what it needs. Whoever runs it holds both parties' files.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

const demoLimit = 30 * time.Minute

// options are the command line.
type options struct {
	repeat     int
	data, out  string
	tacit      string            // the binary
	peerDir    string            // benchmarks/peers
	pythons    map[string]string // of each peer; empty: not installed
	spuMaxRows int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(fault.CodeOf(err).ExitCode())
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tacit-credit-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, "credit.run", err, "no temporary directory")
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tables, err := prepare(o.data, dir, progress)
	if err != nil {
		return err
	}
	study := Study{Kind: "benchmark", Study: "credit", Machine: machineCard(ctx)}
	for _, t := range tables {
		r, err := measure(ctx, o, t, dir, progress)
		if err != nil {
			return err
		}
		study.Runs = append(study.Runs, r)
	}
	if err := store(o.out, study); err != nil {
		return err
	}
	printTable(out, study)
	_, err = fmt.Fprintf(out, "written to %s\n", o.out)
	return fault.Wrap(fault.Unavailable, "credit.run", err, "the table cannot be printed")
}

func parse(args []string) (options, error) {
	const op = "credit.parse"
	o := options{pythons: map[string]string{}}
	f := flag.NewFlagSet("credit", flag.ContinueOnError)
	f.IntVar(&o.repeat, "repeat", 3, "runs of the demo per table")
	f.StringVar(&o.data, "data", "", "directory of the public tables; those that are absent are skipped")
	f.StringVar(&o.out, "o", "", "where the JSON goes")
	f.StringVar(&o.tacit, "tacit", "", "the tacit binary")
	f.StringVar(&o.peerDir, "peers", "benchmarks/peers", "directory of the peers' scripts")
	f.IntVar(&o.spuMaxRows, "spu-max-rows", 50_000, "larger tables are not given to SPU")
	for _, name := range peerNames() {
		f.Func(name, "python that can import "+name+"; without it the peer is not measured", func(v string) error {
			o.pythons[name] = v
			return nil
		})
	}
	if err := f.Parse(args); err != nil {
		return o, fault.Wrap(fault.Invalid, op, err, "the command line")
	}
	if o.repeat < 1 || o.tacit == "" || o.out == "" || f.NArg() > 0 {
		return o, fault.New(fault.Invalid, op, "give -tacit and -o, -repeat of at least 1, and nothing else")
	}
	return o, nil
}

// measure runs one table: the demo as often as asked for, then every peer.
func measure(ctx context.Context, o options, t table, dir string, progress io.Writer) (Run, error) {
	r := Run{Name: t.name, Cols: t.cols, Repeat: o.repeat, Peer: map[string]Peer{}}
	for i := range o.repeat {
		_, _ = fmt.Fprintf(progress, "== %s: demo %d of %d\n", t.name, i+1, o.repeat)
		s, err := runDemo(ctx, o.tacit, t, dir)
		if err != nil {
			return r, err
		}
		r.Demos = append(r.Demos, s)
	}
	r.summarise()
	for _, name := range peerNames() {
		_, _ = fmt.Fprintf(progress, "== %s: %s\n", t.name, name)
		if name == spuPeer && r.Rows > o.spuMaxRows {
			r.Peer[name] = Peer{NotMeasured: "more rows than -spu-max-rows"}
			continue
		}
		p, err := runPeer(ctx, o, name, t)
		if err != nil {
			return r, err
		}
		if p.NotMeasured != "" {
			_, _ = fmt.Fprintf(progress, "   not measured: %s\n", p.NotMeasured)
		}
		r.Peer[name] = p
	}
	r.Ratios = r.ratios()
	return r, nil
}

func store(path string, s Study) error {
	const op = "credit.store"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "the study does not encode")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "no directory for the result")
	}
	return fault.Wrap(fault.Unavailable, op, os.WriteFile(path, append(b, '\n'), 0o644), "the result cannot be written")
}
