package link

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const maxParked = 1024 // OPENs waiting for this side's Open; one more is reset

// pair is what this node knows about one peer: the connection, if any, and the sessions.
//
// Locks: pair.mu before Session.mu and wireConn.mu; none is held across a send, a receive or a callback.
type pair struct {
	link  *Link
	id    party.ID
	leads bool // this side's id is the smaller: it allocates streams and chooses between crossing connections
	loans loans
	heard atomic.Int64 // UnixNano of the last frame

	tell sync.Mutex // orders OnState calls

	mu         sync.Mutex
	status     Status
	conn       *wireConn
	changed    chan struct{} // closed and replaced when conn or status changes
	dialing    bool
	stopDial   context.CancelFunc
	sessions   map[sessionKey]*Session
	streams    map[uint32]*Session // on conn
	parked     map[sessionKey]parkedOpen
	nextStream uint32
	closed     bool
	delivered  uint64      // highest control message consumed, as far as this process knows
	faults     []time.Time // when the peer last sent something malformed
}

type parkedOpen struct {
	open   open
	conn   *wireConn
	stream uint32
}

func newPair(l *Link, id party.ID) *pair {
	return &pair{
		link: l, id: id, leads: l.cfg.Self < id, changed: make(chan struct{}),
		status:   Status{Peer: id, Since: l.cfg.Now()},
		sessions: map[sessionKey]*Session{}, streams: map[uint32]*Session{}, parked: map[sessionKey]parkedOpen{},
	}
}

func (p *pair) current() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.status
	if ns := p.heard.Load(); ns != 0 {
		st.Heard = time.Unix(0, ns).UTC()
	}
	return st
}

func (p *pair) live() *wireConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn
}

// set moves to a state and tells OnState. A cause gives code and reason. While a connection stands, what a failed dial says is not
// news.
func (p *pair) set(s State, cause error) {
	p.tell.Lock()
	defer p.tell.Unlock()
	p.mu.Lock()
	same := p.status.State == s && s != Up && (cause == nil || fault.ReasonOf(cause) == p.status.Reason)
	if (p.conn != nil) != (s == Up || s == Draining) || same {
		p.mu.Unlock()
		return
	}
	p.status = Status{Peer: p.id, State: s, Since: p.link.cfg.Now()}
	if cause != nil {
		p.status.Code, p.status.Reason = fault.CodeOf(cause), fault.ReasonOf(cause)
	}
	if p.conn != nil {
		p.status.Epoch = p.conn.remote.epoch
	}
	st := p.status
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	p.link.cfg.Logger.Info("link", slog.String("peer", string(p.id)), slog.String("state", st.State.String()),
		slog.String("code", outcome(cause)), slog.String("reason", st.Reason))
	if p.link.cfg.OnState != nil {
		p.link.cfg.OnState(st)
	}
}

// adopt makes c the connection of the pair; what stood before ends. At the smaller id it refuses, reporting false, while one of
// the same peer process stands; the larger follows the smaller's HELLO, which came because the smaller adopted c.
func (p *pair) adopt(c *wireConn) bool {
	p.mu.Lock()
	old := p.conn
	if p.leads && old != nil && old.remote.epoch == c.remote.epoch {
		p.mu.Unlock()
		return false
	}
	p.conn, p.nextStream = c, 1
	lost := p.clearStreams()
	stop := p.stopDial
	p.mu.Unlock()
	if old != nil {
		err := p.lostFault("the connection was replaced")
		old.fail(err)
		endAll(lost, err)
	}
	if stop != nil && !c.dialled {
		stop() // a dial under way is not needed any more
	}
	p.set(Up, nil)
	return true
}

// detach ends what ran on c, if c is still the connection.
func (p *pair) detach(c *wireConn, cause error) {
	p.mu.Lock()
	if p.conn != c {
		p.mu.Unlock()
		return
	}
	p.conn = nil
	lost := p.clearStreams()
	p.mu.Unlock()
	endAll(lost, p.lostFault("the connection to the peer ended"))
	p.set(Broken, cause)
}

