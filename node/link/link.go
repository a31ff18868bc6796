package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
)

const (
	beatEvery        = 10 * time.Second
	handshakeTimeout = 10 * time.Second // TLS, and again HELLO: a slow caller holds a slot no longer
	drainTimeout     = 2 * time.Second  // a peer that does not confirm our goodbye is not waited for
	maxHandshakes    = 256              // connections that have not proven an identity yet
	maxJoins         = 8                // enrolments at once
	maxBeatBytes     = 64 << 10
)

// Config says what a Link needs. Keys, Pins and Mailbox are required.
type Config struct {
	Keys *identity.Keys
	Pins *identity.Pins // consulted at every handshake

	Listen    []string                                                    // host:port to listen on; empty for a node that only dials out
	Listeners []net.Listener                                              // open ones to serve as well; the Link closes them
	Dial      func(ctx context.Context, address string) (net.Conn, error) // default: TCP

	Mailbox Mailbox

	Beat   func(peer party.ID) []byte          // payload of the next heartbeat, at most 64 KiB; nil sends empty ones
	OnBeat func(peer party.ID, payload []byte) // the newest heartbeat; older ones may be skipped
	// OnState is told every change, in order per peer. It must return soon and not call Close.
	OnState func(Status)

	// JoinOpen reports whether an invite is outstanding: only then is enrolment offered to strangers.
	JoinOpen func() bool
	// OnJoin answers one join request, see identity.Inviter.Redeem. Its error ends the connection without a reply.
	OnJoin func(ctx context.Context, exporter, request []byte) (response []byte, err error)

	Compiler    Range            // plan compilers this node has; default 1 to 1
	WindowBytes int64            // receive window of a session; default 16 MiB, at least 64 KiB
	BeatEvery   time.Duration    // default 10 s
	Now         func() time.Time // wall clock for certificates and Status; default time.Now
	Rand        io.Reader        // for the epoch and retry jitter; default crypto/rand.Reader
	Logger      *slog.Logger     // default: discard

	// Self is the party of Keys; New fills it.
	Self party.ID
}

func (c *Config) fill() error {
	const op = "link.New"
	if c.Keys == nil || c.Pins == nil || c.Mailbox == nil {
		return fault.New(fault.Invalid, op, "Keys, Pins and Mailbox are required")
	}
	if c.Self != "" && c.Self != c.Keys.Party() {
		return fault.New(fault.Invalid, op, "Self is %s, the keys are %s's", c.Self, c.Keys.Party())
	}
	c.Self = c.Keys.Party()
	if c.WindowBytes == 0 {
		c.WindowBytes = streamBytes
	}
	if c.WindowBytes < leastWindow || c.WindowBytes > linkBytes {
		return fault.New(fault.Invalid, op, "a window of %d bytes, %d to %d", c.WindowBytes, leastWindow, linkBytes)
	}
	if c.Compiler == (Range{}) {
		c.Compiler = Range{1, 1}
	}
	if c.BeatEvery <= 0 {
		c.BeatEvery = beatEvery
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	return nil
}

// Link is one node's connections to its peers. All methods are safe for concurrent use.
type Link struct {
	cfg    Config
	epoch  uint64
	server *grpc.Server
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	started   bool
	closed    bool
	listeners []net.Listener
	pairs     map[party.ID]*pair
}

// New checks cfg and draws the epoch of this process. Nothing runs before Start.
//
// Errors: fault.Invalid, fault.Unavailable (no randomness).
func New(cfg Config) (*Link, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	var b [8]byte
	if _, err := io.ReadFull(cfg.Rand, b[:]); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "link.New", err, "no randomness")
	}
	l := &Link{cfg: cfg, epoch: binary.BigEndian.Uint64(b[:]), pairs: map[party.ID]*pair{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.server = l.newServer()
	return l, nil
}

// Start listens and serves.
//
// Errors: fault.Unavailable naming the address that cannot be listened on, fault.Invalid (started or closed before).
func (l *Link) Start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started || l.closed {
		return fault.New(fault.Invalid, "link.Start", "a link starts once")
	}
	open := slices.Clone(l.cfg.Listeners)
	for _, address := range l.cfg.Listen {
		lis, err := new(net.ListenConfig).Listen(l.ctx, "tcp", address)
		if err != nil {
			for _, o := range open {
				_ = o.Close()
			}
			return fault.Wrap(fault.Unavailable, "link.Start", err, "cannot listen on %s: taken, or not an address of this machine", address)
		}
		open = append(open, lis)
	}
	l.started, l.listeners = true, open
	for _, lis := range open {
		l.wg.Go(func() { l.serve(lis) })
	}
	return nil
}

