package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/node/lookup"
)

// The pace of progress on a pipe: a line for each tenth, or after this time.
const quietFor = 30 * time.Second

// psiPainter shows the progress of tacit psi on stderr: one line redrawn on a terminal, a line per tenth or half minute on
// a pipe, one JSON object per line with --format json.
type psiPainter struct {
	a     *app
	quiet bool
	peer  string
	drawn bool // a line without its newline stands on the terminal

	phase intersect.Phase
	tenth int64
	last  time.Time
}

func (a *app) psiPainter(f psiFlags, c intersect.Config) *psiPainter {
	peer := "the other party to connect"
	if c.Side == intersect.Connector {
		peer = "the other party at " + "the invite's address"
	}
	return &psiPainter{a: a, quiet: f.quiet, peer: peer}
}

// psiLine prints one JSON object on stderr.
func (a *app) psiLine(v any) error { return wrote(json.NewEncoder(a.err).Encode(v)) }

type psiProgressJSON struct {
	head
	Phase   string  `json:"phase"`
	Done    int64   `json:"done"`
	Total   int64   `json:"total"`
	Sent    int64   `json:"sent_bytes"`
	Recv    int64   `json:"received_bytes"`
	Seconds float64 `json:"seconds"`
	Left    float64 `json:"seconds_left"`
	Bucket  int     `json:"bucket"`
	Buckets int     `json:"buckets"`
	Note    string  `json:"note,omitempty"`
}

// paint shows one event. Failing to print is no reason to stop the run.
func (p *psiPainter) paint(e intersect.Event) {
	if p.quiet && e.Phase != intersect.Waiting {
		return
	}
	tenth := int64(0)
	if e.Total > 0 {
		tenth = 10 * e.Done / e.Total
	}
	now := p.a.now()
	news := e.Phase != p.phase || tenth != p.tenth || e.Note != ""
	switch {
	case p.a.format == "json":
		if !news && now.Sub(p.last) < time.Second {
			return
		}
		_ = p.a.psiLine(psiProgressJSON{
			kind("psi-progress"), string(e.Phase), e.Done, e.Total, e.Sent, e.Recv, e.Elapsed.Seconds(), e.Left.Seconds(), e.Bucket, e.Buckets, e.Note,
		})
	case p.a.draws:
		_ = say(p.a.err, "%s", "") // keeps the order with notes
		_, _ = fmt.Fprintf(p.a.err, "\r\x1b[K%s", cut(clean(p.line(e)), 100))
		p.drawn = true
		if e.Phase != p.phase && p.phase != "" {
			_, _ = fmt.Fprintf(p.a.err, "\n")
		}
	default:
		if !news && now.Sub(p.last) < quietFor {
			return
		}
		if e.Phase != intersect.Done {
			_ = p.a.note("%s\n", p.line(e))
		}
	}
	p.phase, p.tenth, p.last = e.Phase, tenth, now
}

// end leaves the cursor on a line of its own.
func (p *psiPainter) end() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.a.err)
	}
}

// line is an event for people.
func (p *psiPainter) line(e intersect.Event) string {
	out := fmt.Sprintf("%-12s", e.Phase)
	if e.Phase == intersect.Waiting {
		out += " for " + p.peer
		if !e.Deadline.IsZero() {
			out += ", at most until " + e.Deadline.Format("15:04:05")
		}
		return out
	}
	if e.Total > 0 {
		out += fmt.Sprintf(" %3d %%", 100*e.Done/e.Total)
	} else if e.Done > 0 {
		out += fmt.Sprintf(" %d rows", e.Done)
	}
	out += pace(e)
	if e.Buckets > 1 && e.Bucket > 0 {
		out += fmt.Sprintf("  bucket %d of %d", e.Bucket, e.Buckets)
	}
	if e.Sent+e.Recv > 0 {
		out += fmt.Sprintf("  %s sent  %s received", size(e.Sent), size(e.Recv))
		if s := e.Elapsed.Seconds(); e.Phase == intersect.Intersecting && s > 1 {
			out += fmt.Sprintf("  %s/s", size(int64(float64(e.Sent+e.Recv)/s)))
		}
	}
	if e.Left > 0 {
		out += "  " + e.Left.Round(time.Second).String() + " left"
	}
	if e.Note != "" {
		out += "  " + e.Note
	}
	return out
}

// pace is how far a phase of package lookup is, and how fast.
func pace(e intersect.Event) string {
	per := func(n int64, of float64) int64 { return int64(float64(n) / of) }
	s := max(e.Elapsed.Seconds(), 1e-3)
	switch e.Phase {
	case lookup.Evaluating:
		return fmt.Sprintf("  %d of %d rows  %d/s", e.Done, e.Total, per(e.Done, s))
	case lookup.Asking:
		return fmt.Sprintf("  %d of %d keys  %d/s", e.Done, e.Total, per(e.Done, s))
	case lookup.Fetching:
		return fmt.Sprintf("  %s of %s  %s/s", size(e.Done), size(e.Total), size(per(e.Done, s)))
	}
	return ""
}
