package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

// spec is a job file: its bytes as they are sent, and what they say.
type spec struct {
	bytes  []byte
	format job.Format
	job    job.Spec
}

// readSpec reads and checks a job file, so that a mistake in it is told with its line before anybody is asked.
func readSpec(path string) (spec, error) {
	b, err := readFile(path, job.MaxBytes)
	if err != nil {
		return spec{}, err
	}
	s := spec{bytes: b, format: rpc.FormatOfFile(path)}
	s.job, err = job.Parse(b, s.format)
	return s, err
}

// plan plans the job without running it and returns its view when the plan is made or refused.
func (s spec) plan(ctx context.Context, c *rpc.Client) (node.JobView, error) {
	id, err := c.Submit(ctx, newRequestID(), s.bytes, s.format, true)
	if err != nil {
		return node.JobView{}, err
	}
	v, err := c.Watch(ctx, id, func(node.JobView) error { return nil })
	if err != nil {
		return v, err
	}
	return v, rpc.JobFailure(v)
}

// outputs are the ids of the releases that p receives; from limits them to those of one step.
func (s spec) outputs(p party.ID, from string) []string {
	var out []string
	for _, r := range s.job.Releases {
		if slices.Contains(r.To, p) && (from == "" || r.From == from) {
			out = append(out, r.ID)
		}
	}
	return out
}

// lastPredict is the step a prediction is for: the last one, which is a predict.
//
// Errors: fault.Invalid when the job does not end so.
func (s spec) lastPredict() (string, error) {
	if n := len(s.job.Steps); n > 0 && s.job.Steps[n-1].Op == job.Predict {
		return s.job.Steps[n-1].ID, nil
	}
	return "", fault.New(fault.Invalid, "tacit.Predict", "the last step of the job is not a predict; use submit for other jobs")
}

// newRequestID returns 128 random bits: the same request sent twice is one job.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(b[:])
}
