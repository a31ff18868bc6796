package lookup

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/intersect"
)

const ledgerTag = "tacit/lookup/ledger/v1"

// ledger counts the evaluations of an epoch by client. One process holds it at a time. Safe for concurrent use.
type ledger struct {
	path string
	life int64 // evaluations the key may make

	mu    sync.Mutex
	lines map[uint32]line // by client
}

// line is one client's count.
type line struct {
	used     int64 // evaluations made, or never given back
	reserved int64 // evaluations that a run in progress may make
}

func newLedger(path string, life int64) *ledger {
	return &ledger{path: path, life: life, lines: map[uint32]line{}}
}

// openLedger reads the ledger at the start of a process: what an earlier one had reserved may have been answered, and
// counts as used (invariant L2).
//
// Errors: fault.Corrupt.
func openLedger(dir string, life int64) (*ledger, error) {
	const op = "lookup.openLedger"
	b, err := sealedFile(dir, ledgerFile)
	if err != nil {
		return nil, err
	}
	l := newLedger(filepath.Join(dir, ledgerFile), life)
	d := wire.NewDecoder(b, op)
	if d.String(len(ledgerTag)) != ledgerTag {
		d.Fail(fault.Corrupt, "the ledger of another program or version")
	}
	for range d.Count(MaxClients, 4+8+8) {
		client, used, reserved := d.U32(), d.I64(), d.I64()
		if used < 0 || reserved < 0 || used > math.MaxInt64/2 || reserved > math.MaxInt64/2 {
			d.Fail(fault.Corrupt, "a count that cannot be")
		}
		l.lines[client] = line{used: used + reserved}
	}
	if err := d.Done(); err != nil {
		return nil, wire.Stored(op, err)
	}
	return l, nil
}

// save makes the ledger durable. The caller holds the lock, where there is somebody else.
func (l *ledger) save() error {
	var e wire.Encoder
	e.String(ledgerTag)
	e.U32(uint32(len(l.lines)))
	for _, client := range slices.Sorted(maps.Keys(l.lines)) {
		n := l.lines[client]
		e.U32(client)
		e.I64(n.used)
		e.I64(n.reserved)
	}
	return intersect.WriteSealed(l.path, e.B)
}

// reserve makes n evaluations of a client durable before the first of them is answered. quota bounds the client's over the
// epoch, 0: nothing but the key's life does.
//
// Errors: fault.BudgetExhausted (quota), fault.LimitExceeded (the key's life), fault.Expired (the epoch was replaced),
// fault.Unavailable (disk).
func (l *ledger) reserve(client uint32, n, quota int64) (left int64, err error) {
	const op = "lookup.reserve"
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.lines[client]
	free := l.free()
	if left = l.left(client, quota); n > left {
		if n > free {
			return left, fault.New(fault.LimitExceeded, op, "client %d asks for %d evaluations where the key's life leaves %d: publish a new epoch", client, n, free)
		}
		return left, fault.New(fault.BudgetExhausted, op, "client %d asks for %d evaluations where its quota leaves %d", client, n, left)
	}
	now := old
	now.reserved += n
	l.lines[client] = now
	if err := l.save(); err != nil {
		l.lines[client] = old
		if _, gone := os.Stat(filepath.Dir(l.path)); errors.Is(gone, fs.ErrNotExist) {
			return 0, fault.New(fault.Expired, op, "a new epoch was published meanwhile")
		}
		return left, err
	}
	return left - n, nil
}

// left is what a client may still ask for.
func (l *ledger) left(client uint32, quota int64) int64 {
	left := l.free()
	if quota > 0 {
		n := l.lines[client]
		left = min(left, max(quota-n.used-n.reserved, 0))
	}
	return left
}

// free is what the key's life leaves.
func (l *ledger) free() int64 {
	left := l.life
	for _, n := range l.lines {
		left -= n.used + n.reserved
	}
	return max(left, 0)
}

// commit turns a reservation of n into made evaluations.
func (l *ledger) commit(client uint32, n, made int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.lines[client]
	now.reserved -= n
	now.used += made
	l.lines[client] = now
	return l.save()
}

// used is what a client and all clients have used up.
func (l *ledger) used(client uint32) (own, all int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lines[client]
	return n.used + n.reserved, l.life - l.free()
}
