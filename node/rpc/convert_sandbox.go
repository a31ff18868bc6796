package rpc

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

func encodeDataset(v catalog.Resource) *pb.Dataset {
	return &pb.Dataset{
		Id: v.ID(), Owner: string(v.Owner), Rows: v.Rows, Digest: hex.EncodeToString(v.DataDigest[:]),
		Columns: each(v.Columns, func(c catalog.Column) *pb.Column {
			return &pb.Column{Name: c.Name, Type: c.Type, Role: strings.Join(text(c.Roles), ",")}
		}),
	}
}

// decodeDataset reads what the wire carries; class, grades, declared rows and schema digest stay zero.
//
// Errors: fault.Misbehaved when id or digest is malformed.
func decodeDataset(m *pb.Dataset) (catalog.Resource, error) {
	name, version, err := catalog.ParseID(m.GetId())
	digest, hexErr := hex.DecodeString(m.GetDigest())
	if err != nil || hexErr != nil || len(digest) != 32 {
		return catalog.Resource{}, fault.New(fault.Misbehaved, opClient, "the node's answer holds a malformed dataset")
	}
	return catalog.Resource{
		Name: name, Version: version, Owner: party.ID(m.GetOwner()), Rows: m.GetRows(), DataDigest: [32]byte(digest),
		Columns: each(m.GetColumns(), func(c *pb.Column) catalog.Column {
			out := catalog.Column{Name: c.GetName(), Type: c.GetType()}
			if c.GetRole() != "" {
				out.Roles = named[catalog.Role](strings.Split(c.GetRole(), ","))
			}
			return out
		}),
	}, nil
}

// FormatAsset writes an asset as the wire and the command line have it, "owner:name@version".
func FormatAsset(a right.Asset) string { return string(a.Owner) + ":" + a.ID }

// ParseAsset reads "owner:name@version".
//
// Errors: fault.Invalid for any other form.
func ParseAsset(s string) (right.Asset, error) {
	owner, id, _ := strings.Cut(s, ":")
	if _, _, err := catalog.ParseID(id); err != nil || !party.Valid(owner) {
		return right.Asset{}, fault.New(fault.Invalid, "rpc.ParseAsset", "an asset has the form owner:name@version")
	}
	return right.Asset{Owner: party.ID(owner), ID: id}, nil
}

func parseAssets(list []string) ([]right.Asset, error) {
	if len(list) > right.MaxAssets {
		return nil, fault.New(fault.LimitExceeded, "rpc.ParseAsset", "%d assets, at most %d", len(list), right.MaxAssets)
	}
	return all(list, ParseAsset)
}

func encodeShare(s right.Share) *pb.Share {
	return &pb.Share{Party: string(s.Party), Weight: s.Weight}
}

func decodeShare(m *pb.Share) right.Share {
	return right.Share{Party: party.ID(m.GetParty()), Weight: m.GetWeight()}
}

func encodeOffer(a right.Agreement) *pb.OfferAgreementRequest {
	return &pb.OfferAgreementRequest{
		Parties: text(a.Parties), Assets: each(a.Assets, FormatAsset), Purpose: a.Purpose, Currency: a.Price.Currency,
		PriceMinor: a.Price.Minor, Payer: string(a.Payer), Shares: each(a.Shares, encodeShare), NotAfterMs: a.NotAfter,
	}
}

// decodeOffer checks form and term; the node checks the rest.
//
// Errors: fault.Invalid, fault.LimitExceeded.
func decodeOffer(m *pb.OfferAgreementRequest) (right.Agreement, error) {
	assets, err := parseAssets(m.GetAssets())
	if err != nil {
		return right.Agreement{}, err
	}
	return right.Agreement{
		Parties: named[party.ID](m.GetParties()), Assets: assets, Purpose: m.GetPurpose(),
		Price: right.Price{Currency: m.GetCurrency(), Minor: m.GetPriceMinor()}, Payer: party.ID(m.GetPayer()),
		Shares: each(m.GetShares(), decodeShare), NotAfter: m.GetNotAfterMs(),
	}, nil
}

func encodeAgreement(v node.AgreementView) *pb.Agreement {
	o := encodeOffer(v.Agreement)
	return &pb.Agreement{
		Id: v.ID, State: string(v.State), SignedBy: text(v.SignedBy),
		Parties: o.Parties, Assets: o.Assets, Purpose: o.Purpose, Currency: o.Currency, PriceMinor: o.PriceMinor,
		Payer: o.Payer, Shares: o.Shares, NotAfterMs: o.NotAfterMs,
	}
}

