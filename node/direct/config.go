package direct

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// The defaults of Config.
const (
	DefaultBeat      = 10 * time.Second
	DefaultIdle      = time.Minute
	DefaultStall     = 10 * time.Minute
	DefaultAnswer    = 5 * time.Minute
	DefaultHandshake = 10 * time.Second
)

// Config is what both sides choose for themselves. Only Self is needed.
type Config struct {
	// Self is how this side calls itself, and Conn.Peer what the peer does.
	Self party.ID
	// Peer refuses a peer of another name; empty: any name but Self.
	Peer party.ID
	// Beat is how long nothing is sent before a heartbeat is. Keep it well below the peer's Idle.
	Beat time.Duration
	// Idle is how long nothing may be heard, and how long Close waits for the peer to have everything.
	Idle time.Duration
	// Stall is how long the peer may take none of what is sent, heartbeats or not. It ends two sides that both only send.
	Stall time.Duration
	// Answer is how long a Recv waits for a message, heartbeats or not: a peer that is there and says nothing holds this side
	// no longer. Keep it above what the peer computes between two messages.
	Answer time.Duration
	// Handshake bounds TLS and hello together.
	Handshake time.Duration
}

// checked returns c with its defaults filled in.
func (c Config) checked() (Config, error) {
	const op = "direct.Config"
	if !party.Valid(string(c.Self)) {
		return c, fault.New(fault.Invalid, op, "Self is no party id")
	}
	if c.Peer != "" && (!party.Valid(string(c.Peer)) || c.Peer == c.Self) {
		return c, fault.New(fault.Invalid, op, "Peer is no party id, or that of Self")
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&c.Beat, DefaultBeat}, {&c.Idle, DefaultIdle}, {&c.Stall, DefaultStall}, {&c.Answer, DefaultAnswer}, {&c.Handshake, DefaultHandshake}} {
		if *d.value < 0 {
			return c, fault.New(fault.Invalid, op, "a negative duration")
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if c.Beat >= c.Idle {
		return c, fault.New(fault.Invalid, op, "Beat must be shorter than Idle")
	}
	return c, nil
}
