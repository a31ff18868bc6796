package rpc

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/node"
)

const (
	// watchPatience is how long a watch looks for a node that went away: a restart takes seconds, an upgrade a minute.
	watchPatience = 2 * time.Minute
	watchRetry    = 500 * time.Millisecond
)

// Submit plans a job and, unless planOnly, runs it. The same request id with the same spec gives the same job.
func (c *Client) Submit(ctx context.Context, requestID string, spec []byte, f job.Format, planOnly bool) (jobID string, err error) {
	m, err := call(ctx, c, c.jobs.SubmitJob, &pb.SubmitJobRequest{
		RequestId: requestID, Spec: string(spec), Format: FormatName(f), PlanOnly: planOnly,
	})
	if err != nil {
		return "", err
	}
	return m.GetJobId(), nil
}

// Job returns a job by its id or a unique prefix of 6 or more characters.
func (c *Client) Job(ctx context.Context, id string) (node.JobView, error) {
	return c.AwaitJob(ctx, id, 0)
}

// AwaitJob is Job that waits until the job ends, or for wait, at most MaxWait, whichever is first.
func (c *Client) AwaitJob(ctx context.Context, id string, wait time.Duration) (node.JobView, error) {
	wait = min(max(wait, 0), MaxWait)
	m, err := call(ctx, c, c.jobs.GetJob, &pb.GetJobRequest{JobId: id, WaitS: int32((wait + time.Second - 1) / time.Second)})
	if err != nil {
		return node.JobView{}, err
	}
	return decodeJob(m.GetJob()), nil
}

// Jobs lists the jobs the node knows.
func (c *Client) Jobs(ctx context.Context) ([]node.JobView, error) {
	m, err := call(ctx, c, c.jobs.ListJobs, &pb.ListJobsRequest{})
	if err != nil {
		return nil, err
	}
	return each(m.GetItems(), decodeJob), nil
}

// Watch calls f with the job's view at once and after every change, and returns the last view when the job has ended. A
// node that goes away is looked for again for two minutes: what it missed is in the next view. An error of f ends the
// watch; the job goes on, whatever ends it.
func (c *Client) Watch(ctx context.Context, id string, f func(node.JobView) error) (node.JobView, error) {
	var last node.JobView
	lost := time.Time{}
	for {
		seen, err := c.watchOnce(ctx, id, &last, f)
		if seen {
			lost = time.Time{}
		}
		if err == nil || ctx.Err() != nil || !errors.Is(err, fault.Unavailable) || last.ID == "" {
			return last, err
		}
		if lost.IsZero() {
			lost = time.Now()
		}
		if time.Since(lost) > watchPatience || pause(ctx, watchRetry) != nil {
			return last, err
		}
	}
}

// watchOnce follows one stream to its end and reports whether it brought anything.
func (c *Client) watchOnce(ctx context.Context, id string, last *node.JobView, f func(node.JobView) error) (seen bool, err error) {
	stream, err := c.jobs.WatchJob(ctx, connect.NewRequest(&pb.WatchJobRequest{JobId: id}))
	if err != nil {
		return false, decodeFailure(err, c.url)
	}
	for stream.Receive() {
		seen = true
		*last = decodeJob(stream.Msg().GetJob())
		if err := f(*last); err != nil {
			_ = stream.Close()
			return seen, err
		}
	}
	err = decodeFailure(stream.Err(), c.url)
	if closeErr := stream.Close(); err == nil {
		err = decodeFailure(closeErr, c.url)
	}
	if err == nil && !last.Terminal() {
		err = &Failure{Err: fault.New(fault.Unavailable, opClient, "the watch ended before the job did")}
	}
	return seen, err
}

// Cancel asks every party to stop the job.
func (c *Client) Cancel(ctx context.Context, id string) (node.JobView, error) {
	m, err := call(ctx, c, c.jobs.CancelJob, &pb.CancelJobRequest{JobId: id})
	if err != nil {
		return node.JobView{}, err
	}
	return decodeJob(m.GetJob()), nil
}

// Result returns an output that is at this node: a release id, or the id of a step whose output stays here.
func (c *Client) Result(ctx context.Context, jobID, output string) (node.Result, error) {
	m, err := call(ctx, c, c.jobs.GetResult, &pb.GetResultRequest{JobId: jobID, Output: output})
	if err != nil {
		return node.Result{}, err
	}
	return node.Result{Kind: m.GetKind(), JSON: []byte(m.GetJson())}, nil
}

// Invoice returns what the job costs and who is paid.
func (c *Client) Invoice(ctx context.Context, jobID string) (node.InvoiceView, error) {
	m, err := call(ctx, c, c.jobs.GetInvoice, &pb.GetInvoiceRequest{JobId: jobID})
	if err != nil {
		return node.InvoiceView{}, err
	}
	return decodeInvoice(m), nil
}

// Elements lists the sealed elements at this node.
func (c *Client) Elements(ctx context.Context) ([]node.ElementView, error) {
	m, err := call(ctx, c, c.jobs.ListElements, &pb.ListElementsRequest{})
	if err != nil {
		return nil, err
	}
	return each(m.GetItems(), decodeElement), nil
}
