package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/invariant"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/right"
)

// jobLimit is how long any job of these tests may take; one that takes longer hangs.
var jobLimit = map[bool]time.Duration{false: 10 * time.Second, true: 2 * time.Minute}[invariant.Enabled] // the race detector costs tenfold

// federation is a bank, a utility and a coordinator in one process, over real TLS on loopback.
type federation struct {
	t                    *testing.T
	bank, utility, coord *Node
	dir                  string
	logs                 map[party.ID]*logBuffer
}

// logBuffer keeps everything a node logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.b.Bytes())
}

// newFederation starts the three nodes and lets each pin the others. bank may change the bank's configuration.
func newFederation(t *testing.T, bank ...func(*Config)) *federation {
	t.Helper()
	f := &federation{t: t, dir: t.TempDir(), logs: map[party.ID]*logBuffer{}}
	f.bank, f.utility, f.coord = f.start("bank", bank...), f.start("utility"), f.start("coordinator")
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

// in is the same federation for a subtest.
func (f *federation) in(t *testing.T) *federation {
	sub := *f
	sub.t = t
	return &sub
}

func (f *federation) start(id party.ID, edit ...func(*Config)) *Node {
	f.t.Helper()
	if _, err := os.Stat(f.home(id)); err != nil {
		f.ok(Init(f.home(id), id, InitOptions{Listen: "127.0.0.1:0", API: "127.0.0.1:0"}))
	}
	cfg := Config{Dir: f.home(id), Logger: f.logger(id)}
	for _, e := range edit {
		e(&cfg)
	}
	n, err := Open(context.Background(), cfg)
	f.ok(err)
	f.t.Cleanup(func() { _ = n.Close() })
	return n
}

// home is a node's directory.
func (f *federation) home(id party.ID) string { return filepath.Join(f.dir, string(id)) }

func (f *federation) logger(id party.ID) *slog.Logger {
	if os.Getenv("TACIT_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", string(id))
	}
	if f.logs[id] == nil {
		f.logs[id] = &logBuffer{}
	}
	return slog.New(slog.NewTextHandler(f.logs[id], &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (f *federation) nodes() []*Node { return []*Node{f.bank, f.utility, f.coord} }

func (f *federation) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
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

// sheet is a CSV file before it is written.
type sheet struct {
	head []string
	rows [][]string
}

func (s *sheet) column(name string) int { return slices.Index(s.head, name) }

// set changes one cell.
func (s *sheet) set(row int, column, cell string) { s.rows[row][s.column(column)] = cell }

// fill changes a whole column.
func (s *sheet) fill(column, cell string) {
	for i := range s.rows {
		s.set(i, column, cell)
	}
}

func (s *sheet) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(strings.Join(s.head, ",") + "\n")
	for _, r := range s.rows {
		b.WriteString(strings.Join(r, ",") + "\n")
	}
	return b.Bytes()
}

// customer draws what the sample says of one customer; the label follows from both parties' features.
func customer(i int) (a, b, c, d float64, y int) {
	rng := rand.New(rand.NewPCG(11, uint64(i)))
	a, b, c, d = rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
	if 0.9*a-0.4*b+1.1*c+0.3*d+rng.NormFloat64() > 0 {
		y = 1
	}
	return a, b, c, d, y
}

// bankSheet has the customers first to first+rows−1 in random order.
func bankSheet(rows, first int) *sheet {
	s := &sheet{head: []string{"id", "y", "region", "x0", "x1"}}
	for _, i := range rand.New(rand.NewPCG(7, uint64(first))).Perm(rows) {
		a, b, _, _, y := customer(first + i)
		s.rows = append(s.rows, []string{
			customerID(first + i), fmt.Sprint(y), []string{"north", "south"}[i%2], fmt.Sprintf("%.4f", a), fmt.Sprintf("%.4f", b),
		})
	}
	return s
}

func utilitySheet(rows, first int) *sheet {
	s := &sheet{head: []string{"id", "u0", "u1"}}
	for _, i := range rand.New(rand.NewPCG(8, uint64(first))).Perm(rows) {
		_, _, c, d, _ := customer(first + i)
		s.rows = append(s.rows, []string{customerID(first + i), fmt.Sprintf("%.4f", c), fmt.Sprintf("%.4f", d)})
	}
	return s
}

func customerID(i int) string { return fmt.Sprintf("cust%06d", i) }

func (f *federation) write(name string, s *sheet) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	f.ok(os.WriteFile(path, s.bytes(), 0o600))
	return path
}

// deal is a pair of registered and granted datasets with a name of their own, so that nothing else touches their
// budgets.
type deal struct {
	f                     *federation
	name                  string
	bankFile, utilityFile string
	bankGrant             string
	utilityGrant          string
}

// deal registers both sheets and grants them to the other side. edit may change a grant before it is signed.
func (f *federation) deal(name string, bank, utility *sheet, edit ...func(*right.Grant)) deal {
	f.t.Helper()
	d := deal{f: f, name: name, bankFile: f.write(name+"-bank.csv", bank), utilityFile: f.write(name+"-utility.csv", utility)}
	d.register()
	d.bankGrant = f.grant(f.bank, bankTerms(d.asset(f.bank)), edit...)
	d.utilityGrant = f.grant(f.utility, utilityTerms(d.asset(f.utility)), edit...)
	return d
}

func (d deal) register() {
	d.f.t.Helper()
	ctx := d.f.t.Context()
	_, err := d.f.bank.AddDataset(ctx, NewDataset{Name: "loans-" + d.name, Path: d.bankFile, Keys: []string{"id"}, Target: "y"})
	d.f.ok(err)
	_, err = d.f.utility.AddDataset(ctx, NewDataset{Name: "usage-" + d.name, Path: d.utilityFile, Keys: []string{"id"}})
	d.f.ok(err)
}

// asset is the dataset that n holds of the deal.
func (d deal) asset(n *Node) string {
	if n.file.Party == "bank" {
		return "loans-" + d.name + "@1"
	}
	return "usage-" + d.name + "@1"
}

func bankTerms(asset string) right.Grant {
	return right.Grant{Asset: asset, Grantees: []party.ID{"utility"}, Columns: map[string][]right.Use{
		"id": {right.UseKey}, "y": {right.UseLabel}, "region": {right.UseGroup}, "x0": {right.UseFeature}, "x1": {right.UseFeature},
	}}
}

func utilityTerms(asset string) right.Grant {
	return right.Grant{Asset: asset, Grantees: []party.ID{"bank"}, Columns: map[string][]right.Use{
		"id": {right.UseKey}, "u0": {right.UseFeature}, "u1": {right.UseFeature},
	}}
}

// grantedUses is how often a grant of these tests may be used unless a test says otherwise.
const grantedUses = 3

// grant signs terms that cover the whole sample job unless edit narrows them, and returns the grant's id.
func (f *federation) grant(n *Node, g right.Grant, edit ...func(*right.Grant)) string {
	f.t.Helper()
	g.Purpose, g.TrustModels = "credit-risk", []string{"2pc-semihonest"}
	g.Leaks = []string{
		"row-count", "intersection-size", "intersection-members", "iterations", "score", "coefficients", "access-pattern",
		"metrics", "noised-cells", "membership-outside-dp",
	}
	g.Actions = []right.Action{right.ActionAlign, right.ActionTrain, right.ActionPredict, right.ActionAggregate, right.ActionEvaluate}
	g.Outputs = map[right.OutputKind]right.OutputRule{
		right.OutputStatistic: {MinRows: 100, Recipients: []party.ID{"bank", "utility"}},
		right.OutputModel:     {MinRows: 1, Recipients: []party.ID{"bank", "utility"}},
		right.OutputScore:     {MinRows: 1, Recipients: []party.ID{"bank"}},
		right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: []party.ID{"bank", "utility"}},
	}
	g.Limits = right.Limits{Uses: grantedUses, Rows: right.Unlimited, EpsilonPico: 1e12}
	g.NotBefore, g.NotAfter = time.Now().Add(-time.Hour).UnixMilli(), time.Now().Add(24*time.Hour).UnixMilli()
	for _, e := range edit {
		e(&g)
	}
	v, err := n.CreateGrant(f.t.Context(), g)
	f.ok(err)
	return v.Grant.ID
}

