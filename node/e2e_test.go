package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/right"
)

// federation is a bank, a utility and a coordinator in one process, over real TLS on loopback.
type federation struct {
	t                    *testing.T
	bank, utility, coord *Node
	dir                  string
	logs                 *strings.Builder
}

func newFederation(t *testing.T) *federation {
	t.Helper()
	f := &federation{t: t, dir: t.TempDir()}
	f.bank, f.utility, f.coord = f.start("bank"), f.start("utility"), f.start("coordinator")
	for _, pair := range [][2]*Node{{f.bank, f.utility}, {f.bank, f.coord}, {f.utility, f.coord}} {
		token, _, err := pair[0].Invite(t.Context(), pair[1].file.Party)
		f.ok(err)
		_, err = pair[1].Join(t.Context(), token)
		f.ok(err)
		_, err = pair[0].ApprovePeer(t.Context(), pair[1].file.Party)
		f.ok(err)
	}
	return f
}

func (f *federation) start(id party.ID) *Node {
	f.t.Helper()
	dir := filepath.Join(f.dir, string(id))
	if _, err := os.Stat(dir); err != nil {
		f.ok(Init(dir, id, InitOptions{Listen: "127.0.0.1:0", API: "127.0.0.1:0"}))
	}
	var logger *slog.Logger
	if os.Getenv("TACIT_TEST_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", string(id))
	}
	n, err := Open(context.Background(), Config{Dir: dir, Logger: logger})
	f.ok(err)
	f.t.Cleanup(func() { _ = n.Close() })
	return n
}

func (f *federation) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *federation) write(name, head string, rows, first int, cells func(rng *rand.Rand, i int) string) string {
	f.t.Helper()
	rng := rand.New(rand.NewPCG(7, uint64(first)))
	var b strings.Builder
	b.WriteString(head + "\n")
	for _, i := range rng.Perm(rows) {
		fmt.Fprintf(&b, "cust%06d,%s\n", first+i, cells(rand.New(rand.NewPCG(9, uint64(first+i))), first+i))
	}
	path := filepath.Join(f.dir, name)
	f.ok(os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// credit registers the sample, signs an agreement and grants it.
func (f *federation) credit(rows int) (contract string) {
	ctx := f.t.Context()
	features := func(i int) (a, b, c, d float64, y int) {
		rng := rand.New(rand.NewPCG(11, uint64(i)))
		a, b, c, d = rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
		if 0.9*a-0.4*b+1.1*c+0.3*d+rng.NormFloat64() > 0 {
			y = 1
		}
		return a, b, c, d, y
	}
	bank := f.write("bank.csv", "id,y,region,x0,x1", rows, 0, func(_ *rand.Rand, i int) string {
		a, b, _, _, y := features(i)
		return fmt.Sprintf("%d,%s,%.4f,%.4f", y, []string{"north", "south"}[i%2], a, b)
	})
	utility := f.write("utility.csv", "id,u0,u1", rows, rows/5, func(_ *rand.Rand, i int) string {
		_, _, c, d, _ := features(i)
		return fmt.Sprintf("%.4f,%.4f", c, d)
	})
	_, err := f.bank.AddDataset(ctx, NewDataset{Name: "loans", Path: bank, Keys: []string{"id"}, Target: "y"})
	f.ok(err)
	_, err = f.utility.AddDataset(ctx, NewDataset{Name: "usage", Path: utility, Keys: []string{"id"}})
	f.ok(err)
	now := time.Now()
	v, err := f.bank.Offer(ctx, right.Agreement{
		Parties: []party.ID{"bank", "utility"}, Assets: []right.Asset{{Owner: "bank", ID: "loans@1"}, {Owner: "utility", ID: "usage@1"}},
		Purpose: "credit-risk", Price: right.Price{Currency: "CNY", Minor: 12000}, Payer: "bank",
		Shares:    []right.Share{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}},
		NotBefore: now.Add(-time.Hour).UnixMilli(), NotAfter: now.Add(24 * time.Hour).UnixMilli(),
	})
	f.ok(err)
	f.eventually("the offer arrives", func() bool {
		_, err := f.utility.Accept(ctx, v.ID)
		return err == nil
	})
	f.eventually("the acceptance arrives", func() bool {
		list, err := f.bank.Agreements(ctx)
		return err == nil && len(list) == 1 && list[0].State == right.AgreementFinalized
	})
	f.grant(f.bank, right.Grant{
		Asset: "loans@1", Grantees: []party.ID{"utility"},
		Columns: map[string][]right.Use{"id": {right.UseKey}, "y": {right.UseLabel}, "region": {right.UseGroup}, "x0": {right.UseFeature}, "x1": {right.UseFeature}},
		Outputs: map[right.OutputKind]right.OutputRule{
			right.OutputStatistic: {MinRows: 100, Recipients: []party.ID{"bank", "utility"}},
			right.OutputModel:     {MinRows: 1, Recipients: []party.ID{"bank", "utility"}},
			right.OutputScore:     {MinRows: 1, Recipients: []party.ID{"bank"}},
			right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: []party.ID{"bank", "utility"}},
		},
		Limits: right.Limits{Uses: 3, Rows: right.Unlimited, EpsilonPico: 1e12},
	})
	f.grant(f.utility, right.Grant{
		Asset: "usage@1", Grantees: []party.ID{"bank"},
		Columns: map[string][]right.Use{"id": {right.UseKey}, "u0": {right.UseFeature}, "u1": {right.UseFeature}},
		Outputs: map[right.OutputKind]right.OutputRule{
			right.OutputStatistic: {MinRows: 100, Recipients: []party.ID{"bank", "utility"}},
			right.OutputModel:     {MinRows: 1, Recipients: []party.ID{"bank", "utility"}},
			right.OutputScore:     {MinRows: 1, Recipients: []party.ID{"bank"}},
			right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: []party.ID{"bank", "utility"}},
		},
		Limits: right.Limits{Uses: 3, Rows: right.Unlimited, EpsilonPico: 1e12},
	})
	return v.ID
}

