package budget

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// EventKind is what happened to a hold.
type EventKind uint8

// The events.
const (
	EvReserve EventKind = iota // an owner is asked: Event.Reservation
	EvBegin                    // all votes are in: Event.Now
	EvUse                      // the first secret is about to leave
	EvCommit                   // the answer is sealed: Event.Actual, Sealed
	EvAbort                    // the step ended without an answer: Event.Actual if Metered, Reason
	EvCapture                  // receipts decided the money: Event.Actual[Money]
	EvRelease                  // nothing was used: Event.Reason
	EvExpire                   // the clock: Event.Now
	eventCount
)

// Event is one input of the machine. Fields that its kind does not name are ignored.
type Event struct {
	Kind        EventKind
	Now         time.Time
	Reservation Reservation
	Actual      Amounts
	Metered     bool // EvAbort: Actual is a signed reading
	Sealed      [32]byte
	Reason      string
}

// EffectKind is what the machine asks for.
type EffectKind uint8

// The effects.
const (
	EffectMove   EffectKind = iota + 1 // shift Amounts between buckets on every account
	EffectLeaf                         // write an audit leaf
	EffectReject                       // refuse with Code and Reason; the state is unchanged
)

// Effect is one output of the machine, carried out in the transaction that stores the new state.
type Effect struct {
	Kind     EffectKind
	from, to bucket
	Amounts  Amounts
	Leaf     string
	Code     fault.Code
	Reason   string
}

// Next returns the hold after e and what must be done in the same transaction. It is total: a pair that does not belong
// together returns the hold unchanged with one EffectReject, a repetition returns it unchanged with no effect.
func (h Hold) Next(e Event) (Hold, []Effect) {
	switch e.Kind {
	case EvReserve:
		return h.reserve(e.Reservation)
	case EvBegin:
		return h.begin(e.Now)
	case EvUse:
		return h.use()
	case EvCommit:
		return h.commit(e)
	case EvAbort:
		return h.abort(e)
	case EvCapture:
		return h.capture(e.Actual[Money])
	case EvRelease:
		return h.release(e.Reason)
	case EvExpire:
		return h.expire(e.Now)
	}
	return h.reject(fault.Invalid, "unknown event")
}

func (h Hold) reserve(r Reservation) (Hold, []Effect) {
	switch h.State {
	case Absent:
		if r.Round != 0 {
			return h.reject(fault.Invalid, "the first round is 0")
		}
		return fresh(r)
	case Held, Open:
		return h.repeat(r)
	case Released, Expired:
		if r.Round <= h.Round {
			return h.reject(fault.Expired, "this round is over")
		}
		if r.Round != h.Round+1 {
			return h.reject(fault.Invalid, "rounds follow each other")
		}
		return fresh(r)
	}
	if !h.sameBody(r) {
		return h.reject(fault.Exists, "the key is committed with another body")
	}
	return h.reject(fault.Exists, "the key is committed: ask for its answer")
}

// fresh sets amounts aside. Nothing of an earlier round remains.
func fresh(r Reservation) (Hold, []Effect) {
	return Hold{Reservation: r, State: Held}, []Effect{move(free, held, r.Amounts), leaf("budget.held")}
}

// repeat answers a reservation that meets a living hold. Two jobs may ask one question; the second waits.
func (h Hold) repeat(r Reservation) (Hold, []Effect) {
	switch {
	case !h.sameBody(r):
		return h.reject(fault.Exists, "the key is held with another body")
	case r.Round < h.Round:
		return h.reject(fault.Expired, "this round is over")
	case r.Round > h.Round || r.Job != h.Job || r.Step != h.Step:
		return h.reject(fault.Unavailable, "the key is held: wait for its answer or its release")
	}
	return h, nil
}

func (h Hold) begin(now time.Time) (Hold, []Effect) {
	switch h.State {
	case Open:
		return h, nil
	case Held:
		if !now.Before(h.Expires) {
			return h.reject(fault.Expired, "the hold is past its expiry")
		}
		h.State = Open
		return h, []Effect{move(held, open, h.Amounts), leaf("budget.open")}
	case Released, Expired:
		return h.reject(fault.Expired, "the hold was given back")
	}
	return h.reject(fault.Invalid, "nothing to begin")
}

func (h Hold) use() (Hold, []Effect) {
	if h.State != Open {
		return h.reject(fault.Invalid, "use of a hold that is not open")
	}
	if h.Used {
		return h, nil
	}
	h.Used = true
	return h, []Effect{leaf("budget.used")}
}