const jobHead = `version: 1
name: credit-lr
purpose: credit-risk
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: coordinator
`

// fullSpec is the sample job: align, a noised statistic, a model, its quality, and three releases.
const fullSpec = jobHead + `inputs:
  - {id: loans, party: bank, dataset: LOANS, key: [id], target: y, columns: [region, x0, x1]}
  - {id: usage, party: utility, dataset: USAGE, key: [id], columns: [u0, u1]}
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

// modelSpec is the shortest job that trains on both parties' columns.
const modelSpec = jobHead + `inputs:
  - {id: loans, party: bank, dataset: LOANS, key: [id], target: y, columns: [x0, x1]}
  - {id: usage, party: utility, dataset: USAGE, key: [id], columns: [u0, u1]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: scaled, op: scale, in: [joined]}
  - {id: model, op: train.glm, in: [scaled], with: {max_iter: 2}}
releases:
  - {id: r-model, from: model, to: [bank, utility]}
`

// statSpec is the shortest job: who is common, and a noised count of them.
const statSpec = jobHead + `inputs:
  - {id: loans, party: bank, dataset: LOANS, key: [id], columns: [region]}
  - {id: usage, party: utility, dataset: USAGE, key: [id]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: stats, op: aggregate, in: [joined], with: {group: region, keys: [north, south], measures: [count], epsilon: "1.0"}}
