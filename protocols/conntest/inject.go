package conntest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

// Kind is what happens to one message.
type Kind uint8

// The kinds of injected faults.
const (
	Drop      Kind = iota // the message never arrives
	Duplicate             // it arrives twice
	Reorder               // it arrives after its successor; the last message never arrives
	Truncate              // a strict prefix of it arrives
	FlipBit               // one of its bits is inverted
	Random                // random bytes of the same length arrive instead
	Delay                 // it arrives late; nothing else is wrong
)

// Kinds returns every kind, in order.
func Kinds() []Kind { return []Kind{Drop, Duplicate, Reorder, Truncate, FlipBit, Random, Delay} }

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case Drop:
		return "drop"
	case Duplicate:
		return "duplicate"
	case Reorder:
		return "reorder"
	case Truncate:
		return "truncate"
	case FlipBit:
		return "flip-bit"
	case Random:
		return "random"
	case Delay:
		return "delay"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Injection names one fault: what happens to the Message-th message (from 0) that a Conn sends. Seed chooses the cut,
// the bit or the bytes.
type Injection struct {
	Kind    Kind
	Message int
	Late    time.Duration // of Delay
	Seed    uint64
}

// Faulty is a Conn whose sending direction suffers one Injection. Wrapping one end or the other chooses the direction.
type Faulty struct {
	c    protocols.Conn
	in   Injection
	mu   sync.Mutex
	next int    // index of the next message
	held []byte // the message that Reorder keeps back
}

// Inject returns c with the fault in its sending direction.
func Inject(c protocols.Conn, in Injection) *Faulty { return &Faulty{c: c, in: in} }

// Peer returns the other end's party.
func (f *Faulty) Peer() party.ID { return f.c.Peer() }

// Recv passes through.
func (f *Faulty) Recv(ctx context.Context) ([]byte, error) { return f.c.Recv(ctx) }

// Flight passes through.
func (f *Faulty) Flight() { flight(f.c) }

// Hit reports whether the message to be altered was sent at all.
func (f *Faulty) Hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next > f.in.Message
}

// Send transfers msg, or what the fault makes of it.
func (f *Faulty) Send(ctx context.Context, msg []byte) error {
	f.mu.Lock()
	i := f.next
	f.next++
	held := f.held
	f.held = nil
	f.mu.Unlock()
	if i == f.in.Message {
		return f.alter(ctx, msg)
	}
	if err := f.c.Send(ctx, msg); err != nil || held == nil {
		return err
	}
	return f.c.Send(ctx, held)
}

func (f *Faulty) alter(ctx context.Context, msg []byte) error {
	msg = append([]byte(nil), msg...)
	switch f.in.Kind {
	case Drop:
		return nil
	case Duplicate:
		if err := f.c.Send(ctx, msg); err != nil {
			return err
		}
	case Reorder:
		f.mu.Lock()
		f.held = msg
		f.mu.Unlock()
		return nil
	case Delay:
		if err := sleep(ctx, f.in.Late); err != nil {
			return err
		}
	case Truncate, FlipBit, Random:
		msg = mangle(f.in, msg)
	}
	return f.c.Send(ctx, msg)
}

// mangle cuts, flips or replaces msg in place. An empty message has nothing to change.
func mangle(in Injection, msg []byte) []byte {
	if len(msg) == 0 {
		return msg
	}
	var at [8]byte
	g := generator(in.Seed, uint64(in.Message))
	g.Fill(at[:])
	pos := binary.BigEndian.Uint64(at[:])
	switch in.Kind {
	case Truncate:
		return msg[:pos%uint64(len(msg))]
	case FlipBit:
		bit := pos % (8 * uint64(len(msg)))
		msg[bit/8] ^= 1 << (bit % 8)
	case Random:
		g.Fill(msg)
	}
	return msg
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func flight(c protocols.Conn) {
	if f, ok := c.(protocols.FlightCounter); ok {
		f.Flight()
	}
}

// generator returns the deterministic stream number id under seed.
func generator(seed, id uint64) *aes.Stream {
	var key aes.Block
	binary.BigEndian.PutUint64(key[:8], seed)
	binary.BigEndian.PutUint64(key[8:], id)
	return aes.NewStream(key, aes.Block{})
}
