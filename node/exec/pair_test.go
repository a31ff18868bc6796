package exec

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/node/plan"
)

// post is a mailbox without mail: these tests have no control messages.
type post struct{}

func (post) Pending(context.Context, party.ID, uint64, int) ([]link.Envelope, error) { return nil, nil }

func (post) Deliver(_ context.Context, _ party.ID, e link.Envelope) (uint64, error) {
	return e.Seq, nil
}

func (post) Acked(context.Context, party.ID, uint64) error { return nil }

// ballots is the ledger of both parties at once: a step is done when both have sealed it.
type ballots struct {
	mu      sync.Mutex
	votes   map[string]Vote
	read    map[string]Reading
	begun   int
	used    int // sessions that were open on both sides
	bound   map[[32]byte]int
	notices []string
	ended   map[party.ID]error
	changed chan struct{}
	refuse  error // of Egress
}

func newBallots() *ballots {
	return &ballots{
		votes: map[string]Vote{}, read: map[string]Reading{}, bound: map[[32]byte]int{}, ended: map[party.ID]error{},
		changed: make(chan struct{}),
	}
}

// ledger is one party's side of ballots.
type ledger struct {
	*ballots
	self party.ID
}

func (l ledger) do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *ballots) vote(p party.ID, slot string) (Vote, Reading, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.votes[string(p)+"/"+slot]
	return v, l.read[string(p)+"/"+slot], ok
}

func (l ledger) Begin(context.Context, *Task, Slot) error { l.do(func() { l.begun++ }); return nil }

func (l ledger) Bind(_ context.Context, _ *Task, _ Slot, b [32]byte) error {
	l.do(func() { l.bound[b]++ })
	return nil
}

func (l ledger) Use(context.Context, *Task, Slot) error { l.do(func() { l.used++ }); return nil }

func (l ledger) Egress(context.Context, *Task, Slot, Egress) error { return l.refuse }

func (l ledger) Seal(_ context.Context, _ *Task, s Slot, _ Sealed, v Vote, m Reading) error {
	l.do(func() { l.votes[string(l.self)+"/"+s.ID], l.read[string(l.self)+"/"+s.ID] = v, m })
	return nil
}