// clearStreams forgets everything tied to the connection; under mu.
func (p *pair) clearStreams() []*Session {
	lost := make([]*Session, 0, len(p.streams))
	for _, s := range p.streams {
		lost = append(lost, s)
		delete(p.sessions, s.id.key())
	}
	clear(p.streams)
	clear(p.parked)
	return lost
}

func endAll(lost []*Session, err error) {
	for _, s := range lost {
		s.broken(err)
	}
}

func (p *pair) lostFault(reason string) error {
	return &fault.Error{Code: fault.PeerAborted, Op: "link.Session", Culprit: string(p.id), Reason: reason}
}

func (p *pair) disconnect() {
	p.mu.Lock()
	c, stop := p.conn, p.stopDial
	p.dialing = false
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
	if c != nil {
		c.fail(fault.New(fault.Canceled, "link.Disconnect", "disconnected here"))
	}
}

// drain says goodbye after what was sent, and waits until the peer has read it.
func (p *pair) drain() {
	p.mu.Lock()
	p.closed = true
	c := p.conn
	p.mu.Unlock()
	if c == nil {
		p.endSessions(closedFault())
		return
	}
	p.set(Draining, nil)
	c.sendLast(&frame{kind: kindClose})
	p.endSessions(closedFault())
	select {
	case <-c.ctx.Done():
	case <-time.After(drainTimeout):
	}
	c.fail(closedFault())
}

// refuse stops retrying: who waits for a session hears why, and later Opens do until something changes.
func (p *pair) refuse(cause error) {
	p.set(Refused, cause)
	p.mu.Lock()
	refused := p.status.State == Refused
	p.mu.Unlock()
	if refused {
		p.endSessions(fault.Blame(cause, string(p.id)))
	}
}

func (p *pair) endSessions(err error) {
	p.mu.Lock()
	all := make([]*Session, 0, len(p.sessions))
	for _, s := range p.sessions {
		all = append(all, s)
	}
	p.mu.Unlock()
	for _, s := range all {
		s.fail(err)
	}
}

// open registers a session, opens or answers it, and waits for the peer.
func (p *pair) open(ctx context.Context, id SessionID) (*Session, error) {
	s := newSession(p, id)
	if err := p.register(s); err != nil {
		return nil, err
	}
	if p.leads {
		if err := p.offer(ctx, s); err != nil {
			s.fail(err)
			return nil, err
		}
	} else {
		p.answerParked(s)
	}
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (p *pair) register(s *Session) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return closedFault()
	}
	if p.sessions[s.id.key()] != nil {
		return fault.New(fault.Exists, "link.Open", "the session of this step and attempt with %s is open already", p.id)
	}
	if len(p.sessions) >= maxStreams {
		return fault.New(fault.LimitExceeded, "link.Open", "%d sessions with %s, at most %d", len(p.sessions), p.id, maxStreams)
	}
	if p.status.State == Refused {
		return &fault.Error{Code: p.status.Code, Op: "link.Open", Culprit: string(p.id), Reason: p.status.Reason}
	}
	p.sessions[s.id.key()] = s
	return nil
}

// offer sends OPEN once a connection is there.
func (p *pair) offer(ctx context.Context, s *Session) error {
	for {
		p.mu.Lock()
		if c := p.conn; c != nil {
			p.attach(s, c, p.nextStream)
			p.nextStream++
			p.mu.Unlock()
			return nil
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-s.ended:
			return s.terminal()
		case <-ctx.Done():
			return canceled(ctx, "link.Open")
		}
	}
}

// attach ties s to a stream of c and sends OPEN, the offer or the answer; under mu, so that a RESET cannot overtake it.
func (p *pair) attach(s *Session, c *wireConn, stream uint32) bool {
	if !s.attach(c, stream) {
		return false
	}
	p.streams[stream] = s
	c.sendUrgent(open{id: s.id, credit: s.loan()}.frame(stream))
	return true
}

