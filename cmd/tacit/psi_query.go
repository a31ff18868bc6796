package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/node/lookup"
)

// queryFlags is the command line of tacit psi query.
type queryFlags struct {
	connect, input, output, cache string
	keys                          []string
	wait                          time.Duration
	workers                       int
	quiet                         bool
}

func (a *app) psiQuery() *cobra.Command {
	var f queryFlags
	c := &cobra.Command{
		Use:   "query --connect INVITE --input FILE --key COLUMN[:RULE] --output FILE",
		Short: "Ask which of a file's keys a published set has; only this party learns it",
		Long: "query fetches the published tag file once, keeps it, and writes the rows whose key the holder has too, in the order\n" +
			"of the file. The holder learns how many distinct keys were asked for, and nothing else. The rules of --key are those\n" +
			"the set was published under; a difference is found before anything is sent.",
		Example: "  tacit psi query --connect @invite.txt --input leads.csv --key mobile:phone-cn --output known.csv",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return lookupAdvised(a.query(c.Context(), f)) },
	}
	s := c.Flags()
	s.StringVar(&f.connect, "connect", "", "the invite of tacit psi serve; @FILE reads it from a file, - from standard input")
	s.StringVar(&f.input, "input", "", "this party's rows: .csv, .tsv (also .gz), .arrow, .ipc or .parquet")
	s.StringArrayVar(&f.keys, "key", nil, "a key column and its rule, such as phone:phone-cn; repeat for a key of several columns")
	s.StringVar(&f.output, "output", "", "where the matching rows go; the ending tells the format")
	s.StringVar(&f.cache, "cache", "", "keeps the tag file and this party's identity towards the holder (default "+filepath.Join("~", ".tacit", "lookup")+")")
	s.DurationVar(&f.wait, "wait", lookup.DefaultWait, "how long to try to reach a holder that does not answer")
	s.IntVar(&f.workers, "workers", 0, "processors to use (default all)")
	s.BoolVar(&f.quiet, "quiet", false, "no progress")
	return c
}

func (a *app) query(ctx context.Context, f queryFlags) error {
	if f.connect == "" || f.input == "" || f.output == "" || len(f.keys) == 0 {
		return usagef("psi query needs --connect, --input, --output and at least one --key")
	}
	p := &psiPainter{a: a, quiet: f.quiet, peer: "the holder"}
	c := lookup.QueryConfig{Input: f.input, Output: f.output, Cache: f.cache, Wait: f.wait, Workers: f.workers, Rand: rand.Reader, Now: a.now, Observe: p.paint}
	if c.Cache == "" {
		c.Cache = filepath.Join(a.dir, "lookup")
	}
	var err error
	if c.Columns, c.Rules, err = parseKeys(f.keys); err != nil {
		return err
	}
	d := door{a: a, f: psiFlags{connect: f.connect}}
	if err := d.read(); err != nil {
		return err
	}
	c.Invite = d.invite
	r, err := lookup.Query(ctx, c)
	p.end()
	if err != nil {
		return err
	}
	return a.queried(f, r)
}

type lookupPartJSON struct {
	Seconds float64 `json:"seconds"`
	Sent    int64   `json:"sent_bytes"`
	Recv    int64   `json:"received_bytes"`
}

func shareOf(s lookup.Share) lookupPartJSON {
	return lookupPartJSON{s.Took.Seconds(), s.SentBytes, s.ReceivedBytes}
}

type queryJSON struct {
	head
	intersect.Counts
	Matched    int64          `json:"matched"`
	Output     string         `json:"output"`
	OutRows    int64          `json:"output_rows"`
	HolderKeys int64          `json:"holder_keys"`
	Suite      string         `json:"suite"`
	Epoch      string         `json:"epoch"`
	Left       int64          `json:"queries_left"`
	Fetched    bool           `json:"fetched"`
	Damaged    bool           `json:"cache_damaged"`
	Offline    lookupPartJSON `json:"offline"`
	Online     lookupPartJSON `json:"online"`
	Seconds    float64        `json:"seconds"`
}

func (a *app) queried(f queryFlags, r lookup.Result) error {
	out := queryJSON{
		kind("psi-query"), r.Counts, r.Matched, f.output, r.Output, r.HolderKeys, string(r.Suite), hex.EncodeToString(r.Epoch[:]), r.Left,
		r.Fetched, r.Damaged, shareOf(r.Offline), shareOf(r.Online), r.Took.Seconds(),
	}
	if err := a.show(out, func() error { return table(a.out, queryRows(f, r)) }); err != nil {
		return err
	}
	if r.Damaged {
		if err := a.note("warning: the cached tag file was damaged; it was fetched anew\n"); err != nil {
			return err
		}
	}
	return a.psiWarn(intersect.Config{}, intersect.Result{Counts: r.Counts, Matched: r.Matched, Profiles: r.Profiles})
}

func queryRows(f queryFlags, r lookup.Result) [][]string {
	offline := "nothing fetched: the tag file was in the cache, checked in "
	if r.Fetched {
		offline = size(r.Offline.ReceivedBytes) + " of tags fetched in "
	}
	return [][]string{
		{"rows", strconv.FormatInt(r.Rows, 10) + dropped(r.Counts)},
		{"keys", fmt.Sprintf("%d, the holder %d", r.Keys, r.HolderKeys)},
		{"matched", fmt.Sprintf("%d keys", r.Matched)},
		{"output", fmt.Sprintf("%s  %d rows", f.output, r.Output)},
		{"offline", offline + r.Offline.Took.Round(time.Millisecond).String()},
		{"online", fmt.Sprintf("%s sent, %s received in %s", size(r.Online.SentBytes), size(r.Online.ReceivedBytes), r.Online.Took.Round(time.Millisecond))},
		{"took", r.Took.Round(time.Millisecond).String()},
		{"protocol", "oprf/" + string(r.Suite)},
		{"left", fmt.Sprintf("%d queries in this epoch", r.Left)},
	}
}

// lookupFailure is a failure of publish, serve or query: its advice is its own.
type lookupFailure struct{ error }

func (f lookupFailure) Unwrap() error { return f.error }

// lookupAdvised marks faults of these commands.
func lookupAdvised(err error) error {
	if err == nil || !isFault(err) {
		return err
	}
	return psiFailure{lookupFailure{err}}
}

// advice is what a person does next; empty where that of tacit psi fits.
func (f lookupFailure) advice() string {
	switch fault.CodeOf(f.error) {
	case fault.Unauthenticated:
		return "use the cache directory of the first query, or ask the holder for the invite of another client"
	case fault.NotFound:
		return "check the names; publish before serving"
	case fault.PlanMismatch:
		return "give the key rules of the publish, in the same order"
	case fault.BudgetExhausted:
		return "ask for fewer keys, or ask the holder for a larger quota or a new epoch"
	case fault.LimitExceeded:
		return "stay within the bound the cause names; where it is the life of the key, the holder publishes again"
	case fault.Expired, fault.Unavailable, fault.Timeout, fault.Canceled:
		return "give the same command again"
	case fault.PeerAborted:
		return "ask the other party what its command said, then give the same command again"
	case fault.Exists:
		return "wait for the other process or stop it"
	case fault.Corrupt:
		return "publish again; if the input is what is damaged, restore it"
	}
	return ""
}
