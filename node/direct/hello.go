package direct

import (
	"crypto/subtle"
	"crypto/tls"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// hello is the first and only message outside frames, of fixed size in both directions:
//
//	0 verdict u8 | 1 proof[32] | 33 name length u8 | 34 name[63], zero-padded
const helloBytes = 1 + 32 + 1 + party.MaxIDBytes

// accepted is the verdict of a hello that refuses nothing; any other is the number of a fault code. fault.Internal, whose
// number it is, is never sent.
const accepted = fault.Code(0)

type hello struct {
	verdict fault.Code
	proof   [32]byte
	name    string
}

func (h hello) encode() []byte {
	b := make([]byte, helloBytes)
	b[0] = byte(h.verdict)
	copy(b[1:], h.proof[:])
	b[33] = byte(len(h.name))
	copy(b[34:], h.name)
	return b
}

// decodeHello checks the form of b, which has helloBytes. A refusal carries a verdict only.
//
// Errors: fault.Misbehaved.
func decodeHello(b []byte) (hello, error) {
	bad := fault.New(fault.Misbehaved, "direct.hello", "a hello that is none")
	if len(b) != helloBytes || b[33] > party.MaxIDBytes {
		return hello{}, bad
	}
	h := hello{verdict: fault.Code(b[0]), proof: [32]byte(b[1:33]), name: string(b[34 : 34+int(b[33])])}
	for _, pad := range b[34+len(h.name):] {
		if pad != 0 {
			return hello{}, bad
		}
	}
	if !h.verdict.Known() || (h.verdict == accepted && !party.Valid(h.name)) {
		return hello{}, bad
	}
	return h, nil
}

func readHello(r io.Reader) (hello, error) {
	var b [helloBytes]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return hello{}, err
	}
	return decodeHello(b[:])
}

// The sides, as they stand in proofs.
const (
	sideListener = "listener"
	sideGuest    = "guest"
)

// greeting is the hello of one side of a connection whose TLS handshake is complete.
func (v Invite) greeting(side string, s tls.ConnectionState, own Pin, name party.ID) (hello, error) {
	mac, err := v.proofOn(side, s, own, string(name))
	if err != nil {
		return hello{}, err
	}
	return hello{verdict: accepted, proof: [32]byte(mac), name: string(name)}, nil
}

// admits reports whether h proves the secret for a side with that certificate.
func (v Invite) admits(h hello, side string, s tls.ConnectionState, other Pin) bool {
	want, err := v.proofOn(side, s, other, h.name)
	return err == nil && subtle.ConstantTimeCompare(want, h.proof[:]) == 1
}

func (v Invite) proofOn(side string, s tls.ConnectionState, own Pin, name string) ([]byte, error) {
	exporter, err := s.ExportKeyingMaterial("EXPORTER-tacit-direct-hello", nil, 32)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "direct.hello", err, "the connection has no exporter")
	}
	return v.proof(side, exporter, own, name), nil
}

// named checks what the peer calls itself.
func (c Config) named(name string) (party.ID, error) {
	switch id := party.ID(name); {
	case id == c.Self:
		return "", fault.New(fault.Invalid, "direct.hello", "both sides call themselves %s", id)
	case c.Peer != "" && id != c.Peer:
		return "", fault.New(fault.Invalid, "direct.hello", "the peer calls itself %s, expected %s", id, c.Peer)
	default:
		return id, nil
	}
}
