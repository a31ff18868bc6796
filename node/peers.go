package node

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// InviteTerm is how long an invite can be redeemed.
const InviteTerm = 24 * time.Hour

// peerRow is a peer's row.
type peerRow struct {
	State PeerState `json:"state"`
	Peer  []byte    `json:"peer"` // identity.Peer, encoded
}

// Invite returns a one-time token for a party to join with.
//
// Errors: fault.Invalid (party id, or this node itself).
func (n *Node) Invite(ctx context.Context, p party.ID) (string, time.Time, error) {
	if _, err := party.Parse(string(p)); err != nil {
		return "", time.Time{}, err
	}
	if p == n.file.Party {
		return "", time.Time{}, fault.New(fault.Invalid, "node.Invite", "%s is this node", p)
	}
	v, err := n.inviter.Issue([]string{n.linkAddress()}, InviteTerm, n.cfg.Rand, n.cfg.Clock())
	if err != nil {
		return "", time.Time{}, err
	}
	return v.TokenInsecure(), v.Expires, nil
}

// onJoin answers a join request: the joiner is recorded, and pinned only after a person has compared its fingerprint.
func (n *Node) onJoin(ctx context.Context, exporter, request []byte) ([]byte, error) {
	own, err := n.card()
	if err != nil {
		return nil, err
	}
	card, response, err := n.inviter.Redeem(exporter, request, own, n.cfg.Clock())
	if err != nil {
		return nil, err
	}
	peer, err := card.Peer()
	if err != nil {
		return nil, err
	}
	return response, n.putPeer(ctx, peer, PeerJoining)
}

func (n *Node) card() (identity.Card, error) {
	return n.keys.Card([]string{n.linkAddress()}, n.cfg.Clock())
}

// Join redeems an invite and pins the inviter, whose root the invite names.
//
// Errors: those of identity.ParseInvite and link.Join.
func (n *Node) Join(ctx context.Context, token string) (PeerView, error) {
	invite, err := identity.ParseInvite(strings.TrimSpace(token))
	if err != nil {
		return PeerView{}, err
	}
	own, err := n.card()
	if err != nil {
		return PeerView{}, err
	}
	card, err := link.Join(ctx, invite, own, nil, n.cfg.Clock)
	if err != nil {
		return PeerView{}, err
	}
	peer, err := card.Peer()
	if err != nil {
		return PeerView{}, err
	}
	return n.pin(ctx, peer)
}

// ApprovePeer pins a party that has joined: a person has compared its fingerprint.
//
// Errors: fault.NotFound when no such party has joined.
func (n *Node) ApprovePeer(ctx context.Context, p party.ID) (PeerView, error) {
	var row peerRow
	err := n.db.View(ctx, func(tx *store.Tx) error { return tx.GetJSON(store.Peer, string(p), &row) })
	if err != nil {
		return PeerView{}, fault.Wrap(fault.CodeOf(err), "node.ApprovePeer", err, "%s has not joined; send it an invite", p)
	}
	peer, err := identity.DecodePeer(row.Peer)
	if err != nil {
		return PeerView{}, fault.Wrap(fault.Corrupt, "node.ApprovePeer", err, "a stored peer does not decode")
	}
	return n.pin(ctx, peer)
}

func (n *Node) pin(ctx context.Context, peer identity.Peer) (PeerView, error) {
	if err := n.putPeer(ctx, peer, PeerPinned); err != nil {
		return PeerView{}, err
	}
	if err := n.pins.Set(peer); err != nil {
		return PeerView{}, err
	}
	if err := n.link.Connect(peer.Party); err != nil {
		return PeerView{}, err
	}
	return n.peerView(peerRow{State: PeerPinned, Peer: peer.Encode()})
}

func (n *Node) putPeer(ctx context.Context, peer identity.Peer, state PeerState) error {
	return n.db.Update(ctx, func(tx *store.Tx) error {
		var old peerRow
		err := tx.GetJSON(store.Peer, string(peer.Party), &old)
		if err == nil && old.State == PeerPinned && state == PeerJoining {
			return fault.New(fault.Exists, "node.putPeer", "%s is pinned already", peer.Party)
		}
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		if err := tx.PutJSON(store.Peer, string(peer.Party), peerRow{State: state, Peer: peer.Encode()}); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.PeerPinned, Refs: map[string]string{
			"peer": string(peer.Party), "root": hex.EncodeToString(peer.Pin[:]),
		}, Body: map[string]any{"state": string(state)}})
	})
}

func (n *Node) loadPins(ctx context.Context) (*identity.Pins, error) {
	pins, err := identity.NewPins()
	if err != nil {
		return nil, err
	}
	return pins, n.eachPeer(ctx, func(row peerRow) error {
		if row.State != PeerPinned {
			return nil
		}
		p, err := identity.DecodePeer(row.Peer)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "node.Open", err, "a stored peer does not decode")
		}
		return pins.Set(p)
	})
}

func (n *Node) eachPeer(ctx context.Context, fn func(peerRow) error) error {
	return n.db.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Peer, "", func(_ string, row peerRow) error { return fn(row) })
	})
}

// Peers lists every party this node knows, sorted.
func (n *Node) Peers(ctx context.Context) ([]PeerView, error) {
	var out []PeerView
	err := n.eachPeer(ctx, func(row peerRow) error {
		v, err := n.peerView(row)
		out = append(out, v)
		return err
	})
	return out, err
}

func (n *Node) peerView(row peerRow) (PeerView, error) {
	p, err := identity.DecodePeer(row.Peer)
	if err != nil {
		return PeerView{}, fault.Wrap(fault.Corrupt, "node.Peers", err, "a stored peer does not decode")
	}
	return PeerView{
		Party: p.Party, State: row.State, Link: n.link.State(p.Party).State.String(), RootFingerprint: hex.EncodeToString(p.Pin[:]),
		Words: identity.Words(p.Pin), Addresses: p.Addresses,
	}, nil
}
