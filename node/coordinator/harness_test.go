package coordinator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

// member is one party's service over a real store. Its engine is closed: a test drives the ledger itself.
type member struct {
	id   party.ID
	dir  string
	keys *identity.Keys
	pins *identity.Pins
	db   *store.DB
	*Service
}

// federation is a bank, a utility and a hub that leads, with messages delivered by hand.
type federation struct {
	t       *testing.T
	members map[party.ID]*member
	now     time.Time
	// forge replaces a message on its way; nil drops it. The result is sealed by its From.
	forge    func(Message) *Message
	contract string
}

var everyone = []party.ID{"bank", "hub", "utility"}

const uses, rowsCap, declared = 3, 1000, 40

func newFederation(t *testing.T) *federation {
	t.Helper()
	f := &federation{t: t, members: map[party.ID]*member{}, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	var peers []identity.Peer
	for _, id := range everyone {
		dir := t.TempDir()
		keys, err := identity.Create(dir, id, rand.Reader, time.Now())
		f.ok(err)
		card, err := keys.Card(nil, time.Now())
		f.ok(err)
		peer, err := card.Peer()
		f.ok(err)
		peers = append(peers, peer)
		f.members[id] = &member{id: id, dir: dir, keys: keys}
	}
	for _, m := range f.members {
		pins, err := identity.NewPins(slices.DeleteFunc(slices.Clone(peers), func(p identity.Peer) bool { return p.Party == m.id })...)
		f.ok(err)
		m.pins = pins
		f.open(m)
	}
	t.Cleanup(func() {
		for _, m := range f.members {
			f.close(m)
		}
	})
	f.agree()
	f.register("bank", "loans", []string{"id:utf8", "y:int64", "region:utf8", "x0:float64"})
	f.register("utility", "usage", []string{"id:utf8", "u0:float64"})
	return f
}

func (f *federation) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// logger shows the members' logs when a test is looked into.
func (f *federation) logger(id party.ID) *slog.Logger {
	if os.Getenv("TACIT_TEST_LOG") == "" {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", string(id))
}

// open starts a member, the first time or after close.
func (f *federation) open(m *member) {
	f.t.Helper()
	clock := func() time.Time { return f.now }
	db, err := store.Open(context.Background(), store.Config{Dir: m.dir, Party: m.id, Clock: clock})
	f.ok(err)
	m.db = db
	m.Service = New(Config{Self: m.id, DB: db, Keys: m.keys, Pins: m.pins, Kick: func(party.ID) {}, Clock: clock, Logger: f.logger(m.id)})
	e := exec.New(exec.Config{Self: m.id, Dir: m.dir, Ledger: m.Service})
	e.Close()
	m.SetEngine(e)
}

func (f *federation) close(m *member) {
	m.Service.Close()
	if err := m.db.Close(); err != nil {
		f.t.Error(err)
	}
}

// restart is a kill and a start; what was in memory is lost.
func (f *federation) restart(id party.ID) {
	f.t.Helper()
	m := f.members[id]
	f.close(m)
	f.open(m)
	f.ok(m.Resume(context.Background()))
}

// register adds a dataset, its grant to the other holder, and their budgets.
func (f *federation) register(owner party.ID, name string, columns []string) {
	f.t.Helper()
	m := f.members[owner]
	r := catalog.Resource{
		Name: name, Version: 1, Owner: owner, Class: catalog.Enterprise, Rows: declared, DeclaredRows: declared, Registered: 1,
		DataDigest: [32]byte{1}, SchemaDigest: [32]byte{2},
	}
	use := map[string][]right.Use{}
	for _, c := range columns {
		n, typ := c[:len(c)-len(":"+tail(c))], tail(c)
		col := catalog.Column{Name: n, Type: typ, Grade: 3, Roles: []catalog.Role{catalog.RoleFeature}}
		use[n] = []right.Use{right.UseFeature}
		switch n {
		case "id":
			col.Roles, use[n] = []catalog.Role{catalog.RoleKey}, []right.Use{right.UseKey}
		case "y":
			col.Roles, use[n] = []catalog.Role{catalog.RoleLabel}, []right.Use{right.UseLabel}
		case "region":
			use[n] = []right.Use{right.UseGroup}
		}
		r.Columns = append(r.Columns, col)
	}
	b, err := r.Encode()
	f.ok(err)
	both := []party.ID{"bank", "utility"}
	g := right.Grant{
		ID: "grant-" + name, Owner: owner, Asset: r.ID(), Grantees: slices.DeleteFunc(slices.Clone(both), func(p party.ID) bool { return p == owner }),
		Purpose: "credit-risk", TrustModels: []string{"2pc-semihonest"}, Columns: use,
		Actions: []right.Action{right.ActionAlign, right.ActionTrain, right.ActionPredict, right.ActionAggregate, right.ActionEvaluate},
		Leaks: []string{
			"row-count", "intersection-size", "intersection-members", "iterations", "score", "coefficients", "access-pattern",
			"metrics", "noised-cells", "membership-outside-dp",
		},
		Outputs: map[right.OutputKind]right.OutputRule{
			right.OutputStatistic: {MinRows: 10, Recipients: both}, right.OutputModel: {MinRows: 1, Recipients: both},
			right.OutputScore: {MinRows: 1, Recipients: both}, right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: both},
		},
		Limits:    right.Limits{Uses: uses, Rows: right.Unlimited, EpsilonPico: 1e12},
		NotBefore: f.now.Add(-time.Hour).UnixMilli(), NotAfter: f.now.Add(60 * 24 * time.Hour).UnixMilli(),
	}.Normal()
	gb, err := g.Encode()
	f.ok(err)
	state, err := right.GrantProposed.Step(right.GrantActivate)
	f.ok(err)
	caps := budget.Amounts{budget.Uses: uses, budget.Rows: rowsCap, budget.DPRho: 1e13, budget.DPDelta: 1e6}
	f.ok(m.db.Update(context.Background(), func(tx *store.Tx) error {
		return errors.Join(
			tx.PutJSON(store.Dataset, DatasetKey(r.ID()), Dataset{Resource: b, Path: "/nowhere.csv", Keys: []string{"id"}}),
			tx.PutJSON(store.Grant, g.ID, GrantRow{Grant: gb, State: state}),
			OpenAccount(tx, GrantAccount(g.ID), caps), OpenAccount(tx, LineageAccount(name), caps),
			tx.Log(audit.Leaf{Type: audit.DatasetRegistered}),
		)
	}))
}

func tail(c string) string {
	for i := len(c) - 1; i >= 0; i-- {
		if c[i] == ':' {
			return c[i+1:]
		}
	}
	return c
}

// agree stores the same finalised agreement at both holders.
func (f *federation) agree() {
	f.t.Helper()
	a := right.Agreement{
		Parties: []party.ID{"bank", "utility"}, Assets: []right.Asset{{Owner: "bank", ID: "loans@1"}, {Owner: "utility", ID: "usage@1"}},
		Purpose: "credit-risk", Price: right.Price{Currency: "CNY", Minor: 12000}, Payer: "bank",
		Shares:    []right.Share{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}},
		NotBefore: f.now.Add(-time.Hour).UnixMilli(), NotAfter: f.now.Add(24 * time.Hour).UnixMilli(),
	}.Normal()
	id, err := a.ID()
	f.ok(err)
	b, err := a.Encode()
	f.ok(err)
	f.contract = id
	for _, p := range []party.ID{"bank", "utility"} {
		f.ok(f.members[p].db.Update(context.Background(), func(tx *store.Tx) error {
			return errors.Join(
				tx.PutJSON(store.Agreement, id, AgreementRow{Agreement: b, State: right.AgreementFinalized}),
				tx.Log(audit.Leaf{Type: audit.AgreementFinalized}),
			)
		}))
	}
}

