package rpc

import (
	"context"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
)

// nodeService implements tacit.v1.NodeService.
type nodeService struct {
	b          Backend
	apiAddress string
}

func (s nodeService) GetNode(context.Context, *connect.Request[pb.GetNodeRequest]) (*connect.Response[pb.GetNodeResponse], error) {
	info := s.b.Info()
	info.APIAddress = s.apiAddress
	return connect.NewResponse(encodeInfo(info)), nil
}

func (s nodeService) VerifyAudit(ctx context.Context, _ *connect.Request[pb.VerifyAuditRequest]) (*connect.Response[pb.VerifyAuditResponse], error) {
	v, err := s.b.VerifyAudit(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(encodeAudit(v)), nil
}

func (s nodeService) GetProof(ctx context.Context, r *connect.Request[pb.GetProofRequest]) (*connect.Response[pb.GetProofResponse], error) {
	if r.Msg.GetLeaf() < 0 {
		return nil, fault.New(fault.Invalid, "rpc.GetProof", "a leaf is counted from 0")
	}
	receipt, vkey, err := s.b.Proof(ctx, r.Msg.GetLeaf())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.GetProofResponse{TlogProof: string(receipt), VerifierKey: vkey}), nil
}

// peerService implements tacit.v1.PeerService.
type peerService struct{ b Backend }

func (s peerService) CreateInvite(ctx context.Context, r *connect.Request[pb.CreateInviteRequest]) (*connect.Response[pb.CreateInviteResponse], error) {
	p, err := party.Parse(r.Msg.GetParty())
	if err != nil {
		return nil, err
	}
	token, expires, err := s.b.Invite(ctx, p)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.CreateInviteResponse{Invite: token, ExpiresMs: toMillis(expires)}), nil
}

func (s peerService) JoinPeer(ctx context.Context, r *connect.Request[pb.JoinPeerRequest]) (*connect.Response[pb.JoinPeerResponse], error) {
	v, err := s.b.Join(ctx, r.Msg.GetInvite())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.JoinPeerResponse{Peer: encodePeer(v)}), nil
}

func (s peerService) ApprovePeer(ctx context.Context, r *connect.Request[pb.ApprovePeerRequest]) (*connect.Response[pb.ApprovePeerResponse], error) {
	p, err := party.Parse(r.Msg.GetParty())
	if err != nil {
		return nil, err
	}
	v, err := s.b.ApprovePeer(ctx, p)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ApprovePeerResponse{Peer: encodePeer(v)}), nil
}

func (s peerService) ListPeers(ctx context.Context, _ *connect.Request[pb.ListPeersRequest]) (*connect.Response[pb.ListPeersResponse], error) {
	list, err := s.b.Peers(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListPeersResponse{Items: each(list, encodePeer)}), nil
}
