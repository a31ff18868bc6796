package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/node"
)

const (
	maxRequestIDBytes = 64
	// watchInterval is the least time between two views of one watch: faster than anybody reads, slow enough that a
	// step which counts every row does not become a message per row.
	watchInterval = 100 * time.Millisecond
)

// jobService implements tacit.v1.JobService.
type jobService struct {
	b        Backend
	stopping context.Context // ends when the server is asked to stop
}

func (s jobService) SubmitJob(ctx context.Context, r *connect.Request[pb.SubmitJobRequest]) (*connect.Response[pb.SubmitJobResponse], error) {
	const op = "rpc.SubmitJob"
	m := r.Msg
	if n := len(m.GetRequestId()); n == 0 || n > maxRequestIDBytes {
		return nil, fault.New(fault.Invalid, op, "a request id has 1 to %d characters", maxRequestIDBytes)
	}
	f, err := ParseFormat(m.GetFormat())
	if err != nil {
		return nil, err
	}
	if len(m.GetSpec()) > job.MaxBytes {
		return nil, fault.New(fault.LimitExceeded, op, "a spec of %d bytes, at most %d", len(m.GetSpec()), job.MaxBytes)
	}
	id, err := s.b.Submit(ctx, m.GetRequestId(), []byte(m.GetSpec()), f, m.GetPlanOnly())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SubmitJobResponse{JobId: id}), nil
}

func (s jobService) GetJob(ctx context.Context, r *connect.Request[pb.GetJobRequest]) (*connect.Response[pb.GetJobResponse], error) {
	wait := time.Duration(r.Msg.GetWaitS()) * time.Second
	if wait < 0 || wait > MaxWait {
		return nil, fault.New(fault.Invalid, "rpc.GetJob", "wait_s is from 0 to %d", MaxWait/time.Second)
	}
	v, err := s.await(ctx, r.Msg.GetJobId(), wait)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.GetJobResponse{Job: encodeJob(v)}), nil
}

// await returns the job when it has ended or wait has passed, whichever is first.
func (s jobService) await(ctx context.Context, id string, wait time.Duration) (node.JobView, error) {
	v, err := s.b.Job(ctx, id)
	if err != nil {
		return v, err
	}
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	for !v.Terminal() && within.Err() == nil {
		next, err := s.b.WaitJob(within, v.ID, v)
		if err != nil && within.Err() == nil {
			return v, err
		}
		if err == nil {
			v = next
		}
	}
	return v, ctx.Err()
}

func (s jobService) WatchJob(ctx context.Context, r *connect.Request[pb.WatchJobRequest], out *connect.ServerStream[pb.WatchJobResponse]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	v, err := s.b.Job(ctx, r.Msg.GetJobId())
	for err == nil {
		if err = out.Send(&pb.WatchJobResponse{Job: encodeJob(v)}); err != nil || v.Terminal() {
			return err
		}
		if err = pause(ctx, watchInterval); err == nil {
			v, err = s.b.WaitJob(ctx, v.ID, v)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if s.stopping.Err() != nil {
		return fault.New(fault.Unavailable, "rpc.WatchJob", "the node is stopping; its jobs resume when it is back")
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s jobService) ListJobs(ctx context.Context, _ *connect.Request[pb.ListJobsRequest]) (*connect.Response[pb.ListJobsResponse], error) {
	list, err := s.b.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListJobsResponse{Items: each(list, encodeJob)}), nil
}

func (s jobService) CancelJob(ctx context.Context, r *connect.Request[pb.CancelJobRequest]) (*connect.Response[pb.CancelJobResponse], error) {
	v, err := s.b.Cancel(ctx, r.Msg.GetJobId())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.CancelJobResponse{Job: encodeJob(v)}), nil
}

func (s jobService) GetResult(ctx context.Context, r *connect.Request[pb.GetResultRequest]) (*connect.Response[pb.GetResultResponse], error) {
	v, err := s.b.Result(ctx, r.Msg.GetJobId(), r.Msg.GetOutput())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.GetResultResponse{Kind: v.Kind, Json: string(v.JSON)}), nil
}

func (s jobService) GetInvoice(ctx context.Context, r *connect.Request[pb.GetInvoiceRequest]) (*connect.Response[pb.GetInvoiceResponse], error) {
	v, err := s.b.Invoice(ctx, r.Msg.GetJobId())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(encodeInvoice(v)), nil
}

func (s jobService) ListElements(ctx context.Context, _ *connect.Request[pb.ListElementsRequest]) (*connect.Response[pb.ListElementsResponse], error) {
	list, err := s.b.Elements(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListElementsResponse{Items: each(list, encodeElement)}), nil
}
