package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	psibench "github.com/tacit-data/tacit/benchmarks/psi"

	"github.com/tacit-data/tacit/api/fault"
)

func (a *app) benchCommand() *cobra.Command {
	return group("bench", "Measure protocols and kernels on this machine", a.benchListCommand(), a.benchRunCommand(),
		a.benchKeysCommand(), a.benchCollectCommand(), a.benchPartyCommand())
}

func (a *app) benchListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "What bench run can measure", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			all := psibench.Subjects()
			return a.show(listOf("benchmarks", all, func(s psibench.Subject) psibench.Subject { return s }), func() error {
				var rows [][]string
				for _, s := range all {
					rows = append(rows, []string{s.Name, s.About})
				}
				return a.table([]string{"NAME", "WHAT"}, rows)
			})
		},
	}
}

// benchFlags are the lists of which every combination is measured, and what holds for all.
type benchFlags struct {
	sizes, nets, threads []string
	senderSize, tls      string
	memory               string
	spec                 psibench.Spec
	repeat               int
	out                  string
}

func (a *app) benchRunCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Measure one protocol or kernel",
		Long: "run measures a protocol between two processes of this program on loopback, each reading a file of 66-byte keys of which\n" +
			"half match, or with --core both parties in one process over memory, a core each. Lists are combined: --n 2^16,2^20\n" +
			"--net none,lan. What a protocol does once per set, such as psi/oprf's tags, is measured apart and used by all runs.\n" +
			"Every run is checked against the intersection that the generated files have. --format json prints one object per line.",
		Args: args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.bench(cmd, args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.sizes, "n", []string{"2^16"}, "keys of the receiver, such as 2^20, 10^5, 100k or 50000")
	fl.StringVar(&f.senderSize, "m", "", "keys of the sender (default: as many); of psi/oprf the larger set is the server's")
	fl.StringSliceVar(&f.nets, "net", []string{"none"}, "network: none, lan, wan-20ms, wan-100ms, metro, sf, slow")
	fl.StringVar(&f.tls, "tls", "on", "on or off")
	fl.BoolVar(&f.spec.Core, "core", false, "both parties in one process over memory, keys hashed before")
	fl.StringVar(&f.spec.Suite, "suite", "", "the protocol's group (default: its own)")
	fl.StringVar(&f.spec.Output, "output", "", "who learns the matches: receiver or both (default: the protocol's)")
	fl.StringSliceVar(&f.threads, "threads", nil, "threads of each party (default: 1; of psi/oprf, whose client has most of the work, every core)")
	fl.StringVar(&f.memory, "memory", "", "soft memory limit of each measured process, such as 256M (default: at least 192 MiB, grows with the sizes)")
	fl.IntVar(&f.repeat, "repeat", 3, "runs of each combination")
	fl.Uint64Var(&f.spec.Seed, "seed", 1, "seed of the generated keys")
	fl.StringVarP(&f.out, "out", "o", "", "also write the results to a file")
	return cmd
}

// benchKeysCommand makes the files of bench run for other systems.
func (a *app) benchKeysCommand() *cobra.Command {
	var n, m string
	var seed uint64
	cmd := &cobra.Command{
		Use: "keys DIR", Short: "Write the files that bench run would read, for other systems", Args: args("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			s := psibench.Spec{Seed: seed}
			var err error
			if s.N, err = psibench.ParseSize(n); err != nil {
				return err
			}
			if s.M = s.N; m != "" {
				if s.M, err = psibench.ParseSize(m); err != nil {
					return err
				}
			}
			return s.WriteKeys(args[0])
		},
	}
	cmd.Flags().StringVar(&n, "n", "2^16", "keys of receiver.csv")
	cmd.Flags().StringVar(&m, "m", "", "keys of sender.csv (default: as many)")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of the keys")
	return cmd
}

// benchCollectCommand is the last step of a study.
func (a *app) benchCollectCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "collect", Short: "Print results, one JSON object per line of stdin, as one table", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			study, err := psibench.Collect(a.in)
			if err != nil {
				return err
			}
			if err := a.benchStore(out, study); err != nil {
				return err
			}
			rows := study.Table()
			if err := a.table(rows[0], rows[1:]); err != nil || len(study.Kernels()) == 0 {
				return err
			}
			rows = psibench.KernelTable(study.Kernels())
			return a.table(rows[0], rows[1:])
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "also write them to a file")
	return cmd
}

// benchPartyCommand is the process of one party of bench run.
func (a *app) benchPartyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "party", Hidden: true, Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error { return psibench.Party(cmd.Context(), a.in, a.out) },
	}
}

func (a *app) bench(cmd *cobra.Command, name string, f benchFlags) error {
	if f.repeat < 1 {
		return usagef("--repeat is at least 1")
	}
	if psibench.IsKernel(name) {
		r, err := psibench.MeasureKernel(cmd.Context(), name, f.repeat)
		if err != nil {
			return err
		}
		return a.benchResults(f.out, []any{r}, psibench.KernelTable([]psibench.KernelResult{r}))
	}
	specs, err := f.specs(name)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fault.Wrap(fault.Unavailable, "tacit.Bench", err, "this program cannot start itself")
	}
	self := psibench.Self{program, "bench", "party"}
	p := &benchPainter{a: a}
	b := psibench.NewBench(self, p.paint)
	defer b.Close()
	var results []psibench.Result
	var all []any
	for _, s := range specs {
		p.spec = s
		r, err := b.Measure(cmd.Context(), s, f.repeat)
		if err != nil {
			return err
		}
		results, all = append(results, r), append(all, r)
	}
	return a.benchResults(f.out, all, psibench.Table(results))
}

// specs is every combination of the lists.
func (f benchFlags) specs(name string) ([]psibench.Spec, error) {
	s := f.spec
	s.Protocol = name
	switch f.tls {
	case "on":
		s.TLS = psibench.TLS
	case "off":
		s.TLS = psibench.NoTLS
	default:
		return nil, usagef("--tls is on or off")
	}
	if f.senderSize != "" {
		m, err := psibench.ParseSize(f.senderSize)
		if err != nil {
			return nil, err
		}
		s.M = m
	}
	if f.memory != "" {
		limit, err := parseCount(f.memory)
		if err != nil || limit < 1 {
			return nil, usagef("--memory is a number of bytes such as 256M")
		}
		s.Memory = limit
	}
	if len(f.threads) == 0 {
		f.threads = []string{"1"}
		if s.Protocol == "psi/oprf" {
			f.threads = []string{strconv.Itoa(runtime.NumCPU())}
		}
	}
	var out []psibench.Spec
	for _, size := range f.sizes {
		n, err := psibench.ParseSize(size)
		if err != nil {
			return nil, err
		}
		for _, net := range f.nets {
			for _, threads := range f.threads {
				t, err := strconv.Atoi(threads)
				if err != nil {
					return nil, usagef("--threads is a list of numbers")
				}
				s.N, s.Net, s.Threads = n, net, t
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// benchResults prints results, one JSON object per line or a table, and writes them to a file.
func (a *app) benchResults(path string, all []any, rows [][]string) error {
	if err := a.benchStore(path, psibench.Study{Kind: "benchmark", Study: "psi", Runs: all}); err != nil {
		return err
	}
	if a.format == "json" {
		for _, r := range all {
			if err := a.json(r); err != nil {
				return err
			}
		}
		return nil
	}
	return a.table(rows[0], rows[1:])
}

// benchStore writes a study to a file, if there is one.
func (a *app) benchStore(path string, s psibench.Study) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, "tacit.Bench", err, "the results do not encode")
	}
	return a.save(path, append(b, '\n'))
}
