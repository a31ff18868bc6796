package node

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/right"
)

const maxSignatures = 32

// Offer signs an agreement in this party's name and sends it to the others.
//
// Errors: those of right.Agreement.Check; fault.Invalid (this node is no party of it); fault.Unauthenticated (a party
// that is not pinned); fault.Exists (offered before).
func (n *Node) Offer(ctx context.Context, a right.Agreement) (AgreementView, error) {
	a = a.Normal()
	id, err := a.ID()
	if err != nil {
		return AgreementView{}, err
	}
	if !slices.Contains(a.Parties, n.file.Party) {
		return AgreementView{}, fault.New(fault.Invalid, "node.Offer", "%s is no party of the agreement", n.file.Party)
	}
	row, err := n.signAgreement(a, right.AgreementOffered, nil)
	if err != nil {
		return AgreementView{}, err
	}
	err = n.jobs.Send(ctx, others(a.Parties, n.file.Party), coordinator.MsgOffer, encodeAgreement(row), func(tx *store.Tx) error {
		if have, err := tx.Has(store.Agreement, id); err != nil || have {
			return errors.Join(err, existsIf(have))
		}
		return putAgreement(tx, id, row, audit.AgreementOffered)
	})
	if err != nil {
		return AgreementView{}, err
	}
	return agreementView(id, row)
}

func existsIf(have bool) error {
	if have {
		return fault.New(fault.Exists, "node.Offer", "the same agreement was offered before")
	}
	return nil
}

// signAgreement adds this party's signature.
func (n *Node) signAgreement(a right.Agreement, state right.AgreementState, sigs []right.Signature) (coordinator.AgreementRow, error) {
	b, err := a.Encode()
	if err != nil {
		return coordinator.AgreementRow{}, err
	}
	sig, err := right.Sign(n.file.Party, b, n.keys.Approval())
	if err != nil {
		return coordinator.AgreementRow{}, err
	}
	return coordinator.AgreementRow{Agreement: b, State: state, Signatures: append(slices.Clone(sigs), sig)}, nil
}

// Accept signs an agreement that was offered to this party, and sends it back. Signed by all it is final.
//
// Errors: fault.NotFound, fault.Exists (signed before).
func (n *Node) Accept(ctx context.Context, id string) (AgreementView, error) {
	var row coordinator.AgreementRow
	err := n.db.View(ctx, func(tx *store.Tx) error { return tx.GetJSON(store.Agreement, id, &row) })
	if err != nil {
		return AgreementView{}, fault.Wrap(fault.CodeOf(err), "node.Accept", err, "no agreement %s was offered here", id)
	}
	if signedBy(row, n.file.Party) {
		return AgreementView{}, fault.New(fault.Exists, "node.Accept", "%s has signed agreement %s", n.file.Party, id)
	}
	a, err := right.DecodeAgreement(row.Agreement)
	if err != nil {
		return AgreementView{}, fault.Wrap(fault.Corrupt, "node.Accept", err, "a stored agreement does not decode")
	}
	if row, err = n.signAgreement(a, row.State, row.Signatures); err != nil {
		return AgreementView{}, err
	}
	row.State = stateOf(a, row)
	err = n.jobs.Send(ctx, others(a.Parties, n.file.Party), coordinator.MsgAccept, encodeAgreement(row), func(tx *store.Tx) error {
		return putAgreement(tx, id, row, audit.AgreementAccepted)
	})
	if err != nil {
		return AgreementView{}, err
	}
	return agreementView(id, row)
}

// stateOf is final once everybody has signed: with every signature in one record the protocol's remaining handshakes
// would say nothing new.
func stateOf(a right.Agreement, row coordinator.AgreementRow) right.AgreementState {
	if len(row.Signatures) == len(a.Parties) {
		return right.AgreementFinalized
	}
	return right.AgreementOffered
}

