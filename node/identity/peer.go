package identity

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	// MaxPeers bounds the pinned parties of one node.
	MaxPeers = 4096

	// MaxPeerBytes bounds an encoded Peer.
	MaxPeerBytes = 4 << 10

	peerVersion = 1
)

// Peer is one pinned party: what the operator approved. The node stores it; this package only checks against it.
type Peer struct {
	Party     party.ID
	Pin       Pin
	Root      ed25519.PublicKey
	Approval  ed25519.PublicKey
	Audit     string // verifier key of the audit log
	Addresses []string
	Issued    time.Time // of the card it came from
}

// Encode returns the canonical encoding of the record.
func (p Peer) Encode() []byte {
	var e wire.Encoder
	e.U8(peerVersion)
	e.String(string(p.Party))
	e.Fixed(p.Pin[:])
	e.Fixed(p.Root)
	e.Fixed(p.Approval)
	e.String(p.Audit)
	e.Strings(p.Addresses)
	e.I64(p.Issued.Unix())
	return e.B
}

// DecodePeer reads what Encode wrote. Nothing is borrowed from b.
//
// Errors: fault.LimitExceeded (longer than MaxPeerBytes, or a field over its bound), fault.Misbehaved (anything else);
// a store re-codes both to fault.Corrupt.
func DecodePeer(b []byte) (Peer, error) {
	const op = "identity.DecodePeer"
	if len(b) > MaxPeerBytes {
		return Peer{}, fault.New(fault.LimitExceeded, op, "a peer record of %d bytes, at most %d", len(b), MaxPeerBytes)
	}
	d := wire.NewDecoder(b, op)
	if v := d.U8(); d.Err() == nil && v != peerVersion {
		d.Fail(fault.Misbehaved, "a peer record of version %d, expected %d", v, peerVersion)
	}
	p := Peer{
		Party: party.ID(d.String(party.MaxIDBytes)), Pin: d.Hash(),
		Root: bytes.Clone(d.Fixed(ed25519.PublicKeySize)), Approval: bytes.Clone(d.Fixed(ed25519.PublicKeySize)),
		Audit: d.String(maxVKeyBytes), Addresses: d.Strings(MaxAddresses, MaxAddressBytes),
		Issued: time.Unix(d.I64(), 0).UTC(),
	}
	if err := d.Done(); err != nil {
		return Peer{}, err
	}
	if err := p.check(); err != nil {
		return Peer{}, fault.Wrap(fault.Misbehaved, op, err, "the peer record is malformed")
	}
	return p, nil
}

func (p Peer) check() error {
	const op = "identity.Peer"
	if !party.Valid(string(p.Party)) {
		return fault.New(fault.Invalid, op, "not a party id")
	}
	if len(p.Approval) != ed25519.PublicKeySize {
		return fault.New(fault.Invalid, op, "an approval key of %d bytes", len(p.Approval))
	}
	pin, err := PinOf(p.Root)
	if err != nil {
		return err
	}
	if pin != p.Pin {
		return fault.New(fault.Invalid, op, "the pin of %s is not that of its root key", p.Party)
	}
	if _, _, err := ParseVKey(p.Audit); err != nil {
		return err
	}
	return checkAddresses(p.Addresses)
}

func (p Peer) clone() Peer {
	p.Root, p.Approval, p.Addresses = bytes.Clone(p.Root), bytes.Clone(p.Approval), slices.Clone(p.Addresses)
	return p
}

// Pins is the set of pinned parties, consulted at every handshake: a change holds for the next connection. The zero value is
// an empty set; all methods are safe for concurrent use, and records are copied in and out.
type Pins struct {
	mu    sync.RWMutex
	peers map[party.ID]Peer
}

// NewPins returns the set of the given records.
//
// Errors: as Set.
func NewPins(peers ...Peer) (*Pins, error) {
	s := &Pins{}
	for _, p := range peers {
		if err := s.Set(p); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Set pins a party or replaces its record. The caller has decided that this is right: a changed pin is accepted.
//
// Errors: fault.Invalid (a malformed record), fault.LimitExceeded (more than MaxPeers).
func (s *Pins) Set(p Peer) error {
	if err := p.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.peers[p.Party]; !there && len(s.peers) >= MaxPeers {
		return fault.New(fault.LimitExceeded, "identity.Pins", "at most %d pinned parties", MaxPeers)
	}
	if s.peers == nil {
		s.peers = map[party.ID]Peer{}
	}
	s.peers[p.Party] = p.clone()
	return nil
}

// Update takes the newer card of a party that is pinned already. The root must be the pinned one and the card not older
// than the record.
//
// Errors: fault.NotFound (not pinned), fault.Unauthenticated (another root, or the signature fails), fault.Expired (older).
func (s *Pins) Update(c Card) (Peer, error) {
	const op = "identity.Pins"
	p, err := c.Peer()
	if err != nil {
		return Peer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.peers[p.Party]
	switch {
	case !ok:
		return Peer{}, fault.New(fault.NotFound, op, "party %s is not pinned", p.Party)
	case old.Pin != p.Pin:
		return Peer{}, fault.New(fault.Unauthenticated, op, "party %s: the root key is not the pinned one", p.Party)
	case p.Issued.Before(old.Issued):
		return Peer{}, fault.New(fault.Expired, op, "party %s: the card is older than the one held", p.Party)
	}
	s.peers[p.Party] = p
	return p.clone(), nil
}

// Remove forgets a party: no new connection with it is accepted or made.
func (s *Pins) Remove(id party.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, id)
}

// Get returns the record of a pinned party.
//
// Errors: fault.Unauthenticated when it is not pinned.
func (s *Pins) Get(id party.ID) (Peer, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.peers[id]
	if !ok {
		return Peer{}, fault.New(fault.Unauthenticated, "identity.Pins", "party %s is not pinned", id)
	}
	return p.clone(), nil
}

// List returns every record, sorted by party.
func (s *Pins) List() []Peer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Peer, 0, len(s.peers))
	for _, p := range s.peers {
		out = append(out, p.clone())
	}
	slices.SortFunc(out, func(a, b Peer) int {
		if a.Party < b.Party {
			return -1
		}
		return 1
	})
	return out
}
