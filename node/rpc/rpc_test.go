package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// wireForms are the forms of the one API.
func wireForms() map[string][]connect.ClientOption {
	return map[string][]connect.ClientOption{
		"connect": nil, "json": {connect.WithProtoJSON()}, "grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()},
	}
}

// TestRoundTrip sends every call through every protocol and compares what the node was asked and what the caller got.
func TestRoundTrip(t *testing.T) {
	for name, opts := range wireForms() {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			m.resources = []catalog.Resource{resource(), resource()}
			everyCall(t, m, m.client(t, opts...))
		})
	}
}

func everyCall(t *testing.T, m *memory, c *Client) {
	ctx := t.Context()
	check := func(what string, got, want any, err error, asked ...any) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, %v; want %+v", what, got, err, want)
		}
		if len(asked) > 0 && !reflect.DeepEqual(m.got, asked) {
			t.Errorf("%s asked %+v, want %+v", what, m.got, asked)
		}
	}
	info, err := c.Info(ctx)
	want := m.Info()
	want.APIAddress = strings.TrimPrefix(c.URL(), "https://")
	check("Info", info, want, err)
	token, expires, err := c.Invite(ctx, "utility")
	check("Invite", []any{token, expires}, []any{"tacit-invite-1abc", epoch}, err, party.ID("utility"))
	peer, err := c.Join(ctx, "secret")
	check("Join", peer, peerView(), err, "secret")
	peer, err = c.ApprovePeer(ctx, "utility")
	check("ApprovePeer", peer, peerView(), err, party.ID("utility"))
	peers, err := c.Peers(ctx)
	check("Peers", peers, []node.PeerView{peerView()}, err)
	d := node.NewDataset{Name: "loans", Path: "/data/loans.csv", Keys: []string{"id", "day"}, Target: "y"}
	r, err := c.AddDataset(ctx, d)
	check("AddDataset", r, resource(), err, d)
	list, err := c.Datasets(ctx)
	check("Datasets", list, m.resources, err)
	a, err := c.Offer(ctx, agreement())
	check("Offer", a, agreementView(), err, agreement())
	a, err = c.Accept(ctx, "sha256:00")
	check("Accept", a, agreementView(), err, "sha256:00")
	as, err := c.Agreements(ctx)
	check("Agreements", as, []node.AgreementView{agreementView()}, err)
	g := grant()
	gv, err := c.CreateGrant(ctx, g)
	check("CreateGrant", gv, grantView(), err, g)
	gs, err := c.Grants(ctx)
	check("Grants", gs, []node.GrantView{grantView()}, err)
	id, err := c.Submit(ctx, "r1", []byte("version: 1\n"), job.JSON, true)
	check("Submit", id, jobView().ID, err, "r1", "version: 1\n", job.JSON, true)
	j, err := c.Job(ctx, "012345")
	check("Job", j, jobView(), err, "012345")
	js, err := c.Jobs(ctx)
	check("Jobs", js, []node.JobView{jobView()}, err)
	j, err = c.Cancel(ctx, "012345")
	check("Cancel", j, jobView(), err, "012345")
	res, err := c.Result(ctx, "012345", "r-report")
	check("Result", res, node.Result{Kind: "report", JSON: []byte(`{"auc":0.714}`)}, err, "012345", "r-report")
	inv, err := c.Invoice(ctx, "012345")
	check("Invoice", inv, invoiceView(), err, "012345")
	es, err := c.Elements(ctx)
	check("Elements", es, []node.ElementView{elementView()}, err)
	v, err := c.VerifyAudit(ctx)
	check("VerifyAudit", v, node.AuditView{Size: 41, Root: [32]byte{1, 2}, Checkpoint: "note", VerifierKey: "bank+ab+cd"}, err)
	proof, vkey, err := c.Proof(ctx, 38)
	check("Proof", []any{string(proof), vkey}, []any{"c2sp.org/tlog-proof@v1\n", "bank+ab+cd"}, err, int64(38))
}

// TestEveryCodeIsMapped: a code without a status would travel as "unknown".
func TestEveryCodeIsMapped(t *testing.T) {
	for _, c := range fault.Codes() {
		if statusOf[c] == 0 {
			t.Errorf("%v has no status", c)
		}
	}
	if len(statusOf) != len(fault.Codes()) {
		t.Errorf("%d rows for %d codes", len(statusOf), len(fault.Codes()))
	}
	for c := connect.CodeCanceled; c <= connect.CodeUnauthenticated; c++ {
		if _, ok := causeOf[c]; !ok {
			t.Errorf("%v has no cause", c)
		}
	}
}

