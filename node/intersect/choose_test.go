package intersect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/psi"
)

func question(own, peer int64) Question {
	return Question{Own: own, Peer: peer, Side: Listener, Memory: 1 << 30, Method: MethodAuto, Net: NetLAN(), Workers: 1}
}

// TestChoose: the sets decide, then what is asked for.
func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name string
		q    Question
		want string
	}{
		{"tiny", question(10, 10), "ecdh/x25519-ell2"},
		{"large", question(1<<20, 1<<20), "rr22"},
		{"huge", question(1<<26, 1<<20), "rr22"},
		{"asked for", with(question(1<<20, 1<<20), func(q *Question) { q.Method = psi.MethodECDH }), "ecdh/x25519-ell2"},
		{"suite", with(question(1<<20, 1<<20), func(q *Question) { q.Suite = psi.SuiteP256 }), "ecdh/p256"},
		{"malicious", with(question(10, 10), func(q *Question) { q.Terms.Malicious = true }), "rr22"},
	} {
		p, err := Choose(c.q)
		if err != nil || p.Name() != c.want || len(p.Why) == 0 {
			t.Errorf("%s: %s %v, %v, want %s", c.name, p.Name(), p.Why, err, c.want)
		}
		if _, err := (Candidate{Method: p.Method, Suite: p.Suite}).params(with(c.q, func(q *Question) { q.Terms = q.Terms.filled() }), p); err != nil {
			t.Errorf("%s: what was chosen cannot be had: %v", c.name, err)
		}
	}
}

func with(q Question, edit func(*Question)) Question {
	edit(&q)
	return q
}

func TestChooseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		q    Question
		want fault.Code
	}{
		"nothing built": {with(question(1, 1), func(q *Question) { q.Method, q.Terms.Malicious = psi.MethodECDH, true }), fault.Unsupported},
		"unknown suite": {with(question(1, 1), func(q *Question) { q.Suite = "x" }), fault.Unsupported},
		"no memory":     {with(question(1<<28, 1), func(q *Question) { q.Memory = 1000 }), fault.LimitExceeded},
		"negative":      {question(-1, 1), fault.Invalid},
	} {
		if _, err := Choose(c.q); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestCompareCosts: bytes are those of psi.Params.Cost over all buckets, both parties see each other's, and a slower
// network never makes anything faster.
func TestCompareCosts(t *testing.T) {
	q := question(3_000_000, 100_000)
	p, list, err := Compare(q)
	if err != nil || p.Buckets.Count() != 4 || p.Receiver != Connector {
		t.Fatalf("%+v, %v", p, err)
	}
	peer := q
	peer.Own, peer.Peer, peer.Side = q.Peer, q.Own, Connector
	_, theirs, err := Compare(peer)
	if err != nil {
		t.Fatal(err)
	}
	costs := map[string]Candidate{}
	for _, c := range theirs {
		costs[c.Name()] = c
	}
	slow := q
	slow.Net, _ = ParseNet("slow")
	_, onSlow, err := Compare(slow)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Refused != "" {
			continue
		}
		params, err := psi.NewParams(psi.ParamsLiteral{
			Method: c.Method, Suite: c.Suite, Output: psi.OutputBoth, SSP: psi.MinSSP + 2,
			ReceiverItems: p.Buckets.CapPeer, SenderItems: p.Buckets.CapSelf, Exact: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := params.Cost(p.Buckets.CapPeer, p.Buckets.CapSelf).Flip().Times(4); c.Cost != want {
			t.Errorf("%s: %+v, want %+v", c.Name(), c.Cost, want)
		}
		if got := costs[c.Name()].Cost.Flip(); got != c.Cost {
			t.Errorf("%s: the peer expects %+v, this party %+v", c.Name(), got, c.Cost)
		}
		for _, s := range onSlow {
			if s.Name() == c.Name() && s.Rate == c.Rate && s.Rate == "typical" && s.Wall < c.Wall {
				t.Errorf("%s: %v on a slow network, %v on a fast one", c.Name(), s.Wall, c.Wall)
			}
		}
	}
}

// TestCostIsWhatIsSent compares the plan's bytes with those of a run, which adds only its own few messages.
func TestCostIsWhatIsSent(t *testing.T) {
	for _, method := range []Method{"ecdh", "rr22"} {
		p := overlap(t, func(c *Config) { c.Method = method })
		l, _, errL, errC := p.run()
		if errL != nil || errC != nil {
			t.Fatal(errL, errC)
		}
		params, err := psi.NewParams(psi.ParamsLiteral{
			Method: l.Plan.Method, Suite: l.Plan.Suite, Output: psi.OutputBoth, SSP: l.Plan.Buckets.SSP, Ruleset: p.l.ruleset(),
			ReceiverItems: l.Plan.Buckets.CapSelf, SenderItems: l.Plan.Buckets.CapPeer, Exact: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		want := params.Cost(l.Plan.Buckets.CapSelf, l.Plan.Buckets.CapPeer).Times(l.Plan.Buckets.Count())
		// opening, sizes, plan, finished, final and ack are below 1 KiB together.
		if over := l.Sent - want.SentBytes; over < 0 || over > 1024 {
			t.Errorf("%s: sent %d, cost %d", method, l.Sent, want.SentBytes)
		}
		if over := l.Recv - want.RecvBytes; over < 0 || over > 1024 {
			t.Errorf("%s: received %d, cost %d", method, l.Recv, want.RecvBytes)
		}
	}
}

func TestMeasure(t *testing.T) {
	r, err := measure(t.Context(), psi.MethodECDH, psi.SuiteX25519, false)
	if err != nil || r.item <= 0 || r.item > 10*time.Millisecond {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := measure(t.Context(), "nosuch", "", false); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func TestParseNet(t *testing.T) {
	for _, n := range Nets() {
		if got, err := ParseNet(n.Name); err != nil || got != n {
			t.Errorf("%v, %v", got, err)
		}
	}
	if _, err := ParseNet("moon"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func TestShapes(t *testing.T) {
	for cell, want := range map[string]string{
		"13800000000": "digits", "+86 138": "signs digits space digits", "张三": "han", "ａ１": "full-width", "": "",
		"a1b2c3d4e5f6": "mixed", strings.Repeat("9", 500): "digits", "é": "other",
	} {
		if got := shapeOf(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
	many := map[string]int64{}
	for i := range 2 * maxKinds {
		count(many, fmt.Sprint(i))
	}
	if b := bins(many); len(many) > maxKinds+1 || len(b) != maxShapes || b[maxShapes-1].What != "other" {
		t.Errorf("%d kinds, %v", len(many), b)
	}
}

// TestShuffle: every place of a row is equally likely. 6000 shuffles of 3, 6 orders of 1000 ± 29 (σ) each; 6σ.
func TestShuffle(t *testing.T) {
	seen := map[[3]uint32]int{}
	p := newPair(t, leftRows, rightRows, nil)
	for range 6000 {
		rows := []uint32{0, 1, 2}
		if err := shuffle(rows, p.l.Rand); err != nil {
			t.Fatal(err)
		}
		seen[[3]uint32(rows)]++
	}
	for order, n := range seen {
		if n < 826 || n > 1174 {
			t.Errorf("%v came %d times", order, n)
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d orders", len(seen))
	}
}
