package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/identity"
)

const (
	serviceName  = "tacit.link.v1.Link"
	streamMethod = "/" + serviceName + "/Stream"
)

// linkStreams describes the one method, written by hand: frames are no protobuf.
func linkStreams() []grpc.StreamDesc {
	return []grpc.StreamDesc{{
		StreamName: "Stream", ServerStreams: true, ClientStreams: true,
		Handler: func(srv any, stream grpc.ServerStream) error { return srv.(server).handle(stream) },
	}}
}

// server is what gRPC needs of a Link.
type server interface{ handle(grpc.ServerStream) error }

func (l *Link) newServer() *grpc.Server {
	s := grpc.NewServer(
		grpc.Creds(&doorman{l: l, slots: make(chan struct{}, maxHandshakes), joins: make(chan struct{}, maxJoins)}),
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(maxGRPCBytes), grpc.MaxSendMsgSize(maxGRPCBytes),
		grpc.StaticStreamWindowSize(grpcWindowBytes), grpc.StaticConnWindowSize(grpcWindowBytes),
		grpc.ReadBufferSize(grpcBufferBytes), grpc.WriteBufferSize(grpcBufferBytes),
		grpc.MaxConcurrentStreams(1), grpc.ConnectionTimeout(handshakeTimeout), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveEvery, Timeout: keepaliveEvery}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveLeast, PermitWithoutStream: true}),
	)
	s.RegisterService(&grpc.ServiceDesc{ServiceName: serviceName, HandlerType: (*server)(nil), Streams: linkStreams()}, l)
	return s
}

func (l *Link) serve(lis net.Listener) {
	if err := l.server.Serve(lis); err != nil && l.ctx.Err() == nil {
		l.cfg.Logger.Error("listener", slog.String("address", lis.Addr().String()), slog.Any("error", err))
	}
}

// handle serves a connection that a peer dialled.
func (l *Link) handle(stream grpc.ServerStream) error {
	info, ok := peer.FromContext(stream.Context())
	if !ok {
		return fault.New(fault.Internal, "link.serve", "no peer in the context of a stream")
	}
	a, ok := info.AuthInfo.(auth)
	if !ok {
		return fault.New(fault.Internal, "link.serve", "a connection that did not come through the door")
	}
	p, err := l.pairOf(a.peer)
	if err != nil {
		return err
	}
	_, err = p.talk(l.ctx, stream, func() { _ = a.conn.Close() }, false)
	l.cfg.Logger.Debug("connection ended", slog.String("peer", string(a.peer)), slog.String("code", fault.CodeOf(err).String()))
	return nil // what ended it has been said in frames
}

// doorman finishes TLS on every incoming connection: pinned parties go on to gRPC, holders of an invite to OnJoin, all others
// away.
type doorman struct {
	l     *Link
	slots chan struct{}
	joins chan struct{}
}

// ServerHandshake implements credentials.TransportCredentials.
func (d *doorman) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		return nil, nil, fault.New(fault.LimitExceeded, "link.serve", "%d connections are in their handshake", maxHandshakes)
	}
	cfg := &d.l.cfg
	conn := tls.Server(raw, d.config())
	ctx, cancel := context.WithTimeout(d.l.ctx, handshakeTimeout)
	defer cancel()
	err := conn.HandshakeContext(ctx)
	if err == nil {
		switch state := conn.ConnectionState(); state.NegotiatedProtocol {
		case identity.ALPNJoin:
			return d.dispatch(conn)
		case identity.ALPNLink:
			id, err := identity.PinnedParty(state, cfg.Pins, cfg.Now())
			return conn, newAuth(id, conn), err
		}
		err = fault.New(fault.Unauthenticated, "link.serve", "neither a link nor an enrolment was asked for")
	} else if fault.CodeOf(err) == fault.Internal {
		err = fault.Wrap(fault.Unauthenticated, "link.serve", err, "a stranger did not finish the handshake") // no bug of this node
	}
	cfg.Logger.Warn("connection refused", slog.String("from", raw.RemoteAddr().String()), slog.String("code", outcome(err)))
	return nil, nil, err
}

// config offers enrolment only to who asks for it, and only while an invite is outstanding.
func (d *doorman) config() *tls.Config {
	cfg := &d.l.cfg
	c := cfg.Keys.ServerConfig(cfg.Pins, cfg.Now)
	c.GetConfigForClient = func(hi *tls.ClientHelloInfo) (*tls.Config, error) {
		if cfg.OnJoin != nil && cfg.JoinOpen != nil && slices.Contains(hi.SupportedProtos, identity.ALPNJoin) && cfg.JoinOpen() {
			return cfg.Keys.JoinServerConfig(cfg.Now), nil
		}
		return nil, nil
	}
	return c
}

// dispatch takes an enrolment out of gRPC's hands.
func (d *doorman) dispatch(conn *tls.Conn) (net.Conn, credentials.AuthInfo, error) {
	select {
	case d.joins <- struct{}{}:
	default:
		return nil, nil, fault.New(fault.LimitExceeded, "link.serve", "%d enrolments are under way", maxJoins)
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout)) // a kernel timer, so not the injected clock
	ok := d.l.spawn(func() {
		defer func() { <-d.joins }()
		d.l.enrol(conn)
	})
	if !ok {
		<-d.joins
		return nil, nil, closedFault()
	}
	return nil, nil, credentials.ErrConnDispatched
}

// ClientHandshake implements credentials.TransportCredentials; no client uses these.
func (d *doorman) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, fault.New(fault.Internal, "link.serve", "server credentials on a client")
}

// Info implements credentials.TransportCredentials.
func (d *doorman) Info() credentials.ProtocolInfo { return standing{}.Info() }

// Clone implements credentials.TransportCredentials.
func (d *doorman) Clone() credentials.TransportCredentials { return d }

// OverrideServerName implements credentials.TransportCredentials.
func (d *doorman) OverrideServerName(string) error { return nil }
