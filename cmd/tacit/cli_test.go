package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const jobID = "0123456789abcdef0123456789abcdef"

// fake is a node that answers with fixed views; what it does not override is not called.
type fake struct {
	rpc.Backend
	tls *tls.Config

	mu        sync.Mutex
	fail      error
	views     []node.JobView // successive answers to WaitJob; the first is the answer to Job
	submitted []bool         // planOnly of each Submit
}

func (f *fake) Info() node.Info {
	return node.Info{Party: "bank", Version: "v0", LinkAddress: "10.0.0.1:7601", RootFingerprint: strings.Repeat("ab", 32), Leaves: 41, PeakRSS: 38e6, CPU: time.Second}
}
func (f *fake) APITLS() *tls.Config          { return f.tls }
func (f *fake) CheckToken(token string) bool { return token == "token" }
func (f *fake) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail
}

func (f *fake) Peers(context.Context) ([]node.PeerView, error) {
	return []node.PeerView{{Party: "utility", State: node.PeerPinned, Link: "up", Words: "one two", Addresses: []string{"10.0.0.2:7601"}}}, f.failure()
}

func (f *fake) Invite(context.Context, party.ID) (string, time.Time, error) {
	return "tacit-invite-1x", epoch, f.failure()
}

func (f *fake) Submit(_ context.Context, _ string, _ []byte, _ job.Format, planOnly bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.submitted = append(f.submitted, planOnly)
	return jobID, f.fail
}
func (f *fake) Job(context.Context, string) (node.JobView, error) { return f.views[0], f.failure() }
func (f *fake) Jobs(context.Context) ([]node.JobView, error)      { return f.views[:1], f.failure() }

func (f *fake) WaitJob(ctx context.Context, _ string, last node.JobView) (node.JobView, error) {
	for i, v := range f.views[:len(f.views)-1] {
		if v.Phase == last.Phase {
			return f.views[i+1], nil
		}
	}
	<-ctx.Done()
	return last, ctx.Err()
}

func (f *fake) Result(context.Context, string, string) (node.Result, error) {
	return node.Result{Kind: "report", JSON: []byte(`{"auc":0.714}`)}, f.failure()
}

func (f *fake) Invoice(context.Context, string) (node.InvoiceView, error) {
	return node.InvoiceView{Job: jobID, Agreement: "sha256:00", Payer: "bank", Currency: "CNY", TotalMinor: 12000, Leaf: 38, Lines: []node.InvoiceLine{
		{Payee: "bank", Weight: 55, AmountMinor: 6600}, {Payee: "utility", Weight: 45, AmountMinor: 5400},
	}}, f.failure()
}
func (f *fake) Elements(context.Context) ([]node.ElementView, error) { return nil, f.failure() }
func (f *fake) Proof(context.Context, int64) ([]byte, string, error) {
	return []byte("c2sp.org/tlog-proof@v1\n"), "key", f.failure()
}

// view is the job in one phase.
func view(phase string) node.JobView {
	v := node.JobView{
		ID: jobID, Name: "credit-lr", Phase: phase, Lead: "bank", PlanDigest: "9d0c", PlanText: "plan      9d0c\nleak      joined  reveals: a to b\n",
		Leakage: []string{"reveals: a to b", "reveals: c to d"}, Approvals: []party.ID{"bank", "utility"}, Created: epoch,
		Steps: []node.StepView{{ID: "joined", Op: "align", Phase: "waiting", PlannedBytes: 4200}},
	}
	switch phase {
	case "running":
		v.Steps[0].Phase, v.Steps[0].Done, v.Steps[0].Total, v.Steps[0].SentBytes = "active", 3, 20, 1200
	case "succeeded":
		v.Steps[0].Phase, v.Steps[0].SentBytes, v.Steps[0].Wall = "done", 4200, time.Second
		v.Ended = epoch.Add(3 * time.Second)
	}
	return v
}

// start serves f and returns an app that talks to it, with what it prints.
func start(t *testing.T, f *fake) (a *app, out, errOut *strings.Builder) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	f.tls = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rpc.Serve(ctx, f, lis, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	out, errOut = &strings.Builder{}, &strings.Builder{}
	return &app{in: strings.NewReader(""), out: out, err: errOut, now: func() time.Time { return epoch }, dial: func(string) (*rpc.Client, error) {
		return rpc.NewClient("https://"+lis.Addr().String(), "token", &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}), nil
	}}, out, errOut
}

