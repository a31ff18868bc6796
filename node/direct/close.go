package direct

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	// abortLimit is how long Abort tries to tell the peer.
	abortLimit = time.Second

	// lingerLimit is how long a side that has nothing more to say waits for the peer's end of the connection: TCP resets a
	// connection that is closed with bytes unread, and the reset may overtake our own last ones.
	lingerLimit = time.Second

	orderly = 0 // the byte in CLOSE, where an abort has the exit code of its fault
)

// Close ends the connection in order: it sends what is pending and waits, at most Config.Idle, until the peer has it all. Later
// calls of Send and Recv fail, and what has arrived and was not asked for is lost. Only the first Close or Abort counts.
//
// Errors, when the peer may not have everything: fault.Timeout, and what had ended the connection before.
func (c *Conn) Close() (err error) {
	c.closes.Do(func() {
		c.leave(orderly)
		timer := time.NewTimer(c.cfg.Idle)
		defer timer.Stop()
		select {
		case <-c.settled.Done():
			if !c.delivered() {
				err = c.settled.cause()
			}
		case <-timer.C:
			err = fault.New(fault.Timeout, "direct.Close", "the peer did not take everything within %s", c.cfg.Idle)
		}
		c.hangUp()
	})
	return err
}

// Abort ends the connection at once. The peer's calls fail with fault.PeerAborted naming why, where that can still be told.
func (c *Conn) Abort(why fault.Code) {
	c.closes.Do(func() {
		c.mu.Lock()
		c.pending = c.pending[:0]
		c.mu.Unlock()
		c.leave(byte(why.ExitCode()))
		c.hangUp()
	})
}

// leave puts CLOSE behind what is pending. From here on the reader drops what comes.
func (c *Conn) leave(code byte) {
	c.mu.Lock()
	c.pending = append(appendHeader(c.pending, kindClose, 1), code)
	c.closing = true
	c.inbox, c.held = nil, 0
	c.mu.Unlock()
	c.ended.with(fault.New(fault.Canceled, "direct.Close", "this side closed the connection"))
	signal(c.wake)
	signal(c.taken)
}

// hangUp lets the writer finish, ends this direction, and waits a moment for the end of the other.
func (c *Conn) hangUp() {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	c.sock.hurry(abortLimit)
	signal(c.wake)
	<-c.writes                // bounded by hurry
	_ = c.stream.CloseWrite() // of a broken connection: nothing to end
	_ = c.sock.CloseWrite()
	timer := time.NewTimer(lingerLimit)
	defer timer.Stop()
	select {
	case <-c.reads:
	case <-timer.C:
	}
	c.fail(fault.New(fault.Canceled, "direct.Close", "this side closed the connection"))
	_ = c.loops.Wait() // their errors have ended the connection already
}

func (c *Conn) delivered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heldAll
}

// peerHasAll lets Close return.
func (c *Conn) peerHasAll() {
	c.mu.Lock()
	c.heldAll = true
	c.mu.Unlock()
	c.settled.with(nil)
}

// parted reports whether the peer has closed in order: what it sent before is still to be received.
func (c *Conn) parted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heldAll
}

// peerClosed answers CLOSE: everything before it has come. Calls fail once the inbox is empty; the loops go on until the peer
// ends the connection, so that the answer arrives.
func (c *Conn) peerClosed(code byte) error {
	gone := &fault.Error{Code: fault.PeerAborted, Op: "direct.Recv", Culprit: string(c.peer), Reason: "the peer closed the connection"}
	if code != orderly {
		gone.Reason = "the peer gave up"
		for _, why := range fault.Codes() {
			if why.ExitCode() == int(code) {
				gone.Reason += ": " + why.String()
			}
		}
	}
	c.mu.Lock()
	c.pending = appendHeader(c.pending, kindClosed, 0)
	c.mu.Unlock()
	signal(c.wake)
	if code == orderly {
		c.peerHasAll() // or wants no more, which is the same to whoever closes
		c.ended.with(gone)
		return nil
	}
	c.ended.with(gone)
	c.settled.with(gone)
	return nil
}