func TestFaultsTravel(t *testing.T) {
	for name, opts := range wireForms() {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			c := m.client(t, opts...)
			for _, code := range fault.Codes() {
				m.setFail(&fault.Error{Code: code, Op: "exec.Run", Culprit: "utility", Reason: "3 of 7 columns, 数据", Err: errors.New("canary")})
				_, err := c.Jobs(t.Context())
				f, ok := errors.AsType[*Failure](err)
				if !ok || f.Party != "bank" {
					t.Fatalf("%v: %v", code, err)
				}
				if want := (fault.Error{Code: code, Op: "exec.Run", Culprit: "utility", Reason: "3 of 7 columns, 数据"}); *f.Err != want {
					t.Errorf("%v: %+v, want %+v", code, *f.Err, want)
				}
			}
		})
	}
}

func TestWhatAFailureTells(t *testing.T) {
	deep := fault.Wrap(fault.Unavailable, "node.Submit", fault.Wrap(fault.Invalid, "job.Parse", errors.New("canary"), "line 3"), "the job is not planned")
	cases := []struct {
		name   string
		err    error
		code   fault.Code
		reason string
	}{
		{"foreign", errors.New("canary"), fault.Internal, "see the log of this node"},
		{"canceled", context.Canceled, fault.Canceled, "the call was given up"},
		{"timeout", context.DeadlineExceeded, fault.Timeout, "not done in time"},
		{"chain", deep, fault.Unavailable, "the job is not planned: line 3"},
		{"no reason", &fault.Error{Code: fault.Corrupt}, fault.Corrupt, "see the log of this node"},
		{"same reason twice", fault.Wrap(fault.Invalid, "a", fault.New(fault.Invalid, "b", "no key"), "no key"), fault.Invalid, "no key"},
		{"not UTF-8", fault.New(fault.Invalid, "a", "x\xff"), fault.Invalid, "x?"},
		{"long", fault.New(fault.Invalid, "a", "%s", strings.Repeat("é", maxReasonBytes)), fault.Invalid, strings.Repeat("é", maxReasonBytes/2) + "…"},
	}
	for _, c := range cases {
		got := decodeFailure(encodeFailure(c.err, "bank"), "url")
		if fault.CodeOf(got) != c.code || fault.ReasonOf(got) != c.reason || strings.Contains(got.Error(), "canary") {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	step := &Failure{Party: "utility", Step: "model", Err: fault.New(fault.Denied, "policy.Decide", "rule grant/purpose")}
	f, _ := errors.AsType[*Failure](decodeFailure(encodeFailure(step, "bank"), "url"))
	if f == nil || f.Party != "utility" || f.Step != "model" || f.Error() != "utility: step model: policy.Decide: Denied: rule grant/purpose" {
		t.Errorf("step: %v", f)
	}
	if decodeFailure(nil, "url") != nil || JobFailure(jobView()) != nil {
		t.Error("success became a failure")
	}
	err := JobFailure(ended(&node.FailureView{Code: fault.Misbehaved, Party: "bank", Step: "model", Culprit: "utility", Reason: "bad point"}))
	if f, ok := errors.AsType[*Failure](err); !ok || f.Step != "model" || f.Err.Culprit != "utility" || fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("job failure: %v", err)
	}
}

func TestToken(t *testing.T) {
	m := newMemory(t)
	url, _ := m.serve(t, "127.0.0.1:0")
	for name, opts := range wireForms() {
		for _, token := range []string{"", "wrong", testToken + "0", testToken[:63]} {
			c := newClient(url, token, m.pin(t), opts...)
			_, err := c.Info(t.Context())
			wantCode(t, name, err, fault.Unauthenticated)
			if f, ok := errors.AsType[*Failure](err); !ok || f.Party != "bank" {
				t.Errorf("%s: no detail: %v", name, err)
			}
			_, err = c.Watch(t.Context(), "012345", func(node.JobView) error { return nil })
			wantCode(t, name+" watch", err, fault.Unauthenticated)
			c.Close()
		}
	}
	if m.got != nil {
		t.Errorf("the node was asked %v without its token", m.got)
	}
}

func TestTransportFailures(t *testing.T) {
	m := newMemory(t)
	url, stop := m.serve(t, "127.0.0.1:0")
	stranger := newClient(url, testToken, &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()})
	_, err := stranger.Info(t.Context())
	wantCode(t, "another root", err, fault.Unauthenticated)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newClient(url, testToken, m.pin(t))
	_, err = c.Info(ctx)
	wantCode(t, "canceled", err, fault.Canceled)
	stop()
	_, err = c.Info(t.Context())
	wantCode(t, "nobody there", err, fault.Unavailable)
	_, err = c.Watch(t.Context(), "012345", func(node.JobView) error { return nil })
	wantCode(t, "nobody to watch", err, fault.Unavailable)
}