// forget removes an ended session and gives its window back. It is called once or more.
func (p *pair) forget(s *Session, c *wireConn, stream uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[s.id.key()] == s {
		delete(p.sessions, s.id.key())
	}
	if c != nil && p.streams[stream] == s {
		delete(p.streams, stream)
	}
	p.loans.giveBack(s.endLoan())
}

// answerParked answers the peer's OPEN if it came first.
func (p *pair) answerParked(s *Session) {
	p.mu.Lock()
	po, ok := p.parked[s.id.key()]
	if ok {
		delete(p.parked, s.id.key())
	}
	p.mu.Unlock()
	if ok {
		p.answer(s, po)
	}
}

// answer compares the bindings and completes or refuses the session.
func (p *pair) answer(s *Session, po parkedOpen) {
	if s.attached() {
		po.conn.sendUrgent(reset{code: fault.Exists, reason: "open already"}.frame(po.stream))
		return
	}
	if !sameBinding(s.id, po.open.id) {
		s.fail(bindingDiffers(p.id))
		po.conn.sendUrgent(reset{code: fault.PlanMismatch}.frame(po.stream))
		return
	}
	p.mu.Lock()
	ok := p.conn == po.conn && p.attach(s, po.conn, po.stream)
	p.mu.Unlock()
	if ok {
		s.establish(po.open.credit)
		return
	}
	po.conn.sendUrgent(reset{code: fault.Canceled}.frame(po.stream))
}

// onOpen takes the peer's offer (at the larger id) or answer (at the smaller).
//
// Errors: fault.Misbehaved when the peer may not send it.
func (p *pair) onOpen(c *wireConn, stream uint32, o open) error {
	if p.leads {
		return p.onAnswer(stream, o)
	}
	if stream == 0 {
		return fault.New(fault.Misbehaved, "link.open", "a session on the control stream")
	}
	key, po := o.id.key(), parkedOpen{o, c, stream}
	p.mu.Lock()
	s, twice, crowded := p.sessions[key], p.streams[stream] != nil, len(p.parked) >= maxParked
	if _, there := p.parked[key]; there {
		twice = true
	}
	if s == nil && !twice && !crowded {
		p.parked[key] = po
	}
	p.mu.Unlock()
	switch {
	case twice:
		c.sendUrgent(reset{code: fault.Exists, reason: "offered already"}.frame(stream))
	case s != nil:
		p.answer(s, po)
	case crowded:
		c.sendUrgent(reset{code: fault.LimitExceeded, reason: "too many sessions not opened here"}.frame(stream))
	}
	return nil
}

func (p *pair) onAnswer(stream uint32, o open) error {
	s := p.at(stream)
	if s == nil {
		return nil // it crossed our RESET
	}
	if s.id.key() != o.id.key() {
		return fault.New(fault.Misbehaved, "link.open", "an answer for another session")
	}
	if !sameBinding(s.id, o.id) {
		s.reset(fault.PlanMismatch, "", bindingDiffers(p.id))
		return nil
	}
	s.establish(o.credit)
	return nil
}

func (p *pair) at(stream uint32) *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams[stream]
}

func (p *pair) onReset(stream uint32, r reset) {
	p.mu.Lock()
	s := p.streams[stream]
	for key, po := range p.parked {
		if po.stream == stream {
			delete(p.parked, key)
		}
	}
	p.mu.Unlock()
	if s != nil {
		s.onReset(r)
	}
}

func sameBinding(a, b SessionID) bool {
	return subtle.ConstantTimeCompare(a.Binding[:], b.Binding[:]) == 1
}

func bindingDiffers(peer party.ID) error {
	return fault.New(fault.PlanMismatch, "link.Open", "%s holds another binding for this step and attempt: plan, approvals or start mark differ", peer)
}
