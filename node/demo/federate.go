package demo

import (
	"context"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/catalog"
	"github.com/tacit-data/tacit/sandbox/right"
)

const (
	patience  = 30 * time.Second
	pollEvery = 20 * time.Millisecond
	term      = 24 * time.Hour
	priceFen  = 12_000 // ¥120.00 a run
)

// introduce makes each pair of nodes know each other, as two operators would: invite, join, compare the words, approve.
func (f *fleet) introduce(ctx context.Context) error {
	for _, pair := range [][2]*child{{f.bank, f.utility}, {f.bank, f.coordinator}, {f.utility, f.coordinator}} {
		inviter, joiner := pair[0], pair[1]
		token, _, err := inviter.client.Invite(ctx, joiner.party)
		if err != nil {
			return err
		}
		if _, err := joiner.client.Join(ctx, token); err != nil {
			return err
		}
		if err := sameWords(ctx, inviter, joiner); err != nil {
			return err
		}
		if _, err := inviter.client.ApprovePeer(ctx, joiner.party); err != nil {
			return err
		}
	}
	return nil
}

// sameWords compares the fingerprint that the inviter sees with the joiner's own, as people do by voice.
func sameWords(ctx context.Context, inviter, joiner *child) error {
	peers, err := inviter.client.Peers(ctx)
	if err != nil {
		return err
	}
	own, err := joiner.client.Info(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(peers, func(p node.PeerView) bool { return p.Party == joiner.party })
	if i < 0 || peers[i].RootFingerprint != own.RootFingerprint {
		return fault.New(fault.Unauthenticated, "demo.introduce", "the fingerprints of %s differ", joiner.party)
	}
	return nil
}

// inputs are the registered datasets.
type inputs struct{ bank, utility catalog.Resource }

// register adds both files to their owners' catalogues.
func (f *fleet) register(ctx context.Context, o Options) (in inputs, err error) {
	if in.bank, err = f.bank.client.AddDataset(ctx, node.NewDataset{Name: "loans", Path: o.Guest, Keys: []string{o.ID}, Target: o.Label}); err != nil {
		return in, err
	}
	in.utility, err = f.utility.client.AddDataset(ctx, node.NewDataset{Name: "usage", Path: o.Host, Keys: []string{o.ID}})
	return in, err
}

// features are the columns of a dataset that a model may read.
func features(r catalog.Resource, not ...string) []string {
	var out []string
	for _, c := range r.Columns {
		if !slices.Contains(not, c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// agree lets the bank offer and the utility accept the contract that pays.
func (f *fleet) agree(ctx context.Context, in inputs) (string, error) {
	now := time.Now()
	offer, err := f.bank.client.Offer(ctx, right.Agreement{
		Parties: []party.ID{"bank", "utility"}, Assets: []right.Asset{{Owner: "bank", ID: in.bank.ID()}, {Owner: "utility", ID: in.utility.ID()}},
		Purpose: purpose, Price: right.Price{Currency: "CNY", Minor: priceFen}, Payer: "bank",
		Shares:    []right.Share{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}},
		NotBefore: now.Add(-time.Minute).UnixMilli(), NotAfter: now.Add(term).UnixMilli(),
	})
	if err != nil {
		return "", err
	}
	if err := await(ctx, "the offer at the utility", func() (bool, error) {
		list, err := f.utility.client.Agreements(ctx)
		return len(list) > 0, err
	}); err != nil {
		return "", err
	}
	if _, err := f.utility.client.Accept(ctx, offer.ID); err != nil {
		return "", err
	}
	return offer.ID, await(ctx, "the acceptance at the bank", func() (bool, error) {
		list, err := f.bank.client.Agreements(ctx)
		return len(list) > 0 && list[0].State == right.AgreementFinalized, err
	})
}

// grant lets each owner state what may be done with its data: one run's worth and no more.
func (f *fleet) grant(ctx context.Context, o Options, in inputs, contract string) error {
	both := []party.ID{"bank", "utility"}
	outputs := map[right.OutputKind]right.OutputRule{
		right.OutputStatistic: {MinRows: minRows, Recipients: both},
		right.OutputModel:     {MinRows: 1, Recipients: both},
		right.OutputScore:     {MinRows: 1, Recipients: []party.ID{"bank"}},
		right.OutputAggregate: {MinRows: 1, Noised: true, Recipients: both},
	}
	for _, g := range []struct {
		at           *child
		data         catalog.Resource
		grantee      party.ID
		label, group string // the bank's alone: the utility may have columns of the same names
	}{{f.bank, in.bank, "utility", o.Label, o.Group}, {f.utility, in.utility, "bank", "", ""}} {
		now := time.Now()
		if _, err := g.at.client.CreateGrant(ctx, right.Grant{
			Owner: g.at.party, Grantees: []party.ID{g.grantee}, Asset: g.data.ID(), Agreement: contract, Purpose: purpose,
			Columns: columnUses(g.data, o.ID, g.label, g.group), Outputs: outputs, TrustModels: []string{"2pc-semihonest"}, Leaks: acceptedLeaks,
			Actions:   []right.Action{right.ActionAlign, right.ActionTrain, right.ActionPredict, right.ActionEvaluate, right.ActionAggregate},
			Limits:    right.Limits{Uses: 1, Rows: right.Unlimited, EpsilonPico: 1_000_000_000_000},
			NotBefore: now.Add(-time.Minute).UnixMilli(), NotAfter: now.Add(term).UnixMilli(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// acceptedLeaks are the kinds of leakage that the demo's owners accept: those its plan states.
var acceptedLeaks = []string{
	"row-count", "intersection-size", "intersection-members", "iterations", "score", "coefficients", "access-pattern", "metrics",
	"noised-cells", "membership-outside-dp",
}

func columnUses(r catalog.Resource, id, label, group string) map[string][]right.Use {
	out := make(map[string][]right.Use, len(r.Columns))
	for _, c := range r.Columns {
		switch c.Name {
		case id:
			out[c.Name] = []right.Use{right.UseKey}
		case label:
			out[c.Name] = []right.Use{right.UseLabel}
		case group:
			out[c.Name] = []right.Use{right.UseGroup}
		default:
			out[c.Name] = []right.Use{right.UseFeature}
		}
	}
	return out
}

// await polls until ready says yes.
func await(ctx context.Context, what string, ready func() (bool, error)) error {
	deadline := time.Now().Add(patience)
	for {
		ok, err := ready()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fault.New(fault.Timeout, "demo", "waited %s for %s", patience, what)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}
