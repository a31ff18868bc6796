package link_test

import (
	"context"
	"crypto/rand"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
)

// node is one party of a test: its keys, its link and what the link told it.
type node struct {
	*link.Link
	id   party.ID
	keys *identity.Keys
	pins *identity.Pins
	box  *box
	lis  net.Listener

	mu     sync.Mutex
	states []link.Status
}

func (n *node) onState(s link.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.states = append(n.states, s)
}

// net of nodes over in-memory listeners, addressed as "<party>:1".
type network struct {
	mu    sync.Mutex
	dials map[string]func(context.Context) (net.Conn, error)
}

func newNetwork() *network {
	return &network{dials: map[string]func(context.Context) (net.Conn, error){}}
}

func (w *network) dial(ctx context.Context, address string) (net.Conn, error) {
	w.mu.Lock()
	f := w.dials[address]
	w.mu.Unlock()
	if f == nil {
		return nil, fault.New(fault.Unavailable, "test.dial", "nobody at %s", address)
	}
	return f(ctx)
}

func (w *network) listen(address string) net.Listener {
	lis := bufconn.Listen(1 << 20)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[address] = lis.DialContext
	return lis
}

func newKeys(t testing.TB, id party.ID) *identity.Keys {
	t.Helper()
	k, err := identity.Create(t.TempDir(), id, rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pin makes a trust b, at the given addresses.
func pin(t testing.TB, a *identity.Pins, b *identity.Keys, addresses ...string) {
	t.Helper()
	c, err := b.Card(addresses, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Peer()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Set(p); err != nil {
		t.Fatal(err)
	}
}

// start runs a node over w with the given change to its configuration.
func start(t testing.TB, w *network, keys *identity.Keys, pins *identity.Pins, change func(*link.Config)) *node {
	t.Helper()
	n := &node{id: keys.Party(), keys: keys, pins: pins, box: newBox()}
	cfg := link.Config{Keys: keys, Pins: pins, Mailbox: n.box, OnState: n.onState}
	if w != nil {
		n.lis = w.listen(string(n.id) + ":1")
		cfg.Listeners, cfg.Dial = []net.Listener{n.lis}, w.dial
	}
	if change != nil {
		change(&cfg)
	}
	if cfg.Mailbox != link.Mailbox(n.box) {
		n.box = cfg.Mailbox.(*box)
	}
	l, err := link.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	n.Link = l
	t.Cleanup(l.Close)
	return n
}

// two returns alpha and beta, pinned to each other; alpha's id is the smaller. Nobody has dialled.
func two(t testing.TB, change func(*link.Config)) (a, b *node, w *network) {
	t.Helper()
	w = newNetwork()
	ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
	pa, pb := &identity.Pins{}, &identity.Pins{}
	pin(t, pa, kb, "beta:1")
	pin(t, pb, ka, "alpha:1")
	return start(t, w, ka, pa, change), start(t, w, kb, pb, change), w
}

// joined returns alpha and beta with a link that is Up, dialled by beta.
func joined(t testing.TB, change func(*link.Config)) (a, b *node) {
	t.Helper()
	a, b, _ = two(t, change)
	if err := b.Connect("alpha"); err != nil {
		t.Fatal(err)
	}
	awaitState(t, a, "beta", link.Up)
	awaitState(t, b, "alpha", link.Up)
	return a, b
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func awaitState(t testing.TB, n *node, peer party.ID, want link.State) link.Status {
	t.Helper()
	var got link.Status
	eventually(t, string(n.id)+" "+want.String(), func() bool { got = n.State(peer); return got.State == want })
	return got
}

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func sid(step string) link.SessionID {
	return link.SessionID{Binding: [32]byte{1, 2, 3}, Job: "job-1", Step: step, Attempt: 1}
}

// openBoth opens one session from both sides at once.
func openBoth(t testing.TB, a, b *node, ida, idb link.SessionID) (sa, sb *link.Session, ea, eb error) {
	t.Helper()
	ctx := soon(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		sb, eb = b.Open(ctx, a.id, idb)
	}()
	sa, ea = a.Open(ctx, b.id, ida)
	<-done
	return sa, sb, ea, eb
}

func session(t testing.TB, a, b *node, step string) (sa, sb *link.Session) {
	t.Helper()
	sa, sb, ea, eb := openBoth(t, a, b, sid(step), sid(step))
	if ea != nil || eb != nil {
		t.Fatalf("open: %v, %v", ea, eb)
	}
	return sa, sb
}

// box is a Mailbox in memory. It survives the link, as the node's store does.
type box struct {
	mu   sync.Mutex
	out  map[party.ID][]link.Envelope
	in   map[party.ID][]link.Envelope // consumed, in order
	ackd map[party.ID]uint64
	fail int // Deliver fails this many times
	last map[party.ID]uint64
}

func newBox() *box {
	return &box{
		out: map[party.ID][]link.Envelope{}, in: map[party.ID][]link.Envelope{},
		ackd: map[party.ID]uint64{}, last: map[party.ID]uint64{},
	}
}

func (b *box) put(peer party.ID, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out[peer] = append(b.out[peer], link.Envelope{Seq: uint64(len(b.out[peer]) + 1), Body: []byte(body)})
}

func (b *box) Pending(_ context.Context, peer party.ID, after uint64, max int) ([]link.Envelope, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []link.Envelope
	for _, e := range b.out[peer] {
		if e.Seq > after && e.Seq > b.ackd[peer] && len(list) < max {
			list = append(list, e)
		}
	}
	return list, nil
}

func (b *box) Deliver(_ context.Context, peer party.ID, env link.Envelope) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail > 0 {
		b.fail--
		return 0, fault.New(fault.Unavailable, "test.box", "disk full")
	}
	if env.Seq == b.last[peer]+1 {
		b.last[peer]++
		b.in[peer] = append(b.in[peer], env)
	}
	return b.last[peer], nil
}

func (b *box) Acked(_ context.Context, peer party.ID, seq uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ackd[peer] = max(b.ackd[peer], seq)
	return nil
}

func (b *box) got(peer party.ID) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, e := range b.in[peer] {
		list = append(list, string(e.Body))
	}
	return list
}

func (b *box) acked(peer party.ID) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ackd[peer]
}
