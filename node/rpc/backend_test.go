package rpc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/meter"
	"github.com/tacit-data/tacit/sandbox/right"
)

const testToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

var _ Backend = (*node.Node)(nil)

// memory is a Backend that answers with what it was given and remembers what it was asked.
type memory struct {
	tls *tls.Config

	mu        sync.Mutex
	fail      error // of every call
	views     []node.JobView
	changed   chan struct{}
	got       []any // arguments of the last call that has some
	resources []catalog.Resource
}

func newMemory(t testing.TB) *memory {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &memory{
		tls:     &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		changed: make(chan struct{}),
		views:   []node.JobView{jobView()},
	}
}

// pin is the client's side of m's certificate.
func (m *memory) pin(t testing.TB) *tls.Config {
	cert, err := x509.ParseCertificate(m.tls.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}
}

// serve starts m on loopback; stop ends the server and waits for it.
func (m *memory) serve(t testing.TB, addr string) (url string, stop func()) {
	t.Helper()
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, m, lis, nil) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return "https://" + lis.Addr().String(), stop
}

func (m *memory) client(t testing.TB, opts ...connect.ClientOption) *Client {
	url, _ := m.serve(t, "127.0.0.1:0")
	c := newClient(url, testToken, m.pin(t), opts...)
	t.Cleanup(c.Close)
	return c
}

