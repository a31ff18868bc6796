package link

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	dataSlots = 4    // DATA frames waiting for the transport; the session's credit bounds the rest
	maxUrgent = 8192 // small frames waiting: far more than 1,024 streams cause unless the peer floods and does not read
	ackDelay  = 50 * time.Millisecond

	controlWindow = 16 // control messages sent and not acknowledged: at most 16 MiB at the receiver
)

// frameStream is what a connection needs of a gRPC stream, of either side.
type frameStream interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// wireConn is one connection after HELLO: a reader that always drains, a writer with two queues, and the control
// and heartbeat loops. Whatever fails first ends all of them.
type wireConn struct {
	pair    *pair
	stream  frameStream
	abort   func() // makes a blocked SendMsg or RecvMsg return
	dialled bool   // by this side
	remote  hello
	ctx     context.Context
	cancel  context.CancelCauseFunc

	wake   chan struct{}
	slots  chan struct{}
	kick   chan struct{} // the control sender has something to look at
	beats  chan struct{}
	inbox  chan Envelope // a window, and once more what a resend repeats
	ackers chan *Session // sessions whose ACK waits for its delay

	mu       sync.Mutex
	urgent   []*frame
	data     []queued
	ack      uint64 // highest control message the peer has consumed
	resend   bool   // the peer asked to go on from ack
	beat     []byte // newest not handed up yet
	beatSeq  uint64
	haveBeat bool
}

// queued is a DATA or CLOSE frame in line; slot tells whether it holds one of the slots.
type queued struct {
	f    *frame
	slot bool
}

func newWireConn(ctx context.Context, p *pair, stream frameStream, abort func(), dialled bool, remote hello) *wireConn {
	c := &wireConn{
		pair: p, stream: stream, abort: abort, dialled: dialled, remote: remote,
		wake: make(chan struct{}, 1), slots: make(chan struct{}, dataSlots),
		kick: make(chan struct{}, 1), beats: make(chan struct{}, 1),
		inbox: make(chan Envelope, 2*controlWindow), ackers: make(chan *Session, maxStreams),
	}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	return c
}

// run serves the connection until it ends, and returns why.
func (c *wireConn) run() error {
	var g errgroup.Group
	for _, loop := range []func() error{c.read, c.write, c.sendControl, c.deliverControl, c.beatLoop, c.ackLoop} {
		g.Go(func() error {
			err := loop()
			c.fail(err)
			return err
		})
	}
	<-c.ctx.Done()
	c.pair.detach(c, context.Cause(c.ctx))
	c.abort()
	_ = g.Wait() // the cause says more than whichever loop noticed first
	return context.Cause(c.ctx)
}

// fail ends the connection; the first cause counts.
func (c *wireConn) fail(err error) { c.cancel(err) }

// sendUrgent queues a small frame ahead of data. It never blocks, so the reader may call it.
func (c *wireConn) sendUrgent(f *frame) {
	c.mu.Lock()
	full := len(c.urgent) >= maxUrgent
	if !full {
		c.urgent = append(c.urgent, f)
	}
	c.mu.Unlock()
	if full {
		c.fail(fault.New(fault.LimitExceeded, "link.Link", "%d small frames wait for a peer that does not read", maxUrgent))
		return
	}
	signal(c.wake)
}

// sendData queues a frame and blocks while the line is full.
func (c *wireConn) sendData(ctx context.Context, f *frame) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return canceled(ctx, "link.Send")
	case <-c.ctx.Done():
		return c.pair.lostFault("the connection to the peer ended")
	}
	c.enqueue(queued{f, true})
	return nil
}

// sendLast queues a frame behind all data without waiting for a slot: CLOSE comes once per stream.
func (c *wireConn) sendLast(f *frame) { c.enqueue(queued{f, false}) }

func (c *wireConn) enqueue(q queued) {
	c.mu.Lock()
	c.data = append(c.data, q)
	c.mu.Unlock()
	signal(c.wake)
}

// write sends urgent frames first, then data, in the order they were queued.
func (c *wireConn) write() error {
	for {
		f, slot := c.next()
		if f == nil {
			select {
			case <-c.wake:
				continue
			case <-c.ctx.Done():
				return context.Cause(c.ctx)
			}
		}
		err := c.stream.SendMsg(f)
		if slot {
			<-c.slots
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, "link.Link", err, "the connection broke while sending")
		}
	}
}

func (c *wireConn) next() (f *frame, slot bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.urgent) > 0 {
		f = c.urgent[0]
		c.urgent[0] = nil
		c.urgent = c.urgent[1:]
		return f, false
	}
	if len(c.data) > 0 {
		q := c.data[0]
		c.data[0] = queued{}
		c.data = c.data[1:]
		return q.f, q.slot
	}
	return nil, false
}

// read takes every frame off the stream. Nothing here waits for anyone: sessions have room for what credit allows, the
// inbox for what the control window allows.
func (c *wireConn) read() error {
	for {
		var f frame
		if err := c.stream.RecvMsg(&f); err != nil {
			return fault.Wrap(fault.Unavailable, "link.Link", err, "the connection broke")
		}
		if f.err == nil {
			c.pair.heard.Store(c.pair.link.cfg.Now().UnixNano())
			f.err = c.dispatch(&f)
		}
		if f.err != nil {
			return fault.Blame(f.err, string(c.pair.id))
		}
	}
}

