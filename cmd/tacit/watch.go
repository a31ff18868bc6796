package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) watchCommand() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "watch JOB",
		Short: "Follow a job to its end; Ctrl-C never cancels it",
		Args:  args("JOB"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				v, err := a.follow(c.Context(), client, got[0], timeout, func(node.JobView) error { return nil })
				if err != nil {
					return err
				}
				return a.showJob(v)
			})
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "stop watching after this time, with exit code 31; the job goes on")
	return c
}

// follow shows a job's progress on stderr until it ends and returns its last view. A job that failed is an error, as is a
// view that check refuses.
func (a *app) follow(ctx context.Context, c *rpc.Client, id string, timeout time.Duration, check func(node.JobView) error) (node.JobView, error) {
	within, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		within, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	var p painter = &lines{w: a.err}
	if a.draws {
		p = &screen{w: a.err}
	}
	v, err := c.Watch(within, id, func(v node.JobView) error {
		if err := check(v); err != nil {
			return err
		}
		return p.paint(v)
	})
	switch {
	case err == nil:
		return v, rpc.JobFailure(v)
	case ctx.Err() != nil:
		_ = a.note("the job goes on: tacit watch %s\n", short(id)) // the signal is the error to report
	case within.Err() != nil, timeout > 0 && fault.CodeOf(err) == fault.Timeout: // the node saw the deadline first
		return v, notFinished(id)
	}
	return v, err
}

// painter shows one view after the other.
type painter interface {
	paint(v node.JobView) error
}

// lines writes one line for every step whose state changed, for pipes and logs.
type lines struct {
	w     io.Writer
	phase string
	steps map[string]string
}

func (l *lines) paint(v node.JobView) error {
	if l.steps == nil {
		l.steps = make(map[string]string)
	}
	if head := jobLine(v); v.Phase != l.phase {
		l.phase = v.Phase
		if err := say(l.w, "%s\n", head); err != nil {
			return err
		}
	}
	for _, s := range v.Steps {
		if l.steps[s.ID] == s.Phase {
			continue
		}
		_, known := l.steps[s.ID]
		l.steps[s.ID] = s.Phase
		if !known && idle(s) {
			continue // nothing has happened there yet
		}
		if err := say(l.w, "%s\n", stepLine(s)); err != nil {
			return err
		}
	}
	return nil
}

// screen redraws one line per step on a terminal.
type screen struct {
	w    io.Writer
	tall int // lines drawn last time
}

func (s *screen) paint(v node.JobView) error {
	var b strings.Builder
	if s.tall > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.tall)
	}
	rows := []string{jobLine(v)}
	for _, step := range v.Steps {
		rows = append(rows, stepLine(step))
	}
	s.tall = len(rows)
	for _, row := range rows {
		b.WriteString(cut(strings.Map(oneLine, clean(row)), 100))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(s.w, b.String())
	return wrote(err)
}

// cut keeps a line from wrapping, which would break the count of lines to go up.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func jobLine(v node.JobView) string {
	out := fmt.Sprintf("job       %s  %s  %s", short(v.ID), v.Name, v.Phase)
	if len(v.WaitingFor) > 0 && !v.Terminal() {
		out += "  waiting for " + join(v.WaitingFor, ", ")
	}
	return out
}

func stepLine(s node.StepView) string {
	out := fmt.Sprintf("%-9s %-9s %-8s", s.ID, s.Op, s.Phase)
	if p := progress(s); p != "" {
		out += "  " + p
	}
	if s.SentBytes+s.RecvBytes > 0 {
		out += fmt.Sprintf("  %s of %s sent  %s received", size(s.SentBytes), size(s.PlannedBytes), size(s.RecvBytes))
	}
	if s.Wall > 0 {
		out += "  " + s.Wall.Round(time.Millisecond).String()
	}
	return out
}

// idle reports whether nothing has been counted for s.
func idle(s node.StepView) bool {
	return s.Done == 0 && s.SentBytes == 0 && s.RecvBytes == 0 && s.Wall == 0
}

// progress is how far a step is, empty when it does not count.
func progress(s node.StepView) string {
	if s.Total <= 0 {
		return ""
	}
	done := min(max(s.Done, 0), s.Total)
	return fmt.Sprintf("%d/%d %3.0f %%", done, s.Total, 100*float64(done)/float64(s.Total))
}