func (m *memory) ask(args ...any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(args) > 0 {
		m.got = args
	}
	return m.fail
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// change makes v the view of the first job and wakes who waits.
func (m *memory) change(v node.JobView) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views[0] = v
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Info() node.Info {
	return node.Info{Party: "bank", Version: "v0.1.0", LinkAddress: "10.0.0.1:7601", APIAddress: "unused", RootFingerprint: "ab12", Leaves: 41, PeakRSS: 1 << 30, CPU: time.Second}
}
func (m *memory) APITLS() *tls.Config          { return m.tls }
func (m *memory) CheckToken(token string) bool { return token == testToken }

func (m *memory) Invite(_ context.Context, p party.ID) (string, time.Time, error) {
	return "tacit-invite-1abc", epoch, m.ask(p)
}

func (m *memory) Join(_ context.Context, token string) (node.PeerView, error) {
	return peerView(), m.ask(token)
}

func (m *memory) ApprovePeer(_ context.Context, p party.ID) (node.PeerView, error) {
	return peerView(), m.ask(p)
}

func (m *memory) Peers(context.Context) ([]node.PeerView, error) {
	return []node.PeerView{peerView()}, m.ask()
}

func (m *memory) AddDataset(_ context.Context, d node.NewDataset) (catalog.Resource, error) {
	return resource(), m.ask(d)
}

func (m *memory) Datasets(context.Context) ([]catalog.Resource, error) { return m.resources, m.ask() }

func (m *memory) Offer(_ context.Context, a right.Agreement) (node.AgreementView, error) {
	return agreementView(), m.ask(a)
}

func (m *memory) Accept(_ context.Context, id string) (node.AgreementView, error) {
	return agreementView(), m.ask(id)
}

func (m *memory) Agreements(context.Context) ([]node.AgreementView, error) {
	return []node.AgreementView{agreementView()}, m.ask()
}

func (m *memory) CreateGrant(_ context.Context, g right.Grant) (node.GrantView, error) {
	return grantView(), m.ask(g)
}

func (m *memory) Grants(context.Context) ([]node.GrantView, error) {
	return []node.GrantView{grantView()}, m.ask()
}

func (m *memory) Submit(_ context.Context, requestID string, spec []byte, f job.Format, planOnly bool) (string, error) {
	return jobView().ID, m.ask(requestID, string(spec), f, planOnly)
}

func (m *memory) Job(_ context.Context, id string) (node.JobView, error) {
	err := m.ask(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.views[0], err
}
func (m *memory) Jobs(context.Context) ([]node.JobView, error) { return m.views, m.ask() }
func (m *memory) WaitJob(ctx context.Context, _ string, last node.JobView) (node.JobView, error) {
	for {
		m.mu.Lock()
		v, changed := m.views[0], m.changed
		m.mu.Unlock()
		if v.Phase != last.Phase || v.Ended != last.Ended {
			return v, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

func (m *memory) Cancel(_ context.Context, id string) (node.JobView, error) {
	return jobView(), m.ask(id)
}

func (m *memory) Result(_ context.Context, jobID, output string) (node.Result, error) {
	return node.Result{Kind: "report", JSON: []byte(`{"auc":0.714}`)}, m.ask(jobID, output)
}

func (m *memory) Invoice(_ context.Context, jobID string) (node.InvoiceView, error) {
	return invoiceView(), m.ask(jobID)
}

func (m *memory) Elements(context.Context) ([]node.ElementView, error) {
	return []node.ElementView{elementView()}, m.ask()
}

func (m *memory) VerifyAudit(context.Context) (node.AuditView, error) {
	return node.AuditView{Size: 41, Root: [32]byte{1, 2}, Checkpoint: "note", VerifierKey: "bank+ab+cd"}, m.ask()
}

func (m *memory) Proof(_ context.Context, leaf int64) ([]byte, string, error) {
	return []byte("c2sp.org/tlog-proof@v1\n"), "bank+ab+cd", m.ask(leaf)
}

func peerView() node.PeerView {
	return node.PeerView{Party: "utility", State: node.PeerJoining, Link: "up", RootFingerprint: "cd34", Words: "one two three", Addresses: []string{"10.0.0.2:7602"}}
}

// resource holds only what the wire carries.
func resource() catalog.Resource {
	return catalog.Resource{
		Name: "loans", Version: 3, Owner: "bank", Rows: 12000, DataDigest: [32]byte{7, 8},
		Columns: []catalog.Column{
			{Name: "id", Type: "utf8", Roles: []catalog.Role{catalog.RoleKey}}, {Name: "y", Type: "int64", Roles: []catalog.Role{catalog.RoleGroup, catalog.RoleLabel}}, {Name: "x0", Type: "float64"},
		},
	}
}

func agreement() right.Agreement {
	return right.Agreement{
		Parties: []party.ID{"bank", "utility"}, Assets: []right.Asset{{Owner: "bank", ID: "loans@3"}, {Owner: "utility", ID: "usage@1"}},
		Purpose: "credit-risk", Price: right.Price{Currency: "CNY", Minor: 12000}, Payer: "bank",
		Shares: []right.Share{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}}, NotAfter: epoch.UnixMilli(),
	}
}

func agreementView() node.AgreementView {
	return node.AgreementView{ID: "sha256:00", Agreement: agreement(), State: right.AgreementOffered, SignedBy: []party.ID{"bank"}}
}

func grant() right.Grant {
	return right.Grant{
		Asset: "loans@3", Grantees: []party.ID{"utility"}, Purpose: "credit-risk", TrustModels: []string{"2pc-semihonest"},
		Columns: map[string][]right.Use{"id": {right.UseKey}, "x0": {right.UseFeature, right.UseFilter}},
		Actions: []right.Action{right.ActionAlign, right.ActionTrain},
		Outputs: map[right.OutputKind]right.OutputRule{
			right.OutputModel:     {MinRows: 100, Recipients: []party.ID{"bank"}},
			right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: []party.ID{"bank", "utility"}},
		},
		Leaks:  []string{"access-pattern", "coefficients", "intersection-members", "intersection-size", "iterations", "membership-outside-dp", "noised-cells", "row-count"},
		Limits: right.Limits{Uses: 10, Rows: 5000, EpsilonPico: 500_000_000_000}, NotAfter: time.Now().Add(time.Hour).UnixMilli(), Agreement: "sha256:00",
	}
}

func grantView() node.GrantView {
	g := grant()
	g.ID, g.Owner, g.NotAfter = "g1", "bank", epoch.UnixMilli()
	g.TrustModels, g.Leaks, g.Limits, g.Agreement = nil, nil, right.Limits{}, "" // the wire does not carry them back
	return node.GrantView{Grant: g, State: right.GrantActive, Account: budget.Account{
		Caps: budget.Amounts{10, budget.Unlimited}, Committed: budget.Amounts{1, 4000}, Open: budget.Amounts{2}, Held: budget.Amounts{3},
	}}
}

func jobView() node.JobView {
	return node.JobView{
		ID: "0123456789abcdef0123456789abcdef", Name: "credit-lr", Phase: "running", Lead: "bank", PlanText: "plan …", Leakage: []string{"a to b"},
		PlanDigest: "0900000000000000000000000000000000000000000000000000000000000001",
		Steps:      []node.StepView{{ID: "model", Op: "train.glm", Phase: "running", Done: 3, Total: 20, Rounds: 9, SentBytes: 1, RecvBytes: 2, PlannedBytes: 3, CPU: 4, Wall: 5}},
		Receipts: []node.ReceiptView{{
			Receipt: meter.Receipt{
				Job: "0123456789abcdef0123456789abcdef", Step: "joined", Plan: [32]byte{0: 9, 31: 1}, Party: "utility", Outcome: meter.Done,
				Reading: meter.Reading{Uses: 1, RowsIn: 2, RowsOut: 3, CellsOut: 4, SentBytes: 5, RecvBytes: 6, Rounds: 7, DPRho: 8},
			},
			Countersigned: []party.ID{"bank"}, Leaf: -1,
		}},
		Approvals: []party.ID{"bank", "utility"}, WaitingFor: []party.ID{"utility"}, Notices: []string{"12 rows without a key"}, Created: epoch,
	}
}

func ended(f *node.FailureView) node.JobView {
	v := jobView()
	v.Phase, v.Failure, v.Ended = "done", f, epoch.Add(time.Minute)
	return v
}

func invoiceView() node.InvoiceView {
	return node.InvoiceView{Job: "j", Agreement: "sha256:00", Payer: "bank", Currency: "CNY", TotalMinor: 12000, Leaf: 38, Lines: []node.InvoiceLine{{Payee: "bank", Weight: 55, AmountMinor: 6600}, {Payee: "utility", Weight: 45, AmountMinor: 5400}}}
}

func elementView() node.ElementView {
	return node.ElementView{ID: "e1", Kind: "model", Job: "j", Step: "model", State: "sealed", Inputs: []string{"loans@3"}, Algorithm: "train.glm", Grade: 3}
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
