package main

import (
	"context"
	"crypto/rand"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/intersect"
)

// psiFlags is the command line of tacit psi.
type psiFlags struct {
	listen, connect, address   string
	inviteFile, name           string
	input, output, state       string
	keys                       []string
	join, outputTo, duplicates string
	method, suite, net         string
	malicious                  bool
	memory, maxRows            string
	wait                       time.Duration
	workers                    int
	quiet                      bool
}

func (a *app) psiCommand() *cobra.Command {
	var f psiFlags
	c := &cobra.Command{
		Use:   "psi (--listen ADDR | --connect INVITE) --input FILE --key COLUMN[:RULE] --output FILE",
		Short: "Intersect two files by a key, with one other party and nothing else to set up",
		Long: "psi finds the rows of two parties that have the same key, without showing either party any other key of the\n" +
			"other. One party listens and hands the printed invite, a secret, to the other, which connects. Each gets its own\n" +
			"matching rows, in an order that both outputs share: line k of one belongs to line k of the other.\n\n" +
			"Both parties give the same key rules, --join, --output-to and --duplicates; a difference is found before anything\n" +
			"about the data is sent. Rules: " + strings.Join(intersect.RuleNames(), ", ") + "; text where none is given.\n\n" +
			"An interrupted run, by a broken link or a killed process, goes on when the same command is given again.",
		Example: "  # one party; it prints an invite to hand over\n" +
			"  tacit psi --listen 10.0.0.1:7700 --input customers.csv --key phone:phone-cn --output matched.csv\n\n" +
			"  # the other party\n" +
			"  tacit psi --connect @invite.txt --input users.parquet --key mobile:phone-cn --output matched.parquet\n\n" +
			"  # what would it cost?\n" +
			"  tacit psi explain --n 2^20 --m 10M --net wan-20ms",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return psiAdvised(a.psi(c.Context(), f)) },
	}
	s := c.Flags()
	s.StringVar(&f.listen, "listen", "", "wait for the other party on this host:port; port 0 takes a free one")
	s.StringVar(&f.address, "address", "", "the host:port that the other party dials, where it is not that of --listen")
	s.StringVar(&f.connect, "connect", "", "the invite of the other party; @FILE reads it from a file, - from standard input")
	s.StringVar(&f.inviteFile, "invite-file", "", "write the invite to this file (mode 0600) instead of the terminal")
	s.StringVar(&f.name, "name", "", "how this party calls itself towards the other (default listener or connector)")
	s.StringVar(&f.input, "input", "", "this party's rows: .csv, .tsv (also .gz), .arrow, .ipc or .parquet")
	s.StringArrayVar(&f.keys, "key", nil, "a key column and its rule, such as phone:phone-cn; repeat for a key of several columns")
	s.StringVar(&f.output, "output", "", "where this party's matching rows go; the ending tells the format")
	s.StringVar(&f.join, "join", "inner", "inner, left, right, full or difference; the listener's table is the left one")
	s.StringVar(&f.outputTo, "output-to", "", "both, listener or connector: who gets an output (default both; listener for difference)")
	s.StringVar(&f.duplicates, "duplicates", "unique", "unique refuses repeated keys, expand joins every pair of rows")
	s.BoolVar(&f.malicious, "malicious", false, "ask for security against a party that departs from the protocol")
	s.StringVar(&f.method, "method", "auto", "auto, ecdh or rr22")
	s.StringVar(&f.suite, "suite", "", "insist on a group of ecdh: x25519-ell2, ristretto255, p256, sm2")
	s.StringVar(&f.net, "net", "lan", "what the planner assumes of the network: "+netNames())
	s.StringVar(&f.memory, "memory", "1G", "keys and rows above this go to disk, encrypted; such as 512M or 4G")
	s.StringVar(&f.maxRows, "max-rows", "", "refuse an output of more rows (default ten times the larger number of keys, at least 2^24)")
	s.StringVar(&f.state, "state", "", "directory that makes the run resumable (default OUTPUT.psi, else INPUT.psi)")
	s.DurationVar(&f.wait, "wait", intersect.DefaultWait, "how long to wait for a party that is gone")
	s.IntVar(&f.workers, "workers", 0, "processors to use (default all)")
	s.BoolVar(&f.quiet, "quiet", false, "no progress")
	c.AddCommand(a.psiExplain(), a.psiPublish(), a.psiServe(), a.psiQuery())
	return c
}

// psi runs one party's side.
func (a *app) psi(ctx context.Context, f psiFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	switch { // what the command line alone decides, before anything is made
	case f.wait <= 0:
		return usagef("--wait is longer than nothing, such as 10m")
	case f.maxRows != "" && cfg.MaxRows <= 0:
		return usagef("--max-rows is a number of rows such as 20M")
	}
	if err := cfg.Check(); err != nil {
		return err
	}
	hold, err := intersect.Take(cfg.State) // from here on the directory is this process's, door and all
	if err != nil {
		return err
	}
	cfg.Hold = hold
	defer hold.Release()
	d, err := a.openDoor(ctx, f, cfg)
	if err != nil {
		return err
	}
	defer d.close()
	cfg.Job, cfg.Connect = d.job, d.connect
	p := a.psiPainter(f, cfg)
	cfg.Observe = p.paint
	res, err := intersect.Run(ctx, cfg)
	p.end()
	if err != nil {
		d.afterFailure(err)
		return err
	}
	if res.Parted {
		d.forget()
	} else {
		_ = a.note("the other party has not confirmed the end: if it asks, give this command again; else remove %s\n", cfg.State)
	}
	return a.psiShow(f, cfg, res)
}

