package rpc

import (
	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
)

// statusOf maps every fault code to the status that travels. gRPC has fewer codes than there are causes, so the fault
// code itself travels in the detail.
var statusOf = map[fault.Code]connect.Code{
	fault.Internal:        connect.CodeInternal,
	fault.Invalid:         connect.CodeInvalidArgument,
	fault.NotFound:        connect.CodeNotFound,
	fault.Exists:          connect.CodeAlreadyExists,
	fault.Unauthenticated: connect.CodeUnauthenticated,
	fault.Denied:          connect.CodePermissionDenied,
	fault.Expired:         connect.CodeFailedPrecondition,
	fault.SchemaMismatch:  connect.CodeFailedPrecondition,
	fault.PlanMismatch:    connect.CodeFailedPrecondition,
	fault.BudgetExhausted: connect.CodeResourceExhausted,
	fault.LimitExceeded:   connect.CodeResourceExhausted,
	fault.Precision:       connect.CodeOutOfRange,
	fault.Misbehaved:      connect.CodeAborted,
	fault.PeerAborted:     connect.CodeAborted,
	fault.Unavailable:     connect.CodeUnavailable,
	fault.Timeout:         connect.CodeDeadlineExceeded,
	fault.Canceled:        connect.CodeCanceled,
	fault.Corrupt:         connect.CodeDataLoss,
	fault.Unsupported:     connect.CodeUnimplemented,
}

// causeOf is the fault code of a failure that came without a detail: from the transport, a proxy, or the framework
// before a handler ran. Where several causes share a status it is the one that the framework itself can mean.
var causeOf = map[connect.Code]fault.Code{
	connect.CodeCanceled:           fault.Canceled,
	connect.CodeUnknown:            fault.Internal,
	connect.CodeInvalidArgument:    fault.Invalid,
	connect.CodeDeadlineExceeded:   fault.Timeout,
	connect.CodeNotFound:           fault.NotFound,
	connect.CodeAlreadyExists:      fault.Exists,
	connect.CodePermissionDenied:   fault.Denied,
	connect.CodeResourceExhausted:  fault.LimitExceeded,
	connect.CodeFailedPrecondition: fault.PlanMismatch,
	connect.CodeAborted:            fault.PeerAborted,
	connect.CodeOutOfRange:         fault.Precision,
	connect.CodeUnimplemented:      fault.Unsupported,
	connect.CodeInternal:           fault.Internal,
	connect.CodeUnavailable:        fault.Unavailable,
	connect.CodeDataLoss:           fault.Corrupt,
	connect.CodeUnauthenticated:    fault.Unauthenticated,
}