// leaks are what the owners of these tests accept.
var leaks = []string{
	"row-count", "intersection-size", "intersection-members", "iterations", "score", "coefficients", "access-pattern", "metrics",
	"noised-cells", "membership-outside-dp",
}

func (f *federation) grant(n *Node, g right.Grant) {
	f.t.Helper()
	g.Purpose, g.TrustModels, g.Leaks = "credit-risk", []string{"2pc-semihonest"}, leaks
	g.Actions = []right.Action{right.ActionAlign, right.ActionTrain, right.ActionPredict, right.ActionAggregate, right.ActionEvaluate}
	g.NotBefore, g.NotAfter = time.Now().Add(-time.Hour).UnixMilli(), time.Now().Add(24*time.Hour).UnixMilli()
	_, err := n.CreateGrant(f.t.Context(), g)
	f.ok(err)
}

func (f *federation) eventually(what string, ready func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ready() {
			return
		}
	}
	f.t.Fatal("timed out: ", what)
}

const creditSpec = `version: 1
name: credit-lr
purpose: credit-risk
contract: %s
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: coordinator
inputs:
  - {id: loans, party: bank, dataset: loans@1, key: [id], target: y, columns: [region, x0, x1]}
  - {id: usage, party: utility, dataset: usage@1, key: [id], columns: [u0, u1]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: stats, op: aggregate, in: [joined], with: {group: region, keys: [north, south], measures: [count, rate], label: y, epsilon: "1.0"}}
  - {id: parts, op: split, in: [joined], with: {test: 0.2, seed: 42}}
  - {id: scaled, op: scale, in: [parts]}
  - {id: model, op: train.glm, in: [scaled], with: {max_iter: 10}}
  - {id: scores, op: predict, in: [scaled, model], with: {part: test}}
  - {id: report, op: evaluate, in: [scores], with: {metrics: [auc, ks, roc]}}
releases:
  - {id: r-report, from: report, to: [bank, utility], min_rows: 100}
  - {id: r-model, from: model, to: [bank, utility], form: own-coefficients}
  - {id: r-stats, from: stats, to: [bank, utility]}
`

// run submits a job at the bank and waits until it has ended at all three nodes.
func (f *federation) run(spec string) (bank, utility JobView) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 60*time.Second)
	defer cancel()
	id, err := f.bank.Submit(ctx, fmt.Sprint("request-", rand.Int64()), []byte(spec), job.YAML, false)
	f.ok(err)
	var views []JobView
	for _, n := range []*Node{f.bank, f.utility, f.coord} {
		var v JobView
		for !v.Terminal() {
			next, err := n.WaitJob(ctx, id, v)
			if err != nil && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond) // the job has not reached this node yet
				continue
			}
			f.ok(err)
			v = next
		}
		views = append(views, v)
	}
	return views[0], views[1]
}

func TestMainJob(t *testing.T) {
	f := newFederation(t)
	contract := f.credit(900)
	bank, utility := f.run(fmt.Sprintf(creditSpec, contract))
	for _, v := range []JobView{bank, utility} {
		if v.Phase != "succeeded" {
			t.Fatalf("%s: %+v", v.Phase, v.Failure)
		}
	}
	res, err := f.utility.Result(t.Context(), utility.ID, "r-report")
	f.ok(err)
	var rep struct{ Metrics map[string]float64 }
	f.ok(json.Unmarshal(res.JSON, &rep))
	if rep.Metrics["auc"] < 0.8 {
		t.Errorf("joint AUC %.3f, at least 0.8 on this sample", rep.Metrics["auc"])
	}
	t.Logf("metrics %v", rep.Metrics)
}
