package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/node"
)

// dataService implements tacit.v1.DataService.
type dataService struct{ b Backend }

func (s dataService) AddDataset(ctx context.Context, r *connect.Request[pb.AddDatasetRequest]) (*connect.Response[pb.AddDatasetResponse], error) {
	m := r.Msg
	if m.GetName() == "" || m.GetPath() == "" || len(m.GetKeys()) == 0 {
		return nil, fault.New(fault.Invalid, "rpc.AddDataset", "a dataset has a name, a path and at least one key column")
	}
	v, err := s.b.AddDataset(ctx, node.NewDataset{Name: m.GetName(), Path: m.GetPath(), Keys: m.GetKeys(), Target: m.GetTarget()})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AddDatasetResponse{Dataset: encodeDataset(v)}), nil
}

func (s dataService) ListDatasets(ctx context.Context, _ *connect.Request[pb.ListDatasetsRequest]) (*connect.Response[pb.ListDatasetsResponse], error) {
	list, err := s.b.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListDatasetsResponse{Items: each(list, encodeDataset)}), nil
}

// rightService implements tacit.v1.RightService.
type rightService struct {
	b   Backend
	now func() time.Time
}

func (s rightService) OfferAgreement(ctx context.Context, r *connect.Request[pb.OfferAgreementRequest]) (*connect.Response[pb.OfferAgreementResponse], error) {
	a, err := decodeOffer(r.Msg)
	if err != nil {
		return nil, err
	}
	v, err := s.b.Offer(ctx, a)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.OfferAgreementResponse{Agreement: encodeAgreement(v)}), nil
}

func (s rightService) AcceptAgreement(ctx context.Context, r *connect.Request[pb.AcceptAgreementRequest]) (*connect.Response[pb.AcceptAgreementResponse], error) {
	v, err := s.b.Accept(ctx, r.Msg.GetId())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AcceptAgreementResponse{Agreement: encodeAgreement(v)}), nil
}

func (s rightService) ListAgreements(ctx context.Context, _ *connect.Request[pb.ListAgreementsRequest]) (*connect.Response[pb.ListAgreementsResponse], error) {
	list, err := s.b.Agreements(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListAgreementsResponse{Items: each(list, encodeAgreement)}), nil
}

func (s rightService) CreateGrant(ctx context.Context, r *connect.Request[pb.CreateGrantRequest]) (*connect.Response[pb.CreateGrantResponse], error) {
	g, err := decodeNewGrant(r.Msg)
	if err != nil {
		return nil, err
	}
	if g.NotAfter != 0 && g.NotAfter < s.now().UnixMilli() {
		return nil, fault.New(fault.Invalid, "rpc.CreateGrant", "the term of the grant is already over")
	}
	v, err := s.b.CreateGrant(ctx, g)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.CreateGrantResponse{Grant: encodeGrant(v)}), nil
}

func (s rightService) ListGrants(ctx context.Context, _ *connect.Request[pb.ListGrantsRequest]) (*connect.Response[pb.ListGrantsResponse], error) {
	list, err := s.b.Grants(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListGrantsResponse{Items: each(list, encodeGrant)}), nil
}
