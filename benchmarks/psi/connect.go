package psibench

import (
	"context"
	"crypto/rand"
	"net"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
)

// connector makes a party's connection out of the other's hail.
type connector func(ctx context.Context, theirs hail) (*direct.Conn, error)

// prepare listens, or gets ready to dial.
func (t task) prepare() (connector, hail, error) {
	cfg := direct.Config{Self: senderID, Peer: receiverID}
	if t.Receiver {
		cfg.Self, cfg.Peer = cfg.Peer, cfg.Self
	}
	switch {
	case t.Receiver && t.Spec.TLS == TLS:
		return listenTLS(cfg)
	case t.Receiver:
		return listenPlain(cfg)
	case t.Spec.TLS == TLS:
		return dialTLS(cfg)
	}
	return dialPlain(cfg), hail{}, nil
}

func listenTLS(cfg direct.Config) (connector, hail, error) {
	id, err := direct.NewIdentity(rand.Reader, time.Now())
	if err != nil {
		return nil, hail{}, err
	}
	l, err := direct.Listen("127.0.0.1:0", id, cfg, direct.ListenOptions{Rand: rand.Reader})
	if err != nil {
		return nil, hail{}, err
	}
	v, err := l.Invite(l.Addr())
	if err != nil {
		return nil, hail{}, err
	}
	accept := func(ctx context.Context, _ hail) (*direct.Conn, error) {
		defer func() { _ = l.Close() }() // one connection is all
		return l.Accept(ctx)
	}
	return accept, hail{Address: l.Addr(), Invite: v.TextInsecure()}, nil
}

func dialTLS(cfg direct.Config) (connector, hail, error) {
	id, err := direct.NewIdentity(rand.Reader, time.Now())
	if err != nil {
		return nil, hail{}, err
	}
	return func(ctx context.Context, theirs hail) (*direct.Conn, error) {
		v, err := direct.ParseInvite(theirs.Invite)
		if err == nil {
			v, err = v.At(theirs.Address)
		}
		if err != nil {
			return nil, err
		}
		cfg.Handshake = dialLimit // the other party may still be reading
		return direct.Dial(ctx, v, id, cfg)
	}, hail{}, nil
}

// dialLimit is how long a party waits for one that reads its file.
const dialLimit = 10 * time.Minute

func listenPlain(cfg direct.Config) (connector, hail, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, hail{}, fault.Wrap(fault.Unavailable, "psibench.Party", err, "no port on loopback")
	}
	return func(context.Context, hail) (*direct.Conn, error) {
		defer func() { _ = l.Close() }() // one connection is all
		raw, err := l.Accept()
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "psibench.Party", err, "nobody connects")
		}
		return direct.PlainInsecure(raw, senderID, cfg)
	}, hail{Address: l.Addr().String()}, nil
}

func dialPlain(cfg direct.Config) connector {
	return func(ctx context.Context, theirs hail) (*direct.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, "tcp", theirs.Address)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "psibench.Party", err, "nobody listens")
		}
		return direct.PlainInsecure(raw, receiverID, cfg)
	}
}
