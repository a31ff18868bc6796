package identity

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

const (
	tokenPrefix      = "tacit-invite-1" // the digit is the version of the payload; base32 of it follows
	tokenSumBytes    = 4                // finds typing errors; it authenticates nothing
	maxTokenBytes    = 8 << 10
	inviteSecretSize = 16 // 128 bits: not to be guessed within any term
	inviteIDSize     = 8
)

// Invite lets one party enrol once. It carries a secret: print it with TokenInsecure only to hand it over, and treat the
// text like a password until it is used or expired. Immutable.
type Invite struct {
	Inviter   party.ID
	Addresses []string // host:port, 1 to MaxAddresses, dialled in turn
	RootPin   Pin
	Expires   time.Time // whole seconds

	secret *[inviteSecretSize]byte
}

// Format implements fmt.Formatter; every verb prints the type's name, since the secret is inside.
func (v Invite) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "identity.Invite") }

// LogValue implements slog.LogValuer.
func (v Invite) LogValue() slog.Value { return slog.StringValue("identity.Invite") }

// TokenInsecure returns the invite as one printable word, secret included.
func (v Invite) TokenInsecure() string {
	var e wire.Encoder
	e.String(string(v.Inviter))
	e.Strings(v.Addresses)
	e.Fixed(v.RootPin[:])
	e.Fixed(v.secret[:])
	e.I64(v.Expires.Unix())
	sum := sha256.Sum256(append([]byte(tokenPrefix), e.B...))
	e.Fixed(sum[:tokenSumBytes])
	return tokenPrefix + strings.ToLower(tokenEncoding().EncodeToString(e.B))
}

func tokenEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// ParseInvite reads what TokenInsecure printed; surrounding white space is ignored. It does not check the term.
//
// Errors: fault.Unsupported (an invite of another version), fault.Invalid (anything else). No error quotes the token.
func ParseInvite(token string) (Invite, error) {
	const op = "identity.ParseInvite"
	bad := fault.New(fault.Invalid, op, "not an invite: copy the whole word that starts with %q", tokenPrefix)
	token = strings.TrimSpace(token)
	text, ok := strings.CutPrefix(token, tokenPrefix)
	switch {
	case !ok && strings.HasPrefix(token, "tacit-invite-"):
		return Invite{}, fault.New(fault.Unsupported, op, "an invite of another version")
	case !ok || len(token) > maxTokenBytes:
		return Invite{}, bad
	}
	b, err := tokenEncoding().DecodeString(strings.ToUpper(text))
	if err != nil || len(b) < tokenSumBytes {
		return Invite{}, bad
	}
	body, sum := b[:len(b)-tokenSumBytes], b[len(b)-tokenSumBytes:]
	want := sha256.Sum256(append([]byte(tokenPrefix), body...))
	if !bytes.Equal(sum, want[:tokenSumBytes]) {
		return Invite{}, bad
	}
	d := wire.NewDecoder(body, op)
	v := Invite{
		Inviter: party.ID(d.String(party.MaxIDBytes)), Addresses: d.Strings(MaxAddresses, MaxAddressBytes),
		RootPin: d.Hash(), secret: new([inviteSecretSize]byte),
	}
	copy(v.secret[:], d.Fixed(inviteSecretSize))
	v.Expires = time.Unix(d.I64(), 0).UTC()
	if d.Done() != nil || v.check() != nil || v.TokenInsecure() != strings.ToLower(token) {
		return Invite{}, bad
	}
	return v, nil
}

func (v Invite) check() error {
	if !party.Valid(string(v.Inviter)) || len(v.Addresses) == 0 {
		return fault.New(fault.Invalid, "identity.Invite", "an invite names its inviter and at least one address")
	}
	return checkAddresses(v.Addresses)
}

func newInvite(inviter party.ID, pin Pin, addresses []string, expires time.Time, rand io.Reader) (Invite, error) {
	v := Invite{
		Inviter: inviter, Addresses: slices.Clone(addresses), RootPin: pin,
		Expires: time.Unix(expires.Unix(), 0).UTC(), secret: new([inviteSecretSize]byte),
	}
	if err := v.check(); err != nil {
		return Invite{}, err
	}
	if _, err := io.ReadFull(rand, v.secret[:]); err != nil {
		return Invite{}, fault.Wrap(fault.Unavailable, "identity.Invite", err, "no randomness")
	}
	return v, nil
}

// id names the invite on the wire without telling its secret.
func (v Invite) id() (id [inviteIDSize]byte) {
	copy(id[:], v.mac("id"))
	return id
}

// mac is HMAC-SHA256 under the secret, each part with its length, so that no two lists of parts collide.
func (v Invite) mac(label string, parts ...[]byte) []byte {
	var e wire.Encoder
	e.String("tacit/join/" + label + "/v1")
	for _, p := range parts {
		e.Bytes(p)
	}
	h := hmac.New(sha256.New, v.secret[:])
	h.Write(e.B)
	return h.Sum(nil)
}

// sameMAC compares in constant time.
func sameMAC(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
