package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/node/lookup"
)

// publishFlags is the command line of tacit psi publish.
type publishFlags struct {
	dir, input, queries, suite string
	keys                       []string
	workers                    int
	quiet                      bool
}

func (a *app) psiPublish() *cobra.Command {
	var f publishFlags
	c := &cobra.Command{
		Use:   "publish --input FILE --key COLUMN[:RULE] --dir DIR",
		Short: "Prepare a large set once, so that others can look their keys up in it",
		Long: "publish evaluates every key of a file under a fresh secret key and puts the result into a directory that\n" +
			"tacit psi serve answers from. Publishing again, when the set has changed, makes a new epoch under a new key; clients\n" +
			"fetch it by themselves. An interrupted publish leaves the earlier epoch in force.",
		Example: "  tacit psi publish --input register.csv --key phone:phone-cn --dir register",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return lookupAdvised(a.publish(c.Context(), f)) },
	}
	s := c.Flags()
	s.StringVar(&f.dir, "dir", "", "the directory to publish in; it holds a secret key")
	s.StringVar(&f.input, "input", "", "the set: .csv, .tsv (also .gz), .arrow, .ipc or .parquet")
	s.StringArrayVar(&f.keys, "key", nil, "a key column and its rule, such as phone:phone-cn; repeat for a key of several columns")
	s.StringVar(&f.queries, "queries", "2^30", "how many keys all clients together may ask for before a new epoch is needed, at most 2^32")
	s.StringVar(&f.suite, "suite", "ristretto255", "ristretto255 or p256")
	s.IntVar(&f.workers, "workers", 0, "processors to use (default all)")
	s.BoolVar(&f.quiet, "quiet", false, "no progress")
	return c
}

func (a *app) publish(ctx context.Context, f publishFlags) error {
	if f.dir == "" || f.input == "" || len(f.keys) == 0 {
		return usagef("psi publish needs --input, --dir and at least one --key")
	}
	p := &psiPainter{a: a, quiet: f.quiet}
	c := lookup.PublishConfig{Dir: f.dir, Input: f.input, Workers: f.workers, Rand: rand.Reader, Now: a.now, Observe: p.paint}
	var err error
	if c.Columns, c.Rules, err = parseKeys(f.keys); err != nil {
		return err
	}
	if c.Queries, err = parseCount(f.queries); err != nil || c.Queries < 1 || c.Queries > lookup.MaxQueries {
		return usagef("--queries is a count up to 2^32, such as 2^30 or 10M")
	}
	if c.Suite, err = lookup.ParseSuite(f.suite); err != nil {
		return usagef("--suite is ristretto255 or p256")
	}
	started := a.now()
	r, err := lookup.Publish(ctx, c)
	p.end()
	if err != nil {
		return err
	}
	return a.published(f, r, a.now().Sub(started))
}

type publishJSON struct {
	head
	intersect.Counts
	Dir     string  `json:"dir"`
	Epoch   string  `json:"epoch"`
	File    string  `json:"file_digest"`
	Bytes   int64   `json:"file_bytes"`
	Queries int64   `json:"queries"`
	Suite   string  `json:"suite"`
	Seconds float64 `json:"seconds"`
}

func (a *app) published(f publishFlags, r lookup.Record, took time.Duration) error {
	out := publishJSON{
		kind("psi-epoch"), r.Counts, f.dir, hex.EncodeToString(r.Pin.Epoch[:]), hex.EncodeToString(r.Pin.File[:]), r.FileBytes(), r.Queries(),
		string(r.Suite()), took.Seconds(),
	}
	return a.show(out, func() error {
		return table(a.out, [][]string{
			{"rows", strconv.FormatInt(r.Rows, 10) + dropped(r.Counts)},
			{"keys", strconv.FormatInt(r.Keys, 10)},
			{"epoch", fmt.Sprintf("%s, good for %d queries", out.Epoch[:16], r.Queries())},
			{"tags", size(r.FileBytes()) + " that a client fetches once"},
			{"suite", string(r.Suite())},
			{"took", took.Round(time.Millisecond).String()},
			{"next", "tacit psi serve --dir " + f.dir + " --listen HOST:PORT"},
		})
	})
}