// onAgreement stores an offer or acceptance of a peer after checking every signature in it. Signatures accumulate.
func (n *Node) onAgreement(tx *store.Tx, m coordinator.Message) error {
	const op = "node.onAgreement"
	row, err := decodeAgreement(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	a, err := right.DecodeAgreement(row.Agreement)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	if !slices.Contains(a.Parties, n.file.Party) || !slices.Contains(a.Parties, m.From) {
		return &fault.Error{Code: fault.Misbehaved, Op: op, Culprit: string(m.From), Reason: "an agreement of other parties"}
	}
	id, err := a.ID()
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	var known coordinator.AgreementRow
	if err := tx.GetJSON(store.Agreement, id, &known); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	merged := coordinator.AgreementRow{Agreement: row.Agreement, Signatures: known.Signatures}
	for _, s := range row.Signatures {
		if signedBy(merged, s.Party) {
			continue
		}
		if err := n.verifyAgreement(a, s); err != nil {
			return fault.Blame(err, string(m.From))
		}
		merged.Signatures = append(merged.Signatures, s)
	}
	merged.State = stateOf(a, merged)
	leaf := audit.AgreementOffered
	if merged.State == right.AgreementFinalized {
		leaf = audit.AgreementFinalized
	}
	return putAgreement(tx, id, merged, leaf)
}

func (n *Node) verifyAgreement(a right.Agreement, s right.Signature) error {
	key, err := n.approvalKey(s.Party)
	if err != nil {
		return err
	}
	payload, err := a.Encode()
	if err != nil {
		return err
	}
	if !slices.Contains(a.Parties, s.Party) || len(s.Sig) != ed25519.SignatureSize || !ed25519.Verify(key, payload, s.Sig) {
		return fault.New(fault.Misbehaved, "node.onAgreement", "the signature of %s under the agreement does not verify", s.Party)
	}
	return nil
}

func (n *Node) approvalKey(p party.ID) (ed25519.PublicKey, error) {
	if p == n.file.Party {
		return n.keys.ApprovalPublic(), nil
	}
	peer, err := n.pins.Get(p)
	return peer.Approval, err
}

func signedBy(row coordinator.AgreementRow, p party.ID) bool {
	return slices.ContainsFunc(row.Signatures, func(s right.Signature) bool { return s.Party == p })
}

func putAgreement(tx *store.Tx, id string, row coordinator.AgreementRow, leaf audit.Type) error {
	if err := tx.PutJSON(store.Agreement, id, row); err != nil {
		return err
	}
	return tx.Log(audit.Leaf{Type: leaf, Refs: map[string]string{"agreement": id}, Body: map[string]any{
		"state": string(row.State), "signatures": int64(len(row.Signatures)),
	}})
}

func encodeAgreement(row coordinator.AgreementRow) []byte {
	var e wire.Encoder
	e.Bytes(row.Agreement)
	e.U32(uint32(len(row.Signatures)))
	for _, s := range row.Signatures {
		e.String(string(s.Party))
		e.Bytes(s.Sig)
	}
	return e.B
}

func decodeAgreement(b []byte) (coordinator.AgreementRow, error) {
	d := wire.NewDecoder(b, "node.Agreement")
	row := coordinator.AgreementRow{Agreement: append([]byte(nil), d.Bytes(coordinator.MaxPayload)...)}
	for range d.Count(maxSignatures, 8+ed25519.SignatureSize) {
		s := right.Signature{Party: party.ID(d.String(party.MaxIDBytes)), Sig: append([]byte(nil), d.Bytes(ed25519.SignatureSize)...)}
		row.Signatures = append(row.Signatures, s)
	}
	return row, d.Done()
}

func agreementView(id string, row coordinator.AgreementRow) (AgreementView, error) {
	a, err := right.DecodeAgreement(row.Agreement)
	if err != nil {
		return AgreementView{}, fault.Wrap(fault.Corrupt, "node.Agreements", err, "a stored agreement does not decode")
	}
	v := AgreementView{ID: id, Agreement: a, State: row.State}
	for _, s := range row.Signatures {
		v.SignedBy = append(v.SignedBy, s.Party)
	}
	v.SignedBy = sortedParties(v.SignedBy)
	return v, nil
}

// Agreements lists every agreement this party has part in.
func (n *Node) Agreements(ctx context.Context) ([]AgreementView, error) {
	var out []AgreementView
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Agreement, "", func(id string, row coordinator.AgreementRow) error {
			v, err := agreementView(id, row)
			out = append(out, v)
			return err
		})
	})
	return out, err
}

