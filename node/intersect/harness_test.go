package intersect

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/feature"
)

// broker connects a listener and a connector within the process, as often as both ask for it.
type broker struct {
	mu      sync.Mutex
	waiting chan *testLink // made by the side that came first, for the other
	cut     []int          // of connection i: the number of messages after which it breaks; none beyond the list
	alter   func(connection, message int, side Side, msg []byte) []byte
	made    int
	limit   int // connections in all; 0 for any number
}

// testLink is one end of such a connection.
type testLink struct {
	memoryConn
	wire    *testWire
	side    Side
	mu      *sync.Mutex
	aborted fault.Code
}

// testWire is what both ends share.
type testWire struct {
	mu     sync.Mutex
	gone   chan struct{}
	err    map[Side]error // what each end's calls return once gone
	left   int            // messages until it breaks, −1 for never
	sent   int
	number int
	alter  func(connection, message int, side Side, msg []byte) []byte
}

func (w *testWire) end(errs map[Side]error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = errs
		close(w.gone)
	}
}

// broken is what a connection that broke says: it has a cause.
func broken() error {
	return fault.Wrap(fault.Unavailable, "test", errors.New("reset"), "the connection to the peer broke")
}

func (l *testLink) Send(ctx context.Context, msg []byte) error {
	l.wire.mu.Lock()
	if l.wire.left == 0 {
		l.wire.mu.Unlock()
		l.wire.end(map[Side]error{Listener: broken(), Connector: broken()})
		return broken()
	}
	l.wire.left--
	n := l.wire.sent
	l.wire.sent++
	l.wire.mu.Unlock()
	if l.wire.alter != nil {
		msg = l.wire.alter(l.wire.number, n, l.side, append([]byte(nil), msg...))
	}
	select {
	case <-l.wire.gone:
		return l.wire.err[l.side]
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := l.until(ctx, cancel)
	defer stop()
	if err := l.memoryConn.Send(ctx, msg); err != nil {
		return l.why(err)
	}
	return nil
}

func (l *testLink) Recv(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := l.until(ctx, cancel)
	defer stop()
	select { // what has arrived is delivered, also after the end
	case msg := <-l.in:
		return msg, nil
	default:
	}
	msg, err := l.memoryConn.Recv(ctx)
	if err != nil {
		select {
		case msg := <-l.in:
			return msg, nil
		default:
		}
		return nil, l.why(err)
	}
	return msg, nil
}

// until cancels when the wire goes.
func (l *testLink) until(ctx context.Context, cancel func()) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-l.wire.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return func() { cancel(); <-done }
}

func (l *testLink) why(err error) error {
	select {
	case <-l.wire.gone:
		return l.wire.err[l.side]
	default:
		return err
	}
}

func (l *testLink) Close() error {
	l.wire.end(map[Side]error{
		l.side:         fault.New(fault.Canceled, "test", "closed"),
		l.side.other(): &fault.Error{Code: fault.PeerAborted, Op: "test", Reason: "the peer closed the connection"},
	})
	return nil
}

func (l *testLink) Abort(why fault.Code) {
	l.mu.Lock()
	l.aborted = why
	l.mu.Unlock()
	l.wire.end(map[Side]error{
		l.side:         fault.New(fault.Canceled, "test", "closed"),
		l.side.other(): &fault.Error{Code: fault.PeerAborted, Op: "test", Reason: "the peer gave up: " + why.String()},
	})
}

func (l *testLink) WireBytes() (int64, int64) { return 0, 0 }

// connect is Config.Connect of one side.
func (b *broker) connect(side Side) func(context.Context) (Link, error) {
	return func(ctx context.Context) (Link, error) {
		b.mu.Lock()
		if b.limit > 0 && b.made >= b.limit {
			b.mu.Unlock()
			return nil, fault.New(fault.Denied, "test", "no more connections")
		}
		if b.waiting == nil {
			ch := make(chan *testLink)
			b.waiting = ch
			b.mu.Unlock()
			select {
			case l := <-ch:
				return l, nil
			case <-ctx.Done():
				b.mu.Lock()
				if b.waiting == ch {
					b.waiting = nil
				}
				b.mu.Unlock()
				return nil, fault.Wrap(fault.CodeOf(ctx.Err()), "test", ctx.Err(), "nobody came")
			}
		}
		ch := b.waiting
		b.waiting = nil
		w := &testWire{gone: make(chan struct{}), left: -1, number: b.made, alter: b.alter}
		if b.made < len(b.cut) {
			w.left = b.cut[b.made]
		}
		b.made++
		b.mu.Unlock()
		there, back := make(chan []byte, 64), make(chan []byte, 64)
		mine := &testLink{memoryConn: memoryConn{party.ID(side.other()), there, back}, wire: w, side: side, mu: &sync.Mutex{}}
		theirs := &testLink{memoryConn: memoryConn{party.ID(side), back, there}, wire: w, side: side.other(), mu: &sync.Mutex{}}
		select {
		case ch <- theirs:
			return mine, nil
		case <-ctx.Done():
			return nil, fault.Wrap(fault.CodeOf(ctx.Err()), "test", ctx.Err(), "nobody came")
		}
	}
}

// pair is a listener and a connector over two files.
type pair struct {
	t    *testing.T
	b    *broker
	l, c Config
}

func newPair(t *testing.T, left, right string, edit func(*Config)) *pair {
	t.Helper()
	dir := t.TempDir()
	p := &pair{t: t, b: &broker{}}
	for _, s := range []struct {
		side Side
		text string
		to   *Config
	}{{Listener, left, &p.l}, {Connector, right, &p.c}} {
		name := filepath.Join(dir, string(s.side))
		if err := os.WriteFile(name+".csv", []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
		*s.to = Config{
			Terms: Terms{Rules: []feature.Rule{feature.PhoneCN}}, Side: s.side, Self: party.ID(s.side), Job: [32]byte{1},
			Input: name + ".csv", Columns: []string{"phone"}, Output: name + ".out.csv", State: name + ".psi",
			Connect: p.b.connect(s.side), Wait: 20 * time.Second, Workers: 1, Method: "ecdh", Rand: rand.Reader,
		}
		if edit != nil {
			edit(s.to)
		}
	}
	return p
}

// run runs both sides and returns their results and errors.
func (p *pair) run() (l, c Result, errL, errC error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, errC = Run(ctx, p.c)
	}()
	l, errL = Run(ctx, p.l)
	<-done
	return l, c, errL, errC
}

// cells reads a CSV file; nil where there is none.
func cells(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// numbers writes a table of phone numbers from … to−1 with a name each, in a scrambled order; prefix stands before each.
func numbers(from, to int, prefix string) string {
	var b strings.Builder
	b.WriteString("phone,name\n")
	n := to - from
	for i := range n {
		v := from + (i*7919)%n
		fmt.Fprintf(&b, "%s13%09d,n%d\n", prefix, v, v)
	}
	return b.String()
}
