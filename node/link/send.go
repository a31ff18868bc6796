package link

import (
	"context"

	"google.golang.org/grpc/mem"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// sendHalf is what a session knows about its outgoing direction, under Session.mu.
type sendHalf struct {
	sendCredit int64  // bytes the peer still has room for
	sendSeq    uint64 // DATA frames sent
	acked      uint64 // of them, those the peer has received
}

// Send implements protocols.Conn. The message is copied before Send returns. It blocks while the peer's window or the
// connection is full.
//
// Errors: fault.LimitExceeded (over protocols.MaxMessage), fault.PeerAborted (the peer closed, reset or is gone),
// fault.Canceled and fault.Timeout (ctx, or Close here). A message cut short by ctx ends the session.
func (s *Session) Send(ctx context.Context, msg []byte) error {
	if len(msg) > protocols.MaxMessage {
		return fault.New(fault.LimitExceeded, "link.Send", "a message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	for rest, first := msg, true; first || len(rest) > 0; first = false {
		n, seq, c, err := s.reserve(ctx, len(rest))
		if err != nil {
			return s.cut(ctx, !first, err)
		}
		if err := c.sendData(ctx, s.dataFrame(rest[:n], seq, n == len(rest))); err != nil {
			return s.cut(ctx, true, err)
		}
		rest = rest[n:]
	}
	s.sentBytes.Add(int64(len(msg)))
	return nil
}

// cut ends a Send that failed with err. When ctx ended it and a part is gone or a frame number used, the session cannot go on:
// the peer would see a hole. Otherwise the reason the session ended for says more than the step that failed.
func (s *Session) cut(ctx context.Context, begun bool, err error) error {
	select {
	case <-s.ended:
		return s.terminal()
	default:
	}
	if begun && ctx.Err() != nil {
		s.reset(fault.CodeOf(ctx.Err()), "a message was cut short", err)
	}
	return err
}

func (s *Session) dataFrame(part []byte, seq uint64, last bool) *frame {
	f := &frame{kind: kindData, stream: s.stream, seq: seq}
	if last {
		f.flags = flagLast
	}
	if len(part) > 0 {
		f.body = mem.Copy(part, mem.DefaultBufferPool()) // freed by gRPC once written
	}
	return f
}

// reserve waits for credit for up to want bytes, takes it, and returns how many may go as the frame of that number.
func (s *Session) reserve(ctx context.Context, want int) (n int, seq uint64, c *wireConn, err error) {
	for {
		if n, seq, c, err = s.tryReserve(want); c != nil || err != nil {
			return n, seq, c, err
		}
		select {
		case <-s.sendable:
		case <-s.ended:
		case <-ctx.Done():
			return 0, 0, nil, canceled(ctx, "link.Send")
		}
	}
}

func (s *Session) tryReserve(want int) (int, uint64, *wireConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == stateEnded:
		return 0, 0, nil, s.err
	case s.state == stateClosing:
		return 0, 0, nil, s.aborted("the peer closed the session")
	case s.sendCredit < cost(min(want, 1)):
		return 0, 0, nil, nil
	}
	n := min(want, maxPayloadBytes, int(s.sendCredit-headerBytes))
	s.sendCredit -= cost(n)
	seq := s.sendSeq
	s.sendSeq++
	return n, seq, s.conn, nil
}

// onCredit takes a grant of the peer.
//
// Errors: fault.Misbehaved when the credit passes every possible window.
func (s *Session) onCredit(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateEnded {
		return nil
	}
	if s.sendCredit += n; s.sendCredit > maxCredit {
		return fault.New(fault.Misbehaved, "link.Session", "a credit of %d bytes, at most %d", s.sendCredit, int64(maxCredit))
	}
	signal(s.sendable)
	return nil
}

// onAck notes that the peer has received every frame before next.
//
// Errors: fault.Misbehaved when next was never sent.
func (s *Session) onAck(next uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next > s.sendSeq {
		return fault.New(fault.Misbehaved, "link.Session", "an acknowledgement of frame %d, %d sent", next, s.sendSeq)
	}
	s.acked = max(s.acked, next)
	return nil
}