// config is the command line as intersect takes it.
func (f psiFlags) config() (intersect.Config, error) {
	c := intersect.Config{
		Terms: intersect.Terms{
			Join: intersect.Join(f.join), OutputTo: intersect.Recipients(f.outputTo), Duplicates: intersect.Duplicates(f.duplicates), Malicious: f.malicious,
		},
		Side: intersect.Listener, Self: party.ID(f.name), Input: f.input, Output: f.output, State: f.state, Wait: f.wait, Workers: f.workers,
		Method: intersect.Method(f.method), Suite: intersect.Suite(f.suite), Rand: rand.Reader,
	}
	switch {
	case (f.listen == "") == (f.connect == ""):
		return c, usagef("psi takes one of --listen and --connect")
	case f.input == "" || len(f.keys) == 0:
		return c, usagef("psi needs --input and at least one --key")
	case f.connect != "" && (f.address != "" || f.inviteFile != ""):
		return c, usagef("--address and --invite-file go with --listen")
	}
	if f.connect != "" {
		c.Side = intersect.Connector
	}
	if c.Self == "" {
		c.Self = party.ID(c.Side)
	}
	if !party.Valid(string(c.Self)) {
		return c, usagef("--name is lower-case letters, digits and dashes")
	}
	if c.State == "" {
		c.State = f.output + ".psi"
		if f.output == "" {
			c.State = f.input + ".psi"
		}
	}
	var err error
	if c.Columns, c.Rules, err = parseKeys(f.keys); err != nil {
		return c, err
	}
	if c.Memory, err = parseCount(f.memory); err != nil {
		return c, usagef("--memory is a number of bytes such as 512M or 4G")
	}
	if f.maxRows != "" {
		if c.MaxRows, err = parseCount(f.maxRows); err != nil {
			return c, usagef("--max-rows is a number of rows such as 20M")
		}
	}
	if c.Net, err = intersect.ParseNet(f.net); err != nil {
		return c, usagef("--net is one of %s", netNames())
	}
	return c, nil
}

// parseKeys reads "column[:rule]" flags.
func parseKeys(flags []string) (columns []string, rules []intersect.Rule, err error) {
	for _, s := range flags {
		column, rule := s, intersect.DefaultRule
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			column = s[:i]
			if rule, err = intersect.ParseRule(s[i+1:]); err != nil {
				return nil, nil, usagef("--key is column[:rule]; rules are %s", strings.Join(intersect.RuleNames(), ", "))
			}
		}
		if column == "" {
			return nil, nil, usagef("--key names no column")
		}
		columns, rules = append(columns, column), append(rules, rule)
	}
	return columns, rules, nil
}

func netNames() string {
	var out []string
	for _, n := range intersect.Nets() {
		out = append(out, n.Name)
	}
	return strings.Join(out, ", ")
}

// parseCount reads a count or size: digits, with k, M, G behind for powers of 1000 (bytes: 1024 is close enough), or 2^k.
func parseCount(s string) (int64, error) {
	if exponent, ok := strings.CutPrefix(s, "2^"); ok {
		k, err := strconv.ParseUint(exponent, 10, 8)
		if err != nil || k > 40 {
			return 0, usagef("%q is no count: such as 100000, 10M or 2^20", s)
		}
		return 1 << k, nil
	}
	unit := 1.0
	for suffix, u := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9} {
		if digits, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = digits, u
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v*unit > 1<<40 {
		return 0, usagef("not a count: such as 100000, 10M or 2^20")
	}
	return int64(v * unit), nil
}

// psiFailure is a failure of a command that has no node: its advice is its own.
type psiFailure struct{ error }

func (f psiFailure) Unwrap() error { return f.error }

// psiAdvised marks faults of this command.
func psiAdvised(err error) error {
	if err == nil || !isFault(err) {
		return err
	}
	return psiFailure{err}
}

// advice is what a person does next.
func (f psiFailure) advice() string {
	if l, ok := f.error.(lookupFailure); ok && l.advice() != "" {
		return l.advice()
	}
	switch fault.CodeOf(f.error) {
	case fault.Unauthenticated:
		return "ask the other party for a new invite; an invite is good for one other party and one run"
	case fault.PlanMismatch:
		return "agree with the other party on the options the cause names, then start both again"
	case fault.PeerAborted:
		return "ask the other party what its command said, then give both commands again"
	case fault.Unavailable, fault.Timeout:
		return "follow the cause, then give the same command again"
	case fault.LimitExceeded:
		return "follow the cause; --max-rows and --memory are the limits of this command"
	case fault.SchemaMismatch:
		return "check the column names of the file, or put back the file that the run began with"
	case fault.Canceled:
		return "give the same command again to go on"
	case fault.Exists:
		return "wait for the other process or name another --state"
	case fault.Corrupt:
		return "remove the state directory, at both parties, and start anew; if the input is what is damaged, restore it"
	case fault.Misbehaved:
		return "do not retry; talk to the other party, with what both commands said at hand"
	}
	return advices[fault.CodeOf(f.error)].do
}
