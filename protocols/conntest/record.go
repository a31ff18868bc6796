package conntest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
)

// Recorder is a Conn that keeps every message of both directions: for canary tests (no plaintext on the wire), for
// tests of message lengths, and as input of Replay.
type Recorder struct {
	c           protocols.Conn
	mu          sync.Mutex
	sent, recvd [][]byte
}

// Record returns c with a memory.
func Record(c protocols.Conn) *Recorder { return &Recorder{c: c} }

// Peer returns the other end's party.
func (r *Recorder) Peer() party.ID { return r.c.Peer() }

// Flight passes through.
func (r *Recorder) Flight() { flight(r.c) }

// Send passes msg through and keeps a copy of what was sent.
func (r *Recorder) Send(ctx context.Context, msg []byte) error {
	if err := r.c.Send(ctx, msg); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, append([]byte{}, msg...))
	return nil
}

// Recv passes through and keeps a copy.
func (r *Recorder) Recv(ctx context.Context) ([]byte, error) {
	msg, err := r.c.Recv(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recvd = append(r.recvd, append([]byte{}, msg...))
	return msg, nil
}

// Sent returns the messages sent so far, in order.
func (r *Recorder) Sent() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// Received returns the messages received so far, in order.
func (r *Recorder) Received() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.recvd)
}

// Contains reports whether secret occurs in the bytes of either direction, message borders ignored.
func (r *Recorder) Contains(secret []byte) bool {
	return bytes.Contains(bytes.Join(r.Sent(), nil), secret) || bytes.Contains(bytes.Join(r.Received(), nil), secret)
}

// Lengths returns the length of each message, sent then received: what a protocol whose traffic depends on sizes only
// must not vary with its data.
func (r *Recorder) Lengths() (sent, recvd []int) {
	return lengths(r.Sent()), lengths(r.Received())
}

func lengths(msgs [][]byte) []int {
	out := make([]int, len(msgs))
	for i, m := range msgs {
		out[i] = len(m)
	}
	return out
}

// Replay returns a Conn on which a fixed sequence of messages arrives, after which the peer is gone. What is sent is
// lost. It plays an attacker who repeats an old run, and feeds fuzzed bytes to one side.
func Replay(peer party.ID, msgs [][]byte) protocols.Conn {
	return &replay{peer: peer, msgs: slices.Clone(msgs)}
}

type replay struct {
	peer party.ID
	msgs [][]byte
}

func (r *replay) Peer() party.ID { return r.peer }

func (r *replay) Send(ctx context.Context, msg []byte) error {
	if len(msg) > protocols.MaxMessage {
		return fault.New(fault.LimitExceeded, "conntest.Send", "message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	return ctx.Err()
}

func (r *replay) Recv(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.msgs) == 0 {
		return nil, aborted(string(r.peer))
	}
	msg := append([]byte{}, r.msgs[0]...)
	r.msgs = r.msgs[1:]
	return msg, nil
}
