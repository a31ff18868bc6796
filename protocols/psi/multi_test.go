package psi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// several is k parties, the first of them the leader, each with a set and a connection to every other.
type several struct {
	ids   []party.ID
	items [][]Item
	conns [][]*conntest.Conn // conns[i][j]: i's end of the connection with j
	wrap  func(i, j int, c protocols.Conn) protocols.Conn
	s     []protocols.Session
}

func newSeveral(sets ...[2]int) *several {
	v := &several{wrap: func(_, _ int, c protocols.Conn) protocols.Conn { return c }}
	k := len(sets)
	for i := range k {
		// Out of order, so that the leader's name is neither the first nor the last.
		v.ids = append(v.ids, party.ID(fmt.Sprintf("p%d", (i+2)%k)))
		v.conns = append(v.conns, make([]*conntest.Conn, k))
	}
	base, _ := conntest.RandomSessions("a", "b")
	for i := range k {
		s := base
		s.Self, s.Peers = v.ids[i], nil
		v.s = append(v.s, s)
		v.items = append(v.items, set(base.Binding, sets[i][0], sets[i][1]))
		for j := range i {
			v.conns[i][j], v.conns[j][i] = conntest.Pair(v.ids[i], v.ids[j])
		}
	}
	return v
}

func (v *several) literal(everyone bool) MultiLiteral {
	l := MultiLiteral{Everyone: everyone, SSP: 40}
	for i, id := range v.ids {
		d := Declared{Party: id, Items: max(len(v.items[i]), 1)}
		if i == 0 {
			l.Leader = d
		} else {
			l.Members = append(l.Members, d)
		}
	}
	return l
}

func (v *several) params(t *testing.T, everyone bool) []MultiParams {
	t.Helper()
	p, err := NewMultiParams(v.literal(everyone))
	if err != nil {
		t.Fatal(err)
	}
	p.frame = 64
	return slices.Repeat([]MultiParams{p}, len(v.ids))
}

