package direct

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// Send implements protocols.Conn. It returns once msg is copied: the writer sends whatever has gathered whenever it is free,
// so that nothing waits and short messages share a TLS record under load. A Send that ctx ends has sent nothing.
//
// Errors: fault.LimitExceeded (msg longer than protocols.MaxMessage), fault.PeerAborted, fault.Timeout, fault.Misbehaved,
// fault.Unavailable (the connection's end), fault.Canceled (ctx, or Close).
func (c *Conn) Send(ctx context.Context, msg []byte) error {
	const op = "direct.Send"
	if len(msg) > protocols.MaxMessage {
		return fault.New(fault.LimitExceeded, op, "a message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	if ctx.Err() != nil {
		return canceled(ctx, op)
	}
	for !c.enqueue(msg) {
		select {
		case <-c.room:
		case <-ctx.Done():
			return canceled(ctx, op)
		case <-c.ended.Done():
			return c.ended.cause()
		}
	}
	c.sent.Add(int64(len(msg)))
	signal(c.wake)
	return nil
}

// enqueue reports whether there was room for msg.
func (c *Conn) enqueue(msg []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Err() != nil || (len(c.pending) > 0 && len(c.pending)+headerBytes+len(msg) > sendWindow) {
		return false
	}
	c.pending = append(appendHeader(c.pending, kindData, len(msg)), msg...)
	return true
}

// write sends what is pending, and a heartbeat when nothing was for a while.
func (c *Conn) write() error {
	beat := time.NewTimer(c.cfg.Beat)
	defer beat.Stop()
	var spare []byte
	for {
		batch, last := c.take(spare)
		if len(batch) == 0 {
			if last {
				return nil
			}
			select {
			case <-c.wake:
				spare = batch
				continue
			case <-c.broke.Done():
				return c.broke.cause()
			case <-beat.C:
				batch = appendHeader(batch, kindBeat, 0)
			}
		}
		if _, err := c.stream.Write(batch); err != nil {
			return c.broken("direct.Send", err)
		}
		spare = batch
		beat.Reset(c.cfg.Beat)
	}
}

// take exchanges what is pending for the buffer of the batch before. last says that nothing will come after it.
func (c *Conn) take(spare []byte) (batch []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return spare[:0], c.leaving
	}
	batch, c.pending = c.pending, spare[:0]
	signal(c.room)
	return batch, c.leaving
}

// broken says why a socket call failed.
func (c *Conn) broken(op string, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fault.Wrap(fault.Timeout, op, err, "the peer was silent, or took nothing, for too long")
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "local error" {
		return fault.Wrap(fault.Unavailable, op, err, "bytes were altered on the way")
	}
	return &fault.Error{Code: fault.PeerAborted, Op: op, Culprit: string(c.peer), Reason: "the connection to the peer broke", Err: err}
}
