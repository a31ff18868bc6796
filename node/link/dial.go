package link

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const (
	grpcWindowBytes = 16 << 20         // stream and connection; the default start costs 25 to 44 % on a WAN
	grpcBufferBytes = 128 << 10        // per read and write of the socket
	keepaliveEvery  = 20 * time.Second // finds a dead TCP connection; never fails a job
	keepaliveLeast  = 5 * time.Second
)

// claimDialing reports whether the caller is to run keepDialing.
func (p *pair) claimDialing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.dialing
	p.dialing = true
	return !was
}

// wanted reports whether dialling goes on, and ends the claim where it does not.
func (p *pair) wanted(ctx context.Context) bool {
	refused := p.refusing()
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil || refused {
		p.dialing = false
	}
	return p.dialing
}

// keepDialing connects whenever no connection stands, until refused, disconnected or ctx ends.
func (p *pair) keepDialing(ctx context.Context) {
	if p.refusing() {
		p.set(Dialing, nil) // a person asked again
	}
	for pause := retryFirst; p.wanted(ctx); {
		if p.live() != nil {
			p.awaitChange(ctx, nil)
			continue
		}
		up, err := p.dialAll(ctx)
		if up {
			pause = retryFirst
		}
		if err == nil || !p.wanted(ctx) {
			continue
		}
		if fault.CodeOf(err) != fault.NotFound {
			p.set(Dialing, err)
		}
		timer := time.NewTimer(p.jitter(pause))
		p.awaitChange(ctx, timer.C)
		timer.Stop()
		pause = min(2*pause, retryLast)
	}
}

// awaitChange waits until the pair's state changes, an optional timer fires or ctx ends.
func (p *pair) awaitChange(ctx context.Context, timer <-chan time.Time) {
	p.mu.Lock()
	changed, up := p.changed, p.conn != nil
	p.mu.Unlock()
	if timer == nil && !up {
		return
	}
	select {
	case <-changed:
	case <-timer:
	case <-ctx.Done():
	}
}

// jitter spreads d over half to one and a half of it, so that nodes that lost the same peer do not return as one.
func (p *pair) jitter(d time.Duration) time.Duration {
	var b [2]byte
	_, _ = io.ReadFull(p.link.cfg.Rand, b[:]) // without randomness the pause is merely the shortest
	return d/2 + d*time.Duration(binary.BigEndian.Uint16(b[:]))/(1<<16)
}

// dialAll tries the peer's addresses in turn and returns after the first connection that came up has ended, or with the last
// failure.
func (p *pair) dialAll(ctx context.Context) (wasUp bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.stopDial = cancel
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.stopDial = nil
		p.mu.Unlock()
	}()
	rec, err := p.link.cfg.Pins.Get(p.id)
	if err != nil {
		p.refuse(err)
		return false, err
	}
	if len(rec.Addresses) == 0 {
		err = fault.New(fault.NotFound, "link.Connect", "no address of %s is known: waiting for its call", p.id)
		p.set(Idle, err)
		return false, err
	}
	err = fault.New(fault.Canceled, "link.Connect", "another connection with %s came first", p.id)
	for _, address := range rec.Addresses {
		if p.live() != nil || ctx.Err() != nil || p.refusing() {
			break
		}
		p.set(Dialing, nil)
		if wasUp, err = p.dial(ctx, address); wasUp {
			break
		}
	}
	return wasUp, err
}

// dial makes one connection to one address and serves it to its end.
func (p *pair) dial(ctx context.Context, address string) (wasUp bool, err error) {
	conn, err := p.secure(ctx, address)
	if err != nil {
		return false, p.judge(err)
	}
	cc, err := grpc.NewClient("passthrough:///"+string(p.id), dialOptions(conn)...)
	if err != nil {
		_ = conn.Close()
		return false, fault.Wrap(fault.Internal, "link.dial", err, "gRPC client not made")
	}
	defer func() { _ = cc.Close() }()
	sctx, cancel := context.WithCancel(ctx)
	defer cancel()
	abort := func() { cancel(); _ = conn.Close() }
	stream, err := cc.NewStream(sctx, &linkStreams()[0], streamMethod)
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, "link.dial", err, "%s at %s offers no link", p.id, address)
	}
	return p.talk(p.link.ctx, stream, abort, true)
}

