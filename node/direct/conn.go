package direct

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
)

const (
	// sendWindow bounds what Send keeps for the writer: one message of any length, or many short ones.
	sendWindow = headerBytes + protocols.MaxMessage

	// recvWindow bounds what has arrived and no Recv has asked for, the message that exceeds it excepted. Above, TCP holds
	// the peer back.
	recvWindow = 4 << 20
)

// Conn is a protocols.Conn to the one peer. It counts what passes, and implements protocols.FlightCounter. It must be ended
// with Close or Abort.
type Conn struct {
	cfg     Config
	peer    party.ID
	pin     Pin
	binding [32]byte
	sock    *socket
	stream  stream

	flights, sent, recvd atomic.Int64 // sent and recvd in message bytes

	wake    chan struct{}  // to the writer: something is pending, or leaving
	room    chan struct{}  // to Send: pending was taken
	arrived chan struct{}  // to Recv: the inbox has grown
	taken   chan struct{}  // to the reader: the inbox has shrunk
	settled end            // the peer has everything, or it does not matter any more
	ended   end            // calls fail: the connection broke, or either side has closed
	broke   end            // the loops end: the connection broke, or Close is done with it
	reads   chan struct{}  // closed by the reader when it returns
	writes  chan struct{}  // closed by the writer when it returns
	loops   errgroup.Group // both
	closes  sync.Once      // of Close and Abort together
	mu      sync.Mutex     // guards what follows
	pending []byte         // frames not yet with TLS
	closing bool           // CLOSE is pending or sent
	leaving bool           // the writer returns when nothing is pending
	heldAll bool           // the peer says that it has everything, or wants no more
	inbox   [][]byte       // messages that no Recv has taken
	held    int            // bytes of inbox, headers included: empty messages are bounded too
}

// end is a context of its own for its cause: the first one counts.
type end struct {
	context.Context
	with context.CancelCauseFunc
}

func newEnd() end {
	ctx, with := context.WithCancelCause(context.Background())
	return end{ctx, with}
}

func (e end) cause() error { return context.Cause(e.Context) }

// stream is TLS, or in tests and measurements the plain socket.
type stream interface {
	io.ReadWriter
	CloseWrite() error
}

// open starts the loops of a connection whose hellos are done.
func open(cfg Config, peer party.ID, sock *socket, s stream) (*Conn, error) {
	if err := sock.settle(cfg.Idle, cfg.Stall); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "direct.open", err, "the connection ended")
	}
	c := &Conn{
		cfg: cfg, peer: peer, sock: sock, stream: s,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), arrived: make(chan struct{}, 1), taken: make(chan struct{}, 1),
		settled: newEnd(), ended: newEnd(), broke: newEnd(), reads: make(chan struct{}), writes: make(chan struct{}),
	}
	c.loops.Go(func() error { return c.loop(c.reads, c.read) })
	c.loops.Go(func() error { return c.loop(c.writes, c.write) })
	return c, nil
}

// loop runs the reader or the writer; when one fails, so does the connection.
func (c *Conn) loop(done chan struct{}, f func() error) error {
	defer close(done)
	err := f()
	if err != nil {
		c.fail(err)
	}
	return err
}

// secured is open over TLS.
func secured(cfg Config, peer party.ID, pin Pin, sock *socket, t *tls.Conn) (*Conn, error) {
	state := t.ConnectionState()
	binding, err := state.ExportKeyingMaterial("EXPORTER-tacit-direct-binding", nil, 32)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "direct.open", err, "the connection has no exporter")
	}
	c, err := open(cfg, peer, sock, t)
	if err != nil {
		return nil, err
	}
	c.pin, c.binding = pin, [32]byte(binding)
	return c, nil
}

// PlainInsecure puts frames on a connection that nothing protects or authenticates: for measurements of what TLS costs, and
// for tests.
func PlainInsecure(raw net.Conn, peer party.ID, cfg Config) (*Conn, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	sock := newSocket(raw)
	return open(cfg, peer, sock, sock)
}

// Peer returns how the peer calls itself.
func (c *Conn) Peer() party.ID { return c.peer }

// PeerPin returns the digest of the peer's certificate.
func (c *Conn) PeerPin() Pin { return c.pin }

// Binding returns a secret-free value that both ends of this connection share and no other connection has.
func (c *Conn) Binding() [32]byte { return c.binding }

// Flight counts one flight; protocols.Exchange calls it.
func (c *Conn) Flight() { c.flights.Add(1) }

// Cost returns what this side has counted so far.
func (c *Conn) Cost() protocols.Cost {
	return protocols.Cost{Rounds: int(c.flights.Load()), SentBytes: c.sent.Load(), RecvBytes: c.recvd.Load()}
}

// WireBytes returns what TCP has carried so far: handshake, TLS records, frame headers and heartbeats included.
func (c *Conn) WireBytes() (sent, recvd int64) { return c.sock.sent.Load(), c.sock.recvd.Load() }

// fail ends both loops and all calls.
func (c *Conn) fail(err error) {
	c.broke.with(err)
	c.ended.with(err)
	c.settled.with(err)
	_ = c.sock.Close() // unblocks whichever loop is in a system call; the cause is kept
}

// signal fills a one-slot channel.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func canceled(ctx context.Context, op string) error {
	return fault.Wrap(fault.CodeOf(ctx.Err()), op, ctx.Err(), "stopped while waiting for the peer")
}
