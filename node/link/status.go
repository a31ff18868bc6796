package link

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// State is where a link to one peer stands.
type State uint8

// The states. Refused needs a person: identity or version do not fit, and nothing is retried until Connect is called or
// the peer gets through by itself.
const (
	Idle        State = iota // not asked to connect, or no address is known
	Dialing                  // connecting or waiting to try again
	Handshaking              // TLS stands, versions are compared
	Up
	Broken   // was Up; connects again by itself
	Refused  // Status.Code says why
	Draining // Close was called
)

// String returns the state's name.
func (s State) String() string {
	names := [...]string{"Idle", "Dialing", "Handshaking", "Up", "Broken", "Refused", "Draining"}
	if int(s) < len(names) {
		return names[s]
	}
	return "State(?)"
}

// Status describes a link to one peer.
type Status struct {
	Peer   party.ID
	State  State
	Code   fault.Code // of Refused and Broken
	Reason string     // of Refused and Broken; safe to show
	Since  time.Time  // by the Config's clock
	Epoch  uint64     // of the peer's process while Up; another value after a reconnect means it restarted
	Heard  time.Time  // when the last frame came, zero if none did
}
