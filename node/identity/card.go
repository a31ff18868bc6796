package identity

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// Bounds of a card and of a peer record.
const (
	MaxAddresses    = 8   // more listeners than anyone runs; each is dialled in turn
	MaxAddressBytes = 262 // a DNS name of 253 bytes, ':' and a port, brackets of IPv6 included
	MaxCardBytes    = 4 << 10

	cardVersion = 1
)

// Card is what a party's root certifies about it: keys and addresses. A later Issued replaces an earlier one. It is
// public and immutable once signed.
type Card struct {
	Party     party.ID
	Root      ed25519.PublicKey
	Approval  ed25519.PublicKey
	Audit     string    // verifier key of the audit log, see VKey
	Addresses []string  // host:port, at most MaxAddresses; empty for a party that only dials out
	Issued    time.Time // whole seconds
	Signature []byte    // by Root, purpose ForCard, over everything above
}

// Card returns the party's card, signed now.
//
// Errors: fault.Invalid (an address that is not host:port, or too many).
func (k *Keys) Card(addresses []string, now time.Time) (Card, error) {
	c := Card{
		Party: k.id, Root: k.root.publicKey(), Approval: k.approval.publicKey(),
		Audit:     VKey(AuditOrigin(k.id), k.audit.publicKey()),
		Addresses: slices.Clone(addresses), Issued: time.Unix(now.Unix(), 0).UTC(),
	}
	if err := checkAddresses(addresses); err != nil {
		return Card{}, err
	}
	sig, err := Sign(k.root, ForCard, c.body())
	if err != nil {
		return Card{}, err
	}
	c.Signature = sig
	return c, nil
}

// Verify checks the root's signature and the card's form. Whether the root is the right one is for a Pin to say.
//
// Errors: fault.Unauthenticated.
func (c Card) Verify() error {
	if err := c.check(); err != nil {
		return fault.Wrap(fault.Unauthenticated, "identity.Card", err, "the card of a party is malformed")
	}
	return Verify(c.Root, ForCard, c.body(), c.Signature)
}

// Pin returns the pin of the card's root.
func (c Card) Pin() (Pin, error) { return PinOf(c.Root) }

// Peer verifies the card and returns the record to pin.
//
// Errors: fault.Unauthenticated.
func (c Card) Peer() (Peer, error) {
	if err := c.Verify(); err != nil {
		return Peer{}, err
	}
	pin, err := c.Pin()
	if err != nil {
		return Peer{}, err
	}
	return Peer{
		Party: c.Party, Pin: pin, Root: bytes.Clone(c.Root), Approval: bytes.Clone(c.Approval),
		Audit: c.Audit, Addresses: slices.Clone(c.Addresses), Issued: c.Issued,
	}, nil
}

func (c Card) check() error {
	const op = "identity.Card"
	switch {
	case !party.Valid(string(c.Party)):
		return fault.New(fault.Invalid, op, "not a party id")
	case len(c.Root) != ed25519.PublicKeySize || len(c.Approval) != ed25519.PublicKeySize:
		return fault.New(fault.Invalid, op, "a key of another length than %d bytes", ed25519.PublicKeySize)
	case len(c.Signature) != SignatureBytes:
		return fault.New(fault.Invalid, op, "a signature of %d bytes", len(c.Signature))
	}
	if _, _, err := ParseVKey(c.Audit); err != nil {
		return err
	}
	return checkAddresses(c.Addresses)
}

func checkAddresses(list []string) error {
	const op = "identity.Card"
	if len(list) > MaxAddresses {
		return fault.New(fault.Invalid, op, "%d addresses, at most %d", len(list), MaxAddresses)
	}
	for i, a := range list {
		host, port, err := net.SplitHostPort(a)
		n, perr := strconv.ParseUint(port, 10, 16)
		if err != nil || perr != nil || n == 0 || host == "" || len(a) > MaxAddressBytes {
			return fault.New(fault.Invalid, op, "address %d is not host:port of at most %d bytes", i, MaxAddressBytes)
		}
	}
	return nil
}

func (c Card) body() []byte {
	var e wire.Encoder
	e.U8(cardVersion)
	e.String(string(c.Party))
	e.Fixed(c.Root)
	e.Fixed(c.Approval)
	e.String(c.Audit)
	e.Strings(c.Addresses)
	e.I64(c.Issued.Unix())
	return e.B
}

// Encode returns the canonical encoding of the card, signature included.
func (c Card) Encode() []byte { return append(c.body(), c.Signature...) }

// DecodeCard reads what Encode wrote and checks its form, not its signature. Nothing is borrowed from b.
//
// Errors: fault.LimitExceeded (longer than MaxCardBytes, or a field over its bound), fault.Misbehaved (anything else).
func DecodeCard(b []byte) (Card, error) {
	const op = "identity.DecodeCard"
	if len(b) > MaxCardBytes {
		return Card{}, fault.New(fault.LimitExceeded, op, "a card of %d bytes, at most %d", len(b), MaxCardBytes)
	}
	d := wire.NewDecoder(b, op)
	if v := d.U8(); d.Err() == nil && v != cardVersion {
		d.Fail(fault.Misbehaved, "a card of version %d, expected %d", v, cardVersion)
	}
	c := Card{
		Party: party.ID(d.String(party.MaxIDBytes)),
		Root:  bytes.Clone(d.Fixed(ed25519.PublicKeySize)), Approval: bytes.Clone(d.Fixed(ed25519.PublicKeySize)),
		Audit: d.String(maxVKeyBytes), Addresses: d.Strings(MaxAddresses, MaxAddressBytes),
		Issued: time.Unix(d.I64(), 0).UTC(), Signature: bytes.Clone(d.Fixed(SignatureBytes)),
	}
	if err := d.Done(); err != nil {
		return Card{}, err
	}
	if err := c.check(); err != nil {
		return Card{}, fault.Wrap(fault.Misbehaved, op, err, "the card of a party is malformed")
	}
	return c, nil
}
