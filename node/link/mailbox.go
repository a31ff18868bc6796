package link

import (
	"context"

	"github.com/tacit-data/tacit/api/party"
)

// MaxEnvelopeBytes bounds the body of a control message.
const MaxEnvelopeBytes = maxPayloadBytes

// Envelope is one control message. Seq counts from 1 per direction of a pair; Body is signed by the node above, at most
// MaxEnvelopeBytes.
type Envelope struct {
	Seq  uint64
	Body []byte
}

// Mailbox keeps control messages durably; the node implements it over its store. Every method may be called from several
// goroutines. An error is tried again with growing pauses, except fault.Misbehaved from Deliver, which ends the link.
type Mailbox interface {
	// Pending returns up to max messages to peer that are not acknowledged and have Seq > after, in order.
	Pending(ctx context.Context, peer party.ID, after uint64, max int) ([]Envelope, error)

	// Deliver stores what env makes happen, or nothing when its turn has not come or is over, and returns the highest Seq
	// consumed, which is then acknowledged. An answer below env.Seq asks the peer to send again from there.
	Deliver(ctx context.Context, peer party.ID, env Envelope) (last uint64, err error)

	// Acked tells that peer has consumed everything up to seq.
	Acked(ctx context.Context, peer party.ID, seq uint64) error
}