// Addrs returns where the link listens.
func (l *Link) Addrs() []net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]net.Addr, 0, len(l.listeners))
	for _, lis := range l.listeners {
		out = append(out, lis.Addr())
	}
	return out
}

// Connect keeps a connection to a pinned peer: it dials the peer's addresses in turn, with pauses of 0.1 s to 15 s, until it
// is refused. Calling it again after a refusal tries again; otherwise a further call does nothing. A peer without addresses is waited for.
//
// Errors: fault.Unauthenticated (not pinned), fault.Invalid (self), fault.Canceled (closed).
func (l *Link) Connect(peer party.ID) error {
	p, err := l.pairOf(peer)
	if err != nil {
		return err
	}
	if !p.claimDialing() {
		return nil
	}
	if !l.spawn(func() { p.keepDialing(l.ctx) }) {
		return closedFault()
	}
	return nil
}

// Disconnect closes the connection to a peer, if there is one, and stops dialling it. It follows the removal of a pin.
func (l *Link) Disconnect(peer party.ID) {
	l.mu.Lock()
	p := l.pairs[peer]
	l.mu.Unlock()
	if p != nil {
		p.disconnect()
	}
}

// State returns where the link to a peer stands.
func (l *Link) State(peer party.ID) Status {
	l.mu.Lock()
	p := l.pairs[peer]
	l.mu.Unlock()
	if p == nil {
		return Status{Peer: peer}
	}
	return p.current()
}

// Kick tells that the Mailbox has new messages for a peer. It never blocks.
func (l *Link) Kick(peer party.ID) {
	l.mu.Lock()
	p := l.pairs[peer]
	l.mu.Unlock()
	if p == nil {
		return
	}
	if c := p.live(); c != nil {
		signal(c.kick)
	}
}

// Open opens a session with a peer and returns once the peer has opened it too, with the same binding.
//
// Errors: fault.Invalid (id, self), fault.Unauthenticated (peer not pinned), fault.Exists (open already),
// fault.LimitExceeded (1,024 sessions with the peer), fault.PlanMismatch (the bindings differ), fault.PeerAborted (the peer
// reset it, or the connection broke), the refusal's code while the link is Refused, fault.Canceled and fault.Timeout (ctx).
func (l *Link) Open(ctx context.Context, peer party.ID, id SessionID) (*Session, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	p, err := l.pairOf(peer)
	if err != nil {
		return nil, err
	}
	return p.open(ctx, id)
}

// Close ends every session and connection, after what was sent, and returns when nothing of the link runs any more.
func (l *Link) Close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.wg.Wait()
		return
	}
	l.closed = true
	pairs := make([]*pair, 0, len(l.pairs))
	for _, p := range l.pairs {
		pairs = append(pairs, p)
	}
	if !l.started {
		for _, lis := range l.cfg.Listeners {
			_ = lis.Close()
		}
	}
	l.mu.Unlock()
	var drains sync.WaitGroup
	for _, p := range pairs {
		drains.Go(p.drain)
	}
	drains.Wait()
	l.stop()
	l.server.Stop()
	l.wg.Wait()
}

// spawn runs f on a goroutine that Close waits for, or reports false when the link is closed.
func (l *Link) spawn(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.wg.Go(f)
	return true
}

// pairOf returns the state of a pinned peer.
func (l *Link) pairOf(peer party.ID) (*pair, error) {
	if peer == l.cfg.Self {
		return nil, fault.New(fault.Invalid, "link.Link", "%s is this node's own party", peer)
	}
	if _, err := l.cfg.Pins.Get(peer); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, closedFault()
	}
	p := l.pairs[peer]
	if p == nil {
		p = newPair(l, peer)
		l.pairs[peer] = p
	}
	return p, nil
}

func closedFault() error { return fault.New(fault.Canceled, "link.Link", "the link is closed") }