// Errors: fault.Misbehaved when an asset is malformed.
func decodeAgreement(m *pb.Agreement) (node.AgreementView, error) {
	a, err := decodeOffer(&pb.OfferAgreementRequest{
		Parties: m.GetParties(), Assets: m.GetAssets(), Purpose: m.GetPurpose(), Currency: m.GetCurrency(),
		PriceMinor: m.GetPriceMinor(), Payer: m.GetPayer(), Shares: m.GetShares(), NotAfterMs: m.GetNotAfterMs(),
	})
	if err != nil {
		return node.AgreementView{}, fault.Wrap(fault.Misbehaved, opClient, err, "the node's answer holds a malformed agreement")
	}
	return node.AgreementView{ID: m.GetId(), Agreement: a, State: right.AgreementState(m.GetState()), SignedBy: named[party.ID](m.GetSignedBy())}, nil
}

func encodeColumns(in map[string][]right.Use) []*pb.ColumnUse {
	return each(slices.Sorted(maps.Keys(in)), func(name string) *pb.ColumnUse {
		return &pb.ColumnUse{Column: name, Uses: text(in[name])}
	})
}

// decodeColumns merges uses of one column that is named twice.
func decodeColumns(in []*pb.ColumnUse) map[string][]right.Use {
	out := make(map[string][]right.Use, len(in))
	for _, c := range in {
		out[c.GetColumn()] = append(out[c.GetColumn()], named[right.Use](c.GetUses())...)
	}
	return out
}

func encodeOutputs(in map[right.OutputKind]right.OutputRule) []*pb.OutputRule {
	return each(slices.Sorted(maps.Keys(in)), func(kind right.OutputKind) *pb.OutputRule {
		r := in[kind]
		return &pb.OutputRule{Kind: string(kind), Recipients: text(r.Recipients), MinRows: r.MinRows, Noised: r.Noised}
	})
}

// Errors: fault.Invalid when a kind of output has two rules.
func decodeOutputs(in []*pb.OutputRule) (map[right.OutputKind]right.OutputRule, error) {
	out := make(map[right.OutputKind]right.OutputRule, len(in))
	for _, r := range in {
		kind := right.OutputKind(r.GetKind())
		if _, twice := out[kind]; twice {
			return nil, fault.New(fault.Invalid, "rpc.CreateGrant", "two rules for outputs of one kind")
		}
		out[kind] = right.OutputRule{MinRows: max(r.GetMinRows(), 1), Noised: r.GetNoised(), Recipients: named[party.ID](r.GetRecipients())}
	}
	return out, nil
}

func encodeNewGrant(g right.Grant) *pb.CreateGrantRequest {
	out := &pb.CreateGrantRequest{
		Asset: g.Asset, Grantees: text(g.Grantees), Purpose: g.Purpose, Columns: encodeColumns(g.Columns), Actions: text(g.Actions),
		Outputs: encodeOutputs(g.Outputs), Uses: g.Limits.Uses, Rows: g.Limits.Rows, NotAfterMs: g.NotAfter, Agreement: g.Agreement,
		TrustModels: g.TrustModels, Leaks: g.Leaks,
	}
	if g.Limits.Rows == right.Unlimited {
		out.Rows = 0
	}
	if g.Limits.EpsilonPico > 0 {
		out.Epsilon = FormatPico(g.Limits.EpsilonPico)
	}
	return out
}

