package rpc

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/api/pb/pbconnect"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

const opClient = "rpc.Client"

// Client calls one node's API. Its methods are those of the node and take and return the node's types. Every error
// of a call is a *Failure, or a *fault.Error about an answer that is malformed. Safe for concurrent use; Close releases its connections.
type Client struct {
	url    string
	http   *http.Client
	nodes  pbconnect.NodeServiceClient
	peers  pbconnect.PeerServiceClient
	data   pbconnect.DataServiceClient
	rights pbconnect.RightServiceClient
	jobs   pbconnect.JobServiceClient
}

// Dial returns a client of the node that serves from dir: its address, token and root are read there. It needs read
// access to the directory, which is what makes its caller the node's user. Nothing is sent yet.
//
// Errors: fault.Unavailable (no node has announced an address in dir), and those of node.APIToken and node.APIClientTLS.
func Dial(dir string) (*Client, error) {
	addr, err := announced(dir)
	if err != nil {
		return nil, err
	}
	token, err := node.APIToken(dir)
	if err != nil {
		return nil, err
	}
	conf, err := node.APIClientTLS(dir)
	if err != nil {
		return nil, err
	}
	return NewClient("https://"+addr, token, conf), nil
}

// NewClient returns a client of the node at url, an https address without path, with its token and the TLS settings that
// prove the node. Nothing is sent yet.
func NewClient(url, token string, conf *tls.Config) *Client { return newClient(url, token, conf) }

