package direct

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	invitePrefix    = "tacit-psi1:" // base64url of the payload follows
	inviteVersion   = 1
	inviteSumBytes  = 4 // finds copying errors; it authenticates nothing
	secretBytes     = 32
	maxAddressBytes = 259 // a host name of 253, ':' and a port
	maxInviteBytes  = 512
)

// Invite lets one guest connect to one listener. It carries a secret: hand TextInsecure over as one hands over a password.
// Immutable; the zero value invites nobody.
type Invite struct {
	Address  string // host:port to dial
	Listener Pin

	secret *[secretBytes]byte
}

// Format implements fmt.Formatter; every verb prints the type's name, since the secret is inside.
func (v Invite) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "direct.Invite") }

// LogValue implements slog.LogValuer.
func (v Invite) LogValue() slog.Value { return slog.StringValue("direct.Invite") }

// newInvite draws a secret.
func newInvite(listener Pin, rand io.Reader) (Invite, error) {
	v := Invite{Listener: listener, secret: new([secretBytes]byte)}
	if _, err := io.ReadFull(rand, v.secret[:]); err != nil {
		return Invite{}, fault.Wrap(fault.Unavailable, "direct.Invite", err, "no randomness")
	}
	return v, nil
}

// At returns the invite with the address under which the listener is reached from outside.
//
// Errors: fault.Invalid when address is not host:port.
func (v Invite) At(address string) (Invite, error) {
	if !dialable(address) {
		return Invite{}, fault.New(fault.Invalid, "direct.Invite", "an address is host:port of at most %d bytes", maxAddressBytes)
	}
	v.Address = address
	return v, nil
}

// TextInsecure returns the invite as one printable word, secret included. The zero Invite has no text.
func (v Invite) TextInsecure() string {
	if v.secret == nil {
		return ""
	}
	var e wire.Encoder
	e.U8(inviteVersion)
	e.String(v.Address)
	e.Fixed(v.Listener[:])
	e.Fixed(v.secret[:])
	sum := inviteSum(e.B)
	e.Fixed(sum[:])
	return invitePrefix + base64.RawURLEncoding.EncodeToString(e.B)
}

func inviteSum(body []byte) (sum [inviteSumBytes]byte) {
	full := sha256.Sum256(append([]byte(invitePrefix), body...))
	copy(sum[:], full[:])
	return sum
}

// ParseInvite reads what TextInsecure printed; surrounding white space is ignored.
//
// Errors: fault.Unsupported (an invite of another version), fault.Invalid (anything else). No error quotes the text.
func ParseInvite(text string) (Invite, error) {
	const op = "direct.ParseInvite"
	bad := fault.New(fault.Invalid, op, "not an invite: copy the whole word that starts with %q", invitePrefix)
	if len(text) > 2*maxInviteBytes {
		return Invite{}, bad
	}
	text = strings.TrimSpace(text)
	coded, ok := strings.CutPrefix(text, invitePrefix)
	switch {
	case !ok && strings.HasPrefix(text, "tacit-psi"):
		return Invite{}, fault.New(fault.Unsupported, op, "an invite of another version")
	case !ok || len(text) > maxInviteBytes:
		return Invite{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(coded)
	if err != nil || len(b) < inviteSumBytes {
		return Invite{}, bad
	}
	body := b[:len(b)-inviteSumBytes]
	if sum := inviteSum(body); !bytes.Equal(sum[:], b[len(body):]) {
		return Invite{}, bad
	}
	v, err := decodeInvite(body)
	if fault.CodeOf(err) == fault.Unsupported {
		return Invite{}, err
	}
	if err != nil || !dialable(v.Address) || v.TextInsecure() != text {
		return Invite{}, bad
	}
	return v, nil
}

func decodeInvite(body []byte) (Invite, error) {
	d := wire.NewDecoder(body, "direct.ParseInvite")
	if version := d.U8(); version != inviteVersion {
		d.Fail(fault.Unsupported, "an invite of version %d, this is version %d", version, inviteVersion)
	}
	v := Invite{Address: d.String(maxAddressBytes), Listener: d.Hash(), secret: new([secretBytes]byte)}
	copy(v.secret[:], d.Fixed(secretBytes))
	if err := d.Done(); err != nil {
		return Invite{}, err
	}
	return v, nil
}

// dialable reports whether a is host:port of printable ASCII without spaces.
func dialable(a string) bool {
	host, port, err := net.SplitHostPort(a)
	n, perr := strconv.ParseUint(port, 10, 16)
	odd := strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r > '~' })
	return err == nil && perr == nil && n != 0 && host != "" && !odd && len(a) <= maxAddressBytes
}

// proof shows that a side knows the secret, on this connection and with this certificate and name only.
func (v Invite) proof(side string, exporter []byte, own Pin, name string) []byte {
	var e wire.Encoder
	e.String("tacit/direct/" + side + "/v1")
	e.Bytes(exporter)
	e.Fixed(own[:])
	e.String(name)
	h := hmac.New(sha256.New, v.secret[:])
	h.Write(e.B)
	return h.Sum(nil)
}
