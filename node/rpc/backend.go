package rpc

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

// Backend is what the API is served from: *node.Node, or a stand-in in tests. Its methods may be called concurrently.
type Backend interface {
	Info() node.Info
	APITLS() *tls.Config
	CheckToken(token string) bool // in constant time

	Invite(ctx context.Context, p party.ID) (token string, expires time.Time, err error)
	Join(ctx context.Context, token string) (node.PeerView, error)
	ApprovePeer(ctx context.Context, p party.ID) (node.PeerView, error)
	Peers(ctx context.Context) ([]node.PeerView, error)

	AddDataset(ctx context.Context, d node.NewDataset) (catalog.Resource, error)
	Datasets(ctx context.Context) ([]catalog.Resource, error)

	Offer(ctx context.Context, a right.Agreement) (node.AgreementView, error)
	Accept(ctx context.Context, id string) (node.AgreementView, error)
	Agreements(ctx context.Context) ([]node.AgreementView, error)
	CreateGrant(ctx context.Context, g right.Grant) (node.GrantView, error)
	Grants(ctx context.Context) ([]node.GrantView, error)

	Submit(ctx context.Context, requestID string, spec []byte, f job.Format, planOnly bool) (jobID string, err error)
	Job(ctx context.Context, id string) (node.JobView, error)
	Jobs(ctx context.Context) ([]node.JobView, error)
	// WaitJob blocks until the job's view differs from last, or ctx ends.
	WaitJob(ctx context.Context, id string, last node.JobView) (node.JobView, error)
	Cancel(ctx context.Context, id string) (node.JobView, error)
	Result(ctx context.Context, jobID, output string) (node.Result, error)
	Invoice(ctx context.Context, jobID string) (node.InvoiceView, error)
	Elements(ctx context.Context) ([]node.ElementView, error)

	VerifyAudit(ctx context.Context) (node.AuditView, error)
	Proof(ctx context.Context, leaf int64) (receipt []byte, vkey string, err error)
}
