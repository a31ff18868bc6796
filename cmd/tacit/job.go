package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) jobCommand() *cobra.Command {
	return group("job", "Plan, list, show and cancel jobs", a.jobPlan(), a.jobList(), a.jobShow(), a.jobCancel())
}

func (a *app) jobPlan() *cobra.Command {
	return &cobra.Command{
		Use: "plan FILE", Short: "Plan a job with its parties and ask every policy; reserve and run nothing", Args: args("FILE"),
		RunE: func(c *cobra.Command, got []string) error {
			spec, err := readSpec(got[0])
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error {
				v, err := spec.plan(c.Context(), client)
				if err != nil {
					return err
				}
				return a.show(struct {
					head
					jobJSON
				}{kind("plan"), jobOf(v)}, func() error { return a.say("%s", statement(v)) })
			})
		},
	}
}

// statement is what a person reads before a job runs: plan, cost, and who learns what.
func statement(v node.JobView) string {
	var b strings.Builder
	b.WriteString(v.PlanText)
	for _, line := range v.Leakage {
		if !strings.Contains(v.PlanText, line) { // the plan's text usually states its leakage itself
			fmt.Fprintf(&b, "leak      %s\n", line)
		}
	}
	for _, line := range v.Notices {
		fmt.Fprintf(&b, "notice    %s\n", line)
	}
	if len(v.Approvals) > 0 {
		fmt.Fprintf(&b, "policy    allowed by %s\n", join(v.Approvals, ", "))
	}
	return b.String()
}

func (a *app) jobList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List jobs", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Jobs(c.Context())
				if err != nil {
					return err
				}
				return a.show(listOf("jobs", list, jobOf), func() error {
					var rows [][]string
					for _, v := range list {
						why := join(v.WaitingFor, ",")
						if v.Failure != nil {
							why = v.Failure.Code.String()
						}
						rows = append(rows, []string{short(v.ID), v.Name, v.Phase, string(v.Lead), stamp(v.Created), lasted(v, a.now()).Round(time.Second).String(), why})
					}
					return a.table([]string{"JOB", "NAME", "PHASE", "LEAD", "CREATED", "LASTED", "WAITS FOR"}, rows)
				})
			})
		},
	}
}

func (a *app) jobShow() *cobra.Command {
	return a.oneJob("show JOB", "Show a job: steps, cost planned and real, receipts, failure", func(ctx context.Context, c *rpc.Client, id string) (node.JobView, error) {
		return c.Job(ctx, id)
	})
}

func (a *app) jobCancel() *cobra.Command {
	return a.oneJob("cancel JOB", "Ask every party to stop a job", func(ctx context.Context, c *rpc.Client, id string) (node.JobView, error) {
		return c.Cancel(ctx, id)
	})
}

func (a *app) oneJob(use, about string, f func(context.Context, *rpc.Client, string) (node.JobView, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: about, Args: args("JOB"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				v, err := f(c.Context(), client, got[0])
				if err != nil {
					return err
				}
				return a.showJob(v)
			})
		},
	}
}

// showJob prints everything about a job but its plan.
func (a *app) showJob(v node.JobView) error {
	return a.show(struct {
		head
		jobJSON
	}{kind("job"), jobOf(v)}, func() error {
		rows := [][]string{
			{"job", v.ID},
			{"name", v.Name},
			{"phase", v.Phase},
			{"lead", string(v.Lead)},
			{"plan", v.PlanDigest},
			{"created", stamp(v.Created)},
			{"lasted", lasted(v, a.now()).String()},
			{"approved by", join(v.Approvals, ", ")},
		}
		if len(v.WaitingFor) > 0 {
			rows = append(rows, []string{"waiting for", join(v.WaitingFor, ", ")})
		}
		for _, n := range v.Notices {
			rows = append(rows, []string{"notice", n})
		}
		if err := table(a.out, rows); err != nil {
			return err
		}
		if err := a.steps(v); err != nil {
			return err
		}
		if err := a.receipts(v); err != nil {
			return err
		}
		if err := rpc.JobFailure(v); err != nil {
			explain(err).render(a.out)
		}
		return nil
	})
}

func (a *app) steps(v node.JobView) error {
	if len(v.Steps) == 0 {
		return nil
	}
	rows := [][]string{{"STEP", "OP", "PHASE", "DONE", "ROUNDS", "SENT", "PLANNED", "RECEIVED", "CPU", "WALL"}}
	for _, s := range v.Steps {
		rows = append(rows, []string{
			s.ID, s.Op, s.Phase, progress(s), fmt.Sprint(s.Rounds), size(s.SentBytes), size(s.PlannedBytes), size(s.RecvBytes),
			s.CPU.Round(time.Millisecond).String(), s.Wall.Round(time.Millisecond).String(),
		})
	}
	return table(a.out, rows)
}

func (a *app) receipts(v node.JobView) error {
	if len(v.Receipts) == 0 {
		return nil
	}
	rows := [][]string{{"RECEIPT", "PARTY", "OUTCOME", "USES", "ROWS IN", "ROWS OUT", "ROUNDS", "SENT", "COUNTERSIGNED", "LEAF"}}
	for _, r := range v.Receipts {
		u := r.Receipt.Reading
		leaf := "-"
		if r.Leaf >= 0 {
			leaf = fmt.Sprint(r.Leaf)
		}
		rows = append(rows, []string{
			r.Receipt.Step, string(r.Receipt.Party), r.Receipt.Outcome.String(), fmt.Sprint(u.Uses), fmt.Sprint(u.RowsIn), fmt.Sprint(u.RowsOut),
			fmt.Sprint(u.Rounds), size(u.SentBytes), join(r.Countersigned, ","), leaf,
		})
	}
	return table(a.out, rows)
}
