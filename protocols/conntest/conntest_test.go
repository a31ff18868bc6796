package conntest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

func TestPairCountsAndKeepsOrder(t *testing.T) {
	a, b := Pair(PartyA, PartyB)
	if a.Peer() != PartyB || b.Peer() != PartyA {
		t.Fatalf("peers are %q and %q", a.Peer(), b.Peer())
	}
	for _, m := range []string{"one", "", "three"} {
		if err := a.Send(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	a.Flight()
	for _, want := range []string{"one", "", "three"} {
		got, err := b.Recv(t.Context())
		if err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	if got, want := a.Cost(), (protocols.Cost{Rounds: 1, SentBytes: 8}); got != want {
		t.Errorf("a counted %+v, want %+v", got, want)
	}
	if got, want := b.Cost(), (protocols.Cost{RecvBytes: 8}); got != want {
		t.Errorf("b counted %+v, want %+v", got, want)
	}
}

func TestPairBounds(t *testing.T) {
	a, b := Pair(PartyA, PartyB)
	if err := a.Send(t.Context(), make([]byte, protocols.MaxMessage+1)); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("over-long message: %v", err)
	}
	if err := a.Send(t.Context(), make([]byte, protocols.MaxMessage)); err != nil {
		t.Errorf("a message larger than the window must pass an empty pipe: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Send(ctx, []byte{1}); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("full window, cancelled context: %v", err)
	}
	b.Close()
	if err := a.Send(t.Context(), []byte{1}); fault.CodeOf(err) != fault.PeerAborted || Culprit(err) != PartyB {
		t.Errorf("after Close: %v", err)
	}
	if _, err := b.Recv(t.Context()); err != nil {
		t.Errorf("what arrived before Close stays readable: %v", err)
	}
	if _, err := b.Recv(t.Context()); fault.CodeOf(err) != fault.PeerAborted {
		t.Errorf("after the last message: %v", err)
	}
}

func TestInject(t *testing.T) {
	msgs := [][]byte{[]byte("first"), []byte("second"), []byte("third")}
	for _, c := range []struct {
		in   Injection
		want func(got [][]byte) bool
	}{
		{Injection{Kind: Drop, Message: 1}, func(g [][]byte) bool { return same(g, "first", "third") }},
		{Injection{Kind: Duplicate, Message: 1}, func(g [][]byte) bool { return same(g, "first", "second", "second", "third") }},
		{Injection{Kind: Reorder, Message: 0}, func(g [][]byte) bool { return same(g, "second", "first", "third") }},
		{Injection{Kind: Reorder, Message: 2}, func(g [][]byte) bool { return same(g, "first", "second") }},
		{Injection{Kind: Delay, Message: 2, Late: time.Hour}, func(g [][]byte) bool { return same(g, "first", "second", "third") }},
		{Injection{Kind: Truncate, Message: 1, Seed: 3}, func(g [][]byte) bool {
			return len(g) == 3 && len(g[1]) < 6 && bytes.HasPrefix([]byte("second"), g[1])
		}},
		{Injection{Kind: FlipBit, Message: 1, Seed: 3}, func(g [][]byte) bool { return len(g) == 3 && distance(g[1], msgs[1]) == 1 }},
		{Injection{Kind: Random, Message: 1, Seed: 3}, func(g [][]byte) bool { return len(g) == 3 && distance(g[1], msgs[1]) > 1 }},
		{Injection{Kind: Drop, Message: 3}, func(g [][]byte) bool { return same(g, "first", "second", "third") }},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := Pair(PartyA, PartyB)
			f := Inject(a, c.in)
			for _, m := range msgs {
				if err := f.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			a.Close()
			var got [][]byte
			for {
				m, err := b.Recv(t.Context())
				if err != nil {
					break
				}
				got = append(got, m)
			}
			if !c.want(got) {
				t.Errorf("%v of message %d: got %q", c.in.Kind, c.in.Message, got)
			}
			if hit := c.in.Message < len(msgs); f.Hit() != hit {
				t.Errorf("%v of message %d: Hit is %v", c.in.Kind, c.in.Message, f.Hit())
			}
		})
	}
}

func TestInjectLeavesEmptyMessagesAlone(t *testing.T) {
	for _, k := range []Kind{Truncate, FlipBit, Random} {
		if got := mangle(Injection{Kind: k}, nil); len(got) != 0 {
			t.Errorf("%v made %d bytes of an empty message", k, len(got))
		}
	}
}

func same(got [][]byte, want ...string) bool {
	return slices.EqualFunc(got, want, func(g []byte, w string) bool { return string(g) == w })
}

// distance counts the bits in which a and b differ, −1 when their lengths do.
func distance(a, b []byte) int {
	if len(a) != len(b) {
		return -1
	}
	n := 0
	for i := range a {
		for x := a[i] ^ b[i]; x != 0; x &= x - 1 {
			n++
		}
	}
	return n
}

func TestRecordAndReplay(t *testing.T) {
	a, b := Pair(PartyA, PartyB)
	r := Record(a)
	if err := r.Send(t.Context(), []byte("can")); err != nil {
		t.Fatal(err)
	}
	if err := r.Send(t.Context(), []byte("ary")); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(t.Context(), []byte("bird")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recv(t.Context()); err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]bool{"canary": true, "bird": true, "arybird": false} {
		if got := r.Contains([]byte(secret)); got != want {
			t.Errorf("Contains(%q) = %v", secret, got)
		}
	}
	if s, g := r.Lengths(); !slices.Equal(s, []int{3, 3}) || !slices.Equal(g, []int{4}) {
		t.Errorf("lengths %v and %v", s, g)
	}
	p := Replay(PartyB, r.Received())
	if err := p.Send(t.Context(), []byte("lost")); err != nil {
		t.Error(err)
	}
	if m, err := p.Recv(t.Context()); err != nil || string(m) != "bird" {
		t.Errorf("replayed %q, %v", m, err)
	}
	if _, err := p.Recv(t.Context()); fault.CodeOf(err) != fault.PeerAborted {
		t.Errorf("after the last replayed message: %v", err)
	}
}

func TestSessions(t *testing.T) {
	a1, b1 := Sessions(PartyA, PartyB, 7)
	a2, _ := Sessions(PartyA, PartyB, 7)
	c, _ := Sessions(PartyA, PartyB, 8)
	read := func(r io.Reader) string {
		buf := make([]byte, 32)
		if _, err := io.ReadFull(r, buf); err != nil {
			t.Fatal(err)
		}
		return string(buf)
	}
	ra := read(a1.Rand)
	if a1.Binding != b1.Binding || a1.Binding == c.Binding {
		t.Error("the binding must be shared and depend on the seed")
	}
	if ra != read(a2.Rand) || ra == read(b1.Rand) || ra == read(c.Rand) {
		t.Error("randomness must depend on seed and side, and on nothing else")
	}
	ra1, rb1 := RandomSessions(PartyA, PartyB)
	if ra1.Binding != rb1.Binding || read(ra1.Rand) == read(rb1.Rand) || ra1.Self != PartyA || ra1.Peers[0] != PartyB {
		t.Error("random sessions are not two sides of one run")
	}
}

func TestIndices(t *testing.T) {
	if testing.Short() {
		t.Skip("the short bound samples fewer")
	}
	for n, want := range map[int][]int{
		0: {}, 1: {0}, 8: {0, 1, 2, 3, 4, 5, 6, 7}, 100: {0, 1, 2, 34, 65, 97, 98, 99},
	} {
		if got := indices(n); !slices.Equal(got, want) {
			t.Errorf("indices(%d) = %v, want %v", n, got, want)
		}
	}
}

// exchange is a toy protocol: both sides send numbered, hashed messages at once and return what they received.
func exchange(own byte) func(context.Context, protocols.Session, protocols.Conn) (string, error) {
	return func(ctx context.Context, _ protocols.Session, c protocols.Conn) (got string, err error) {
		const messages = 20
		err = protocols.Exchange(ctx, c, func(ctx context.Context) error {
			for i := range messages {
				body := []byte{own, byte(i)}
				sum := sha256.Sum256(body)
				if err := c.Send(ctx, append(body, sum[:]...)); err != nil {
					return err
				}
			}
			return nil
		}, func(ctx context.Context) error {
			for i := range messages {
				msg, err := protocols.RecvExact(ctx, c, 34)
				if err != nil {
					return err
				}
				if sum := sha256.Sum256(msg[:2]); string(sum[:]) != string(msg[2:]) || msg[1] != byte(i) {
					return fault.Blame(fault.New(fault.Misbehaved, "conntest.exchange", "wrong hash or number"), string(c.Peer()))
				}
				got += string(msg[:1])
			}
			return nil
		})
		return got, err
	}
}

func TestSuite(t *testing.T) {
	Suite(t, Protocol[string, string]{
		A: exchange('a'), B: exchange('b'),
		Cost: protocols.Cost{Rounds: 1, SentBytes: 20 * 34, RecvBytes: 20 * 34},
		Check: func(a, b *string) error {
			if (a != nil && *a != "bbbbbbbbbbbbbbbbbbbb") || (b != nil && *b != "aaaaaaaaaaaaaaaaaaaa") {
				return fault.New(fault.Internal, "conntest.Check", "wrong letters")
			}
			return nil
		},
	})
}

// A side that waits for a message that will never come ends at the idle limit, in no real time.
func TestSuiteEndsDeadlocks(t *testing.T) {
	start := time.Now()
	synctest.Test(t, func(t *testing.T) {
		ca, cb := Pair(PartyA, PartyB)
		wait := func(ctx context.Context, _ protocols.Session, c protocols.Conn) (int, error) {
			_, err := c.Recv(ctx)
			return 0, err
		}
		a, b := run(t, Protocol[int, int]{A: wait, B: wait}, ca, ca, cb)
		if fault.CodeOf(a.err) != fault.Timeout && fault.CodeOf(b.err) != fault.Timeout {
			t.Errorf("got %v and %v", a.err, b.err)
		}
	})
	if d := time.Since(start); d > idleLimit/2 {
		t.Errorf("took %v of real time", d)
	}
}

func TestKeepTurnsPanicsIntoFaults(t *testing.T) {
	var r *int
	err := keep(&r, func() (int, error) { panic("boom") })
	if fault.CodeOf(err) != fault.Internal || r != nil {
		t.Errorf("got %v", err)
	}
}
