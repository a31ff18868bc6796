package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// MaxOutstanding bounds unacknowledged messages per peer: a peer that stays away stops new work, not old.
const MaxOutstanding = 10_000

// Message is one numbered, signed control message.
type Message struct {
	Seq  uint64
	Body []byte
}

// Counter keys sort before any sequence number of the same peer.
const (
	lastKey  = "/!last"
	ackedKey = "/!acked"
)

func seqKey(peer party.ID, seq uint64) string { return fmt.Sprintf("%s/%020d", peer, seq) }

// Send numbers a message to peer and queues it; seal returns the signed body for its number. The message leaves after
// the commit.
//
// Errors: fault.LimitExceeded beyond MaxOutstanding; those of seal.
func (tx *Tx) Send(peer party.ID, seal func(seq uint64) ([]byte, error)) error {
	last, err := tx.counter(Outbox, string(peer)+lastKey)
	if err != nil {
		return err
	}
	acked, err := tx.counter(Outbox, string(peer)+ackedKey)
	if err != nil {
		return err
	}
	if last-acked >= MaxOutstanding {
		return fault.New(fault.LimitExceeded, "store.Send", "%d messages to %s are not acknowledged, at most %d", last-acked, peer, MaxOutstanding)
	}
	body, err := seal(last + 1)
	if err != nil {
		return err
	}
	if err := tx.Put(Outbox, seqKey(peer, last+1), body); err != nil {
		return err
	}
	return tx.setCounter(Outbox, string(peer)+lastKey, last+1)
}

// Pending returns up to limit messages to peer that are not acknowledged and come after the given number, in order.
func (tx *Tx) Pending(peer party.ID, after uint64, limit int) ([]Message, error) {
	acked, err := tx.counter(Outbox, string(peer)+ackedKey)
	if err != nil {
		return nil, err
	}
	last, err := tx.counter(Outbox, string(peer)+lastKey)
	if err != nil {
		return nil, err
	}
	var out []Message
	for seq := max(acked, after) + 1; seq <= last && len(out) < limit; seq++ {
		r, err := tx.Get(Outbox, seqKey(peer, seq))
		if err != nil {
			return nil, err
		}
		out = append(out, Message{Seq: seq, Body: r.Value})
	}
	return out, nil
}

// Acked records that peer has durably consumed everything up to seq. A number that was never sent is refused.
//
// Errors: fault.Misbehaved with the peer as culprit.
func (tx *Tx) Acked(peer party.ID, seq uint64) error {
	last, err := tx.counter(Outbox, string(peer)+lastKey)
	if err != nil {
		return err
	}
	if seq > last {
		return &fault.Error{Code: fault.Misbehaved, Op: "store.Acked", Culprit: string(peer), Reason: "an acknowledgement of a message that was not sent"}
	}
	acked, err := tx.counter(Outbox, string(peer)+ackedKey)
	if err != nil || seq <= acked {
		return err
	}
	return tx.setCounter(Outbox, string(peer)+ackedKey, seq)
}

// Delivered returns the highest number consumed from peer.
func (tx *Tx) Delivered(peer party.ID) (uint64, error) {
	return tx.counter(Inbox, string(peer)+lastKey)
}

// Consume records message m from peer and reports whether it is new: a repeat is not to be applied again.
//
// Errors: fault.Misbehaved when a repeated number carries another body; fault.Unavailable when m leaves a gap.
func (tx *Tx) Consume(peer party.ID, m Message) (fresh bool, err error) {
	last, err := tx.Delivered(peer)
	if err != nil {
		return false, err
	}
	switch {
	case m.Seq == 0 || m.Seq > last+1:
		return false, fault.New(fault.Unavailable, "store.Consume", "message %d after %d: a gap", m.Seq, last)
	case m.Seq <= last:
		r, err := tx.Get(Inbox, seqKey(peer, m.Seq))
		if err != nil {
			return false, err
		}
		if !bytes.Equal(r.Value, m.Body) {
			return false, &fault.Error{Code: fault.Misbehaved, Op: "store.Consume", Culprit: string(peer), Reason: "two bodies under one message number"}
		}
		return false, nil
	}
	if err := tx.Put(Inbox, seqKey(peer, m.Seq), m.Body); err != nil {
		return false, err
	}
	return true, tx.setCounter(Inbox, string(peer)+lastKey, m.Seq)
}

func (tx *Tx) counter(t Table, key string) (uint64, error) {
	r, err := tx.Get(t, key)
	if errors.Is(err, fault.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return decodeCounter(t, r.Value)
}

func decodeCounter(t Table, b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, fault.New(fault.Corrupt, "store", "a counter of %d bytes in table %s", len(b), t)
	}
	return binary.BigEndian.Uint64(b), nil
}

func (tx *Tx) setCounter(t Table, key string, v uint64) error {
	return tx.Put(t, key, binary.BigEndian.AppendUint64(nil, v))
}