func newClient(url, token string, conf *tls.Config, opts ...connect.ClientOption) *Client {
	transport := &http.Transport{
		TLSClientConfig:     conf,
		TLSHandshakeTimeout: readHeaderTimeout,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     idleTimeout,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	c := &Client{url: url, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	all := append([]connect.ClientOption{
		connect.WithInterceptors(newBearer(token)), connect.WithReadMaxBytes(MaxAnswerBytes), connect.WithSendMaxBytes(MaxRequestBytes),
	}, opts...)
	c.nodes = pbconnect.NewNodeServiceClient(c.http, url, all...)
	c.peers = pbconnect.NewPeerServiceClient(c.http, url, all...)
	c.data = pbconnect.NewDataServiceClient(c.http, url, all...)
	c.rights = pbconnect.NewRightServiceClient(c.http, url, all...)
	c.jobs = pbconnect.NewJobServiceClient(c.http, url, all...)
	return c
}

// noRedirect keeps the token from following a redirect elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close releases idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// URL is the address the client calls.
func (c *Client) URL() string { return c.url }

// call makes one unary call.
func call[Q, A any](ctx context.Context, c *Client, f func(context.Context, *connect.Request[Q]) (*connect.Response[A], error), q *Q) (*A, error) {
	resp, err := f(ctx, connect.NewRequest(q))
	if err != nil {
		return nil, decodeFailure(err, c.url)
	}
	return resp.Msg, nil
}

// all decodes a list whose items may be malformed.
func all[M, V any](in []M, f func(M) (V, error)) ([]V, error) {
	out := make([]V, 0, len(in))
	for _, m := range in {
		v, err := f(m)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Info returns what the node says of itself.
func (c *Client) Info(ctx context.Context) (node.Info, error) {
	m, err := call(ctx, c, c.nodes.GetNode, &pb.GetNodeRequest{})
	if err != nil {
		return node.Info{}, err
	}
	return decodeInfo(m), nil
}

// VerifyAudit makes the node verify its whole log.
func (c *Client) VerifyAudit(ctx context.Context) (node.AuditView, error) {
	m, err := call(ctx, c, c.nodes.VerifyAudit, &pb.VerifyAuditRequest{})
	if err != nil {
		return node.AuditView{}, err
	}
	return decodeAudit(m)
}

// Proof returns the inclusion proof of one leaf (c2sp.org/tlog-proof@v1) and the key it verifies with.
func (c *Client) Proof(ctx context.Context, leaf int64) (receipt []byte, vkey string, err error) {
	m, err := call(ctx, c, c.nodes.GetProof, &pb.GetProofRequest{Leaf: leaf})
	if err != nil {
		return nil, "", err
	}
	return []byte(m.GetTlogProof()), m.GetVerifierKey(), nil
}

// Invite makes an invite for p. The text is a secret until it is used.
func (c *Client) Invite(ctx context.Context, p party.ID) (token string, expires time.Time, err error) {
	m, err := call(ctx, c, c.peers.CreateInvite, &pb.CreateInviteRequest{Party: string(p)})
	if err != nil {
		return "", time.Time{}, err
	}
	return m.GetInvite(), fromMillis(m.GetExpiresMs()), nil
}

// Join uses an invite: the node dials the inviter and proves the secret.
func (c *Client) Join(ctx context.Context, token string) (node.PeerView, error) {
	m, err := call(ctx, c, c.peers.JoinPeer, &pb.JoinPeerRequest{Invite: token})
	if err != nil {
		return node.PeerView{}, err
	}
	return decodePeer(m.GetPeer()), nil
}

// ApprovePeer pins p, whose fingerprint a person has compared.
func (c *Client) ApprovePeer(ctx context.Context, p party.ID) (node.PeerView, error) {
	m, err := call(ctx, c, c.peers.ApprovePeer, &pb.ApprovePeerRequest{Party: string(p)})
	if err != nil {
		return node.PeerView{}, err
	}
	return decodePeer(m.GetPeer()), nil
}

// Peers lists the known parties.
func (c *Client) Peers(ctx context.Context) ([]node.PeerView, error) {
	m, err := call(ctx, c, c.peers.ListPeers, &pb.ListPeersRequest{})
	if err != nil {
		return nil, err
	}
	return each(m.GetItems(), decodePeer), nil
}

// AddDataset registers a file of the node's machine.
func (c *Client) AddDataset(ctx context.Context, d node.NewDataset) (catalog.Resource, error) {
	m, err := call(ctx, c, c.data.AddDataset, &pb.AddDatasetRequest{Name: d.Name, Path: d.Path, Keys: d.Keys, Target: d.Target})
	if err != nil {
		return catalog.Resource{}, err
	}
	return decodeDataset(m.GetDataset())
}

// Datasets lists the node's own data.
func (c *Client) Datasets(ctx context.Context) ([]catalog.Resource, error) {
	m, err := call(ctx, c, c.data.ListDatasets, &pb.ListDatasetsRequest{})
	if err != nil {
		return nil, err
	}
	return all(m.GetItems(), decodeDataset)
}

// Offer proposes an agreement to its parties.
func (c *Client) Offer(ctx context.Context, a right.Agreement) (node.AgreementView, error) {
	m, err := call(ctx, c, c.rights.OfferAgreement, encodeOffer(a))
	if err != nil {
		return node.AgreementView{}, err
	}
	return decodeAgreement(m.GetAgreement())
}

// Accept signs an agreement that was offered to this node.
func (c *Client) Accept(ctx context.Context, id string) (node.AgreementView, error) {
	m, err := call(ctx, c, c.rights.AcceptAgreement, &pb.AcceptAgreementRequest{Id: id})
	if err != nil {
		return node.AgreementView{}, err
	}
	return decodeAgreement(m.GetAgreement())
}

// Agreements lists what was offered and signed.
func (c *Client) Agreements(ctx context.Context) ([]node.AgreementView, error) {
	m, err := call(ctx, c, c.rights.ListAgreements, &pb.ListAgreementsRequest{})
	if err != nil {
		return nil, err
	}
	return all(m.GetItems(), decodeAgreement)
}

// CreateGrant opens one of the node's datasets. The node sets id and owner, the API trust model and accepted leakage.
func (c *Client) CreateGrant(ctx context.Context, g right.Grant) (node.GrantView, error) {
	m, err := call(ctx, c, c.rights.CreateGrant, encodeNewGrant(g))
	if err != nil {
		return node.GrantView{}, err
	}
	return decodeGrant(m.GetGrant())
}

// Grants lists the node's grants with their budgets.
func (c *Client) Grants(ctx context.Context) ([]node.GrantView, error) {
	m, err := call(ctx, c, c.rights.ListGrants, &pb.ListGrantsRequest{})
	if err != nil {
		return nil, err
	}
	return all(m.GetItems(), decodeGrant)
}
