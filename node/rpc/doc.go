// Package rpc serves a node's user API and is the client of it. Handlers and client translate between protobuf and the
// node's own types, so that neither the node nor the command line ever sees a protobuf message.
//
// One TLS port speaks the Connect protocol (JSON over HTTP/1.1 or HTTP/2), gRPC and gRPC-Web. Every call carries the
// node's bearer token, which is checked before a byte of the request is read. Every failure carries a tacit.v1.Fault
// detail, which the client turns back into a *Failure around a *fault.Error; the text of a local error never travels.
//
// # Limits
//
// A request has at most MaxRequestBytes, an answer at most MaxAnswerBytes; beyond either the call ends with
// fault.LimitExceeded. A waiting GetJob waits at most MaxWait. A watched job is sent at most once per watchInterval:
// what happened between is in the next view, and the last view is always sent.
package rpc
