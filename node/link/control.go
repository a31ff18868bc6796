package link

import (
	"context"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	retryFirst = 100 * time.Millisecond
	retryLast  = 15 * time.Second
)

// sendControl sends what the Mailbox holds for the peer, in order, at most controlWindow ahead of its acknowledgements.
func (c *wireConn) sendControl() error {
	mb, peer := c.pair.link.cfg.Mailbox, c.pair.id
	acked, cursor := c.remote.delivered, c.remote.delivered
	if acked > 0 {
		if err := c.persist(func() error { return mb.Acked(c.ctx, peer, acked) }); err != nil {
			return err
		}
	}
	var flying []uint64 // sent and not acknowledged
	for {
		ack, again := c.takeAck()
		if ack > acked {
			if err := c.persist(func() error { return mb.Acked(c.ctx, peer, ack) }); err != nil {
				return err
			}
			acked, cursor = ack, max(cursor, ack)
		}
		flying = slices.DeleteFunc(flying, func(seq uint64) bool { return seq <= acked })
		if again {
			cursor, flying = acked, flying[:0]
		}
		list, err := c.pending(cursor, controlWindow-len(flying))
		if err != nil {
			return err
		}
		for _, env := range list {
			if env.Seq <= cursor || len(env.Body) > MaxEnvelopeBytes {
				return fault.New(fault.Internal, "link.Mailbox", "message %d after %d, of %d bytes", env.Seq, cursor, len(env.Body))
			}
			if err := c.sendData(c.ctx, &frame{kind: kindControl, seq: env.Seq, payload: env.Body}); err != nil {
				return err
			}
			cursor, flying = env.Seq, append(flying, env.Seq)
		}
		select {
		case <-c.kick:
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
	}
}

func (c *wireConn) takeAck() (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := c.resend
	c.resend = false
	return c.ack, again
}

func (c *wireConn) pending(after uint64, room int) (list []Envelope, err error) {
	if room <= 0 {
		return nil, nil
	}
	err = c.persist(func() (err error) {
		list, err = c.pair.link.cfg.Mailbox.Pending(c.ctx, c.pair.id, after, room)
		return err
	})
	return list[:min(len(list), room)], err
}

// deliverControl hands the peer's messages to the Mailbox one by one and acknowledges what it has consumed. After a gap it
// asks once and drops what comes until the missing message does.
func (c *wireConn) deliverControl() error {
	var wanted uint64 // the message a resend was asked from, 0 when none is missing
	for {
		var env Envelope
		select {
		case env = <-c.inbox:
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
		if wanted != 0 && env.Seq > wanted {
			continue
		}
		last, err := c.deliver(env)
		if err != nil {
			return err
		}
		f := &frame{kind: kindAck, seq: last}
		if wanted = 0; last < env.Seq {
			wanted, f.flags = last+1, flagResend
		}
		c.pair.consumed(last)
		c.sendUrgent(f)
	}
}

func (c *wireConn) deliver(env Envelope) (last uint64, err error) {
	err = c.persist(func() (err error) {
		last, err = c.pair.link.cfg.Mailbox.Deliver(c.ctx, c.pair.id, env)
		return err
	})
	return last, err
}

// persist repeats a store call that fails, with growing pauses, until it succeeds or the connection ends. A peer's
// misbehaviour is not the store's and is returned.
func (c *wireConn) persist(call func() error) error {
	for pause := retryFirst; ; pause = min(2*pause, retryLast) {
		err := call()
		if err == nil {
			return nil
		}
		if fault.CodeOf(err) == fault.Misbehaved {
			return fault.Blame(err, string(c.pair.id))
		}
		c.pair.link.cfg.Logger.Warn("mailbox", "peer", string(c.pair.id), "code", fault.CodeOf(err).String())
		if sleep(c.ctx, pause) != nil {
			return context.Cause(c.ctx)
		}
	}
}

// consumed remembers how far the peer's messages have come, for the next HELLO.
func (p *pair) consumed(last uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivered = max(p.delivered, last)
}
