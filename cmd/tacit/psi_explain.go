package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/node/lookup"
)

type psiCandidateJSON struct {
	Protocol string  `json:"protocol"`
	Sent     int64   `json:"sent_bytes"`
	Recv     int64   `json:"received_bytes"`
	Rounds   int     `json:"rounds"`
	CPU      float64 `json:"cpu_seconds"`
	Wall     float64 `json:"wall_seconds"`
	Rates    string  `json:"rates"`
	Refused  string  `json:"refused,omitempty"`
}

type psiExplainJSON struct {
	head
	Items    []psiCandidateJSON `json:"items"` // the chosen one first
	Buckets  int                `json:"buckets"`
	Receiver string             `json:"receiver"`
	Why      []string           `json:"why"`
}

func (a *app) psiExplain() *cobra.Command {
	var n, m, net, memory, outputTo string
	var malicious bool
	var workers int
	c := &cobra.Command{
		Use:     "explain --n COUNT --m COUNT",
		Short:   "Say what an intersection would cost, by which protocol, and why; nothing is sent",
		Example: "  tacit psi explain --n 2^20 --m 10M --net sf",
		Args:    args(),
		RunE: func(*cobra.Command, []string) error {
			q := intersect.Question{
				Side: intersect.Listener, Terms: intersect.Terms{OutputTo: intersect.Recipients(outputTo), Malicious: malicious},
				Method: intersect.MethodAuto, Workers: workers, Exactly: true,
			}
			var err error
			if q.Own, err = parseCount(n); err != nil {
				return err
			}
			if q.Peer, err = parseCount(m); err != nil {
				return err
			}
			if q.Memory, err = parseCount(memory); err != nil {
				return err
			}
			q.Memory /= 2
			if q.Net, err = intersect.ParseNet(net); err != nil {
				return usagef("--net is one of %s", netNames())
			}
			p, list, err := intersect.Compare(q)
			if err != nil {
				return err
			}
			var published []lookup.Price
			if malicious || q.Own == 0 || q.Peer == 0 { // its result is not proven correct
				return a.psiExplained(p, list, nil)
			}
			if published, err = lookup.Prices(q); err != nil {
				return err
			}
			return a.psiExplained(p, list, published)
		},
	}
	s := c.Flags()
	s.StringVar(&n, "n", "2^20", "distinct keys of the listener, such as 100000, 10M or 2^20")
	s.StringVar(&m, "m", "2^20", "distinct keys of the connector")
	s.StringVar(&net, "net", "lan", netNames())
	s.StringVar(&memory, "memory", "1G", "of the party that has less")
	s.StringVar(&outputTo, "output-to", "both", "both, listener or connector")
	s.BoolVar(&malicious, "malicious", false, "security against a party that departs from the protocol")
	s.IntVar(&workers, "workers", runtime.GOMAXPROCS(0), "processors of each party")
	return c
}

func (a *app) psiExplained(p intersect.Plan, list []intersect.Candidate, published []lookup.Price) error {
	out := psiExplainJSON{head: kind("psi-plan"), Items: []psiCandidateJSON{}, Buckets: p.Buckets.Count(), Receiver: string(p.Receiver), Why: p.Why}
	rows := [][]string{{"PROTOCOL", "SENT", "RECEIVED", "ROUNDS", "CPU", "WALL", "RATES"}}
	for _, c := range list {
		out.Items = append(out.Items, psiCandidateJSON{
			c.Name(), c.Cost.SentBytes, c.Cost.RecvBytes, c.Cost.Rounds, c.CPU.Seconds(), c.Wall.Seconds(), c.Rate, c.Refused,
		})
		if c.Refused != "" {
			rows = append(rows, []string{c.Name(), "-", "-", "-", "-", "-", c.Refused})
			continue
		}
		rows = append(rows, []string{
			c.Name(), size(c.Cost.SentBytes), size(c.Cost.RecvBytes), fmt.Sprint(c.Cost.Rounds),
			c.CPU.Round(time.Millisecond).String(), c.Wall.Round(time.Millisecond).String(), c.Rate,
		})
	}
	for _, c := range published {
		out.Items = append(out.Items, psiCandidateJSON{c.Name, c.Cost.SentBytes, c.Cost.RecvBytes, c.Cost.Rounds, c.CPU.Seconds(), c.Wall.Seconds(), "typical", ""})
		rows = append(rows, []string{
			c.Name, size(c.Cost.SentBytes), size(c.Cost.RecvBytes), fmt.Sprint(c.Cost.Rounds),
			c.CPU.Round(time.Millisecond).String(), c.Wall.Round(time.Millisecond).String(), "typical",
		})
		out.Why = append(out.Why, c.Why...)
	}
	return a.show(out, func() error {
		if err := table(a.out, rows); err != nil {
			return err
		}
		return a.say("\n%s\n", strings.Join(out.Why, "\n"))
	})
}