// secure dials, finishes TLS and waits for the peer's verdict, so that a refusal keeps its cause and gRPC sees only
// connections that stand.
//
// Errors: fault.Unauthenticated (either side does not accept the other's certificate), fault.Unavailable.
func (p *pair) secure(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	raw, err := p.link.cfg.Dial(ctx, address)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "link.dial", err, "%s does not answer at %s", p.id, address)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn := tls.Client(raw, p.link.cfg.Keys.ClientConfig(p.link.cfg.Pins, p.id, p.link.cfg.Now))
	first, err := p.verdict(ctx, conn, address)
	if !stop() && err == nil {
		err = canceled(ctx, "link.dial")
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &begunConn{Conn: conn, first: first}, nil
}

// verdict shakes hands and reads one byte. In TLS 1.3 the client is done before the server has seen its certificate; a refusal
// comes as an alert in place of the first byte, which an HTTP/2 server otherwise sends unasked (its SETTINGS).
func (p *pair) verdict(ctx context.Context, conn *tls.Conn, address string) (first [1]byte, err error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		if e, ok := errors.AsType[*fault.Error](err); ok {
			return first, e // our own verdict on the peer's certificate
		}
		return first, fault.Wrap(fault.Unavailable, "link.dial", err, "no TLS with %s at %s", p.id, address)
	}
	_, err = io.ReadFull(conn, first[:])
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		// The alert came encrypted, so it is the peer's and not forged on the way.
		return first, fault.Wrap(fault.Unauthenticated, "link.dial", err, "%s does not accept this node's certificate: not pinned there, or changed", p.id)
	}
	return first, fault.Wrap(fault.Unavailable, "link.dial", err, "%s at %s ended the connection at once", p.id, address)
}

// begunConn gives back the byte that verdict took. One goroutine reads it, the transport's.
type begunConn struct {
	net.Conn
	first [1]byte
	begun bool
}

// Read implements net.Conn.
func (c *begunConn) Read(b []byte) (int, error) {
	if !c.begun && len(b) > 0 {
		c.begun = true
		return copy(b, c.first[:]), nil
	}
	return c.Conn.Read(b)
}

func dialOptions(conn net.Conn) []grpc.DialOption {
	var used atomic.Bool
	return []grpc.DialOption{
		grpc.WithTransportCredentials(standing{}),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			if used.Swap(true) {
				return nil, fault.New(fault.Unavailable, "link.dial", "the connection is used up; another is dialled by the link")
			}
			return conn, nil
		}),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
		grpc.WithStaticStreamWindowSize(grpcWindowBytes), grpc.WithStaticConnWindowSize(grpcWindowBytes),
		grpc.WithReadBufferSize(grpcBufferBytes), grpc.WithWriteBufferSize(grpcBufferBytes),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveEvery, Timeout: keepaliveEvery, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}),
			grpc.MaxCallRecvMsgSize(maxGRPCBytes), grpc.MaxCallSendMsgSize(maxGRPCBytes)),
	}
}

// standing are the credentials of a connection whose TLS is finished.
type standing struct{}

// ClientHandshake implements credentials.TransportCredentials.
func (standing) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c, newAuth("", c), nil
}

// ServerHandshake implements credentials.TransportCredentials; no server uses these.
func (standing) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, fault.New(fault.Internal, "link.dial", "client credentials on a server")
}

// Info implements credentials.TransportCredentials.
func (standing) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials.
func (standing) Clone() credentials.TransportCredentials { return standing{} }

// OverrideServerName implements credentials.TransportCredentials; names are not the identity.
func (standing) OverrideServerName(string) error { return nil }

// auth is what a handler learns about its connection.
type auth struct {
	credentials.CommonAuthInfo
	peer party.ID
	conn net.Conn
}

// AuthType implements credentials.AuthInfo.
func (auth) AuthType() string { return "tls" }

func newAuth(peer party.ID, conn net.Conn) auth {
	return auth{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, peer, conn}
}
