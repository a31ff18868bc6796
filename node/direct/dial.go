package direct

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Dial connects to the listener that made the invite.
//
// Errors: fault.Invalid (Config, zero Invite, a name the listener refuses), fault.Unavailable (nobody listens there, or does
// not answer in time: try again), fault.Unauthenticated (the listener is not who made the invite, or does not accept it: it was
// used by another guest or replaced), fault.Misbehaved, fault.Canceled and fault.Timeout (ctx).
func Dial(ctx context.Context, v Invite, id *Identity, cfg Config) (*Conn, error) {
	const op = "direct.Dial"
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	if v.secret == nil || v.Address == "" {
		return nil, fault.New(fault.Invalid, op, "an invite without a secret or an address")
	}
	hctx, cancel := context.WithTimeout(ctx, cfg.Handshake)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(hctx, "tcp", v.Address)
	if err == nil {
		var c *Conn
		if c, err = v.handshake(hctx, raw, id, cfg); err == nil {
			return c, nil
		}
		_ = raw.Close()
	}
	switch _, ours := errors.AsType[*fault.Error](err); {
	case ctx.Err() != nil:
		return nil, canceled(ctx, op)
	case ours:
		return nil, err
	}
	return nil, fault.Wrap(fault.Unavailable, op, err, "no answer at %s", v.Address)
}

// handshake admits the listener and makes it admit this side.
func (v Invite) handshake(ctx context.Context, raw net.Conn, id *Identity, cfg Config) (*Conn, error) {
	unblock := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	sock := newSocket(raw)
	t := tls.Client(sock, id.clientTLS(v.Listener))
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	own, err := v.greeting(sideGuest, t.ConnectionState(), id.Pin(), cfg.Self)
	if err != nil {
		return nil, err
	}
	if _, err := t.Write(own.encode()); err != nil {
		return nil, err
	}
	h, err := readHello(t)
	if err != nil {
		return nil, err
	}
	name, err := v.judge(t.ConnectionState(), h, cfg)
	if err != nil {
		return nil, err
	}
	if !unblock() {
		return nil, ctx.Err()
	}
	return secured(cfg, name, v.Listener, sock, t)
}

// judge checks the listener's hello.
func (v Invite) judge(s tls.ConnectionState, h hello, cfg Config) (party.ID, error) {
	const op = "direct.Dial"
	switch {
	case h.verdict == fault.Invalid:
		return "", fault.New(fault.Invalid, op, "the listener does not accept the name %s", cfg.Self)
	case h.verdict != accepted:
		return "", fault.New(fault.Unauthenticated, op, "the listener does not accept the invite: somebody else used it, or it is out of use")
	case !v.admits(h, sideListener, s, v.Listener):
		return "", fault.New(fault.Unauthenticated, op, "the listener does not know the invite's secret")
	}
	return cfg.named(h.name)
}
