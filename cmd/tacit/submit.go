package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

// submission is how a job is submitted.
type submission struct {
	detach, yes bool
	requestID   string
	timeout     time.Duration
}

func (s *submission) flags(c *cobra.Command) {
	c.Flags().BoolVar(&s.yes, "yes", false, "run without asking")
	c.Flags().StringVar(&s.requestID, "request-id", "", "the same id with the same job gives the same job; default random")
	c.Flags().DurationVar(&s.timeout, "timeout", 0, "stop watching after this time, with exit code 31; the job goes on")
}

func (a *app) submitCommand() *cobra.Command {
	var s submission
	c := &cobra.Command{
		Use:   "submit FILE",
		Short: "Plan a job, show who learns what and what it costs, then run and watch it",
		Args:  args("FILE"),
		RunE: func(c *cobra.Command, got []string) error {
			spec, err := readSpec(got[0])
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error { return a.submit(c.Context(), client, spec, s) })
		},
	}
	s.flags(c)
	c.Flags().BoolVar(&s.detach, "detach", false, "print the id and do not watch")
	return c
}

func (a *app) submit(ctx context.Context, c *rpc.Client, sp spec, s submission) error {
	id, digest, err := a.start(ctx, c, sp, s)
	if err != nil || id == "" {
		return err
	}
	if s.detach {
		return a.show(struct {
			head
			Job        string `json:"job"`
			PlanDigest string `json:"plan_digest"`
		}{kind("submitted"), id, digest}, func() error { return a.say("%s\n", id) })
	}
	v, err := a.follow(ctx, c, id, s.timeout, samePlan(ctx, c, digest))
	if err != nil {
		return err
	}
	if err := a.showJob(v); err != nil {
		return err
	}
	return a.hints(ctx, c, sp, v)
}

// start plans, shows and asks, then submits; an empty id means that the person said no.
func (a *app) start(ctx context.Context, c *rpc.Client, sp spec, s submission) (id, digest string, err error) {
	if !s.yes && !a.asks {
		return "", "", usagef("nobody can be asked here: add --yes to run without asking, or use job plan")
	}
	plan, err := sp.plan(ctx, c)
	if err != nil {
		return "", "", err
	}
	if err := a.note("%s", statement(plan)); err != nil {
		return "", "", err
	}
	if !s.yes {
		if yes, err := a.confirm("Run it?"); err != nil || !yes {
			return "", "", err
		}
	}
	if s.requestID == "" {
		s.requestID = newRequestID()
	}
	id, err = c.Submit(ctx, s.requestID, sp.bytes, sp.format, false)
	return id, plan.PlanDigest, err
}

// canceller is the part of a client that ends a job.
type canceller interface {
	Cancel(ctx context.Context, id string) (node.JobView, error)
}

// samePlan cancels a job whose plan is not the one that was shown and agreed to: a dataset or version changed in between.
func samePlan(ctx context.Context, c canceller, digest string) func(node.JobView) error {
	return func(v node.JobView) error {
		if digest == "" || v.PlanDigest == "" || v.PlanDigest == digest {
			return nil
		}
		err := fault.New(fault.PlanMismatch, "tacit.Submit", "job %s has plan %.12s, shown was %.12s; it is canceled", v.ID, v.PlanDigest, digest)
		if _, cancelErr := c.Cancel(ctx, v.ID); cancelErr != nil {
			err.Reason, err.Err = fmt.Sprintf("job %s has plan %.12s, shown was %.12s, and could not be canceled", v.ID, v.PlanDigest, digest), cancelErr
		}
		return err
	}
}

// hints says where results are.
func (a *app) hints(ctx context.Context, c *rpc.Client, sp spec, v node.JobView) error {
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	for _, id := range sp.outputs(info.Party, "") {
		if err := a.note("result    tacit get %s %s\n", short(v.ID), id); err != nil {
			return err
		}
	}
	if sp.job.Contract != "" {
		return a.note("invoice   tacit invoice %s\n", short(v.ID))
	}
	return nil
}

func (a *app) predictCommand() *cobra.Command {
	var s submission
	var output string
	c := &cobra.Command{
		Use:   "predict FILE",
		Short: "Run a job that ends in a predict step and fetch its scores",
		Long: "Run a job whose last step is a predict, as submit does, and say where the scores are: at this node, to be fetched\n" +
			"with get or at once with -o, or at the parties the job releases them to.",
		Args: args("FILE"),
		RunE: func(c *cobra.Command, got []string) error {
			sp, err := readSpec(got[0])
			if err != nil {
				return err
			}
			step, err := sp.lastPredict()
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error { return a.predict(c.Context(), client, sp, s, step, output) })
		},
	}
	s.flags(c)
	c.Flags().StringVarP(&output, "output", "o", "", "write the scores to this file")
	return c
}

type scoresAt struct {
	Output string   `json:"output"`
	To     []string `json:"to"`
	Path   string   `json:"path,omitempty"`
}

func (a *app) predict(ctx context.Context, c *rpc.Client, sp spec, s submission, step, path string) error {
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	here := sp.outputs(info.Party, step)
	if path != "" && len(here) == 0 {
		return fault.New(fault.Invalid, "tacit.Predict", "the job releases no scores of step %q to %s: -o has nothing to write", step, info.Party)
	}
	id, digest, err := a.start(ctx, c, sp, s)
	if err != nil || id == "" {
		return err
	}
	v, err := a.follow(ctx, c, id, s.timeout, samePlan(ctx, c, digest))
	if err != nil {
		return err
	}
	if path != "" {
		res, err := c.Result(ctx, v.ID, here[0])
		if err != nil {
			return err
		}
		if err := a.save(path, res.JSON); err != nil {
			return err
		}
	}
	return a.showScores(sp, v, step, path, here)
}

// showScores says where the scores of step are.
func (a *app) showScores(sp spec, v node.JobView, step, path string, here []string) error {
	out := struct {
		head
		Job    string     `json:"job"`
		Scores []scoresAt `json:"scores"`
	}{kind("prediction"), v.ID, []scoresAt{}}
	for _, r := range sp.job.Releases {
		if r.From == step {
			out.Scores = append(out.Scores, scoresAt{Output: r.ID, To: plain(r.To)})
		}
	}
	for i := range out.Scores {
		if len(here) > 0 && out.Scores[i].Output == here[0] {
			out.Scores[i].Path = path
		}
	}
	return a.show(out, func() error {
		for _, s := range out.Scores {
			if err := a.say("scores    %s of job %s, at %s\n", s.Output, short(v.ID), join(s.To, ", ")); err != nil {
				return err
			}
		}
		if path != "" && path != "-" {
			return a.say("file      %s\n", path)
		}
		for _, id := range here {
			if err := a.say("fetch     tacit get %s %s -o scores.json\n", short(v.ID), id); err != nil {
				return err
			}
		}
		return nil
	})
}