func (c *wireConn) dispatch(f *frame) error {
	if f.stream == 0 {
		return c.dispatchControl(f)
	}
	switch f.kind {
	case kindOpen:
		o, err := parseOpen(f.payload)
		if err != nil {
			return err
		}
		return c.pair.onOpen(c, f.stream, o)
	case kindReset:
		r, err := parseReset(f.payload)
		if err != nil {
			return err
		}
		c.pair.onReset(f.stream, r)
		return nil
	}
	s := c.pair.at(f.stream)
	if s == nil {
		return nil // the session ended here; what the peer sent before it heard of that is dropped
	}
	switch f.kind {
	case kindData:
		now, timer, err := s.onData(f)
		if now {
			c.sendUrgent(s.ack())
		}
		if timer {
			c.ackSoon(s)
		}
		return err
	case kindCredit:
		n, err := parseCredit(f.payload)
		if err != nil {
			return err
		}
		return s.onCredit(n)
	case kindAck:
		return s.onAck(f.seq)
	case kindClose:
		s.onClose()
		return nil
	}
	return fault.New(fault.Misbehaved, "link.Link", "frame kind %d on a session", f.kind)
}

func (c *wireConn) dispatchControl(f *frame) error {
	switch f.kind {
	case kindControl:
		select {
		case c.inbox <- Envelope{f.seq, f.payload}:
			return nil
		default:
			return fault.New(fault.Misbehaved, "link.Link", "more than %d control messages outstanding", 2*controlWindow)
		}
	case kindAck:
		c.mu.Lock()
		c.ack, c.resend = max(c.ack, f.seq), c.resend || f.flags&flagResend != 0
		c.mu.Unlock()
		signal(c.kick)
		return nil
	case kindBeat:
		return c.onBeat(f)
	case kindClose:
		return fault.New(fault.PeerAborted, "link.Link", "the peer closed the link")
	case kindReset:
		r, err := parseReset(f.payload)
		if err != nil {
			return err
		}
		return fault.New(fault.PeerAborted, "link.Link", "the peer ended the link: %s %s", r.code, r.reason)
	}
	return fault.New(fault.Misbehaved, "link.Link", "frame kind %d on the control stream", f.kind)
}

func (c *wireConn) onBeat(f *frame) error {
	if len(f.payload) > maxBeatBytes {
		return fault.New(fault.LimitExceeded, "link.Link", "a heartbeat of %d bytes, at most %d", len(f.payload), maxBeatBytes)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.seq < c.beatSeq {
		return nil // stale
	}
	c.beat, c.beatSeq, c.haveBeat = f.payload, f.seq+1, true
	signal(c.beats)
	return nil
}

// beatLoop sends a heartbeat now and every BeatEvery, and hands up the newest of the peer's.
func (c *wireConn) beatLoop() error {
	cfg := &c.pair.link.cfg
	tick := time.NewTicker(cfg.BeatEvery)
	defer tick.Stop()
	for seq := uint64(0); ; {
		f := &frame{kind: kindBeat, seq: seq}
		seq++
		if cfg.Beat != nil {
			f.payload = cfg.Beat(c.pair.id)
		}
		if len(f.payload) > maxBeatBytes {
			return fault.New(fault.Internal, "link.Link", "a heartbeat of %d bytes, at most %d", len(f.payload), maxBeatBytes)
		}
		c.sendUrgent(f)
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				waiting = false
			case <-c.beats:
				c.handBeat()
			case <-c.ctx.Done():
				return context.Cause(c.ctx)
			}
		}
	}
}

func (c *wireConn) handBeat() {
	c.mu.Lock()
	b, have := c.beat, c.haveBeat
	c.beat, c.haveBeat = nil, false
	c.mu.Unlock()
	if f := c.pair.link.cfg.OnBeat; have && f != nil {
		f(c.pair.id, b)
	}
}

// ackSoon lets ackLoop acknowledge what s has received.
func (c *wireConn) ackSoon(s *Session) {
	select {
	case c.ackers <- s:
	default: // full only while a thousand others wait; the next 4 MiB acknowledge
	}
}

// ackLoop acknowledges, ackDelay after the first frame, whatever has come by then.
func (c *wireConn) ackLoop() error {
	for {
		var due []*Session
		select {
		case s := <-c.ackers:
			due = append(due, s)
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
		if err := sleep(c.ctx, ackDelay); err != nil {
			return context.Cause(c.ctx)
		}
		for more := true; more; {
			select {
			case s := <-c.ackers:
				due = append(due, s)
			default:
				more = false
			}
		}
		for _, s := range due {
			c.sendUrgent(s.ack())
		}
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// malformed reports whether an error means that the peer's bytes were wrong, as opposed to missing.
func malformed(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Culprit != "" && (e.Code == fault.Misbehaved || e.Code == fault.Corrupt || e.Code == fault.LimitExceeded)
}
