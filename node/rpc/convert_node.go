package rpc

import (
	"encoding/base64"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/node"
)

// each maps a list. An empty one stays nil, as protobuf has it.
func each[A, B any](in []A, f func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// text and named turn lists of names into lists of strings and back.
func text[T ~string](in []T) []string  { return each(in, func(v T) string { return string(v) }) }
func named[T ~string](in []string) []T { return each(in, func(v string) T { return T(v) }) }

// toMillis and fromMillis carry a time as UTC milliseconds; 0 is the zero time.
func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func encodeInfo(v node.Info) *pb.GetNodeResponse {
	return &pb.GetNodeResponse{
		Party: string(v.Party), Version: v.Version, LinkAddress: v.LinkAddress, ApiAddress: v.APIAddress,
		RootFingerprint: v.RootFingerprint, Leaves: v.Leaves, PeakRssBytes: v.PeakRSS, CpuNs: int64(v.CPU),
	}
}

func decodeInfo(m *pb.GetNodeResponse) node.Info {
	return node.Info{
		Party: party.ID(m.GetParty()), Version: m.GetVersion(), LinkAddress: m.GetLinkAddress(), APIAddress: m.GetApiAddress(),
		RootFingerprint: m.GetRootFingerprint(), Leaves: m.GetLeaves(), PeakRSS: m.GetPeakRssBytes(), CPU: time.Duration(m.GetCpuNs()),
	}
}

func encodeAudit(v node.AuditView) *pb.VerifyAuditResponse {
	return &pb.VerifyAuditResponse{
		Size: v.Size, Root: base64.StdEncoding.EncodeToString(v.Root[:]), Checkpoint: v.Checkpoint, VerifierKey: v.VerifierKey,
	}
}

// Errors: fault.Misbehaved when the root is not 32 bytes of base64.
func decodeAudit(m *pb.VerifyAuditResponse) (node.AuditView, error) {
	out := node.AuditView{Size: m.GetSize(), Checkpoint: m.GetCheckpoint(), VerifierKey: m.GetVerifierKey()}
	root, err := base64.StdEncoding.DecodeString(m.GetRoot())
	if err != nil || len(root) != len(out.Root) {
		return node.AuditView{}, fault.New(fault.Misbehaved, opClient, "the node's answer holds no root of 32 bytes")
	}
	copy(out.Root[:], root)
	return out, nil
}

func encodePeer(v node.PeerView) *pb.Peer {
	return &pb.Peer{
		Party: string(v.Party), State: string(v.State), Link: v.Link,
		RootFingerprint: v.RootFingerprint, Words: v.Words, Addresses: v.Addresses,
	}
}

func decodePeer(m *pb.Peer) node.PeerView {
	return node.PeerView{
		Party: party.ID(m.GetParty()), State: node.PeerState(m.GetState()), Link: m.GetLink(),
		RootFingerprint: m.GetRootFingerprint(), Words: m.GetWords(), Addresses: m.GetAddresses(),
	}
}
