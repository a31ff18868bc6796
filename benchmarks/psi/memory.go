package psibench

import (
	"context"
	"sync/atomic"

	apiparty "github.com/tacit-data/tacit/api/party"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// memoryWindow is the number of messages one direction of a memory connection holds: at most 8 MiB.
const memoryWindow = 8

// memoryConn is a protocols.Conn to the other party in this process. Send copies, as any connection must.
type memoryConn struct {
	peer        apiparty.ID
	out         chan<- []byte
	in          <-chan []byte
	sent, recvd atomic.Int64
	flights     atomic.Int64
}

func memoryPair(a, b apiparty.ID) (*memoryConn, *memoryConn) {
	ab, ba := make(chan []byte, memoryWindow), make(chan []byte, memoryWindow)
	return &memoryConn{peer: b, out: ab, in: ba}, &memoryConn{peer: a, out: ba, in: ab}
}

// Peer implements protocols.Conn.
func (c *memoryConn) Peer() apiparty.ID { return c.peer }

// Flight implements protocols.FlightCounter.
func (c *memoryConn) Flight() { c.flights.Add(1) }

func (c *memoryConn) cost() protocols.Cost {
	return protocols.Cost{Rounds: int(c.flights.Load()), SentBytes: c.sent.Load(), RecvBytes: c.recvd.Load()}
}

// Send implements protocols.Conn.
func (c *memoryConn) Send(ctx context.Context, msg []byte) error {
	if len(msg) > protocols.MaxMessage {
		return fault.New(fault.LimitExceeded, "psibench.Send", "a message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	select {
	case c.out <- append([]byte(nil), msg...):
		c.sent.Add(int64(len(msg)))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Recv implements protocols.Conn.
func (c *memoryConn) Recv(ctx context.Context) ([]byte, error) {
	select {
	case msg := <-c.in:
		c.recvd.Add(int64(len(msg)))
		return msg, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
