package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) initCommand() *cobra.Command {
	var name string
	var o node.InitOptions
	c := &cobra.Command{
		Use:   "init --party NAME",
		Short: "Make a node: keys, API token and tacit.yaml",
		Args:  args(),
		RunE: func(*cobra.Command, []string) error {
			if name == "" {
				return usagef("init needs --party")
			}
			id, err := party.Parse(name)
			if err != nil {
				return err
			}
			if err := node.Init(a.dir, id, o); err != nil {
				return err
			}
			return a.show(struct {
				head
				Party string `json:"party"`
				Dir   string `json:"dir"`
			}{kind("init"), name, a.dir}, func() error {
				return a.say("%s is made in %s; its keys never leave it. Next: tacit serve\n", name, a.dir)
			})
		},
	}
	c.Flags().StringVar(&name, "party", "", "name of this organisation: a-z, 0-9 and '-', first a letter")
	c.Flags().StringVar(&o.Listen, "listen", "", "host:port for other nodes (default 127.0.0.1:7601)")
	c.Flags().StringVar(&o.API, "api", "", "host:port for users (default 127.0.0.1:7600)")
	return c
}

func (a *app) serveCommand() *cobra.Command {
	cfg := node.Config{}
	var verbose bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the node of --dir until SIGINT or SIGTERM",
		Long:  "Run the node of --dir until SIGINT or SIGTERM.\n\nPrints one JSON line on stdout when it is up; logs JSON on stderr.",
		Args:  args(),
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			cfg.Dir = a.dir
			cfg.Logger = slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
			return a.serve(c.Context(), cfg)
		},
	}
	c.Flags().StringVar(&cfg.Listen, "listen", "", "host:port for other nodes; default from tacit.yaml")
	c.Flags().StringVar(&cfg.API, "api", "", "host:port for users; default from tacit.yaml")
	c.Flags().IntVar(&cfg.Workers, "workers", min(runtime.NumCPU(), 8), "threads a step may use")
	c.Flags().BoolVar(&verbose, "verbose", false, "log more")
	return c
}

// ready is the line that says a node is up.
type ready struct {
	head
	Party string `json:"party"`
	Link  string `json:"link"`
	API   string `json:"api"`
}

// serve runs a node until ctx ends. The end of ctx is returned, so that the exit code says which signal it was.
func (a *app) serve(ctx context.Context, cfg node.Config) (err error) {
	const op = "tacit.Serve"
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := n.Close(); err == nil || ctx.Err() != nil && closeErr != nil {
			err = closeErr
		}
	}()
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", n.APIAddress())
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "the API cannot listen on %s", n.APIAddress())
	}
	remove, err := rpc.Announce(cfg.Dir, lis.Addr())
	if err != nil {
		_ = lis.Close()
		return err
	}
	defer remove()
	info := n.Info()
	line := ready{kind("ready"), string(info.Party), info.LinkAddress, lis.Addr().String()}
	if err := json.NewEncoder(a.out).Encode(line); err != nil {
		_ = lis.Close()
		return wrote(err)
	}
	cfg.Logger.Info("ready", "party", line.Party, "link", line.Link, "api", line.API)
	if err := rpc.Serve(ctx, n, lis, cfg.Logger); err != nil {
		return err
	}
	cfg.Logger.Info("stopping", "party", line.Party)
	return context.Cause(ctx)
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the node, its peers and its jobs that have not ended", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error { return a.status(c.Context(), client) })
		},
	}
}

func (a *app) status(ctx context.Context, c *rpc.Client) error {
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	peers, err := c.Peers(ctx)
	if err != nil {
		return err
	}
	jobs, err := c.Jobs(ctx)
	if err != nil {
		return err
	}
	var live []node.JobView
	for _, j := range jobs {
		if !j.Terminal() {
			live = append(live, j)
		}
	}
	return a.show(struct {
		head
		nodeJSON
		Peers []peerJSON `json:"peers"`
		Jobs  []jobJSON  `json:"jobs"`
	}{kind("status"), nodeOf(info), listOf("", peers, peerOf).Items, listOf("", live, jobOf).Items}, func() error {
		rows := [][]string{
			{"party", string(info.Party)},
			{"version", info.Version},
			{"link", info.LinkAddress},
			{"api", info.APIAddress},
			{"root", info.RootFingerprint},
			{"words", wordsOf(info)},
			{"log", fmt.Sprintf("%d leaves", info.Leaves)},
			{"memory", size(info.PeakRSS) + " at most"},
			{"cpu", info.CPU.Round(time.Millisecond).String()},
		}
		for _, p := range peers {
			rows = append(rows, []string{"peer", fmt.Sprintf("%s  %s  link %s", p.Party, p.State, p.Link)})
		}
		for _, j := range live {
			rows = append(rows, []string{"job", fmt.Sprintf("%s  %s  %s", short(j.ID), j.Name, j.Phase)})
		}
		return table(a.out, rows)
	})
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			return a.show(struct {
				head
				Software string `json:"software"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{kind("version"), node.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}, func() error {
				return a.say("tacit %s  %s  %s/%s\n", node.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			})
		},
	}
}