func (h Hold) commit(e Event) (Hold, []Effect) {
	if h.State == Committed && h.sameCommit(e) {
		return h, nil
	}
	switch {
	case h.State == Committed:
		return h.reject(fault.Exists, "committed with another result")
	case h.State != Open:
		return h.reject(fault.Invalid, "commit before begin")
	case e.Actual[Money] != 0:
		return h.reject(fault.Invalid, "money is captured from receipts, not committed")
	case e.Actual.check("") != nil || !e.Actual.within(h.Amounts):
		return h.reject(fault.Invalid, "more consumed than held")
	}
	h.Sealed = e.Sealed
	return h.book(e.Actual, "budget.committed")
}

// sameCommit compares with what was committed; the money may have been captured since.
func (h Hold) sameCommit(e Event) bool {
	before := h.Actual
	before[Money] = 0
	return h.Sealed == e.Sealed && before == e.Actual
}

// book commits actual, gives back the rest, and leaves the money open.
func (h Hold) book(actual Amounts, kind string) (Hold, []Effect) {
	rest := h.Amounts.minus(actual)
	rest[Money] = 0
	h.State, h.Used, h.Actual = Committed, true, actual
	h.Captured = h.Amounts[Money] == 0
	return h, []Effect{move(open, committed, actual), move(open, free, rest), leaf(kind)}
}

func (h Hold) abort(e Event) (Hold, []Effect) {
	switch {
	case h.State == Absent:
		return h.reject(fault.Invalid, "abort of nothing")
	case h.State == Held || h.State == Open && !h.Used:
		return h.release(e.Reason)
	case h.State != Open:
		return h, nil // it has ended: a late abort changes nothing
	case len(e.Reason) == 0 || len(e.Reason) > MaxReasonBytes:
		return h.reject(fault.Invalid, "an abort cites its evidence")
	}
	actual := Amounts{}
	for d := range DimCount {
		actual[d] = ChargeOnAbort(d, true, h.Amounts[d], e.Actual[d], e.Metered)
	}
	h.Reason = e.Reason
	return h.book(actual, "budget.spent")
}

func (h Hold) capture(money int64) (Hold, []Effect) {
	switch {
	case h.State != Committed:
		return h.reject(fault.Invalid, "capture before commit")
	case h.Captured && money == h.Actual[Money]:
		return h, nil
	case h.Captured:
		return h.reject(fault.Exists, "another sum was captured")
	case money < 0 || money > h.Amounts[Money]:
		return h.reject(fault.Invalid, "more money than held")
	}
	h.Captured = true
	h.Actual[Money] = money
	paid, rest := Amounts{Money: money}, Amounts{Money: h.Amounts[Money] - money}
	return h, []Effect{move(open, committed, paid), move(open, free, rest), leaf("budget.captured")}
}

func (h Hold) release(reason string) (Hold, []Effect) {
	from := held
	switch h.State {
	case Released, Expired:
		return h, nil
	case Open:
		if h.Used {
			return h.reject(fault.Invalid, "a used hold is not refunded")
		}
		from = open
	case Absent, Committed:
		return h.reject(fault.Invalid, "nothing to release")
	}
	if len(reason) == 0 || len(reason) > MaxReasonBytes {
		return h.reject(fault.Invalid, "a release cites its evidence")
	}
	h.State, h.Reason = Released, reason
	return h, []Effect{move(from, free, h.Amounts), leaf("budget.released")}
}

func (h Hold) expire(now time.Time) (Hold, []Effect) {
	switch {
	case h.State == Expired:
		return h, nil
	case h.State != Held:
		return h.reject(fault.Invalid, "only a hold that never began expires")
	case now.Before(h.Expires):
		return h.reject(fault.Invalid, "the hold is not past its expiry")
	}
	h.State = Expired
	return h, []Effect{move(held, free, h.Amounts), leaf("budget.expired")}
}

func (h Hold) reject(code fault.Code, reason string) (Hold, []Effect) {
	return h, []Effect{{Kind: EffectReject, Code: code, Reason: reason}}
}

func move(from, to bucket, a Amounts) Effect {
	return Effect{Kind: EffectMove, from: from, to: to, Amounts: a}
}

func leaf(kind string) Effect { return Effect{Kind: EffectLeaf, Leaf: kind} }
