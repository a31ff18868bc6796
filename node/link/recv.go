package link

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

const ackEveryBytes = 4 << 20 // or after ackDelay, whichever is first

// recvHalf is what a session knows about its incoming direction, under Session.mu.
type recvHalf struct {
	queue      []part
	partial    []byte // the parts of a message taken from the queue before its last
	recvSeq    uint64 // DATA frames received
	recvCredit int64  // bytes the peer may still send
	window     int64  // what it may have outstanding; grows as other streams give their loans back
	freed      int64  // consumed and not granted again yet
	unacked    int64  // bytes received since the last ACK
	ackDue     bool   // a timer will send the ACK
}

// part is the payload of one DATA frame.
type part struct {
	payload []byte
	last    bool
}

// Recv implements protocols.Conn. A message interrupted by ctx is not lost: the next Recv goes on with it.
//
// Errors: fault.PeerAborted (the peer closed, reset or is gone), fault.LimitExceeded with the peer as culprit (a message over
// protocols.MaxMessage), fault.Canceled and fault.Timeout (ctx, or Close here).
func (s *Session) Recv(ctx context.Context) ([]byte, error) {
	for {
		msg, ok, err := s.tryRecv()
		if ok || err != nil {
			return msg, err
		}
		select {
		case <-s.readable:
		case <-s.ended:
		case <-ctx.Done():
			return nil, canceled(ctx, "link.Recv")
		}
	}
}

// tryRecv takes parts from the queue until a message is whole, and grants their room to the peer again.
func (s *Session) tryRecv() (msg []byte, whole bool, err error) {
	s.mu.Lock()
	msg, whole, err = s.take()
	grant := s.grant()
	c, stream := s.conn, s.stream
	s.mu.Unlock()
	switch {
	case fault.CodeOf(err) == fault.LimitExceeded && err != nil:
		s.reset(fault.LimitExceeded, "message too long", err)
		return nil, false, err
	case err != nil:
		return nil, false, err
	case grant > 0:
		c.sendUrgent(creditFrame(stream, grant))
	}
	if whole {
		s.recvBytes.Add(int64(len(msg)))
	}
	return msg, whole, nil
}

func (s *Session) take() ([]byte, bool, error) {
	for len(s.queue) > 0 && (s.state == stateOpen || s.state == stateClosing) {
		p := s.queue[0]
		s.queue[0] = part{}
		s.queue = s.queue[1:]
		s.freed += cost(len(p.payload))
		if len(s.partial)+len(p.payload) > protocols.MaxMessage {
			return nil, false, &fault.Error{
				Code: fault.LimitExceeded, Op: "link.Recv", Culprit: string(s.pair.id),
				Reason: "a message of more than the 1 MiB any message may have",
			}
		}
		if p.last && s.partial == nil {
			return p.payload, true, nil // zero-copy: the frame's own buffer
		}
		s.partial = append(s.partial, p.payload...)
		if p.last {
			msg := s.partial
			s.partial = nil
			return msg, true, nil
		}
	}
	switch s.state {
	case stateEnded:
		return nil, false, s.err
	case stateClosing:
		return nil, false, s.aborted("the peer closed the session")
	}
	return nil, false, nil
}

// grant returns the credit to give back now: a quarter of the window at least, so that credit does not travel byte by byte.
func (s *Session) grant() int64 {
	if s.state != stateOpen || s.freed < s.window/4 {
		return 0
	}
	larger := s.pair.loans.take(s.window, s.pair.link.cfg.WindowBytes)
	n := s.freed + larger - s.window
	s.window, s.freed = larger, 0
	s.recvCredit += n
	return n
}

// onData takes a DATA frame. It never blocks: the peer's credit is room that exists. It reports whether to acknowledge
// now or to start the timer that will.
//
// Errors: fault.Misbehaved (before the session is open, after CLOSE, over the credit), fault.Corrupt (a frame is missing).
func (s *Session) onData(f *frame) (ackNow, startTimer bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const op = "link.Session"
	c := cost(len(f.payload))
	switch {
	case s.state == stateEnded:
		return false, false, nil // it crossed our RESET
	case s.state != stateOpen:
		return false, false, fault.New(fault.Misbehaved, op, "payload outside an open session")
	case f.seq < s.recvSeq:
		return false, false, nil // a duplicate
	case f.seq > s.recvSeq:
		return false, false, fault.New(fault.Corrupt, op, "frame %d came, %d expected", f.seq, s.recvSeq)
	case c > s.recvCredit:
		return false, false, fault.New(fault.Misbehaved, op, "a frame over the credit left")
	}
	s.recvSeq++
	s.recvCredit -= c
	s.queue = append(s.queue, part{f.payload, f.flags&flagLast != 0})
	signal(s.readable)
	if s.unacked += c; s.unacked >= ackEveryBytes {
		s.unacked = 0
		return true, false, nil
	}
	start := !s.ackDue
	s.ackDue = true
	return false, start, nil
}

// ack returns the acknowledgement that is due.
func (s *Session) ack() *frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked, s.ackDue = 0, false
	return &frame{kind: kindAck, stream: s.stream, seq: s.recvSeq}
}

// onClose notes that the peer will send no more.
func (s *Session) onClose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpen {
		s.state = stateClosing
		signal(s.readable)
		signal(s.sendable)
	}
}

// onReset ends the session as the peer asked. A difference in what both sides hold is the same fault at both; any other code
// is the peer's own affair, and here the peer stopped.
func (s *Session) onReset(r reset) {
	s.mu.Lock()
	opening := s.state == stateOpening
	s.mu.Unlock()
	if opening && r.code == fault.PlanMismatch {
		s.fail(bindingDiffers(s.pair.id))
		return
	}
	reason := "the peer reset the session: " + r.code.String()
	if r.reason != "" {
		reason += ", " + r.reason
	}
	s.fail(s.aborted(reason))
}
