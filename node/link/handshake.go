package link

import (
	"context"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// shake receives the peer's HELLO over a fresh stream, and sends ours unless this side's id is the smaller: then ours is the
// decision for this connection, and talk sends it once the connection is adopted.
//
// Errors: fault.Unsupported (no common version, both sides find it), fault.Unauthenticated (HELLO names another party than the
// certificate), fault.Misbehaved, fault.Unavailable.
func (p *pair) shake(ctx context.Context, stream frameStream, abort func()) (hello, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, abort)
	defer stop()
	own := p.hello()
	if !p.leads {
		if err := sendFrame(stream, own.frame()); err != nil {
			return hello{}, err
		}
	}
	peer, err := p.recvHello(stream)
	if err != nil {
		return hello{}, err
	}
	err = compatible(own, peer)
	if err != nil && p.leads {
		_ = sendFrame(stream, own.frame()) // so that the peer finds the same
	}
	return peer, err
}

func (p *pair) hello() hello {
	p.mu.Lock()
	defer p.mu.Unlock()
	cfg := &p.link.cfg
	return hello{party: cfg.Self, wire: WireVersions(), compiler: cfg.Compiler, epoch: p.link.epoch, delivered: p.delivered}
}

func sendFrame(stream frameStream, f *frame) error {
	return fault.Wrap(fault.Unavailable, "link.hello", stream.SendMsg(f), "the connection broke before HELLO")
}

func (p *pair) recvHello(stream frameStream) (hello, error) {
	var f frame
	if err := stream.RecvMsg(&f); err != nil {
		return hello{}, fault.Wrap(fault.Unavailable, "link.hello", err, "the connection broke before HELLO")
	}
	h, err := helloOf(&f)
	if err != nil {
		return hello{}, fault.Blame(err, string(p.id))
	}
	if h.party != p.id {
		return hello{}, fault.New(fault.Unauthenticated, "link.hello", "%s speaks for another party", p.id)
	}
	return h, nil
}

func helloOf(f *frame) (hello, error) {
	switch {
	case f.err != nil:
		return hello{}, f.err
	case f.kind == kindReset && f.stream == 0:
		r, err := parseReset(f.payload)
		if err != nil {
			return hello{}, err
		}
		return hello{}, fault.New(fault.Unavailable, "link.hello", "the peer turned the connection away: %s %s", r.code, r.reason)
	case f.kind != kindHello || f.stream != 0:
		return hello{}, fault.New(fault.Misbehaved, "link.hello", "frame kind %d before HELLO", f.kind)
	}
	return parseHello(f.payload)
}

// talk runs a connection from HELLO to its end.
func (p *pair) talk(ctx context.Context, stream frameStream, abort func(), dialled bool) (wasUp bool, err error) {
	if dialled {
		p.set(Handshaking, nil)
	}
	peer, err := p.shake(ctx, stream, abort)
	if err != nil {
		return false, p.judge(err)
	}
	c := newWireConn(ctx, p, stream, abort, dialled, peer)
	if p.leads {
		c.sendUrgent(p.hello().frame()) // the first frame of the connection, should it be adopted
	}
	if !p.adopt(c) {
		_ = sendFrame(stream, reset{code: fault.Exists, reason: "a connection stands"}.frame(0))
		return false, fault.New(fault.Exists, "link.hello", "a connection with %s stands already", p.id)
	}
	return true, p.judge(c.run())
}

const (
	faultsKept  = 3
	faultsTerm  = 10 * time.Minute
	corruptText = "the peer sent malformed frames three times in ten minutes"
)

// judge decides whether an ended connection may be made again: not when versions or identity do not fit, and not when the peer's
// bytes were malformed for the third time in ten minutes.
func (p *pair) judge(err error) error {
	switch code := fault.CodeOf(err); {
	case code == fault.Unsupported || code == fault.Unauthenticated:
		p.refuse(err)
	case malformed(err) && p.thirdFault():
		err = &fault.Error{Code: code, Op: "link.Link", Culprit: string(p.id), Reason: corruptText, Err: err}
		p.refuse(err)
	}
	return err
}

func (p *pair) thirdFault() bool {
	now := p.link.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, now)
	if len(p.faults) > faultsKept {
		p.faults = p.faults[1:]
	}
	return len(p.faults) == faultsKept && now.Sub(p.faults[0]) < faultsTerm
}

// refusing reports whether the pair is Refused.
func (p *pair) refusing() bool { return p.current().State == Refused }
