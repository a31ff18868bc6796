package link_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
)

func TestBothDialling(t *testing.T) {
	for range 10 {
		a, b, _ := two(t, nil)
		if err := a.Connect("beta"); err != nil {
			t.Fatal(err)
		}
		if err := b.Connect("alpha"); err != nil {
			t.Fatal(err)
		}
		sa, sb := session(t, a, b, "one")
		time.Sleep(5 * time.Millisecond) // the other dial ends meanwhile and must not disturb the session
		swap(t, sa, sb, 100<<10)
		a.Close()
		b.Close()
	}
}

func TestStrangersAreRefused(t *testing.T) {
	t.Run("not pinned there", func(t *testing.T) {
		w := newNetwork()
		ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
		pa := &identity.Pins{}
		pin(t, pa, kb, "beta:1")
		a := start(t, w, ka, pa, nil)
		start(t, w, kb, &identity.Pins{}, nil)
		if err := a.Connect("beta"); err != nil {
			t.Fatal(err)
		}
		if st := awaitState(t, a, "beta", link.Refused); st.Code != fault.Unauthenticated {
			t.Errorf("%+v", st)
		}
		_, err := a.Open(soon(t), "beta", sid("x"))
		wantCode(t, err, fault.Unauthenticated)
	})
	t.Run("another certificate there", func(t *testing.T) {
		w := newNetwork()
		ka := newKeys(t, "alpha")
		pa, pb := &identity.Pins{}, &identity.Pins{}
		pin(t, pa, newKeys(t, "beta"), "beta:1") // the pinned root is not the one that answers
		pin(t, pb, ka)
		a, _ := start(t, w, ka, pa, nil), start(t, w, newKeys(t, "beta"), pb, nil)
		done := make(chan error, 1)
		go func() { _, err := a.Open(soon(t), "beta", sid("x")); done <- err }()
		time.Sleep(5 * time.Millisecond)
		if err := a.Connect("beta"); err != nil {
			t.Fatal(err)
		}
		if st := awaitState(t, a, "beta", link.Refused); st.Code != fault.Unauthenticated {
			t.Errorf("%+v", st)
		}
		wantCode(t, <-done, fault.Unauthenticated)
	})
	t.Run("asked again after approval", func(t *testing.T) {
		w := newNetwork()
		ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
		pa, pb := &identity.Pins{}, &identity.Pins{}
		pin(t, pa, kb, "beta:1")
		a := start(t, w, ka, pa, nil)
		start(t, w, kb, pb, nil)
		_ = a.Connect("beta")
		awaitState(t, a, "beta", link.Refused)
		pin(t, pb, ka)
		eventually(t, "dialling ended", func() bool { _ = a.Connect("beta"); return a.State("beta").State == link.Up })
	})
}

func TestNoCommonVersion(t *testing.T) {
	w := newNetwork()
	ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
	pa, pb := &identity.Pins{}, &identity.Pins{}
	pin(t, pa, kb, "beta:1")
	pin(t, pb, ka)
	a := start(t, w, ka, pa, nil)
	b := start(t, w, kb, pb, func(c *link.Config) { c.Compiler = link.Range{Min: 3, Max: 4} })
	_ = a.Connect("beta")
	for _, st := range []link.Status{awaitState(t, a, "beta", link.Refused), awaitState(t, b, "alpha", link.Refused)} {
		if st.Code != fault.Unsupported || !strings.Contains(st.Reason, "1 to 1") || !strings.Contains(st.Reason, "3 to 4") {
			t.Errorf("%+v", st)
		}
	}
}