func TestBounds(t *testing.T) {
	m := newMemory(t)
	c := m.client(t)
	ctx := t.Context()
	for _, n := range []int{1, job.MaxBytes} {
		if _, err := c.Submit(ctx, strings.Repeat("r", 64), bytes.Repeat([]byte("#"), n), job.YAML, false); err != nil {
			t.Errorf("spec of %d: %v", n, err)
		}
	}
	submit := func(requestID string, n int) error {
		_, err := c.Submit(ctx, requestID, bytes.Repeat([]byte("#"), n), job.YAML, false)
		return err
	}
	wantCode(t, "spec + 1", submit("r", job.MaxBytes+1), fault.LimitExceeded)
	wantCode(t, "request", submit("r", MaxRequestBytes), fault.LimitExceeded)
	wantCode(t, "no request id", submit("", 1), fault.Invalid)
	wantCode(t, "long request id", submit(strings.Repeat("r", 65), 1), fault.Invalid)
	_, err := c.ApprovePeer(ctx, "Not A Party")
	wantCode(t, "party", err, fault.Invalid)
	_, _, err = c.Invite(ctx, "")
	wantCode(t, "no party", err, fault.Invalid)
	_, _, err = c.Proof(ctx, -1)
	wantCode(t, "leaf", err, fault.Invalid)
	_, err = c.AddDataset(ctx, node.NewDataset{Name: "x", Path: "y"})
	wantCode(t, "no key", err, fault.Invalid)
	g := grant()
	g.NotAfter = 1
	_, err = c.CreateGrant(ctx, g)
	wantCode(t, "term over", err, fault.Invalid)
	if _, err := ParseFormat("toml"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("format: %v", err)
	}
}

// TestCurl is the API as a person with curl sees it: JSON over HTTP/1.1, real statuses.
func TestCurl(t *testing.T) {
	m := newMemory(t)
	url, _ := m.serve(t, "127.0.0.1:0")
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: m.pin(t)}} // without ForceAttemptHTTP2: HTTP/1.1
	post := func(path, body, token string) (int, map[string]any) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := hc.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		var out map[string]any
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("%s: %v in %q", path, err, b)
		}
		return resp.StatusCode, out
	}
	if status, out := post("/tacit.v1.NodeService/GetNode", "{}", testToken); status != 200 || out["party"] != "bank" || out["leaves"] != "41" {
		t.Errorf("GetNode = %d %v", status, out)
	}
	if status, out := post("/tacit.v1.JobService/GetJob", `{"jobId":"012345","waitS":61}`, testToken); status != 400 || out["code"] != "invalid_argument" || out["details"] == nil {
		t.Errorf("GetJob = %d %v", status, out)
	}
	if status, out := post("/tacit.v1.JobService/GetJob", `{"nonsense":`, testToken); status != 400 {
		t.Errorf("malformed = %d %v", status, out)
	}
	if status, out := post("/tacit.v1.JobService/ListJobs", "{}", "x"); status != 401 || out["code"] != "unauthenticated" {
		t.Errorf("ListJobs = %d %v", status, out)
	}
	r, err := hc.Get(url + "/")
	if err != nil || r.StatusCode != 404 {
		t.Fatalf("GET / = %v, %v", r, err)
	}
	_ = r.Body.Close()
}

func TestServeReportsADeadListener(t *testing.T) {
	m := newMemory(t)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = lis.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	wantCode(t, "closed", Serve(ctx, m, lis, nil), fault.Unavailable)
}