func (l ledger) Await(ctx context.Context, t *Task, s Slot) error {
	for {
		l.mu.Lock()
		changed, n := l.changed, 0
		for _, p := range t.Parties {
			v, ok := l.votes[string(p)+"/"+s.ID]
			if ok && !v.Sealed {
				l.mu.Unlock()
				return fault.New(fault.PeerAborted, "test", "a vote says so")
			}
			if ok {
				n++
			}
		}
		l.mu.Unlock()
		if n == len(t.Parties) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

func (l ledger) Finished(_ context.Context, _ *Task, err error) {
	l.do(func() { l.ended[l.self] = err })
}

func (l ledger) Notice(_ context.Context, _ *Task, text string) {
	l.do(func() { l.notices = append(l.notices, text) })
}

// side is one party of a pair.
type side struct {
	id     party.ID
	link   *link.Link
	engine *Engine
	task   *Task
}

// two starts a bank and a utility over TLS on loopback.
func two(t *testing.T, idle time.Duration) (*ballots, map[party.ID]*side) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, pins := map[party.ID]*identity.Keys{}, map[party.ID]*identity.Pins{}
	b, sides := newBallots(), map[party.ID]*side{}
	for _, id := range []party.ID{"bank", "utility"} {
		k, err := identity.Create(t.TempDir(), id, rand.Reader, time.Now())
		ok(err)
		keys[id], pins[id] = k, &identity.Pins{}
		l, err := link.New(link.Config{Keys: k, Pins: pins[id], Mailbox: post{}, Listen: []string{"127.0.0.1:0"}})
		ok(err)
		t.Cleanup(l.Close)
		ok(l.Start())
		s := &side{id: id, link: l}
		s.engine = New(Config{Self: id, Dir: t.TempDir(), Link: l, Ledger: ledger{b, id}, Idle: idle})
		t.Cleanup(s.engine.Close)
		sides[id] = s
	}
	for _, pair := range [][2]party.ID{{"bank", "utility"}, {"utility", "bank"}} {
		card, err := keys[pair[1]].Card([]string{sides[pair[1]].link.Addrs()[0].String()}, time.Now())
		ok(err)
		peer, err := card.Peer()
		ok(err)
		ok(pins[pair[0]].Set(peer))
	}
	ok(sides["bank"].link.Connect("utility"))
	return b, sides
}

// files are the inputs of a job, described as their owners would.
type files map[party.ID]string

func (f files) Root(p party.ID) ([32]byte, error) { return [32]byte{p[0]}, nil }

func (f files) describe(p party.ID) (table.Description, error) {
	return table.Describe(context.Background(), f[p], memory.NewGoAllocator(), table.Options{Keys: []string{"id"}})
}

func (f files) Describe(p party.ID, _ string) (plan.Dataset, error) {
	d, err := f.describe(p)
	if err != nil {
		return plan.Dataset{}, err
	}
	return plan.Dataset{Type: engine.NewType(d.Schema, label.PrivateTo(p)), Rows: d.Rows, Version: d.Digest}, nil
}

// build compiles a spec over the files.
func (f files) build(t *testing.T, text string) *plan.Plan {
	t.Helper()
	spec, err := job.Parse([]byte(text), job.YAML)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(spec, f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// task is the job as p runs it.
func (f files) task(p *plan.Plan, self party.ID) *Task {
	t := &Task{Job: strings.Repeat("ab", 16), Plan: p, Parties: []party.ID{"bank", "utility"}}
	for _, in := range p.Inputs {
		if in.Party == self {
			t.Sources = append(t.Sources, Source{Input: in.ID, Path: f[self], Keys: []string{"id"}, Digest: in.Version})
		}
	}
	return t
}

// sample writes two overlapping tables of n rows in which the label follows the features of both.
func sample(t *testing.T, n int) files {
	t.Helper()
	var bank, utility strings.Builder
	bank.WriteString("id,y,region,x0\n")
	utility.WriteString("id,u0\n")
	for i := range n {
		rng := mrand.New(mrand.NewPCG(3, uint64(i)))
		x, u := rng.NormFloat64(), rng.NormFloat64()
		y := 0
		if x+u+rng.NormFloat64() > 0 {
			y = 1
		}
		fmt.Fprintf(&bank, "c%d,%d,%s,%.3f\n", i, y, []string{"north", "south"}[i%2], x)
		fmt.Fprintf(&utility, "c%d,%.3f\n", i, u)
	}
	utility.WriteString(",0.5\n") // a row without a key
	return files{"bank": write(t, bank.String()), "utility": write(t, utility.String())}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const fullSpec = `version: 1
name: everything
purpose: credit-risk
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: bank
inputs:
  - {id: loans, party: bank, dataset: loans@1, key: [id], target: y, columns: [region, x0]}
  - {id: usage, party: utility, dataset: usage@1, key: [id], columns: [u0]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
  - {id: stats, op: aggregate, in: [joined], with: {group: region, keys: [north, south], measures: [count, rate], label: y, epsilon: "1.0"}}
  - {id: parts, op: split, in: [joined], with: {test: 0.3, seed: 42}}
  - {id: scaled, op: scale, in: [parts]}
  - {id: model, op: train.glm, in: [scaled], with: {max_iter: 4}}
  - {id: scores, op: predict, in: [scaled, model], with: {part: test}}
  - {id: report, op: evaluate, in: [scores], with: {metrics: [auc, ks, roc]}}
releases:
  - {id: r-report, from: report, to: [bank, utility], min_rows: 100}
  - {id: r-model, from: model, to: [bank, utility], form: own-coefficients}
  - {id: r-stats, from: stats, to: [bank, utility]}
`

// A whole job at two engines: every slot's declared cost is what was transferred, every binding is used once at each
// party, and what is released to both is the same at both.
func TestEveryOp(t *testing.T) {
	b, sides := two(t, 0)
	data := sample(t, 400)
	p := data.build(t, fullSpec)
	for id, s := range sides {
		s.task = data.task(p, id)
		s.engine.Start(s.task)
		s.engine.Start(s.task) // twice is once
	}
	await(t, b, 2)
	for id, err := range b.ended {
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
	for _, sl := range Schedule(p) {
		for id := range sides {
			v, m, ok := b.vote(id, sl.ID)
			if !ok || !v.Sealed {
				t.Fatalf("%s: no vote on %s", id, sl.ID)
			}
			if sl.Release != nil {
				cost, err := ReleaseCost(p, *sl.Release)
				if err != nil {
					t.Fatal(err)
				}
				if id == "bank" && m.Sent != cost.SentBytes || id == "utility" && m.Recv != cost.SentBytes {
					t.Errorf("%s: %s sent %d and received %d bytes, planned %+v", sl.ID, id, m.Sent, m.Recv, cost)
				}
				if m.Rounds != int64(cost.Rounds) {
					t.Errorf("%s: %d rounds, planned %d", sl.ID, m.Rounds, cost.Rounds)
				}
			}
		}
		bank, _, _ := b.vote("bank", sl.ID)
		utility, _, _ := b.vote("utility", sl.ID)
		if bank.Common != utility.Common {
			t.Errorf("%s: two common results", sl.ID)
		}
	}
	for binding, n := range b.bound {
		if n != 2 {
			t.Errorf("binding %x was used %d times", binding[:4], n)
		}
	}
	one, err := sides["bank"].engine.ReadOutput(sides["bank"].task.Job, "r-stats")
	if err != nil {
		t.Fatal(err)
	}
	two, err := sides["utility"].engine.ReadOutput(sides["bank"].task.Job, "r-stats")
	if err != nil || string(one) != string(two) || !strings.Contains(string(one), `"north"`) {
		t.Errorf("%s\n%s\n%v", one, two, err)
	}
	if len(b.notices) != 1 || !strings.Contains(b.notices[0], "1 of 401 rows") {
		t.Errorf("notices %q", b.notices)
	}
	if len(sides["bank"].engine.progress) != 0 {
		t.Error("an ended job stays in memory")
	}
}

// A job may name how it aligns; every way finds the same rows, and transfers no more than planned.
func TestAlignMethods(t *testing.T) {
	data := sample(t, 300)
	for _, with := range []string{
		"protocol: ecdh, suite: x25519-ell2", "protocol: ecdh, suite: ristretto255",
		"protocol: ecdh, suite: p256", "protocol: ecdh, suite: sm2", "protocol: rr22",
	} {
		t.Run(with, func(t *testing.T) {
			b, sides := two(t, 0)
			text := strings.Replace(fullSpec, "{index: [bank, utility]}", "{index: [bank, utility], "+with+"}", 1)
			head, _, _ := strings.Cut(text, "  - {id: parts")
			head = strings.NewReplacer("columns: [region, x0]", "columns: [region]", ", columns: [u0]", "").Replace(head)
			p := data.build(t, head+"releases:\n  - {id: r-stats, from: stats, to: [bank, utility]}\n")
			for id, s := range sides {
				s.task = data.task(p, id)
				s.engine.Start(s.task)
			}
			await(t, b, 2)
			for id, err := range b.ended {
				if err != nil {
					t.Fatalf("%s: %v", id, err)
				}
			}
			step, ok := p.Step("joined")
			if !ok {
				t.Fatal("no align step")
			}
			for id := range sides {
				v, m, ok := b.vote(id, "joined")
				if !ok || v.Common != countDigest(300) {
					t.Errorf("%s: another number of rows in common", id)
				}
				k := slices.IndexFunc(step.Cost, func(c plan.PartyCost) bool { return c.Party == id })
				if c := step.Cost[k]; m.Sent == 0 || m.Sent > c.SentBytes || m.Recv > c.RecvBytes || m.Rounds != int64(c.Rounds) {
					t.Errorf("%s: sent %d, received %d in %d rounds, planned %+v", id, m.Sent, m.Recv, m.Rounds, c)
				}
			}
		})
	}
}

// await waits until n parties have finished.
func await(t *testing.T, b *ballots, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		b.mu.Lock()
		changed, done := b.changed, len(b.ended)
		b.mu.Unlock()
		if done == n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatal("the run does not end")
		}
	}
}

// A refusal at the gate keeps the result where it is.
func TestEgressRefused(t *testing.T) {
	b, sides := two(t, 0)
	b.refuse = fault.New(fault.Denied, "test", "rule test")
	data := sample(t, 400)
	p := data.build(t, fullSpec)
	for id, s := range sides {
		s.engine.Start(data.task(p, id))
	}
	await(t, b, 2)
	for _, id := range []party.ID{"bank", "utility"} {
		v, m, ok := b.vote(id, "r-model")
		if !ok || v.Sealed || v.Code != fault.Denied || m.Sent != 0 {
			t.Errorf("%s: %+v sent %d", id, v, m.Sent)
		}
		if _, err := sides[id].engine.ReadOutput(strings.Repeat("ab", 16), "r-model"); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A peer that says nothing ends the attempt at the idle limit, by name: one that never opens its session, and one that
// opens it and stalls.
func TestIdlePeerIsNamed(t *testing.T) {
	for _, opens := range []bool{false, true} {
		t.Run(fmt.Sprint("opens ", opens), func(t *testing.T) {
			b, sides := two(t, 300*time.Millisecond)
			data := sample(t, 400)
			p := data.build(t, fullSpec)
			task := data.task(p, "bank")
			sides["bank"].engine.Start(task)
			if opens {
				sl := Schedule(p)[0]
				s, err := sides["utility"].link.Open(t.Context(), "bank", link.SessionID{
					Binding: Binding(task, sl), Job: task.Job, Step: sl.ID, Attempt: 1,
				})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
			}
			await(t, b, 1)
			v, _, ok := b.vote("bank", "joined")
			if !ok || v.Sealed || v.Code != fault.Timeout || v.Culprit != "utility" {
				t.Fatalf("%+v", v)
			}
			if err := b.ended["bank"]; fault.CodeOf(err) != fault.Timeout {
				t.Errorf("%v", err)
			}
		})
	}
}

// Stop and Close end a run that waits for its peer, and its vote says why.
func TestStopAndClose(t *testing.T) {
	data := sample(t, 400)
	p := data.build(t, fullSpec)
	for name, stop := range map[string]func(e *Engine, id string){
		"stop":  func(e *Engine, id string) { e.Stop(id, fault.New(fault.Expired, "test", "over")) },
		"close": func(e *Engine, _ string) { e.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b, sides := two(t, 0)
			e, task := sides["bank"].engine, data.task(p, "bank")
			if e.Stop(task.Job, nil) {
				t.Error("a job that does not run is stopped")
			}
			e.Start(task)
			for {
				b.mu.Lock()
				n := len(b.bound)
				b.mu.Unlock()
				if n > 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			stop(e, task.Job)
			await(t, b, 1)
			v, _, _ := b.vote("bank", "joined")
			if want := map[string]fault.Code{"stop": fault.Expired, "close": fault.PeerAborted}[name]; v.Code != want || v.Sealed {
				t.Errorf("%+v, want %s", v, want)
			}
			e.Close()
			e.Start(task) // after Close nothing starts
			if len(e.running) != 0 {
				t.Error("a job starts after Close")
			}
		})
	}
}
