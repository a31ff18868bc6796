package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb/pbconnect"
)

// Bounds of the API.
const (
	MaxRequestBytes = 2 << 20          // a job Spec of 1 MiB, escaped in JSON
	MaxAnswerBytes  = 256 << 20        // scores of some millions of rows
	MaxWait         = 60 * time.Second // of one GetJob; a longer wait is another call

	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	pingAfter         = 15 * time.Second // a silent connection is asked whether it lives
	pingTimeout       = 15 * time.Second
	stopGrace         = 5 * time.Second // for calls in flight when the server stops
)

// Serve answers calls on lis until ctx ends, then lets calls in flight finish for a few seconds; watches end at once
// with fault.Unavailable. It closes lis. A nil log discards.
//
// Errors: fault.Unavailable when the listener fails. The end of ctx is no error.
func Serve(ctx context.Context, b Backend, lis net.Listener, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	stopping, stopWatches := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatches()
	srv := &http.Server{
		Handler:           Handler(stopping, b, lis.Addr().String(), log),
		TLSConfig:         b.APITLS(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.ServeTLS(lis, "", "") }()
	select {
	case err := <-ended:
		return fault.Wrap(fault.Unavailable, "rpc.Serve", err, "the API at %s stopped", lis.Addr())
	case <-ctx.Done():
	}
	stopWatches()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // calls that did not end in time are cut
	}
	<-ended
	return nil
}

// Handler is the API without its listener, to mount beside other pages. apiAddress is what GetNode tells; watches end
// when stopping does.
func Handler(stopping context.Context, b Backend, apiAddress string, log *slog.Logger) http.Handler {
	self := b.Info().Party
	opts := []connect.HandlerOption{
		connect.WithRequestGate(gate(b, self)),
		connect.WithInterceptors(failures{self: self, log: log}),
		connect.WithReadMaxBytes(MaxRequestBytes),
		connect.WithSendMaxBytes(MaxAnswerBytes),
		connect.WithRecover(func(_ context.Context, s connect.Spec, _ http.Header, p any) error {
			// The value may hold data: its type says which bug it is.
			return fault.New(fault.Internal, s.Procedure, "a bug: panic of type %s", fmt.Sprintf("%T", p))
		}),
	}
	mux := http.NewServeMux()
	mux.Handle(pbconnect.NewNodeServiceHandler(nodeService{b: b, apiAddress: apiAddress}, opts...))
	mux.Handle(pbconnect.NewPeerServiceHandler(peerService{b: b}, opts...))
	mux.Handle(pbconnect.NewDataServiceHandler(dataService{b: b}, opts...))
	mux.Handle(pbconnect.NewRightServiceHandler(rightService{b: b, now: time.Now}, opts...))
	mux.Handle(pbconnect.NewJobServiceHandler(jobService{b: b, stopping: stopping}, opts...))
	return mux
}

// failures gives every error of a handler its status and detail, and logs it once.
type failures struct {
	self party.ID
	log  *slog.Logger
}

func (f failures) tell(ctx context.Context, procedure string, err error) error {
	if err == nil {
		return nil
	}
	code := fault.CodeOf(err)
	level := slog.LevelInfo
	if code == fault.Internal || code == fault.Corrupt {
		level = slog.LevelError
	}
	f.log.LogAttrs(ctx, level, "call failed", slog.String("call", procedure), slog.String("code", code.String()), slog.String("error", err.Error()))
	return encodeFailure(err, f.self)
}

// WrapUnary implements connect.Interceptor.
func (f failures) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		resp, err := next(ctx, r)
		if err != nil {
			return nil, f.tell(ctx, r.Spec().Procedure, err)
		}
		return resp, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (f failures) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return f.tell(ctx, conn.Spec().Procedure, next(ctx, conn))
	}
}

// WrapStreamingClient implements connect.Interceptor; a server has no client.
func (failures) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}
