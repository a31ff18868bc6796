package rpc

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const bearerPrefix = "Bearer "

// gate refuses a call without the node's token before any of its body is read. A missing and a wrong token give one
// answer.
func gate(b Backend, self party.ID) connect.RequestGateFunc {
	return func(_ context.Context, _ connect.Spec, _ connect.Peer, h http.Header) (context.Context, error) {
		token, ok := strings.CutPrefix(h.Get("Authorization"), bearerPrefix)
		if !ok || !b.CheckToken(token) {
			return nil, encodeFailure(fault.New(fault.Unauthenticated, "rpc.Serve",
				"the call does not carry this node's API token"), self)
		}
		return nil, nil
	}
}

// bearer adds the token to every call of a client. Its text is the secret: it is never printed.
type bearer struct{ header *string }

func newBearer(token string) bearer {
	header := bearerPrefix + token
	return bearer{header: &header}
}

// WrapUnary implements connect.Interceptor.
func (t bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", *t.header)
		return next(ctx, r)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (t bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, s connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, s)
		conn.RequestHeader().Set("Authorization", *t.header)
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor; a client has no handlers.
func (bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
