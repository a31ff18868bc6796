package faultproxy

import (
	"sync"
	"time"
)

// line is one direction of the network: whoever sends waits until what was sent before is through, whichever connection it
// belongs to.
type line struct {
	profile Profile

	mu   sync.Mutex
	free time.Time // when the line has sent everything it was given
}

// carry returns when n bytes that are sent now arrive.
func (l *line) carry(n int, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(l.profile.transmit(n))
	return l.free.Add(l.profile.RoundTrip / 2)
}

// packet is a piece of a stream on its way.
type packet struct {
	data []byte
	due  time.Time
}

// queue holds the packets of one connection and direction, bounded in bytes.
type queue struct {
	limit int

	mu      sync.Mutex
	change  *sync.Cond
	packets []packet
	held    int
	ended   bool // nothing more comes
	dropped bool // nothing more is wanted
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.change = sync.NewCond(&q.mu)
	return q
}

// put waits for room. It reports whether the packet was taken.
func (q *queue) put(p packet) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.held > 0 && q.held+len(p.data) > q.limit && !q.dropped {
		q.change.Wait()
	}
	if q.dropped {
		return false
	}
	q.packets = append(q.packets, p)
	q.held += len(p.data)
	q.change.Broadcast()
	return true
}

// get waits for a packet. It reports whether there is one.
func (q *queue) get() (packet, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.packets) == 0 && !q.ended && !q.dropped {
		q.change.Wait()
	}
	if len(q.packets) == 0 || q.dropped {
		return packet{}, false
	}
	p := q.packets[0]
	q.packets = q.packets[1:]
	q.held -= len(p.data)
	q.change.Broadcast()
	return p, true
}

// end lets get return false once the queue is empty, drop at once.
func (q *queue) end()  { q.set(&q.ended) }
func (q *queue) drop() { q.set(&q.dropped) }

func (q *queue) set(flag *bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*flag = true
	q.change.Broadcast()
}