// decodeNewGrant reads a grant request. The node adds id and owner; a missing bound on rows is none, a missing ε permits
// only exact outputs. Without a trust model it is the default one, without leaks those that actions and outputs imply.
//
// Errors: fault.Invalid, fault.LimitExceeded.
func decodeNewGrant(m *pb.CreateGrantRequest) (right.Grant, error) {
	const op = "rpc.CreateGrant"
	if len(m.GetColumns()) > catalog.MaxColumns || len(m.GetGrantees()) > right.MaxParties {
		return right.Grant{}, fault.New(fault.LimitExceeded, op, "%d columns, %d grantees; at most %d, %d",
			len(m.GetColumns()), len(m.GetGrantees()), catalog.MaxColumns, right.MaxParties)
	}
	outputs, err := decodeOutputs(m.GetOutputs())
	if err != nil {
		return right.Grant{}, err
	}
	limits := right.Limits{Uses: m.GetUses(), Rows: m.GetRows()}
	if limits.Rows == 0 {
		limits.Rows = right.Unlimited
	}
	if m.GetEpsilon() != "" {
		epsilon, err := dp.ParsePico(m.GetEpsilon())
		if err != nil {
			return right.Grant{}, fault.Wrap(fault.Invalid, op, err, "epsilon")
		}
		limits.EpsilonPico = int64(epsilon)
	}
	actions := named[right.Action](m.GetActions())
	trust, leaks := m.GetTrustModels(), m.GetLeaks()
	if len(trust) == 0 {
		trust = []string{string(job.SemiHonest2PC)}
	}
	if len(leaks) == 0 {
		leaks = impliedLeaks(actions, outputs)
	}
	return right.Grant{
		Asset: m.GetAsset(), Grantees: named[party.ID](m.GetGrantees()), Purpose: m.GetPurpose(), Columns: decodeColumns(m.GetColumns()),
		Actions: actions, TrustModels: trust, Leaks: leaks, Outputs: outputs,
		Limits: limits, NotAfter: m.GetNotAfterMs(), Agreement: m.GetAgreement(),
	}, nil
}

func encodeGrant(v node.GrantView) *pb.Grant {
	g := v.Grant
	return &pb.Grant{
		Id: g.ID, Owner: string(g.Owner), Asset: g.Asset, Grantees: text(g.Grantees), Purpose: g.Purpose,
		Columns: encodeColumns(g.Columns), Actions: text(g.Actions), Outputs: encodeOutputs(g.Outputs),
		State: string(v.State), Counters: encodeAccount(v.Account), NotAfterMs: g.NotAfter,
		Agreement: g.Agreement, TrustModels: g.TrustModels, Leaks: g.Leaks, Rows: g.Limits.Rows, EpsilonPico: g.Limits.EpsilonPico,
	}
}

// Errors: fault.Misbehaved when a rule or counter is malformed.
func decodeGrant(m *pb.Grant) (node.GrantView, error) {
	outputs, err := decodeOutputs(m.GetOutputs())
	if err != nil {
		return node.GrantView{}, fault.Wrap(fault.Misbehaved, opClient, err, "the node's answer holds a malformed grant")
	}
	account, err := decodeAccount(m.GetCounters())
	if err != nil {
		return node.GrantView{}, err
	}
	return node.GrantView{
		Grant: right.Grant{
			ID: m.GetId(), Owner: party.ID(m.GetOwner()), Asset: m.GetAsset(), Grantees: named[party.ID](m.GetGrantees()),
			Purpose: m.GetPurpose(), Columns: decodeColumns(m.GetColumns()), Actions: named[right.Action](m.GetActions()),
			Outputs: outputs, NotAfter: m.GetNotAfterMs(), Agreement: m.GetAgreement(), TrustModels: m.GetTrustModels(),
			Leaks: m.GetLeaks(), Limits: right.Limits{Rows: m.GetRows(), EpsilonPico: m.GetEpsilonPico()},
		},
		State: right.GrantState(m.GetState()), Account: account,
	}, nil
}

// encodeAccount lists the dimensions that are capped or used; a cap of budget.Unlimited is −1.
func encodeAccount(a budget.Account) []*pb.Counter {
	var out []*pb.Counter
	for d := range budget.DimCount {
		c := &pb.Counter{Dim: d.String(), Cap: a.Caps[d], Held: a.Held[d], Open: a.Open[d], Committed: a.Committed[d]}
		if c.Cap != 0 || c.Held != 0 || c.Open != 0 || c.Committed != 0 {
			out = append(out, c)
		}
	}
	return out
}

func decodeAccount(in []*pb.Counter) (a budget.Account, err error) {
	for _, c := range in {
		d, err := budget.ParseDim(c.GetDim())
		if err != nil {
			return a, fault.Wrap(fault.Misbehaved, opClient, err, "the node's answer holds an unknown counter")
		}
		a.Caps[d], a.Held[d], a.Open[d], a.Committed[d] = c.GetCap(), c.GetHeld(), c.GetOpen(), c.GetCommitted()
	}
	return a, nil
}