const specText = `version: 1
name: late-rates
purpose: credit-risk
contract: %s
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: hub
inputs:
  - {id: loans, party: bank, dataset: loans@1, key: [id], target: y, columns: [region]}
  - {id: usage, party: utility, dataset: usage@1, key: [id]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: stats, op: aggregate, in: [joined], with: {group: region, keys: [north, south], measures: [count, rate], label: y, epsilon: "1.0"}}
releases:
  - {id: r-stats, from: stats, to: [bank, utility]}
limits: {rows: %d}
`

func (f *federation) spec(rows int) []byte { return fmt.Appendf(nil, specText, f.contract, rows) }

// submit hands the job to the bank's own node.
func (f *federation) submit(planOnly bool) string {
	f.t.Helper()
	id, err := f.members["bank"].Submit(context.Background(), "request", f.spec(100000), job.YAML, planOnly)
	f.ok(err)
	return id
}

// pump delivers messages in rounds until none is left.
func (f *federation) pump() {
	f.t.Helper()
	for moved := true; moved; {
		moved = false
		for _, from := range everyone {
			for _, to := range everyone {
				moved = f.deliverAll(from, to) || moved
			}
		}
	}
}

func (f *federation) deliverAll(from, to party.ID) bool {
	f.t.Helper()
	if from == to {
		return false
	}
	var list []store.Message
	f.ok(f.members[from].db.View(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.Pending(to, 0, 1000)
		return err
	}))
	for _, m := range list {
		f.deliver(from, to, m.Seq, f.body(from, m))
		f.ok(f.members[from].db.Update(context.Background(), func(tx *store.Tx) error { return tx.Acked(to, m.Seq) }))
	}
	return len(list) > 0
}

