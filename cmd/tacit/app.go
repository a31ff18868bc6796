package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tacit-data/tacit/node/rpc"
)

// app is what every command works with; tests replace its parts.
type app struct {
	in       io.Reader
	out, err io.Writer
	asks     bool // a person can answer on in
	draws    bool // err is a terminal that can be drawn on
	now      func() time.Time
	dial     func(dir string) (*rpc.Client, error)

	dir    string
	format string
}

func newApp(in, out, errOut *os.File) *app {
	return &app{
		in: in, out: out, err: errOut, asks: isTerminal(in), draws: isTerminal(errOut) && os.Getenv("TERM") != "dumb",
		now: time.Now, dial: rpc.Dial,
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	return err == nil
}

// defaultDir is $TACIT_DIR, else ~/.tacit.
func defaultDir() string {
	if dir := os.Getenv("TACIT_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".tacit"
	}
	return filepath.Join(home, ".tacit")
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	ctx, stop := withSignals(ctx)
	defer stop()
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if sig, ok := context.Cause(ctx).(caught); ok && err != nil {
		err = sig
	}
	return a.report(err)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tacit",
		Short: "Compute together on data that nobody hands over",
		Long: "tacit runs a node beside your data and talks to it. Results go to stdout, everything else to stderr;\n" +
			"the exit code is the cause of a failure.",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.format != "text" && a.format != "json" {
				return usagef("--format is text or json")
			}
			return nil
		},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%v", err) })
	root.PersistentFlags().StringVar(&a.dir, "dir", defaultDir(), "the node's directory; $TACIT_DIR")
	root.PersistentFlags().StringVar(&a.format, "format", "text", "text or json")
	root.AddCommand(
		a.demoCommand(), a.initCommand(), a.serveCommand(), a.statusCommand(), a.versionCommand(),
		a.inviteCommand(), a.joinCommand(), a.peerCommand(),
		a.dataCommand(), a.agreementCommand(), a.grantCommand(),
		a.jobCommand(), a.submitCommand(), a.predictCommand(), a.watchCommand(), a.getCommand(),
		a.invoiceCommand(), a.elementCommand(), a.auditCommand(), a.psiCommand(), a.benchCommand(),
	)
	return root
}

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args(), RunE: func(c *cobra.Command, _ []string) error {
		return usagef("%s needs a command: tacit %s --help", c.Name(), c.Name())
	}}
	c.AddCommand(children...)
	return c
}

// args admits exactly the named arguments.
func args(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, got []string) error {
		if len(got) != len(names) {
			return usagef("%s takes %d arguments, got %d: %s", c.CommandPath(), len(names), len(got), c.UseLine())
		}
		return nil
	}
}

// with dials the node of --dir and calls f.
func (a *app) with(f func(c *rpc.Client) error) error {
	c, err := a.dial(a.dir)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// confirm asks a question whose default is no.
func (a *app) confirm(question string) (bool, error) {
	if err := a.note("%s [y/N] ", question); err != nil {
		return false, err
	}
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}