func TestReconnectsAfterABreakAndSeesARestart(t *testing.T) {
	a, b, w := two(t, nil)
	if err := a.Connect("beta"); err != nil {
		t.Fatal(err)
	}
	first := awaitState(t, a, "beta", link.Up)
	awaitState(t, b, "alpha", link.Up)
	b.Disconnect("alpha")
	eventually(t, "up again", func() bool { st := a.State("beta"); return st.State == link.Up && st.Since.After(first.Since) })
	if again := a.State("beta"); again.Epoch != first.Epoch {
		t.Error("the same process has another epoch")
	}
	b.Close()
	awaitState(t, a, "beta", link.Dialing)
	b = start(t, w, b.keys, b.pins, nil)
	if st := awaitState(t, a, "beta", link.Up); st.Epoch == first.Epoch || st.Heard.IsZero() {
		t.Errorf("%+v after a restart", st)
	}
	sa, sb := session(t, a, b, "after")
	swap(t, sa, sb, 1000)
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, s := range a.states {
		names = append(names, s.State.String())
	}
	if want := []string{"Dialing", "Handshaking", "Up", "Broken"}; !slices.Equal(names[:4], want) {
		t.Errorf("states %v, want %v first", names, want)
	}
}

func TestControlSurvivesReconnects(t *testing.T) {
	a, b, w := two(t, nil)
	const count = 200
	for i := range count / 2 {
		a.box.put("beta", fmt.Sprint(i))
	}
	b.box.fail = 2 // a store that recovers
	if err := a.Connect("beta"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "some delivered", func() bool { return len(b.box.got("alpha")) > 10 })
	awaitState(t, b, "alpha", link.Up)
	b.Disconnect("alpha")
	for i := count / 2; i < count; i++ {
		a.box.put("beta", fmt.Sprint(i))
		a.Kick("beta")
		b.box.put("alpha", fmt.Sprint(i))
		b.Kick("alpha")
		if i == count*3/4 {
			b.Close()
			b = start(t, w, b.keys, b.pins, func(c *link.Config) { c.Mailbox = b.box })
		}
	}
	eventually(t, "all delivered", func() bool { return len(b.box.got("alpha")) == count && len(a.box.got("beta")) == count/2 })
	for i, body := range b.box.got("alpha") {
		if body != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, body)
		}
	}
	eventually(t, "all acknowledged", func() bool { return a.box.acked("beta") == count && b.box.acked("alpha") == count/2 })
}

// A receiver that has lost what it acknowledged asks for what it lacks; the sender that still has it sends it.
func TestControlGapIsAskedFor(t *testing.T) {
	a, b := joined(t, nil)
	a.box.mu.Lock()
	for i := range 5 { // the first two are hidden from Pending until a resend looks again
		a.box.out["beta"] = append(a.box.out["beta"], link.Envelope{Seq: uint64(i + 1), Body: []byte{byte(i)}})
	}
	hidden := a.box.out["beta"]
	a.box.out["beta"] = hidden[2:]
	a.box.mu.Unlock()
	a.Kick("beta")
	time.Sleep(20 * time.Millisecond)
	if got := b.box.got("alpha"); len(got) != 0 {
		t.Fatalf("%d delivered over a gap", len(got))
	}
	a.box.mu.Lock()
	a.box.out["beta"] = hidden
	a.box.mu.Unlock()
	b.Disconnect("alpha")
	_ = a.Connect("beta")
	eventually(t, "all five", func() bool { return len(b.box.got("alpha")) == 5 })
}

func TestBeats(t *testing.T) {
	var mu sync.Mutex
	got := map[party.ID]string{}
	joined(t, func(c *link.Config) {
		self := c.Keys.Party()
		c.BeatEvery = 5 * time.Millisecond
		c.Beat = func(peer party.ID) []byte { return []byte("from " + self + " to " + peer) }
		c.OnBeat = func(peer party.ID, b []byte) {
			mu.Lock()
			defer mu.Unlock()
			got[peer] = string(b)
		}
	})
	eventually(t, "both hear", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return got["alpha"] == "from alpha to beta" && got["beta"] == "from beta to alpha"
	})
}

