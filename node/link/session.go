package link

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

type sessionState uint8

const (
	stateOpening sessionState = iota // Open was called; the peer has not answered
	stateOpen                        // both sides hold the same binding
	stateClosing                     // the peer has closed; what it sent before can still be received
	stateEnded                       // closed here, reset or broken; Session.err says which
)

// Session is one open conversation with a peer: a protocols.Conn and protocols.FlightCounter. One goroutine may send while
// another receives; Stats, Close and Reset may be called at any time. Whoever opened it calls Close or Reset.
type Session struct {
	id   SessionID
	pair *pair

	mu     sync.Mutex
	state  sessionState
	err    error // once ended
	conn   *wireConn
	stream uint32
	sendHalf
	recvHalf

	opened   chan struct{} // closed when state leaves Opening for Open
	ended    chan struct{} // closed when state becomes Ended
	sendable chan struct{} // one slot: credit came, or the state changed
	readable chan struct{} // one slot: a frame came, or the state changed

	sentBytes, recvBytes, flights atomic.Int64
}

// Stats are what a session has transferred: message bytes, without framing.
type Stats struct {
	SentBytes, RecvBytes int64
	Flights              int
	SentFrames           uint64
	AckedFrames          uint64 // of SentFrames, those the peer's node has received
}

func newSession(p *pair, id SessionID) *Session {
	return &Session{
		id: id, pair: p,
		opened: make(chan struct{}), ended: make(chan struct{}),
		sendable: make(chan struct{}, 1), readable: make(chan struct{}, 1),
	}
}

// Peer returns the other end's party.
func (s *Session) Peer() party.ID { return s.pair.id }

// Flight counts one flight; protocols.Exchange calls it.
func (s *Session) Flight() { s.flights.Add(1) }

// Stats returns what has been transferred so far.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		SentBytes: s.sentBytes.Load(), RecvBytes: s.recvBytes.Load(), Flights: int(s.flights.Load()),
		SentFrames: s.sendSeq, AckedFrames: s.acked,
	}
}

// Close ends the session normally, after what was sent. The peer receives that much and then fault.PeerAborted, should it want
// more. Calls here return fault.Canceled from now on; a second Close does nothing.
func (s *Session) Close() {
	c, stream, was := s.end(fault.New(fault.Canceled, "link.Session", "the session is closed here"))
	s.pair.forget(s, c, stream)
	switch {
	case c == nil || was == stateEnded:
	case was == stateOpening:
		c.sendUrgent(reset{code: fault.Canceled}.frame(stream))
	default:
		c.sendLast(&frame{kind: kindClose, stream: stream})
	}
}

// Reset ends the session at once. The peer's calls return fault.PeerAborted with the code in the reason; calls here
// return code.
func (s *Session) Reset(code fault.Code) {
	s.reset(code, "reset by "+string(s.pair.link.cfg.Self), fault.New(code, "link.Session", "the session was reset here"))
}

// reset ends the session with err here and RESET(code) there.
func (s *Session) reset(code fault.Code, reason string, err error) {
	c, stream, was := s.end(err)
	s.pair.forget(s, c, stream)
	if c != nil && was != stateEnded {
		c.sendUrgent(reset{code: code, reason: reason}.frame(stream))
	}
}

// fail ends the session with err, without a word to the peer.
func (s *Session) fail(err error) {
	c, stream, _ := s.end(err)
	s.pair.forget(s, c, stream)
}

// broken ends the session because its connection did. A peer that had closed before has said everything: that stays to be
// received.
func (s *Session) broken(err error) {
	s.mu.Lock()
	whole := s.state == stateClosing
	s.mu.Unlock()
	if !whole {
		s.fail(err)
	}
}

// end moves to Ended once and reports where the session was attached and in which state.
func (s *Session) end(err error) (*wireConn, uint32, sessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.state
	if was != stateEnded {
		s.state, s.err = stateEnded, err
		close(s.ended)
	}
	return s.conn, s.stream, was
}

// attach ties an opening session to a stream. It reports false when the session has ended meanwhile.
func (s *Session) attach(c *wireConn, stream uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpening || s.conn != nil {
		return false
	}
	s.conn, s.stream = c, stream
	s.window = s.pair.loans.take(0, s.pair.link.cfg.WindowBytes)
	s.recvCredit = s.window
	return true
}

// loan is the receive window the session holds.
func (s *Session) loan() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window
}

// endLoan returns the window to give back, once; the session has ended and does not enlarge it any more.
func (s *Session) endLoan() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.window
	s.window = 0
	return w
}

// attached reports whether the session has its stream.
func (s *Session) attached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// establish makes the session Open with the credit the peer grants.
func (s *Session) establish(credit int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpening {
		s.state, s.sendCredit = stateOpen, credit
		close(s.opened)
	}
}

// wait blocks until the session is open.
func (s *Session) wait(ctx context.Context) error {
	select {
	case <-s.opened:
		return nil
	case <-s.ended:
		return s.terminal()
	case <-ctx.Done():
		err := canceled(ctx, "link.Open")
		s.reset(fault.CodeOf(err), "the other side stopped waiting", err)
		return err
	}
}

func (s *Session) terminal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Session) aborted(reason string) error {
	return &fault.Error{Code: fault.PeerAborted, Op: "link.Session", Culprit: string(s.pair.id), Reason: reason}
}

func canceled(ctx context.Context, op string) error {
	return fault.Wrap(fault.CodeOf(ctx.Err()), op, ctx.Err(), "stopped while waiting for the peer")
}

// signal fills a one-slot channel.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
