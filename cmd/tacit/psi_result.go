package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tacit-data/tacit/node/intersect"
)

type psiJSON struct {
	head
	intersect.Counts
	PeerKeys  int64    `json:"peer_keys"`
	Matched   int64    `json:"matched"` // −1 where this party does not learn it
	Output    string   `json:"output,omitempty"`
	OutRows   int64    `json:"output_rows"`
	Unmatched int64    `json:"unmatched_rows"`
	Padding   int64    `json:"padding_rows"`
	Sent      int64    `json:"sent_bytes"`
	Recv      int64    `json:"received_bytes"`
	Seconds   float64  `json:"seconds"`
	Protocol  string   `json:"protocol"`
	Buckets   int      `json:"buckets"`
	Resumed   int      `json:"resumed_buckets"`
	Why       []string `json:"why"`
}

// psiShow prints the result on stdout, and on stderr what is odd about it.
func (a *app) psiShow(f psiFlags, c intersect.Config, r intersect.Result) error {
	out := psiJSON{
		head: kind("psi"), Counts: r.Counts, PeerKeys: r.PeerKeys, Matched: r.Matched, Output: f.output, OutRows: r.Output,
		Unmatched: r.Unmatched, Padding: r.Padding, Sent: r.Sent, Recv: r.Recv, Seconds: r.Took.Seconds(),
		Protocol: r.Plan.Name(), Buckets: r.Plan.Buckets.Count(), Resumed: r.Resumed, Why: append([]string{}, r.Plan.Why...),
	}
	if err := a.show(out, func() error { return table(a.out, psiRows(f, r)) }); err != nil {
		return err
	}
	return a.psiWarn(c, r)
}

func psiRows(f psiFlags, r intersect.Result) [][]string {
	rows := [][]string{{"rows", strconv.FormatInt(r.Rows, 10) + dropped(r.Counts)}, {"keys", fmt.Sprintf("%d, the other party %d", r.Keys, r.PeerKeys)}}
	if r.Matched >= 0 {
		rows = append(rows, []string{"matched", strconv.FormatInt(r.Matched, 10) + " keys"},
			[]string{"output", fmt.Sprintf("%s  %d rows%s", f.output, r.Output, padded(r))})
	} else {
		rows = append(rows, []string{"matched", "only the other party knows"})
	}
	rows = append(rows, []string{"bytes", size(r.Sent) + " sent, " + size(r.Recv) + " received"},
		[]string{"took", r.Took.Round(time.Millisecond).String()}, []string{"protocol", r.Plan.Name()})
	for _, why := range r.Plan.Why {
		rows = append(rows, []string{"", why})
	}
	if r.Resumed > 0 {
		rows = append(rows, []string{"resumed", fmt.Sprintf("%d of %d buckets were finished before", r.Resumed, r.Plan.Buckets.Count())})
	}
	return rows
}

// dropped says which rows cannot match.
func dropped(c intersect.Counts) string {
	var out []string
	for _, d := range []struct {
		n    int64
		what string
	}{{c.Null, "without a key"}, {c.Malformed, "with a malformed key"}, {c.Duplicates, "repeating a key"}} {
		if d.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", d.n, d.what))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ", of them " + strings.Join(out, ", ")
}

// padded says which rows of the output have no partner.
func padded(r intersect.Result) string {
	if r.Unmatched+r.Padding == 0 {
		return ""
	}
	return fmt.Sprintf(", of them %d without a partner, %d empty for the other party's", r.Unmatched, r.Padding)
}

// psiWarn tells what may be wrong although nothing failed.
func (a *app) psiWarn(_ intersect.Config, r intersect.Result) error {
	if r.Malformed > 0 {
		if err := a.note("warning: %d of %d rows have a key that is not of its rule's form; they match nothing\n", r.Malformed, r.Rows); err != nil {
			return err
		}
	}
	if r.Matched != 0 || len(r.Profiles) == 0 {
		return nil
	}
	if err := a.note("warning: nothing matched. If that is a surprise, compare the form of the keys with the other party; this party's:\n"); err != nil {
		return err
	}
	for _, p := range r.Profiles {
		if err := a.note("  %s: %s; %s\n", p.Column, histogram(p.Lengths), histogram(p.Shapes)); err != nil {
			return err
		}
	}
	return nil
}

func histogram(bins []intersect.Bin) string {
	var out []string
	for _, b := range bins {
		out = append(out, fmt.Sprintf("%d × %s", b.Rows, b.What))
	}
	return strings.Join(out, ", ")
}
