package direct

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// maxHandshakes bounds the connections whose guest is not known yet: each costs one handshake of at most Config.Handshake, and
// more wait in the kernel.
const maxHandshakes = 16

// maxGuests bounds the connections of the guest that wait for an Accept.
const maxGuests = 4

// ListenOptions is what a listener may be given besides Config.
type ListenOptions struct {
	// Rand is crypto/rand.Reader outside tests.
	Rand io.Reader
	// Resume is the invite of an earlier listener of the same identity, whose guest comes back; zero: a new invite.
	Resume Invite
	// Guest is the pin of the guest that had used Resume; zero: nobody has.
	Guest Pin
	// Refused is told of every connection that was not the guest's, so that its owner can say why nothing happens. It may be
	// called by several goroutines at once; nil: nobody is.
	Refused func(err error)
}

// Listener lets the one guest of its invite in. Accept may be called again when a connection has ended.
type Listener struct {
	cfg    Config
	id     *Identity
	tcp    net.Listener
	invite Invite
	refuse func(err error)

	began  sync.Once      // of the loop that accepts
	loop   errgroup.Group // it, and its handshakes
	end    context.Context
	stop   context.CancelCauseFunc // with why nobody is accepted any more
	guests chan *Conn              // those that no Accept has taken

	mu    sync.Mutex
	guest Pin // zero: nobody yet
}

// Listen opens a TCP port. address is host:port, where port 0 lets the system choose.
//
// Errors: fault.Invalid (Config, or an invite to resume that another identity made), fault.Unavailable (the port).
func Listen(address string, id *Identity, cfg Config, o ListenOptions) (*Listener, error) {
	const op = "direct.Listen"
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	invite := o.Resume
	if invite.secret == nil {
		if invite, err = newInvite(id.Pin(), o.Rand); err != nil {
			return nil, err
		}
	}
	if invite.Listener != id.Pin() {
		return nil, fault.New(fault.Invalid, op, "the invite to resume was made by another identity")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "cannot listen on %s", address)
	}
	refuse := o.Refused
	if refuse == nil {
		refuse = func(error) {}
	}
	out := &Listener{cfg: cfg, id: id, tcp: l, invite: invite, refuse: refuse, guest: o.Guest, guests: make(chan *Conn, maxGuests)}
	out.end, out.stop = context.WithCancelCause(context.Background())
	return out, nil
}

// Addr returns the host:port that is listened on.
func (l *Listener) Addr() string { return l.tcp.Addr().String() }

// Invite returns the invite with the address at which the guest reaches this listener.
//
// Errors: fault.Invalid (address is not host:port).
func (l *Listener) Invite(address string) (Invite, error) { return l.invite.At(address) }

// Guest returns the pin of the guest, zero as long as nobody has used the invite.
func (l *Listener) Guest() Pin {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.guest
}

// Close stops listening. Connections that were accepted go on.
func (l *Listener) Close() error {
	l.stop(net.ErrClosed)
	err := l.tcp.Close()
	l.began.Do(func() {}) // no loop begins any more
	_ = l.loop.Wait()     // it reports through end
	for {
		select {
		case c := <-l.guests:
			c.Abort(fault.Unavailable)
		default:
			return fault.Wrap(fault.Unavailable, "direct.Close", err, "the port was closed already")
		}
	}
}

// Accept returns the next connection of the guest; one call at a time. From the first call to Close everybody else who
// connects is refused at once, also between two calls, and costs one bounded handshake.
//
// Errors: fault.Unavailable (the port is gone), fault.Canceled, fault.Timeout (ctx).
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	const op = "direct.Accept"
	l.began.Do(func() { l.loop.Go(l.serve) })
	for {
		select {
		case c := <-l.guests:
			if c.ended.Err() == nil || c.parted() {
				return c, nil
			}
			c.Abort(fault.Canceled) // it broke, or gave up, while it waited
		case <-ctx.Done():
			return nil, canceled(ctx, op)
		case <-l.end.Done():
			return nil, fault.Wrap(fault.Unavailable, op, context.Cause(l.end), "the port is gone")
		}
	}
}

// serve handles connections until the port is closed.
func (l *Listener) serve() error {
	var g errgroup.Group
	g.SetLimit(maxHandshakes)
	for {
		raw, err := l.tcp.Accept()
		if err != nil {
			l.stop(err)
			_ = g.Wait() // handshakes report to refuse
			return err
		}
		g.Go(func() error {
			l.handle(raw)
			return nil
		})
	}
}

// handle makes one connection wait for an Accept, or reports why not.
func (l *Listener) handle(raw net.Conn) {
	c, err := l.handshake(l.end, raw)
	if err != nil {
		_ = raw.Close()
		if l.end.Err() == nil {
			l.refuse(err)
		}
		return
	}
	select {
	case l.guests <- c:
	default: // the guest connected many times
		c.Abort(fault.Exists)
	}
}

// handshake admits the guest.
func (l *Listener) handshake(ctx context.Context, raw net.Conn) (*Conn, error) {
	const op = "direct.Accept"
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Handshake)
	defer cancel()
	unblock := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	sock := newSocket(raw)
	t := tls.Server(sock, l.id.serverTLS())
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fault.Wrap(fault.Unauthenticated, op, err, "a connection that does not speak this protocol")
	}
	h, err := readHello(t)
	if err != nil {
		return nil, fault.Wrap(fault.Unauthenticated, op, err, "a connection that says nothing, or nonsense")
	}
	guest, name, err := l.admit(t.ConnectionState(), h)
	if err != nil {
		refusal := hello{verdict: fault.CodeOf(err)}
		_, _ = t.Write(refusal.encode()) // whoever was refused may be gone
		_ = t.Close()
		return nil, err
	}
	own, err := l.invite.greeting(sideListener, t.ConnectionState(), l.id.Pin(), l.cfg.Self)
	if err != nil {
		return nil, err
	}
	if _, err := t.Write(own.encode()); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the guest is gone")
	}
	if !unblock() {
		return nil, fault.Wrap(fault.Timeout, op, errors.Join(ctx.Err()), "the handshake took too long")
	}
	return secured(l.cfg, name, guest, sock, t)
}

// admit checks the guest's hello and pins the first guest.
func (l *Listener) admit(s tls.ConnectionState, h hello) (Pin, party.ID, error) {
	const op = "direct.Accept"
	other, err := pinOf(s)
	if err != nil {
		return Pin{}, "", err
	}
	if h.verdict != accepted || !l.invite.admits(h, sideGuest, s, other) {
		return Pin{}, "", fault.New(fault.Unauthenticated, op, "somebody without the invite's secret")
	}
	name, err := l.cfg.named(h.name)
	if err != nil {
		return Pin{}, "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.guest != (Pin{}) && l.guest != other {
		return Pin{}, "", fault.New(fault.Unauthenticated, op, "the invite was used by another guest before")
	}
	l.guest = other
	return other, name, nil
}