// body is what travels: the stored bytes, or what forge makes of them. A dropped message travels as one of no meaning, so
// that the queue goes on.
func (f *federation) body(from party.ID, m store.Message) []byte {
	f.t.Helper()
	if f.forge == nil {
		return m.Body
	}
	open, err := decodeMessage(m.Body[:len(m.Body)-SignatureBytes])
	f.ok(err)
	forged := f.forge(open)
	if forged == nil {
		forged = &open
		forged.Kind, forged.Payload = 200, nil
	}
	b, err := forged.Seal(signer{f.members[from].keys})
	f.ok(err)
	return b
}

// deliver gives one message to one member; the inbox must never block.
func (f *federation) deliver(from, to party.ID, seq uint64, body []byte) {
	f.t.Helper()
	last, err := f.members[to].Deliver(context.Background(), from, seq, body, func(*store.Tx, Message) error { return nil })
	if err != nil || last < seq {
		f.t.Fatalf("message %d from %s blocks the inbox of %s at %d: %v", seq, from, to, last, err)
	}
}

// send puts a message of from's own making in its queue.
func (f *federation) send(from, to party.ID, kind Kind, id string, payload []byte) {
	f.t.Helper()
	f.ok(f.members[from].update(context.Background(), func(c *change) error { return c.send(to, kind, id, payload) }))
}

func (f *federation) record(at party.ID, id string) Record {
	f.t.Helper()
	var r Record
	f.ok(f.members[at].db.View(context.Background(), func(tx *store.Tx) error { return tx.GetJSON(store.Job, id, &r) }))
	return r
}

func (f *federation) phase(at party.ID, id string) Phase {
	f.t.Helper()
	var r Record
	err := f.members[at].db.View(context.Background(), func(tx *store.Tx) error { return tx.GetJSON(store.Job, id, &r) })
	if missing(err) {
		return ""
	}
	f.ok(err)
	return r.Job.Phase
}

func (f *federation) wantPhase(id string, want Phase, at ...party.ID) {
	f.t.Helper()
	for _, p := range at {
		if got := f.phase(p, id); got != want {
			f.t.Fatalf("%s: %s, want %s; %+v", p, got, want, f.record(p, id).Job.Failure)
		}
	}
}

// settles waits for what a job does in the background after a commit.
func (f *federation) settles(id string, want Phase, at party.ID) {
	f.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && f.phase(at, id) != want; {
		time.Sleep(time.Millisecond)
	}
	f.wantPhase(id, want, at)
}

// account reads a budget.
func (f *federation) account(at party.ID, id budget.AccountID) (a budget.Account) {
	f.t.Helper()
	f.ok(f.members[at].db.View(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Get(store.Account, string(id))
		if err == nil {
			a, err = budget.DecodeAccount(row.Value)
		}
		return err
	}))
	return a
}

// started reports whether a step of the job began at a member.
func (f *federation) started(at party.ID, id string) bool {
	f.t.Helper()
	n := 0
	f.ok(f.members[at].db.View(context.Background(), func(tx *store.Tx) error {
		return tx.Scan(store.Step, id+"/", func(store.Row) error { n++; return nil })
	}))
	return n > 0
}

// verify checks that the logs explain the state.
func (f *federation) verify() {
	f.t.Helper()
	for _, id := range everyone {
		f.ok(f.members[id].db.Verify(context.Background()))
	}
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}