// play runs all parties. The first one that fails hangs up on the others.
func (v *several) play(ctx context.Context, p []MultiParams) ([]Matches, []error) {
	out, errs := make([]Matches, len(v.ids)), make([]error, len(v.ids))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	for i := range v.ids {
		var conns []protocols.Conn
		for j := range v.ids {
			if i != j {
				conns = append(conns, v.wrap(i, j, v.conns[i][j]))
			}
		}
		run := Join
		if i == 0 {
			run = Lead
		}
		g.Go(func() error {
			out[i], errs[i] = run(ctx, v.s[i], conns, v.items[i], p[i])
			if errs[i] != nil {
				cancel()
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	return out, errs
}

// common is the plain intersection.
func (v *several) common() map[Item]bool {
	count := map[Item]int{}
	for _, items := range v.items {
		for _, x := range items {
			count[x]++
		}
	}
	out := map[Item]bool{}
	for x, n := range count {
		if n == len(v.items) {
			out[x] = true
		}
	}
	return out
}

func TestMulti(t *testing.T) {
	for name, sets := range map[string][][2]int{
		"three":             {{0, 300}, {100, 400}, {200, 450}},
		"uneven":            {{0, 1000}, {990, 1003}, {5, 999}},
		"five":              {{0, 50}, {10, 60}, {20, 70}, {0, 45}, {30, 100}},
		"equal":             {{0, 77}, {0, 77}, {0, 77}},
		"nothing in common": {{0, 50}, {50, 100}, {25, 75}},
		"pairs only":        {{0, 40}, {0, 40}, {40, 80}, {0, 40}},
		"an empty leader":   {{0, 0}, {0, 40}, {0, 50}},
		"an empty member":   {{0, 40}, {0, 40}, {0, 0}},
		"one item":          {{7, 8}, {7, 8}, {7, 8}},
	} {
		if testing.Short() && name != "three" && name != "an empty member" {
			continue
		}
		for _, everyone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/everyone=%v", name, everyone), func(t *testing.T) {
				v := newSeveral(sets...)
				p := v.params(t, everyone)
				out, errs := v.play(t.Context(), p)
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				v.check(t, out, everyone)
				v.checkCost(t, p[0], out[0].Count)
			})
		}
	}
}

// check compares every party's result with the plain intersection, and the orders with each other.
func (v *several) check(t *testing.T, out []Matches, everyone bool) {
	t.Helper()
	want := v.common()
	for i, m := range out {
		if i > 0 && !everyone {
			if m.Count != 0 || m.Position != nil {
				t.Errorf("party %d learned something", i)
			}
			continue
		}
		if err := verifySide(v.items[i], want, m); err != nil {
			t.Errorf("party %d: %v", i, err)
			continue
		}
		for k, at := range m.Position {
			if v.items[i][at] != v.items[0][out[0].Position[k]] {
				t.Errorf("party %d: another order", i)
				break
			}
		}
	}
}

func (v *several) checkCost(t *testing.T, p MultiParams, matched int) {
	t.Helper()
	for i := range v.ids {
		for j := range i {
			want := protocols.Cost{Rounds: 1, SentBytes: GreetingBytes, RecvBytes: GreetingBytes}
			if j == 0 {
				c, err := p.Cost(len(v.items[0]), len(v.items[i]), matched)
				if err != nil {
					t.Fatal(err)
				}
				want = c
			}
			if got := v.conns[j][i].Cost(); got != want {
				t.Errorf("%d with %d: counted %+v, Cost %+v", j, i, got, want)
			}
			if got := v.conns[i][j].Cost(); got != want.Flip() {
				t.Errorf("%d with %d: counted %+v, Cost %+v", i, j, got, want.Flip())
			}
		}
	}
}

// TestMultiHidesPairs: what a member sends has the same lengths whether or not the leader shares items with it alone,
// and the leader's sums at items that not all have are no smaller set's zero.
func TestMultiHidesPairs(t *testing.T) {
	v := newSeveral([2]int{0, 60}, [2]int{0, 60}, [2]int{60, 120}, [2]int{0, 60})
	out, errs := v.play(t.Context(), v.params(t, true))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i, m := range out {
		if m.Count != 0 {
			t.Errorf("party %d: %d matches where one party has none", i, m.Count)
		}
	}
}

func TestMultiZeroShares(t *testing.T) {
	v := newSeveral([2]int{0, 9}, [2]int{0, 9}, [2]int{0, 9})
	parts := make([]*multi, 3)
	var g errgroup.Group
	p := v.params(t, false)
	for i := range parts {
		role := Member
		if i == 0 {
			role = Leader
		}
		var conns []protocols.Conn
		for j := range parts {
			if i != j {
				conns = append(conns, v.conns[i][j])
			}
		}
		g.Go(func() (err error) {
			parts[i], err = newMulti(t.Context(), v.s[i], conns, v.items[i], p[i], role)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	shares := make([][]byte, 3)
	for i, m := range parts {
		s, err := m.zeroShare(t.Context(), v.items[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range s {
			shares[i] = append(shares[i], b[:]...)
		}
	}
	for k := range shares[0] {
		if shares[0][k]^shares[1][k]^shares[2][k] != 0 {
			t.Fatal("the shares of an item do not add up to zero")
		}
	}
	if slices.Equal(shares[0], shares[1]) || slices.Equal(shares[1], shares[2]) {
		t.Error("two parties have one share")
	}
}

func TestMultiParamsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*MultiLiteral)
		want   fault.Code
	}{
		"two parties":    {func(l *MultiLiteral) { l.Members = l.Members[:1] }, fault.Invalid},
		"twice":          {func(l *MultiLiteral) { l.Members[1].Party = l.Members[0].Party }, fault.Invalid},
		"leader twice":   {func(l *MultiLiteral) { l.Leader.Party = l.Members[0].Party }, fault.Invalid},
		"nameless":       {func(l *MultiLiteral) { l.Leader.Party = "" }, fault.Invalid},
		"negative":       {func(l *MultiLiteral) { l.Members[0].Items = -1 }, fault.Invalid},
		"low ssp":        {func(l *MultiLiteral) { l.SSP = 39 }, fault.Invalid},
		"too many items": {func(l *MultiLiteral) { l.Leader.Items = MaxItemsRR22 + 1 }, fault.LimitExceeded},
		"too many parties": {func(l *MultiLiteral) {
			for i := range MaxParties {
				l.Members = append(l.Members, Declared{Party: party.ID(fmt.Sprintf("q%d", i))})
			}
		}, fault.LimitExceeded},
	} {
		l := newSeveral([2]int{0, 3}, [2]int{0, 3}, [2]int{0, 3}).literal(false)
		c.change(&l)
		if _, err := NewMultiParams(l); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestMultiArguments(t *testing.T) {
	v := newSeveral([2]int{0, 5}, [2]int{0, 5}, [2]int{0, 5})
	p := v.params(t, false)[0]
	conns := []protocols.Conn{v.conns[0][1], v.conns[0][2]}
	for name, c := range map[string]struct {
		f    func() error
		want fault.Code
	}{
		"zero params":    {func() error { _, err := Lead(t.Context(), v.s[0], conns, nil, MultiParams{}); return err }, fault.Invalid},
		"a conn missing": {func() error { _, err := Lead(t.Context(), v.s[0], conns[:1], nil, p); return err }, fault.Invalid},
		"not the leader": {func() error { _, err := Lead(t.Context(), v.s[1], conns, nil, p); return err }, fault.Invalid},
		"the leader":     {func() error { _, err := Join(t.Context(), v.s[0], conns, nil, p); return err }, fault.Invalid},
		"too many": {func() error {
			_, err := Lead(t.Context(), v.s[0], conns, set(v.s[0].Binding, 0, 6), p)
			return err
		}, fault.LimitExceeded},
		"repeats": {func() error {
			_, err := Lead(t.Context(), v.s[0], conns, slices.Repeat(set(v.s[0].Binding, 0, 1), 2), p)
			return err
		}, fault.Invalid},
		"no randomness": {func() error {
			s := v.s[0]
			s.Rand = nil
			_, err := Lead(t.Context(), s, conns, nil, p)
			return err
		}, fault.Invalid},
	} {
		if err := c.f(); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestMultiDisagreement: a member with another plan, session or size is refused before anything depends on an item.
func TestMultiDisagreement(t *testing.T) {
	for name, change := range map[string]func(v *several, p []MultiParams){
		"rules":   func(_ *several, p []MultiParams) { p[1].lit.Ruleset[0] = 1 },
		"output":  func(_ *several, p []MultiParams) { p[2].lit.Everyone = !p[2].lit.Everyone },
		"session": func(v *several, _ []MultiParams) { v.s[1].Binding[0] ^= 1 },
	} {
		v := newSeveral([2]int{0, 9}, [2]int{0, 9}, [2]int{0, 9})
		p := v.params(t, false)
		change(v, p)
		_, errs := v.play(t.Context(), p)
		if !slices.ContainsFunc(errs, func(err error) bool { return fault.CodeOf(err) == fault.PlanMismatch }) {
			t.Errorf("%s: %v", name, errs)
		}
		for i, err := range errs {
			if err == nil {
				t.Errorf("%s: party %d ended well", name, i)
			}
		}
	}
}

// TestMultiAltered: one altered message on any connection with the leader ends the run of both its ends.
func TestMultiAltered(t *testing.T) {
	cases := []struct {
		from, to int
		kind     byte
		at       int
	}{
		{1, 0, kindVector, 40},
		{0, 1, kindVector, 40},
		{0, 2, kindTags, 12},
		{0, 1, kindCommon, 4},
		{2, 0, kindDone, 20},
		{1, 2, kindGreeting, 5},
		{2, 0, kindSeed, 3},
	}
	if testing.Short() {
		cases = cases[:2]
	}
	for _, c := range cases {
		v := newSeveral([2]int{0, 90}, [2]int{10, 90}, [2]int{20, 90})
		v.wrap = func(i, j int, conn protocols.Conn) protocols.Conn {
			if i != c.from || j != c.to {
				return conn
			}
			return &alter{Conn: conn, kind: c.kind, f: func(m []byte) { m[c.at] ^= 2 }}
		}
		out, errs := v.play(t.Context(), v.params(t, true))
		if errs[c.to] == nil {
			t.Errorf("%+v: unnoticed, %d matches", c, out[c.to].Count)
		}
	}
}

// TestMultiAlteredGreeting: two members exchange nothing after their greetings, so that these must not change unnoticed.
func TestMultiAlteredGreeting(t *testing.T) {
	msg := greeting{version: wireVersion, items: 3, key: [32]byte{9}}.encode()
	for i := range msg {
		msg[i] ^= 4
		if _, err := decodeGreeting(msg); err == nil {
			t.Errorf("byte %d altered: accepted", i)
		}
		msg[i] ^= 4
	}
	if _, err := decodeGreeting(msg); err != nil {
		t.Error(err)
	}
}

// TestMultiPairKeys: both ends derive one key, which the messages do not tell, and each pair has another.
func TestMultiPairKeys(t *testing.T) {
	v := newSeveral([2]int{0, 1}, [2]int{0, 1}, [2]int{0, 1})
	m := &multi{s: v.s[0]}
	a, errA := newPairKey(v.s[0].Rand)
	b, errB := newPairKey(v.s[1].Rand)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	pubA, pubB := [32]byte(a.PublicKey().Bytes()), [32]byte(b.PublicKey().Bytes())
	one, two, other := &link{run: run{c: v.conns[0][1]}}, &link{run: run{c: v.conns[1][0]}}, &link{run: run{c: v.conns[0][2]}}
	if err := errors.Join(m.derive(one, a, pubA, pubB), (&multi{s: v.s[1]}).derive(two, b, pubB, pubA), m.derive(other, a, pubA, pubB)); err != nil {
		t.Fatal(err)
	}
	if one.key != two.key || one.key == other.key || one.key == [16]byte{} {
		t.Error("the keys of the pairs")
	}
	if err := m.derive(one, a, pubA, [32]byte{1}); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("a public key of low order: %v", err)
	}
}

func FuzzMultiMessages(f *testing.F) {
	f.Add(greeting{version: 2, items: 5}.encode())
	f.Add(encodeCommon(3))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if g, err := decodeGreeting(msg); err != nil {
			refused(t, err)
		} else if !slices.Equal(g.encode(), msg) {
			t.Error("greeting: not canonical")
		}
		if n, err := decodeCommon(msg, 1000); err != nil {
			refused(t, err)
		} else if n > 1000 || !slices.Equal(encodeCommon(n), msg) {
			t.Error("count: not canonical")
		}
	})
}