func TestJoinOverTheNodePort(t *testing.T) {
	w := newNetwork()
	host, guest := newKeys(t, "host"), newKeys(t, "guest")
	inviter := identity.NewInviter(host)
	own, _ := host.Card([]string{"host:1"}, time.Now())
	var learnt atomic.Pointer[identity.Card]
	start(t, w, host, &identity.Pins{}, func(c *link.Config) {
		c.JoinOpen = func() bool { return len(inviter.Outstanding(time.Now())) > 0 }
		c.OnJoin = func(_ context.Context, exporter, request []byte) ([]byte, error) {
			card, response, err := inviter.Redeem(exporter, request, own, time.Now())
			if err == nil {
				learnt.Store(&card)
			}
			return response, err
		}
	})
	issue := func() identity.Invite {
		v, err := inviter.Issue([]string{"nobody:1", "host:1"}, time.Hour, rand.Reader, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	card, _ := guest.Card(nil, time.Now())
	v := issue()
	got, err := link.Join(soon(t), v, card, w.dial, time.Now)
	if err != nil || got.Party != "host" || learnt.Load().Party != "guest" {
		t.Fatalf("join: %v", err)
	}
	_, err = link.Join(soon(t), v, card, w.dial, time.Now) // none outstanding: not offered at all
	wantCode(t, err, fault.Unauthenticated)
	issue()
	_, err = link.Join(soon(t), v, card, w.dial, time.Now) // another is: the used one is refused
	wantCode(t, err, fault.Unauthenticated)
	_, err = link.Join(soon(t), v, card, w.dial, func() time.Time { return time.Now().Add(2 * time.Hour) })
	wantCode(t, err, fault.Expired)
	late := issue()
	w.listen("host:1") // nobody accepts there any more
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = link.Join(ctx, late, card, w.dial, time.Now)
	if code := fault.CodeOf(err); code != fault.Timeout && code != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	l, err := link.New(link.Config{Keys: newKeys(t, "alpha"), Pins: &identity.Pins{}, Mailbox: newBox(), Listen: []string{lis.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	err = l.Start()
	wantCode(t, err, fault.Unavailable)
	if !strings.Contains(fault.ReasonOf(err), lis.Addr().String()) {
		t.Errorf("reason %q does not name the address", fault.ReasonOf(err))
	}
	l.Close()
}

func TestNewRefuses(t *testing.T) {
	keys := newKeys(t, "alpha")
	for name, cfg := range map[string]link.Config{
		"empty":        {},
		"other self":   {Keys: keys, Pins: &identity.Pins{}, Mailbox: newBox(), Self: "beta"},
		"small window": {Keys: keys, Pins: &identity.Pins{}, Mailbox: newBox(), WindowBytes: 1000},
	} {
		if _, err := link.New(cfg); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// overTCP returns two linked nodes on real sockets.
func overTCP(t testing.TB) (a, b *node) {
	t.Helper()
	ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
	pa, pb := &identity.Pins{}, &identity.Pins{}
	a = start(t, nil, ka, pa, func(c *link.Config) { c.Listen = []string{"127.0.0.1:0"} })
	pin(t, pa, kb)
	pin(t, pb, ka, a.Addrs()[0].String())
	b = start(t, nil, kb, pb, nil)
	if err := b.Connect("alpha"); err != nil {
		t.Fatal(err)
	}
	awaitState(t, a, "beta", link.Up)
	awaitState(t, b, "alpha", link.Up)
	return a, b
}

func TestOverTCP(t *testing.T) {
	a, b := overTCP(t)
	sa, sb := session(t, a, b, "tcp")
	swap(t, sa, sb, 2<<20)
}

func TestGarbageOnThePort(t *testing.T) {
	a, b := overTCP(t)
	address := a.Addrs()[0].String()
	for _, junk := range [][]byte{nil, []byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, 4096), {0x16, 0x03, 0x01, 0xff, 0xff}} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(junk)
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}
	// A pinned party that speaks TLS but not HTTP/2.
	cfg := b.keys.ClientConfig(b.pins, "alpha", time.Now)
	c, err := tls.Dial("tcp", address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write([]byte(strings.Repeat("junk", 1000)))
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
	sa, sb := session(t, a, b, "after")
	swap(t, sa, sb, 1000)
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	a, b := joined(t, nil)
	sa, _ := session(t, a, b, "x")
	done := make(chan error, 2)
	go func() { _, err := sa.Recv(context.Background()); done <- err }()
	go func() { _, err := b.Open(context.Background(), "alpha", sid("never")); done <- err }()
	time.Sleep(5 * time.Millisecond)
	a.Close()
	b.Close()
	for range 2 {
		if err := <-done; err == nil {
			t.Error("a call survived Close")
		}
	}
	wantCode(t, a.Connect("beta"), fault.Canceled)
	wantCode(t, a.Start(), fault.Invalid)
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// holeConn swallows what is written and yields nothing once its hole opens, as a link that a firewall has forgotten.
type holeConn struct {
	net.Conn
	open *atomic.Bool
}

func (c holeConn) Write(b []byte) (int, error) {
	if c.open.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// On a virtual clock: an hour of silence keeps the link, a black hole is found within two keepalives, and the link comes back by
// itself.
func TestBlackHoleOnAVirtualClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hole atomic.Pointer[atomic.Bool]
		hole.Store(new(atomic.Bool))
		w := newNetwork()
		ka, kb := newKeys(t, "alpha"), newKeys(t, "beta")
		pa, pb := &identity.Pins{}, &identity.Pins{}
		pin(t, pa, kb)
		pin(t, pb, ka, "alpha:1")
		a := start(t, w, ka, pa, nil)
		b := start(t, w, kb, pb, func(c *link.Config) {
			c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := w.dial(ctx, address)
				return holeConn{conn, hole.Load()}, err
			}
		})
		if err := b.Connect("alpha"); err != nil {
			t.Fatal(err)
		}
		// Sessions live as long as they are let: no deadline here is anywhere near an hour.
		ctx := context.Background()
		type opened struct {
			s   *link.Session
			err error
		}
		ch := make(chan opened, 1)
		go func() { s, err := b.Open(ctx, "alpha", sid("quiet")); ch <- opened{s, err} }()
		sa, err := a.Open(ctx, "beta", sid("quiet"))
		if err != nil {
			t.Fatal(err)
		}
		sb := (<-ch).s
		time.Sleep(time.Hour)
		if err := sa.Send(ctx, []byte("still there")); err != nil {
			t.Fatal(err)
		}
		if _, err := sb.Recv(ctx); err != nil {
			t.Fatal(err)
		}
		old := hole.Load()
		hole.Store(new(atomic.Bool))
		begin := time.Now()
		old.Store(true)
		_, err = sb.Recv(ctx)
		wantCode(t, err, fault.PeerAborted)
		_, err = sa.Recv(ctx)
		wantCode(t, err, fault.PeerAborted)
		if d := time.Since(begin); d > time.Minute {
			t.Errorf("noticed after %v", d)
		}
		for b.State("alpha").State != link.Up || a.State("beta").State != link.Up {
			if time.Since(begin) > 3*time.Minute {
				t.Fatalf("not back: %+v, %+v", a.State("beta"), b.State("alpha"))
			}
			time.Sleep(time.Second)
		}
		a.Close()
		b.Close()
	})
}

func BenchmarkThroughput(b *testing.B) {
	x, y := overTCP(b)
	sx, sy, ex, ey := openBoth(b, x, y, sid("bench"), sid("bench"))
	if ex != nil || ey != nil {
		b.Fatal(ex, ey)
	}
	ctx := context.Background()
	msg := make([]byte, 1<<20)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	done := make(chan error, 1)
	b.ResetTimer()
	go func() {
		for range b.N {
			if _, err := sy.Recv(ctx); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range b.N {
		if err := sx.Send(ctx, msg); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	x, y := overTCP(b)
	sx, sy, ex, ey := openBoth(b, x, y, sid("bench"), sid("bench"))
	if ex != nil || ey != nil {
		b.Fatal(ex, ey)
	}
	ctx := context.Background()
	go func() {
		for {
			msg, err := sy.Recv(ctx)
			if err != nil || sy.Send(ctx, msg) != nil {
				return
			}
		}
	}()
	for b.Loop() {
		if err := sx.Send(ctx, []byte("ping")); err != nil {
			b.Fatal(err)
		}
		if _, err := sx.Recv(ctx); err != nil {
			b.Fatal(err)
		}
	}
	sx.Close()
}
