package link_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/protocols"
)

var (
	_ protocols.Conn          = (*link.Session)(nil)
	_ protocols.FlightCounter = (*link.Session)(nil)
)

func smallWindow(c *link.Config) { c.WindowBytes = 64 << 10 }

// swap sends total bytes from both sides at once and compares what arrived by digest.
func swap(t testing.TB, sa, sb *link.Session, total int) {
	t.Helper()
	var seed [32]byte
	buf := make([]byte, total)
	rand.NewChaCha8(seed).Read(buf)
	other := bytes.Clone(buf)
	for i := range other {
		other[i] ^= 0x5a
	}
	ctx := soon(t)
	run := func(s *link.Session, out, want []byte) error {
		in := make([]byte, total)
		err := protocols.Exchange(ctx, s,
			func(ctx context.Context) error { return protocols.SendAll(ctx, s, out) },
			func(ctx context.Context) error { return protocols.RecvAll(ctx, s, in) })
		if err == nil && sha256.Sum256(in) != sha256.Sum256(want) {
			err = fmt.Errorf("%s sent other bytes than arrived", s.Peer())
		}
		return err
	}
	var g errgroup.Group
	g.Go(func() error { return run(sa, buf, other) })
	g.Go(func() error { return run(sb, other, buf) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestTransferBothWaysAtOnce(t *testing.T) {
	total := 64 << 20
	if testing.Short() {
		total = 4 << 20
	}
	a, b := joined(t, nil)
	sa, sb := session(t, a, b, "big")
	swap(t, sa, sb, total)
	for _, s := range []*link.Session{sa, sb} {
		if st := s.Stats(); st.SentBytes != int64(total) || st.RecvBytes != int64(total) || st.Flights != 1 {
			t.Errorf("stats %+v", st)
		}
	}
	eventually(t, "every frame acknowledged", func() bool { st := sa.Stats(); return st.SentFrames == st.AckedFrames })
}

// Two sides that send eight windows each while both receive do not deadlock, and messages larger than the window pass.
func TestTransferThroughASmallWindow(t *testing.T) {
	a, b := joined(t, smallWindow)
	sa, sb := session(t, a, b, "small")
	swap(t, sa, sb, 3<<20+17)
}

// Two sides that both send more than the window before either receives stand still until ctx ends: that is what the
// window means, and nothing is lost by it on other sessions.
func TestMutualSendStopsAtTheWindow(t *testing.T) {
	a, b := joined(t, smallWindow)
	sa, sb := session(t, a, b, "stuck")
	oa, ob := session(t, a, b, "other")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var g errgroup.Group
	for _, s := range []*link.Session{sa, sb} {
		g.Go(func() error { return s.Send(ctx, make([]byte, 1<<20)) })
	}
	swap(t, oa, ob, 1<<20)
	wantCode(t, g.Wait(), fault.Timeout)
}

func TestEightSessionsOnOneLink(t *testing.T) {
	a, b := joined(t, smallWindow)
	var g errgroup.Group
	for i := range 8 {
		sa, sb := session(t, a, b, fmt.Sprintf("s%d", i))
		g.Go(func() error { swap(t, sa, sb, 512<<10); sa.Close(); sb.Close(); return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestMessageSizes(t *testing.T) {
	a, b := joined(t, smallWindow)
	sa, sb := session(t, a, b, "sizes")
	ctx := soon(t)
	for _, n := range []int{0, 1, 24, 32<<10 - 25, 32<<10 - 24, 32<<10 - 23, 64 << 10, 1<<20 - 1, 1 << 20} {
		msg := bytes.Repeat([]byte{byte(n)}, n)
		var g errgroup.Group
		g.Go(func() error { return sa.Send(ctx, msg) })
		got, err := sb.Recv(ctx)
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
	wantCode(t, sa.Send(ctx, make([]byte, 1<<20+1)), fault.LimitExceeded)
}

// Send keeps no reference to the message.
func TestSendCopies(t *testing.T) {
	a, b := joined(t, nil)
	sa, sb := session(t, a, b, "copy")
	ctx := soon(t)
	msg := make([]byte, 64<<10)
	for i := range 32 {
		for j := range msg {
			msg[j] = byte(i)
		}
		if err := sa.Send(ctx, msg); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 32 {
		got, err := sb.Recv(ctx)
		if err != nil || got[0] != byte(i) || got[len(got)-1] != byte(i) {
			t.Fatalf("message %d was overwritten, %v", i, err)
		}
	}
}

func TestWrongBindingIsPlanMismatchAtBoth(t *testing.T) {
	a, b := joined(t, nil)
	other := sid("bind")
	other.Binding[31] ^= 1
	_, _, ea, eb := openBoth(t, a, b, sid("bind"), other)
	wantCode(t, ea, fault.PlanMismatch)
	wantCode(t, eb, fault.PlanMismatch)
	sa, sb := session(t, a, b, "bind") // the name is free again
	swap(t, sa, sb, 1000)
}

func TestOpenWaitsForTheOtherSide(t *testing.T) {
	a, b := joined(t, nil)
	for _, first := range []*node{a, b} {
		second := map[*node]*node{a: b, b: a}[first]
		step := "first-" + string(first.id)
		done := make(chan error, 1)
		go func() { _, err := first.Open(soon(t), second.id, sid(step)); done <- err }()
		time.Sleep(20 * time.Millisecond) // OPEN is parked meanwhile, or not sent
		if _, err := second.Open(soon(t), first.id, sid(step)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenBeforeTheLinkIsUp(t *testing.T) {
	a, b, _ := two(t, nil)
	go func() { time.Sleep(20 * time.Millisecond); _ = b.Connect("alpha") }()
	sa, sb := session(t, a, b, "early")
	swap(t, sa, sb, 1000)
}

func TestOpenGivenUpLeavesNothingParked(t *testing.T) {
	a, b := joined(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := a.Open(ctx, "beta", sid("gone"))
	wantCode(t, err, fault.Timeout)
	late, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	time.Sleep(20 * time.Millisecond)
	_, err = b.Open(late, "alpha", sid("gone"))
	wantCode(t, err, fault.Timeout)
	sa, sb := session(t, a, b, "gone")
	swap(t, sa, sb, 10)
}

func TestOpenRefuses(t *testing.T) {
	a, b := joined(t, nil)
	session(t, a, b, "twice")
	ctx := soon(t)
	_, err := a.Open(ctx, "beta", sid("twice"))
	wantCode(t, err, fault.Exists)
	_, err = a.Open(ctx, "gamma", sid("x"))
	wantCode(t, err, fault.Unauthenticated)
	_, err = a.Open(ctx, "alpha", sid("x"))
	wantCode(t, err, fault.Invalid)
	_, err = a.Open(ctx, "beta", link.SessionID{Job: "j"})
	wantCode(t, err, fault.Invalid)
	_, err = a.Open(ctx, "beta", sid(strings.Repeat("s", link.MaxNameBytes+1)))
	wantCode(t, err, fault.Invalid)
}

func TestSessionsOfAPairAreBounded(t *testing.T) {
	a, _ := joined(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 1025)
	for i := range 1025 {
		go func() { _, err := a.Open(ctx, "beta", sid(fmt.Sprint(i))); errs <- err }()
	}
	wantCode(t, <-errs, fault.LimitExceeded)
	cancel()
	for range 1024 {
		wantCode(t, <-errs, fault.Canceled)
	}
}

func TestCloseDeliversWhatWasSent(t *testing.T) {
	a, b := joined(t, smallWindow)
	for _, side := range [][2]*node{{a, b}, {b, a}} {
		sa, sb := session(t, a, b, "close-"+string(side[0].id))
		from, to := sa, sb
		if side[0] == b {
			from, to = sb, sa
		}
		ctx := soon(t)
		for i := range 100 {
			if err := from.Send(ctx, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		from.Close()
		from.Close()
		wantCode(t, from.Send(ctx, nil), fault.Canceled)
		for i := range 100 {
			if msg, err := to.Recv(ctx); err != nil || msg[0] != byte(i) {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		_, err := to.Recv(ctx)
		wantCode(t, err, fault.PeerAborted)
		wantCode(t, to.Send(ctx, nil), fault.PeerAborted)
		to.Close()
	}
}

func TestResetCarriesItsCode(t *testing.T) {
	a, b := joined(t, nil)
	sa, sb := session(t, a, b, "reset")
	ctx := soon(t)
	done := make(chan error, 1)
	go func() { _, err := sb.Recv(ctx); done <- err }()
	sa.Reset(fault.Misbehaved)
	_, err := sa.Recv(ctx)
	wantCode(t, err, fault.Misbehaved)
	err = <-done
	wantCode(t, err, fault.PeerAborted)
	if e := err.(*fault.Error); e.Culprit != "alpha" || !strings.Contains(e.Reason, "Misbehaved") {
		t.Errorf("culprit %q, reason %q", e.Culprit, e.Reason)
	}
}

func TestPeerGoneMidTransfer(t *testing.T) {
	for _, who := range []string{"alpha", "beta"} {
		t.Run(who, func(t *testing.T) {
			a, b := joined(t, smallWindow)
			sa, sb := session(t, a, b, "gone")
			ctx := soon(t)
			errs := make(chan error, 2)
			go func() {
				for {
					if err := sa.Send(ctx, make([]byte, 1<<16)); err != nil {
						errs <- err
						return
					}
				}
			}()
			go func() {
				for {
					if _, err := sb.Recv(ctx); err != nil {
						errs <- err
						return
					}
				}
			}()
			time.Sleep(30 * time.Millisecond)
			begin := time.Now()
			// A broken connection, seen from both sides.
			map[string]*node{"alpha": a, "beta": b}[who].Disconnect(map[string]*node{"alpha": b, "beta": a}[who].id)
			for range 2 {
				wantCode(t, <-errs, fault.PeerAborted)
			}
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("noticed after %v", d)
			}
		})
	}
}

func TestSendInterruptedBetweenPartsEndsTheSession(t *testing.T) {
	a, b := joined(t, smallWindow)
	sa, sb := session(t, a, b, "cut")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	wantCode(t, sa.Send(ctx, make([]byte, 1<<20)), fault.Timeout)
	for {
		if _, err := sb.Recv(soon(t)); err != nil {
			wantCode(t, err, fault.PeerAborted)
			break
		}
	}
}

func TestRecvInterruptedLosesNothing(t *testing.T) {
	a, b := joined(t, smallWindow)
	sa, sb := session(t, a, b, "pause")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := sb.Recv(ctx)
	wantCode(t, err, fault.Timeout)
	go func() { _ = sa.Send(soon(t), []byte("late")) }()
	if msg, err := sb.Recv(soon(t)); err != nil || string(msg) != "late" {
		t.Fatalf("%q, %v", msg, err)
	}
}
