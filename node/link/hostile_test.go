package link

import (
	"context"
	"crypto/rand"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
)

// script is a peer played by the test, frame by frame, through the codec.
type script struct {
	toLink, fromLink chan []byte
	ended            chan struct{}
	once             sync.Once
}

func newScript() *script {
	return &script{toLink: make(chan []byte, 64), fromLink: make(chan []byte, 4096), ended: make(chan struct{})}
}

func (s *script) abort() { s.once.Do(func() { close(s.ended) }) }

func (s *script) SendMsg(m any) error {
	b, err := codec{}.Marshal(m)
	if err != nil {
		return err
	}
	raw := b.Materialize()
	if f := m.(*frame); f.kind == kindClose && f.stream == 0 {
		s.abort() // a polite peer hangs up when told goodbye
	}
	select {
	case s.fromLink <- raw:
		return nil
	case <-s.ended:
		return io.EOF
	}
}

func (s *script) RecvMsg(m any) error {
	select {
	case b := <-s.toLink:
		return codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m)
	case <-s.ended:
		return io.EOF
	}
}

func (s *script) say(t *testing.T, frames ...*frame) {
	t.Helper()
	for _, f := range frames {
		b, err := codec{}.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		s.toLink <- b.Materialize()
	}
}

// hear returns the next frame of a kind.
func (s *script) hear(t *testing.T, want kind) frame {
	t.Helper()
	for {
		select {
		case b := <-s.fromLink:
			f, err := parse(b, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if f.kind == want {
				return f
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no frame of kind %d", want)
		}
	}
}

// mute is a Mailbox without messages that consumes whatever comes, unless stopped.
type mute struct{ stop chan struct{} }

func (mute) Pending(context.Context, party.ID, uint64, int) ([]Envelope, error) { return nil, nil }
func (mute) Acked(context.Context, party.ID, uint64) error                      { return nil }
func (m mute) Deliver(ctx context.Context, _ party.ID, e Envelope) (uint64, error) {
	if m.stop != nil {
		select {
		case <-m.stop:
		case <-ctx.Done():
		}
	}
	if string(e.Body) == "forged" {
		return 0, fault.New(fault.Misbehaved, "test", "another body under a number used before")
	}
	return e.Seq, nil
}

// against runs a Link of self that pins peer, with nobody dialling.
func against(t *testing.T, self, peer party.ID, mb Mailbox) (*Link, *pair) {
	t.Helper()
	own, err := identity.Create(t.TempDir(), self, rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.Create(t.TempDir(), peer, rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	card, err := other.Card(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := card.Peer()
	if err != nil {
		t.Fatal(err)
	}
	pins, err := identity.NewPins(rec)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(Config{Keys: own, Pins: pins, Mailbox: mb, WindowBytes: leastWindow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	p, err := l.pairOf(peer)
	if err != nil {
		t.Fatal(err)
	}
	return l, p
}

func helloFrom(id party.ID, epoch uint64) *frame {
	return hello{party: id, wire: WireVersions(), compiler: Range{1, 1}, epoch: epoch}.frame()
}

// connect plays the peer's HELLO and returns the script and where the end of the connection will be reported.
func connect(t *testing.T, l *Link, p *pair, epoch uint64) (*script, chan error) {
	t.Helper()
	s, end := newScript(), make(chan error, 1)
	if !l.spawn(func() { _, err := p.talk(l.ctx, s, s.abort, false); end <- err }) {
		t.Fatal("link closed")
	}
	s.say(t, helloFrom(p.id, epoch))
	s.hear(t, kindHello)
	return s, end
}

func openFrame(stream uint32, step string) *frame {
	return open{id: SessionID{Job: "j", Step: step}, credit: 1000}.frame(stream)
}

func data(stream uint32, seq uint64, n int) *frame {
	return &frame{kind: kindData, stream: stream, seq: seq, flags: flagLast, payload: make([]byte, n)}
}

func TestHostileFrames(t *testing.T) {
	var many []*frame
	for i := range 4 * controlWindow {
		many = append(many, &frame{kind: kindControl, seq: uint64(i + 1)})
	}
	for _, c := range []struct {
		name   string
		opened bool // after the peer's session on stream 1 was answered
		frames []*frame
		want   fault.Code
	}{
		{"an unknown kind", false, []*frame{{kind: 99}}, fault.Misbehaved},
		{"over the credit", true, []*frame{data(1, 0, leastWindow)}, fault.Misbehaved},
		{"a hole", true, []*frame{data(1, 1, 1)}, fault.Corrupt},
		{"acknowledges what was not sent", true, []*frame{{kind: kindAck, stream: 1, seq: 5}}, fault.Misbehaved},
		{"credit past every window", true, []*frame{creditFrame(1, maxCredit)}, fault.Misbehaved},
		{"credit of nothing", true, []*frame{creditFrame(1, 0)}, fault.Misbehaved},
		{"payload after CLOSE", true, []*frame{{kind: kindClose, stream: 1}, data(1, 0, 1)}, fault.Misbehaved},
		{"HELLO again", false, []*frame{helloFrom("alpha", 1)}, fault.Misbehaved},
		{"payload on the control stream", false, []*frame{data(0, 0, 1)}, fault.Misbehaved},
		{"OPEN on the control stream", false, []*frame{openFrame(0, "x")}, fault.Misbehaved},
		{"control on a session", true, []*frame{{kind: kindControl, stream: 1}}, fault.Misbehaved},
		{"a nameless OPEN", false, []*frame{openFrame(3, "")}, fault.Misbehaved},
		{"an unknown code", false, []*frame{{kind: kindReset, stream: 3, payload: []byte{200, 0, 0, 0, 0}}}, fault.Misbehaved},
		{"a heavy heartbeat", false, []*frame{{kind: kindBeat, payload: make([]byte, maxBeatBytes+1)}}, fault.LimitExceeded},
		{"a flood of control", false, many, fault.Misbehaved},
		{"a forged control message", false, []*frame{{kind: kindControl, seq: 1, payload: []byte("forged")}}, fault.Misbehaved},
		{"goodbye", true, []*frame{{kind: kindClose}}, fault.PeerAborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			mb := mute{}
			if len(c.frames) > controlWindow {
				mb.stop = make(chan struct{}) // a slow store
			}
			l, p := against(t, "beta", "alpha", mb)
			s, end := connect(t, l, p, 1)
			if c.opened {
				s.say(t, openFrame(1, "s"))
				sess, err := l.Open(context.Background(), "alpha", SessionID{Job: "j", Step: "s"})
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if _, err := sess.Recv(context.Background()); err == nil || fault.CodeOf(err) != fault.PeerAborted {
						t.Errorf("session: %v", err)
					}
				}()
			}
			s.say(t, c.frames...)
			select {
			case err := <-end:
				e, ok := err.(*fault.Error)
				if !ok || e.Code != c.want || e.Culprit != "alpha" {
					t.Errorf("got %v, want %v by alpha", err, c.want)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("the connection stands")
			}
		})
	}
}

func TestThirdMalformedConnectionIsRefused(t *testing.T) {
	l, p := against(t, "beta", "alpha", mute{})
	for i := range 3 {
		if got := p.current().State; got == Refused {
			t.Fatalf("refused after %d", i)
		}
		s, end := connect(t, l, p, 1)
		s.toLink <- []byte("not a frame at all, and long enough")
		<-end
	}
	if st := p.current(); st.State != Refused || st.Code != fault.Misbehaved && st.Code != fault.LimitExceeded {
		t.Errorf("%+v", st)
	}
}

func TestParkedOpensAreBounded(t *testing.T) {
	l, p := against(t, "beta", "alpha", mute{})
	s, _ := connect(t, l, p, 1)
	name := func(i int) string { return string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676)}) }
	for i := range maxParked {
		s.say(t, openFrame(uint32(i+1), name(i)))
	}
	s.say(t, openFrame(5000, "one more"))
	f := s.hear(t, kindReset)
	if r, err := parseReset(f.payload); err != nil || f.stream != 5000 || r.code != fault.LimitExceeded {
		t.Errorf("stream %d, %+v, %v", f.stream, r, err)
	}
	s.say(t, reset{code: fault.Canceled}.frame(1), openFrame(5001, "one more")) // room for one
	if _, err := l.Open(context.Background(), "alpha", SessionID{Job: "j", Step: "one more"}); err != nil {
		t.Error(err)
	}
}

// The smaller id keeps the connection it has; only a new process of the peer replaces it.
func TestSecondConnection(t *testing.T) {
	l, p := against(t, "alpha", "beta", mute{})
	_, first := connect(t, l, p, 1)

	second, end := newScript(), make(chan error, 1)
	l.spawn(func() { _, err := p.talk(l.ctx, second, second.abort, false); end <- err })
	second.say(t, helloFrom("beta", 1))
	second.hear(t, kindReset)
	if err := <-end; fault.CodeOf(err) != fault.Exists {
		t.Errorf("second of the same process: %v", err)
	}
	_, _ = connect(t, l, p, 2)
	if err := <-first; fault.CodeOf(err) != fault.PeerAborted {
		t.Errorf("first after a restart of the peer: %v", err)
	}
	if st := p.current(); st.State != Up || st.Epoch != 2 {
		t.Errorf("%+v", st)
	}
}

func TestHelloRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		first *frame
		want  fault.Code
	}{
		{"another party", helloFrom("gamma", 1), fault.Unauthenticated},
		{"no HELLO", data(1, 0, 1), fault.Misbehaved},
		{"truncated", &frame{kind: kindHello, payload: []byte{0, 0, 0, 5, 'a'}}, fault.Misbehaved},
		{"huge", &frame{kind: kindHello, payload: make([]byte, maxHelloBytes+1)}, fault.LimitExceeded},
		{"turned away", reset{code: fault.Exists}.frame(0), fault.Unavailable},
	} {
		l, p := against(t, "beta", "alpha", mute{})
		s := newScript()
		s.say(t, c.first)
		if _, err := p.talk(l.ctx, s, s.abort, false); fault.CodeOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
