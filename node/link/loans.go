package link

import "sync"

const (
	maxStreams  = 1024     // sessions of one pair of parties
	ownedBytes  = 32 << 10 // window every stream has for itself
	linkBytes   = 64 << 20 // windows of all streams of a pair together
	lentBytes   = linkBytes - maxStreams*ownedBytes
	maxCredit   = 1 << 30  // no window is ever larger; a greater number from a peer is wrong
	streamBytes = 16 << 20 // default window: 1 Gbit/s at 100 ms needs 12.5 MB
	leastWindow = 64 << 10
)

// loans divides a pair's receive memory: each stream owns a small window and borrows the rest, never more than half of
// what is left, so that an unread stream starves no other. The zero value has lent nothing.
type loans struct {
	mu  sync.Mutex
	out int64
}

// take enlarges a window towards want and returns what it may be now; have is 0 for a new stream.
func (l *loans) take(have, want int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	owned := max(have, min(ownedBytes, want))
	more := min(want-owned, (lentBytes-l.out)/2)
	if more <= 0 {
		return owned
	}
	l.out += more
	return owned + more
}

// giveBack ends the loan of a window that take returned.
func (l *loans) giveBack(window int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out -= max(0, window-ownedBytes)
}
