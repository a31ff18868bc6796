package intersect

import (
	"sync"
	"time"
)

// Phase is a part of a run, in order; a lost connection goes back to Waiting.
type Phase string

// The phases.
const (
	Reading      Phase = "reading"      // the input; rows
	Waiting      Phase = "waiting"      // for the peer
	Intersecting Phase = "intersecting" // items of both parties
	Writing      Phase = "writing"      // the output; rows
	Done         Phase = "done"
)

// Event is a report of progress. Within a phase Done never falls.
type Event struct {
	Phase Phase
	// Done of Total units of the phase; Total is 0 where it is not known.
	Done, Total int64
	// Sent and Recv are message bytes of all connections so far.
	Sent, Recv int64
	// Elapsed is the time in this phase; Left an estimate of what remains of it, 0 where there is none.
	Elapsed, Left time.Duration
	// Bucket of Buckets is being intersected, from 1.
	Bucket, Buckets int
	// Note is a sentence for people when something happened: whom it waits for, what was resumed.
	Note string
	// Deadline is when waiting ends; zero where it does not.
	Deadline time.Time
}

// reportEvery is the least time between two reports of progress.
const reportEvery = 100 * time.Millisecond

// Reporter turns counts into events.
type Reporter struct {
	mu    sync.Mutex
	to    func(Event)
	bytes func() (sent, recv int64)
	now   func() time.Time

	at      Event
	started time.Time
	base    int64 // done when the phase began: resumed work is no measure of speed
	last    time.Time
}

func NewReporter(to func(Event), bytes func() (sent, recv int64)) *Reporter {
	return &Reporter{to: to, bytes: bytes, now: time.Now}
}

// Enter begins a phase at done of total.
func (r *Reporter) Enter(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.base, r.started = e, e.Done, r.now()
	r.send()
}

// Set reports progress, but not too often.
func (r *Reporter) Set(done int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done <= r.at.Done {
		return
	}
	r.at.Done = done
	if r.now().Sub(r.last) >= reportEvery || done == r.at.Total {
		r.send()
	}
}

// bucket says which bucket is at work.
func (r *Reporter) bucket(number, of int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at.Bucket, r.at.Buckets = number, of
}

func (r *Reporter) send() {
	r.last = r.now()
	e := r.at
	e.Sent, e.Recv = r.bytes()
	e.Elapsed = r.last.Sub(r.started)
	if gained := e.Done - r.base; gained > 0 && e.Total > e.Done {
		e.Left = time.Duration(float64(e.Elapsed) * float64(e.Total-e.Done) / float64(gained))
	}
	r.to(e)
	r.at.Note = ""
}
