package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/lookup"
)

// lookupServeFlags is the command line of tacit psi serve.
type lookupServeFlags struct {
	dir, listen, address, inviteFile, quota string
	clients, sessions, workers              int
}

func (a *app) psiServe() *cobra.Command {
	var f lookupServeFlags
	c := &cobra.Command{
		Use:   "serve --dir DIR --listen HOST:PORT",
		Short: "Let clients look their keys up in a published set",
		Long: "serve prints one invite per client, each a secret, and answers their queries until it is stopped. The first who\n" +
			"uses an invite is its client from then on and may come back any number of times, also after serve was started\n" +
			"again. Client k is listened for on the k-th port from that of --listen. Evaluations are counted before they are\n" +
			"answered, and a count survives whatever ends the process.",
		Example: "  tacit psi serve --dir register --listen 10.0.0.1:7700 --clients 3 --max-queries 1M",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return lookupAdvised(a.lookupServe(c.Context(), f)) },
	}
	s := c.Flags()
	s.StringVar(&f.dir, "dir", "", "the directory of tacit psi publish")
	s.StringVar(&f.listen, "listen", "", "host:port of the first client; port 0 takes free ones")
	s.StringVar(&f.address, "address", "", "the host that clients dial, where it is not that of --listen")
	s.IntVar(&f.clients, "clients", 1, "how many clients, each with an invite and a port of its own")
	s.StringVar(&f.quota, "max-queries", "0", "how many keys each client may ask for in an epoch; 0: as many as the epoch has left")
	s.IntVar(&f.sessions, "sessions", 0, "end after so many answered sessions; 0: when stopped")
	s.StringVar(&f.inviteFile, "invite-file", "", "write the invite to this file (mode 0600) instead of the terminal; -K is added for client K where there are several")
	s.IntVar(&f.workers, "workers", 0, "processors to use (default all)")
	return c
}

func (a *app) lookupServe(ctx context.Context, f lookupServeFlags) error {
	host, _, err := net.SplitHostPort(f.listen)
	switch {
	case f.dir == "" || f.listen == "":
		return usagef("psi serve needs --dir and --listen")
	case err != nil:
		return usagef("--listen is host:port, such as 127.0.0.1:7700")
	case f.address == "" && (host == "" || net.ParseIP(host).IsUnspecified()):
		return usagef("--listen on every interface needs --address: the host that clients dial")
	case f.clients < 1 || f.clients > lookup.MaxClients || f.sessions < 0:
		return usagef("--clients is 1 to %d, --sessions not negative", lookup.MaxClients)
	}
	quota, err := parseCount(f.quota)
	if err != nil {
		return usagef("--max-queries is a count such as 100k or 2^20")
	}
	w := &lookupWitness{a: a, f: f}
	return lookup.Serve(ctx, lookup.ServeConfig{
		Dir: f.dir, Listen: f.listen, Address: f.address, Clients: f.clients, Quota: quota, Sessions: f.sessions, Workers: f.workers,
		Rand: rand.Reader, Now: a.now, Invited: w.invited, Refused: w.refused, Ended: w.ended,
	})
}

// lookupWitness tells what happens while serving. Its methods are called by several clients' goroutines.
type lookupWitness struct {
	a  *app
	f  lookupServeFlags
	mu sync.Mutex
}

// invited hands an invite out, where nobody has used it yet or a file is asked for.
func (w *lookupWitness) invited(client int, v direct.Invite, fresh bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := v.TextInsecure()
	switch {
	case w.f.inviteFile != "":
		path := w.f.inviteFile
		if w.f.clients > 1 {
			path = fmt.Sprintf("%s-%d", path, client)
		}
		if err := writeWhole(path, []byte(text+"\n")); err != nil {
			return err
		}
		return w.a.note("client %d: the invite is in %s; it is a secret\n", client, path)
	case w.a.format == "json":
		return w.a.psiLine(struct {
			head
			Client int    `json:"client"`
			Fresh  bool   `json:"fresh"`
			Invite string `json:"invite"`
		}{kind("psi-invite"), client, fresh, text})
	case !fresh:
		return w.a.note("client %d at %s: its invite was used before, and it may come again\n", client, v.Address)
	}
	return w.a.note("client %d: hand this invite over through a channel you trust; it is a secret:\n%s\n", client, text)
}

func (w *lookupWitness) refused(client int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.a.note("client %d: refused a connection: %s\n", client, fault.ReasonOf(err)) // of no consequence
}

type lookupSessionJSON struct {
	head
	Client  int     `json:"client"`
	Queries int     `json:"queries"`
	Made    int     `json:"evaluations"`
	Fetched bool    `json:"fetched"`
	Used    int64   `json:"used"`
	UsedAll int64   `json:"used_by_all"`
	Sent    int64   `json:"sent_bytes"`
	Recv    int64   `json:"received_bytes"`
	Seconds float64 `json:"seconds"`
	Code    int     `json:"code"`
	Reason  string  `json:"reason,omitempty"`
}

// ended prints a line for each session: on stdout, since it is what this command makes.
func (w *lookupWitness) ended(s lookup.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := lookupSessionJSON{
		head: kind("psi-session"), Client: s.Client, Queries: s.Queries, Made: s.Made, Fetched: s.Fetched, Used: s.Used, UsedAll: s.UsedAll,
		Sent: s.SentBytes, Recv: s.ReceivedBytes, Seconds: s.Took.Seconds(),
	}
	if s.Err != nil {
		out.Code, out.Reason = exitCode(s.Err), fault.ReasonOf(s.Err)
	}
	if w.a.format == "json" {
		_ = wrote(json.NewEncoder(w.a.out).Encode(out)) // the next session matters more than this line
		return
	}
	line := fmt.Sprintf("%s  client %d  %d keys asked, %d answered", w.a.now().Format(time.DateTime), s.Client, s.Queries, s.Made)
	if s.Fetched {
		line += ", tag file sent"
	}
	line += fmt.Sprintf("  %s sent, %s received  %s  used %d, by all clients %d", size(s.SentBytes), size(s.ReceivedBytes), s.Took.Round(time.Millisecond), s.Used, s.UsedAll)
	if s.Err != nil {
		line += fmt.Sprintf("  failed: %s: %s", fault.CodeOf(s.Err), out.Reason)
	}
	_ = w.a.say("%s\n", line) // the next session matters more than this line
}
