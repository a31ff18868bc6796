package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"strings"
	"syscall"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
)

// maxReasonBytes bounds the reason that travels: a policy's answer with eight rules fits.
const maxReasonBytes = 8 << 10

// Failure is a failed call or job as its user sees it: the fault, who failed or refused, and in which step. Unwrap gives
// the *fault.Error, so that fault.CodeOf and errors.Is work as ever.
type Failure struct {
	Party party.ID // empty when nobody was reached
	Step  string   // empty when it was not a step
	Err   *fault.Error
}

// Error returns party, step and the fault in one line.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.Party != "" {
		b.WriteString(string(f.Party) + ": ")
	}
	if f.Step != "" {
		b.WriteString("step " + f.Step + ": ")
	}
	return b.String() + f.Err.Error()
}

// Unwrap returns the *fault.Error.
func (f *Failure) Unwrap() error { return f.Err }

// encodeFailure is the status and detail of err as the node called self tells it. A foreign error's text stays here.
func encodeFailure(err error, self party.ID) *connect.Error {
	d := &pb.Fault{Code: uint32(fault.CodeOf(err)), Party: string(self), Reason: publicReason(err)}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		d.Op, d.Culprit = e.Op, e.Culprit
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		d.Party, d.Step = string(f.Party), f.Step
	}
	out := connect.NewError(statusOf[fault.Code(d.Code)], errors.New(d.Reason))
	if detail, detailErr := connect.NewErrorDetail(d); detailErr == nil {
		out.AddDetail(detail)
	}
	return out
}

// publicReason joins the reasons along err's chain, outermost first: each is safe to show by the contract of
// fault.Error, and the inner ones say what the outer one could not.
func publicReason(err error) string {
	var parts []string
	for e, ok := errors.AsType[*fault.Error](err); ok; e, ok = errors.AsType[*fault.Error](e.Err) {
		if e.Reason != "" && (len(parts) == 0 || parts[len(parts)-1] != e.Reason) {
			parts = append(parts, e.Reason)
		}
		if e.Err == nil {
			break
		}
	}
	if len(parts) == 0 {
		return neutralReason(err)
	}
	s := strings.ToValidUTF8(strings.Join(parts, ": "), "?")
	if len(s) > maxReasonBytes {
		s = strings.ToValidUTF8(s[:maxReasonBytes], "") + "…"
	}
	return s
}

// neutralReason describes an error that has no reason of its own without repeating its text.
func neutralReason(err error) string {
	switch fault.CodeOf(err) {
	case fault.Canceled:
		return "the call was given up"
	case fault.Timeout:
		return "not done in time"
	}
	return "see the log of this node"
}

// decodeFailure turns what a call returned into a *Failure. url names the node in failures that never reached it.
func decodeFailure(err error, url string) error {
	if err == nil {
		return nil
	}
	ce, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return &Failure{Err: &fault.Error{Code: fault.CodeOf(err), Op: opClient, Reason: "the call to " + url + " failed", Err: err}}
	}
	for _, d := range ce.Details() {
		msg, valueErr := d.Value()
		f, isFault := msg.(*pb.Fault)
		if valueErr != nil || !isFault || f.GetCode() > math.MaxUint8 || !fault.Code(f.GetCode()).Known() {
			continue
		}
		return &Failure{Party: party.ID(f.GetParty()), Step: f.GetStep(), Err: &fault.Error{
			Code: fault.Code(f.GetCode()), Op: f.GetOp(), Culprit: f.GetCulprit(), Reason: f.GetReason(),
		}}
	}
	return &Failure{Err: bareFault(ce, url)}
}

// bareFault explains a failure without a detail: nobody's handler has spoken.
func bareFault(ce *connect.Error, url string) *fault.Error {
	out := &fault.Error{Code: causeOf[ce.Code()], Op: opClient, Err: ce}
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](ce)
	_, unknownRoot := errors.AsType[x509.UnknownAuthorityError](ce)
	switch {
	case badCertificate || unknownRoot:
		out.Code, out.Reason = fault.Unauthenticated, "the server at "+url+" does not prove to be this node"
	case cut(ce):
		out.Code, out.Reason = fault.Unavailable, "the connection to "+url+" broke in the middle of a call"
	case out.Code == fault.Unavailable:
		out.Reason = "no node answers at " + url
	case out.Code == fault.Canceled:
		out.Reason = "the call was given up"
	case out.Code == fault.Timeout:
		out.Reason = "no answer in time from " + url
	case out.Code == fault.LimitExceeded:
		out.Reason = "a request or an answer is larger than the API carries"
	case out.Code == fault.Unsupported:
		out.Reason = "the node at " + url + " does not know this call"
	default:
		out.Reason = "the call to " + url + " failed before it reached the node"
	}
	return out
}

// cut reports whether the connection ended under a call: the framework calls half an answer a protocol error.
func cut(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
