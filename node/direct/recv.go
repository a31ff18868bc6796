package direct

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// readerBytes lets short frames share a read; the payload of a longer one goes straight to its message.
const readerBytes = 16 << 10

// Recv implements protocols.Conn. Messages that arrived before the connection ended are still delivered.
//
// Errors: those of Send, fault.Timeout with the peer as culprit (Config.Answer), fault.LimitExceeded with the peer as culprit (a frame too long).
func (c *Conn) Recv(ctx context.Context) ([]byte, error) {
	if msg, ok := c.next(); ok {
		c.recvd.Add(int64(len(msg)))
		return msg, nil
	}
	late := time.NewTimer(c.cfg.Answer)
	defer late.Stop()
	for {
		if msg, ok := c.next(); ok {
			c.recvd.Add(int64(len(msg)))
			return msg, nil
		}
		select {
		case <-c.arrived:
		case <-ctx.Done():
			return nil, canceled(ctx, "direct.Recv")
		case <-late.C:
			return nil, fault.Blame(fault.New(fault.Timeout, "direct.Recv", "the peer is connected and sent no message for %s", c.cfg.Answer), string(c.peer))
		case <-c.ended.Done():
			if msg, ok := c.next(); ok { // it may have come with the end
				c.recvd.Add(int64(len(msg)))
				return msg, nil
			}
			return nil, c.ended.cause()
		}
	}
}

// next takes the oldest message out of the inbox.
func (c *Conn) next() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.inbox) == 0 {
		return nil, false
	}
	msg := c.inbox[0]
	c.inbox[0] = nil
	c.inbox = c.inbox[1:]
	c.held -= headerBytes + len(msg)
	signal(c.taken)
	return msg, true
}

// read takes frames off the stream while the inbox has room, and drops messages once this side closes.
func (c *Conn) read() error {
	r := bufio.NewReaderSize(c.stream, readerBytes)
	for {
		if err := c.waitForRoom(); err != nil {
			return err
		}
		h, payload, err := readFrame(r)
		if err != nil {
			return c.unreadable(err)
		}
		switch h.kind {
		case kindData:
			c.deliver(payload)
		case kindClosed:
			c.peerHasAll()
		case kindClose:
			if err := c.peerClosed(payload[0]); err != nil {
				return err
			}
		}
	}
}

// readFrame reads one frame; a payload is allocated once its length is known to be within bounds.
func readFrame(r io.Reader) (header, []byte, error) {
	var b [headerBytes]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, nil, err
	}
	h, err := decodeHeader(b[:])
	if err != nil {
		return header{}, nil, err
	}
	payload := make([]byte, h.n)
	_, err = io.ReadFull(r, payload)
	return h, payload, err
}

func (c *Conn) unreadable(err error) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded:
		return fault.Blame(err, string(c.peer))
	}
	return c.broken("direct.Recv", err)
}

func (c *Conn) waitForRoom() error {
	for {
		c.mu.Lock()
		full := c.held >= recvWindow && !c.closing
		c.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-c.taken:
		case <-c.broke.Done():
			return c.broke.cause()
		}
	}
}

func (c *Conn) deliver(msg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.inbox = append(c.inbox, msg)
	c.held += headerBytes + len(msg)
	signal(c.arrived)
}