func writeSpec(t *testing.T, edit ...string) string {
	t.Helper()
	text := `version: 1
name: credit-lr
purpose: credit-risk
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: bank
inputs:
  - {id: loans, party: bank, dataset: loans@1, key: [id], target: y, columns: [x0]}
  - {id: usage, party: utility, dataset: usage@1, key: [id], columns: [u0]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: parts, op: split, in: [joined], with: {test: 0.2, seed: 42}}
  - {id: scaled, op: scale, in: [parts], with: {method: zscore, clip: 8}}
  - {id: model, op: train.glm, in: [scaled], with: {link: logit, max_iter: 5, tol: 0.001, lambda: 1}}
  - {id: scores, op: predict, in: [scaled, model], with: {part: test}}
releases:
  - {id: r-scores, from: scores, to: [bank]}
`
	path := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(path, []byte(strings.NewReplacer(edit...).Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	spec := writeSpec(t)
	for _, line := range []string{
		"nosuch", "job", "job nosuch", "status extra", "invite", "job show", "get one", "--format xml version", "--nosuch version",
		"init", "data add loans file.csv", "audit prove -- -1", "audit prove x", "grant create", "grant create -f x --uses 1", "submit " + spec,
		"agreement offer --price 1.234", "agreement offer --currency yuan", "agreement offer --share bank", "agreement accept abc", "grant create --asset a --expires 1d --column x",
	} {
		a, out, errOut := start(t, &fake{views: []node.JobView{view("running")}})
		if code := run(t.Context(), a, strings.Fields(line)); code != exitUsage || out.Len() > 0 || !strings.HasPrefix(errOut.String(), "usage: ") {
			t.Errorf("%s: code %d, stdout %q, stderr %q", line, code, out, errOut)
		}
	}
}

// TestText and TestJSON run the reading commands against a node.
func TestText(t *testing.T) {
	for line, want := range map[string]string{
		"status": "utility  pinned  link up", "invite utility": "tacit-invite-1x\n", "peer list": "one two", "job list": "0123456789ab", "job show 012345": "1.2 kB",
		"get 012345 r-report": "auc  0.714\n", "invoice 012345": "54.00 CNY  weight 45", "audit prove 38": "c2sp.org/tlog-proof@v1", "version": "tacit ",
	} {
		a, out, errOut := start(t, &fake{views: []node.JobView{view("running")}})
		if code := run(t.Context(), a, strings.Fields(line)); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", line, code, out, errOut)
		}
	}
}

func TestJSON(t *testing.T) {
	for line, kind := range map[string]string{
		"status": "status", "invite utility": "invite", "peer list": "peers", "job list": "jobs", "job show 012345": "job", "get 012345 r-report": "result",
		"invoice 012345": "invoice", "element list": "elements", "audit prove 38": "proof", "version": "version",
	} {
		a, out, errOut := start(t, &fake{views: []node.JobView{view("running")}})
		code := run(t.Context(), a, append(strings.Fields(line), "--format", "json"))
		var got struct {
			Kind    string             `json:"kind"`
			Version int                `json:"version"`
			Items   *[]json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil || code != 0 || got.Kind != kind || got.Version != 1 {
			t.Errorf("%s: code %d, %v, stdout %q, stderr %q", line, code, err, out, errOut)
		}
		if isList := strings.HasSuffix(line, " list"); isList != (got.Items != nil) {
			t.Errorf("%s: items %v", line, got.Items)
		}
	}
}

func TestSubmit(t *testing.T) {
	f := &fake{views: []node.JobView{view("planning"), view("running"), view("succeeded")}}
	a, out, errOut := start(t, f)
	if code := run(t.Context(), a, []string{"submit", writeSpec(t), "--yes"}); code != 0 {
		t.Fatalf("code %d: %s", code, errOut)
	}
	if len(f.submitted) != 2 || !f.submitted[0] || f.submitted[1] {
		t.Errorf("submitted %v, want a plan and then the job", f.submitted)
	}
	const want = "plan      9d0c\nleak      joined  reveals: a to b\nleak      reveals: c to d\npolicy    allowed by bank, utility\n" +
		"job       0123456789ab  credit-lr  planning\n" +
		"job       0123456789ab  credit-lr  running\njoined    align     active    3/20  15 %  1.2 kB of 4.2 kB sent  0 B received\n" +
		"job       0123456789ab  credit-lr  succeeded\njoined    align     done      4.2 kB of 4.2 kB sent  0 B received  1s\n" +
		"result    tacit get 0123456789ab r-scores\n"
	if errOut.String() != want {
		t.Errorf("stderr\n%s\nwant\n%s", errOut, want)
	}
	if !strings.Contains(out.String(), "lasted       3s") {
		t.Errorf("stdout %s", out)
	}
}

func TestSubmitAsks(t *testing.T) {
	for answer, runs := range map[string]bool{"": false, "n\n": false, "y\n": true, "YES\n": true, "yes please\n": false} {
		f := &fake{views: []node.JobView{view("succeeded")}}
		a, out, errOut := start(t, f)
		a.in, a.asks = strings.NewReader(answer), true
		if code := run(t.Context(), a, []string{"submit", writeSpec(t), "--detach"}); code != 0 || (len(f.submitted) == 2) != runs || strings.Contains(out.String(), jobID) != runs {
			t.Errorf("%q: code %d, submitted %v, %s %s", answer, code, f.submitted, out, errOut)
		}
	}
}

func TestWatchTimeout(t *testing.T) {
	a, _, errOut := start(t, &fake{views: []node.JobView{view("running")}})
	if code := run(t.Context(), a, []string{"watch", "012345", "--timeout", "200ms"}); code != exitNotFinished {
		t.Errorf("code %d: %s", code, errOut)
	}
}

func TestAnotherPlanIsRefused(t *testing.T) {
	c := &canceled{}
	for _, digest := range []string{"", "9d0c"} {
		if err := samePlan(t.Context(), c, digest)(view("running")); err != nil || c.id != "" {
			t.Error(err)
		}
	}
	if err := samePlan(t.Context(), c, "aaaa")(view("running")); fault.CodeOf(err) != fault.PlanMismatch || c.id != jobID {
		t.Errorf("another plan: %v, canceled %q", err, c.id)
	}
	c.fail = fault.New(fault.Unavailable, "x", "gone")
	if err := samePlan(t.Context(), c, "aaaa")(view("running")); fault.CodeOf(err) != fault.PlanMismatch || !strings.Contains(err.Error(), "could not be canceled") {
		t.Errorf("another plan, no cancel: %v", err)
	}
}

type canceled struct {
	id   string
	fail error
}

func (c *canceled) Cancel(_ context.Context, id string) (node.JobView, error) {
	c.id = id
	return node.JobView{}, c.fail
}

func TestPredict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scores.json")
	a, out, errOut := start(t, &fake{views: []node.JobView{view("succeeded")}})
	if code := run(t.Context(), a, []string{"predict", writeSpec(t), "--yes", "-o", path}); code != 0 || !strings.Contains(out.String(), "r-scores of job 0123456789ab, at bank") {
		t.Errorf("code %d, %s %s", code, out, errOut)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != `{"auc":0.714}` {
		t.Errorf("%s, %v", b, err)
	}
	for name, spec := range map[string]string{
		"elsewhere":  writeSpec(t, "to: [bank]", "to: [utility]"),
		"no predict": writeSpec(t, "  - {id: scores, op: predict, in: [scaled, model], with: {part: test}}\n", "", "from: scores, to: [bank]", "from: model, to: [bank], form: own-coefficients"),
	} {
		if code := run(t.Context(), a, []string{"predict", spec, "--yes", "-o", path}); code != fault.Invalid.ExitCode() {
			t.Errorf("%s: code %d %s", name, code, errOut)
		}
	}
}

// TestExitCodes: the exit code is the fault's, whatever the format.
func TestExitCodes(t *testing.T) {
	for _, code := range fault.Codes() {
		for _, format := range []string{"text", "json"} {
			f := &fake{views: []node.JobView{view("running")}, fail: &fault.Error{Code: code, Op: "node.X", Reason: "why"}}
			a, out, errOut := start(t, f)
			got := run(t.Context(), a, []string{"job", "list", "--format", format})
			if got != code.ExitCode() || out.Len() > 0 || !strings.Contains(errOut.String(), code.String()) || !strings.Contains(errOut.String(), "why") {
				t.Errorf("%v: exit %d, %s", code, got, errOut)
			}
		}
	}
}

// TestInitAndVerify makes a real directory and verifies its empty log.
func TestInitAndVerify(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	out, errOut := &strings.Builder{}, &strings.Builder{}
	a := &app{in: strings.NewReader(""), out: out, err: errOut, now: time.Now, dial: rpc.Dial}
	for _, c := range []struct {
		line string
		want int
	}{
		{"init --party bank", 0},
		{"init --party bank", fault.Exists.ExitCode()},
		{"audit verify", 0},
		{"status", fault.Unavailable.ExitCode()},
	} {
		if code := run(t.Context(), a, append(strings.Fields(c.line), "--dir", dir)); code != c.want {
			t.Errorf("%s: %d, want %d: %s%s", c.line, code, c.want, out, errOut)
		}
	}
}