releases:
  - {id: r-stats, from: stats, to: [bank, utility]}
`

// spec fills a job's datasets in and makes the given replacements: old, new, old, new…
func (d deal) spec(text string, replace ...string) string {
	list := append(slices.Clone(replace), "LOANS", d.asset(d.f.bank), "USAGE", d.asset(d.f.utility))
	for i := 0; i < len(list); i += 2 {
		if !strings.Contains(text, list[i]) {
			d.f.t.Fatalf("the job has no %q", list[i])
		}
		text = strings.ReplaceAll(text, list[i], list[i+1])
	}
	return text
}

// submit hands a job to the bank's node.
func (f *federation) submit(spec string) string {
	f.t.Helper()
	id, err := f.bank.Submit(f.t.Context(), fmt.Sprint("request-", rand.Int64()), []byte(spec), job.YAML, false)
	f.ok(err)
	return id
}

// await waits until n's job has ended, or until it is as wanted.
func (f *federation) await(n *Node, id string, wanted func(JobView) bool) JobView {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), jobLimit)
	defer cancel()
	var v JobView
	for !v.Terminal() && (wanted == nil || !wanted(v)) {
		next, err := n.WaitJob(ctx, id, v)
		if ctx.Err() != nil {
			f.t.Fatalf("%s: job still %s after %s: %+v", n.file.Party, v.Phase, jobLimit, v.Steps)
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // the job has not reached this node yet
			continue
		}
		v = next
	}
	return v
}

// run submits a job at the bank and waits until it has ended at all three nodes.
func (f *federation) run(spec string) (bank, utility JobView) {
	f.t.Helper()
	id := f.submit(spec)
	views := make([]JobView, 0, 3)
	for _, n := range f.nodes() {
		views = append(views, f.await(n, id, nil))
	}
	return views[0], views[1]
}

// succeed runs a job that must succeed at both parties.
func (f *federation) succeed(spec string) (bank, utility JobView) {
	f.t.Helper()
	bank, utility = f.run(spec)
	for _, v := range []JobView{bank, utility} {
		if v.Phase != string(coordinator.Succeeded) {
			f.t.Fatalf("%s: %+v", v.Phase, v.Failure)
		}
	}
	return bank, utility
}

// account reads one budget account of a node.
func (f *federation) account(n *Node, id budget.AccountID) budget.Account {
	f.t.Helper()
	var a budget.Account
	f.ok(n.db.View(f.t.Context(), func(tx *store.Tx) error {
		row, err := tx.Get(store.Account, string(id))
		if err != nil {
			return err
		}
		a, err = budget.DecodeAccount(row.Value)
		return err
	}))
	return a
}

// charges are what a deal has cost at one party: the grant's account, which its dataset's must repeat.
func (d deal) charges(n *Node) budget.Account {
	d.f.t.Helper()
	grant := d.bankGrant
	if n.file.Party == "utility" {
		grant = d.utilityGrant
	}
	a := d.f.account(n, coordinator.GrantAccount(grant))
	name, _, _ := strings.Cut(d.asset(n), "@")
	if l := d.f.account(n, coordinator.LineageAccount(name)); l.Committed != a.Committed || l.Held != a.Held || l.Open != a.Open {
		d.f.t.Errorf("%s: the dataset's account has %v held %v open %v, its only grant's %v held %v open %v",
			n.file.Party, l.Committed, l.Held, l.Open, a.Committed, a.Held, a.Open)
	}
	return a
}

// settled reports what was charged at a party once nothing of the deal is held or open there.
func (d deal) settled(n *Node) budget.Amounts {
	d.f.t.Helper()
	a := d.charges(n)
	if (a.Held != budget.Amounts{}) || (a.Open != budget.Amounts{}) {
		d.f.t.Errorf("%s: held %v and open %v after the job ended", n.file.Party, a.Held, a.Open)
	}
	return a.Committed
}