// CreateGrant signs a grant over an own dataset and opens its budget.
//
// Errors: those of right.Grant.Check; fault.NotFound (no such dataset here); fault.Exists (the id is taken).
func (n *Node) CreateGrant(ctx context.Context, g right.Grant) (GrantView, error) {
	g.Owner = n.file.Party
	if g.ID == "" {
		var b [10]byte
		if _, err := io.ReadFull(n.cfg.Rand, b[:]); err != nil {
			return GrantView{}, fault.Wrap(fault.Unavailable, "node.CreateGrant", err, "no randomness")
		}
		g.ID = "grant-" + hex.EncodeToString(b[:])
	}
	g = g.Normal()
	payload, err := g.SigningBytes()
	if err != nil {
		return GrantView{}, err
	}
	sig, err := right.Sign(n.file.Party, payload, n.keys.Approval())
	if err != nil {
		return GrantView{}, err
	}
	b, err := g.Encode()
	if err != nil {
		return GrantView{}, err
	}
	caps, err := grantCaps(g)
	if err != nil {
		return GrantView{}, err
	}
	state, err := right.GrantProposed.Step(right.GrantActivate)
	if err != nil {
		return GrantView{}, err
	}
	err = n.db.Update(ctx, func(tx *store.Tx) error {
		if have, err := tx.Has(store.Dataset, coordinator.DatasetKey(g.Asset)); err != nil || !have {
			return errors.Join(err, fault.New(fault.NotFound, "node.CreateGrant", "no dataset %q here", g.Asset))
		}
		if have, err := tx.Has(store.Grant, g.ID); err != nil || have {
			return errors.Join(err, fault.New(fault.Exists, "node.CreateGrant", "grant %s exists", g.ID))
		}
		if err := tx.PutJSON(store.Grant, g.ID, coordinator.GrantRow{Grant: b, State: state, Signature: sig.Sig}); err != nil {
			return err
		}
		if err := coordinator.OpenAccount(tx, coordinator.GrantAccount(g.ID), caps); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.GrantCreated, Refs: map[string]string{"grant": g.ID, "asset": g.Asset}, Body: map[string]any{
			"purpose": g.Purpose,
		}})
	})
	if err != nil {
		return GrantView{}, err
	}
	return GrantView{Grant: g, State: state, Account: budget.Account{ID: coordinator.GrantAccount(g.ID), Caps: caps}}, nil
}

// grantCaps is what a grant allows over its life: its uses, and in each of them its rows and its ε.
func grantCaps(g right.Grant) (budget.Amounts, error) {
	caps := budget.Amounts{budget.Uses: g.Limits.Uses, budget.Rows: times(g.Limits.Rows, g.Limits.Uses)}
	if g.Limits.EpsilonPico == 0 {
		return caps, nil
	}
	sens, err := dp.NewSens(1, 1, dp.AddRemove)
	if err != nil {
		return caps, err
	}
	one, err := dp.Cost(sens, dp.Noise{Kind: dp.Laplace, Epsilon: dp.Pico(g.Limits.EpsilonPico)})
	if err != nil {
		return caps, err
	}
	caps[budget.DPRho], caps[budget.DPDelta] = times(int64(one.Rho), g.Limits.Uses), times(int64(one.Delta), g.Limits.Uses)
	return caps, nil
}

// times multiplies two limits; what no limit bounds stays unlimited.
func times(a, b int64) int64 {
	if a == right.Unlimited || b == right.Unlimited || (b > 0 && a > math.MaxInt64/2/b) {
		return budget.Unlimited
	}
	return a * b
}

// Grants lists this owner's grants with their budgets.
func (n *Node) Grants(ctx context.Context) ([]GrantView, error) {
	var out []GrantView
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Grant, "", func(_ string, row coordinator.GrantRow) error {
			g, err := right.DecodeGrant(row.Grant)
			if err != nil {
				return fault.Wrap(fault.Corrupt, "node.Grants", err, "a stored grant does not decode")
			}
			acc, err := tx.Get(store.Account, string(coordinator.GrantAccount(g.ID)))
			if err != nil {
				return err
			}
			a, err := budget.DecodeAccount(acc.Value)
			out = append(out, GrantView{Grant: g, State: row.State, Account: a})
			return fault.Wrap(fault.Corrupt, "node.Grants", err, "a stored budget does not decode")
		})
	})
	return out, err
}

func others(list []party.ID, self party.ID) []party.ID {
	return slices.DeleteFunc(slices.Clone(list), func(p party.ID) bool { return p == self })
}
