package identity

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	// InviteTerm is how long an invite is good for unless the operator says otherwise.
	InviteTerm = 24 * time.Hour

	// MaxInvites bounds the outstanding invites of one node; an operator works through a few at a time.
	MaxInvites = 64

	// MaxJoinBytes bounds a join request or response.
	MaxJoinBytes = MaxCardBytes + 64

	// ExporterBytes is the length of the TLS exporter value that binds both messages to their handshake.
	ExporterBytes = 32

	// ExporterLabel is the label under which it is exported.
	ExporterLabel = "EXPORTER-tacit-join-1"

	macBytes = 32
)

// JoinRequest returns what a joiner sends: its card, and a MAC under the invite's secret over the handshake's exporter value,
// the card and the inviter's pin.
//
//	invite id [8] ‖ card (u32 length) ‖ HMAC-SHA256 [32]
func (v Invite) JoinRequest(exporter []byte, card Card) []byte {
	id, c := v.id(), card.Encode()
	var e wire.Encoder
	e.Fixed(id[:])
	e.Bytes(c)
	e.Fixed(v.mac("request", exporter, c, v.RootPin[:]))
	return e.B
}

// AcceptResponse checks the inviter's answer and returns its card, whose root is the one the invite names.
//
//	card (u32 length) ‖ HMAC-SHA256 [32] over exporter, the joiner's card, the inviter's card
//
// Errors: fault.Unauthenticated.
func (v Invite) AcceptResponse(exporter []byte, own Card, response []byte) (Card, error) {
	refused := fault.New(fault.Unauthenticated, "identity.Join", "the answer is not the inviter's")
	d := wire.NewDecoder(response, "identity.Join")
	raw := d.Bytes(MaxCardBytes)
	mac := d.Fixed(macBytes)
	if d.Done() != nil || !sameMAC(mac, v.mac("response", exporter, own.Encode(), raw)) {
		return Card{}, refused
	}
	card, err := DecodeCard(raw)
	if err != nil || card.Verify() != nil || card.Party != v.Inviter {
		return Card{}, refused
	}
	if pin, err := card.Pin(); err != nil || pin != v.RootPin {
		return Card{}, refused
	}
	return card, nil
}

// Inviter holds the outstanding invites of one node. It keeps them in memory only: invites end with the process, unless the caller
// stores their tokens and restores them. Safe for concurrent use.
type Inviter struct {
	keys *Keys

	mu   sync.Mutex
	open []Invite
}

// NewInviter returns an Inviter for the holder of keys, with the invites of an earlier process.
func NewInviter(keys *Keys, restored ...Invite) *Inviter {
	return &Inviter{keys: keys, open: slices.Clone(restored)}
}

// Issue makes an invite to the given addresses of this node.
//
// Errors: fault.Invalid (no or bad addresses, no positive term), fault.LimitExceeded (MaxInvites outstanding).
func (i *Inviter) Issue(addresses []string, term time.Duration, rand io.Reader, now time.Time) (Invite, error) {
	const op = "identity.Issue"
	if term < time.Second {
		return Invite{}, fault.New(fault.Invalid, op, "a term of less than a second")
	}
	v, err := newInvite(i.keys.Party(), i.keys.Pin(), addresses, now.Add(term), rand)
	if err != nil {
		return Invite{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expire(now)
	if len(i.open) >= MaxInvites {
		return Invite{}, fault.New(fault.LimitExceeded, op, "%d invites are outstanding, at most %d", len(i.open), MaxInvites)
	}
	i.open = append(i.open, v)
	return v, nil
}

// Outstanding returns the invites that are neither used nor expired.
func (i *Inviter) Outstanding(now time.Time) []Invite {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expire(now)
	return slices.Clone(i.open)
}

func (i *Inviter) expire(now time.Time) {
	i.open = slices.DeleteFunc(i.open, func(v Invite) bool { return !now.Before(v.Expires) })
}

// Redeem checks a join request made over the handshake with this exporter value, uses the invite up and returns the joiner's
// card with the response to send. The card is proven but not pinned: a person compares Words first. own is this node's card.
//
// Errors: fault.Unauthenticated, with one reason for an unknown, used or expired invite and for a wrong proof.
func (i *Inviter) Redeem(exporter, request []byte, own Card, now time.Time) (Card, []byte, error) {
	refused := fault.New(fault.Unauthenticated, "identity.Redeem", "the invite is unknown, used, expired or not proven")
	d := wire.NewDecoder(request, "identity.Redeem")
	id := [inviteIDSize]byte{}
	copy(id[:], d.Fixed(inviteIDSize))
	raw := d.Bytes(MaxCardBytes)
	mac := d.Fixed(macBytes)
	if d.Done() != nil {
		return Card{}, nil, refused
	}
	card, err := DecodeCard(raw)
	if err != nil || card.Verify() != nil || card.Party == i.keys.Party() {
		return Card{}, nil, refused
	}
	v, ok := i.take(id, now, func(v Invite) bool { return sameMAC(mac, v.mac("request", exporter, raw, v.RootPin[:])) })
	if !ok {
		return Card{}, nil, refused
	}
	var e wire.Encoder
	c := own.Encode()
	e.Bytes(c)
	e.Fixed(v.mac("response", exporter, raw, c))
	return card, e.B, nil
}

// take removes and returns the invite with this id if proven holds for it; a failed proof does not use it up.
func (i *Inviter) take(id [inviteIDSize]byte, now time.Time, proven func(Invite) bool) (Invite, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expire(now)
	for n, v := range i.open {
		if v.id() == id && proven(v) {
			i.open = slices.Delete(i.open, n, n+1)
			return v, true
		}
	}
	return Invite{}, false
}
