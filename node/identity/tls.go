package identity

import (
	"crypto/tls"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// The application protocols of the node port.
const (
	ALPNLink = "h2"           // links between pinned parties
	ALPNJoin = "tacit-join/1" // one enrolment; offered only while an invite is outstanding
)

// ServerConfig is the TLS of the node port for links: TLS 1.3, X25519MLKEM768, a client certificate of a pinned party.
// Tickets are off, so that every connection presents its certificate. now is the wall clock.
func (k *Keys) ServerConfig(pins *Pins, now func() time.Time) *tls.Config {
	c := k.nodeConfig(now, ALPNLink)
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(s tls.ConnectionState) error {
		_, err := PinnedParty(s, pins, now())
		return err
	}
	return c
}

// ClientConfig is the TLS of a connection dialled to one pinned party: whoever answers must be that party.
func (k *Keys) ClientConfig(pins *Pins, peer party.ID, now func() time.Time) *tls.Config {
	c := k.nodeConfig(now, ALPNLink)
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.certificate(), nil }
	c.InsecureSkipVerify = true // names are not the identity; VerifyConnection checks the pin instead
	c.VerifyConnection = func(s tls.ConnectionState) error {
		p, err := pins.Get(peer)
		if err != nil {
			return err
		}
		return verifyChain(s.PeerCertificates, peer, p.Pin, now())
	}
	return c
}

// PinnedParty returns who the other end of a connection is: the party its certificate names, after checking the chain
// against that party's pin.
//
// Errors: fault.Unauthenticated.
func PinnedParty(s tls.ConnectionState, pins *Pins, now time.Time) (party.ID, error) {
	if len(s.PeerCertificates) == 0 {
		return "", fault.New(fault.Unauthenticated, "identity.PinnedParty", "no certificate")
	}
	id, err := partyOf(s.PeerCertificates[0])
	if err != nil {
		return "", err
	}
	p, err := pins.Get(id)
	if err != nil {
		return "", err
	}
	return id, verifyChain(s.PeerCertificates, id, p.Pin, now)
}

// JoinServerConfig is the TLS of the node port for one enrolment: the joiner has no pinned certificate yet and proves the
// invite's secret instead.
func (k *Keys) JoinServerConfig(now func() time.Time) *tls.Config { return k.nodeConfig(now, ALPNJoin) }

// JoinClientConfig is the TLS of a joiner: whoever answers must hold a node certificate of the inviter's root.
func JoinClientConfig(inviter party.ID, pin Pin, now func() time.Time) *tls.Config {
	c := clientOf(inviter, pin, now)
	c.NextProtos = []string{ALPNJoin}
	c.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768}
	return c
}

// APIConfig is the TLS of the user API: the node's certificate, no client certificate, X25519 allowed beside the hybrid
// for clients that have nothing newer.
func (k *Keys) APIConfig(now func() time.Time) *tls.Config {
	c := k.nodeConfig(now, ALPNLink, "http/1.1")
	c.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
	return c
}

// APIClientConfig is the TLS of a client of the user API of one party, known by its pin.
func APIClientConfig(node party.ID, pin Pin, now func() time.Time) *tls.Config {
	c := clientOf(node, pin, now)
	c.NextProtos = []string{ALPNLink, "http/1.1"}
	c.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
	return c
}

func clientOf(id party.ID, pin Pin, now func() time.Time) *tls.Config {
	return &tls.Config{
		Time: now, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		InsecureSkipVerify: true, // names are not the identity; VerifyConnection checks the pin instead
		VerifyConnection: func(s tls.ConnectionState) error {
			return verifyChain(s.PeerCertificates, id, pin, now())
		},
	}
}

func (k *Keys) nodeConfig(now func() time.Time, protos ...string) *tls.Config {
	return &tls.Config{
		Time: now, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		NextProtos:       protos,
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.certificate(), nil },
	}
}
