package budget

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// maxExpirePerCall bounds one Expire, so that it never holds the writer for long; the caller calls again.
const maxExpirePerCall = 256

// Tx is one serialisable transaction of the party's store. Reads see this transaction's writes. What an operation wrote
// counts only when it returned nil and the caller committed.
type Tx interface {
	Account(id AccountID) (a Account, found bool, err error)
	PutAccount(a Account) error
	Hold(key [32]byte) (h Hold, found bool, err error)
	PutHold(h Hold) error
	// HeldUntil lists keys of at most limit holds in state Held whose Expires is not after now, in any fixed order.
	HeldUntil(now time.Time, limit int) ([][32]byte, error)
	// Leaf appends an audit leaf about the hold.
	Leaf(kind string, key [32]byte) error
}

// Reserve sets r.Amounts aside on all of r.Accounts and returns the owner's unsigned vote. The same reservation again
// returns the same vote while the hold lives.
//
// Errors: fault.Invalid, fault.LimitExceeded (malformed), fault.Expired (expiry not after now, or a round that is over),
// fault.NotFound (unknown account), fault.BudgetExhausted (a cap), fault.Unavailable (short only of what others hold, or
// another job holds the key), fault.Exists (the key has another body, or is committed).
func Reserve(tx Tx, r Reservation, now time.Time) (Vote, error) {
	if err := r.check(); err != nil {
		return Vote{}, err
	}
	r.Expires = millis(r.Expires)
	h, _, err := tx.Hold(r.Key)
	if err != nil {
		return Vote{}, err
	}
	next, effects := h.Next(Event{Kind: EvReserve, Reservation: r})
	if len(effects) == 0 {
		return h.Vote(), nil
	}
	if effects[0].Kind == EffectMove {
		if !now.Before(r.Expires) {
			return Vote{}, fault.New(fault.Expired, "budget.Reserve", "the reservation is past its expiry")
		}
		if err := admitAll(tx, r); err != nil {
			return Vote{}, err
		}
	}
	if err := apply(tx, "budget.Reserve", next, effects); err != nil {
		return Vote{}, err
	}
	return next.Vote(), nil
}

// admitAll asks every account. A cap that is spent anywhere outranks one that is only held.
func admitAll(tx Tx, r Reservation) error {
	var waiting error
	for _, id := range r.Accounts {
		a, err := account(tx, "budget.Reserve", id)
		if err != nil {
			return err
		}
		switch err := a.admit(r.Amounts); {
		case err == nil:
		case fault.CodeOf(err) != fault.Unavailable:
			return err
		case waiting == nil:
			waiting = err
		}
	}
	return waiting
}

// Use marks that a secret of the step is about to leave: from now on an abort is charged. It is written before the first
// protocol message.
//
// Errors: fault.NotFound; fault.Invalid when the hold is not open.
func Use(tx Tx, key [32]byte) error {
	return step(tx, "budget.Use", key, Event{Kind: EvUse})
}

// Commit books actual ≤ held, gives back the rest, and records the digest of the sealed answer, before any byte of the
// answer leaves. The money stays open until Capture. The same commit again changes nothing.
//
// Errors: fault.NotFound; fault.Invalid (before Begin, more than held, or money named); fault.Exists (committed with
// another result).
func Commit(tx Tx, key [32]byte, actual Amounts, sealed [32]byte) error {
	return step(tx, "budget.Commit", key, Event{Kind: EvCommit, Actual: actual, Sealed: sealed})
}

// Abort settles a step that ended without an answer: unused holds are released, used ones pay ChargeOnAbort. reading is
// the last signed meter reading, nil when there is none. reason cites the evidence. A hold that has ended stays as it is.
//
// Errors: fault.NotFound; fault.Invalid (no reason).
func Abort(tx Tx, key [32]byte, reading *Amounts, reason string) error {
	e := Event{Kind: EvAbort, Reason: reason}
	if reading != nil {
		e.Actual, e.Metered = *reading, true
	}
	return step(tx, "budget.Abort", key, e)
}

// Capture books the money that receipts decided, at most what was held, and gives back the rest. Capturing 0 frees it.
//
// Errors: fault.NotFound; fault.Invalid (before Commit, or more than held); fault.Exists (another sum was captured).
func Capture(tx Tx, key [32]byte, money int64) error {
	return step(tx, "budget.Capture", key, Event{Kind: EvCapture, Actual: Amounts{Money: money}})
}

// Release gives back a hold that was never used. reason cites the evidence: who refused, which job was canceled.
//
// Errors: fault.NotFound; fault.Invalid (used, committed, or no reason).
func Release(tx Tx, key [32]byte, reason string) error {
	return step(tx, "budget.Release", key, Event{Kind: EvRelease, Reason: reason})
}

// Expire gives back holds that never began and are past their expiry, up to 256 a call, and returns how many. The caller
// does not call it while its clock is in doubt.
func Expire(tx Tx, now time.Time) (int, error) {
	keys, err := tx.HeldUntil(now, maxExpirePerCall)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := step(tx, "budget.Expire", key, Event{Kind: EvExpire, Now: now}); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// Answer returns the digest of the sealed answer stored under key: the same question gets it again, without charge and
// without new noise. ok is false when there is none.
func Answer(tx Tx, key [32]byte) (sealed [32]byte, ok bool, err error) {
	h, _, err := tx.Hold(key)
	if err != nil {
		return sealed, false, err
	}
	return h.Sealed, h.State == Committed && h.Sealed != [32]byte{}, nil
}

// step runs one event on a hold that must exist.
func step(tx Tx, op string, key [32]byte, e Event) error {
	h, found, err := tx.Hold(key)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, op, "no hold with this key")
	}
	next, effects := h.Next(e)
	return apply(tx, op, next, effects)
}

// apply carries out effects and stores the hold. A repetition has no effects and writes nothing.
func apply(tx Tx, op string, h Hold, effects []Effect) error {
	for _, e := range effects {
		switch e.Kind {
		case EffectReject:
			return fault.New(e.Code, op, "%s", e.Reason)
		case EffectMove:
			if err := moveAll(tx, op, h.Accounts, e); err != nil {
				return err
			}
		case EffectLeaf:
			if err := tx.Leaf(e.Leaf, h.Key); err != nil {
				return err
			}
		}
	}
	if len(effects) == 0 {
		return nil
	}
	return tx.PutHold(h)
}

// moveAll debits the accounts in id order: two transactions never wait for each other in a circle.
func moveAll(tx Tx, op string, ids []AccountID, e Effect) error {
	if e.Amounts == (Amounts{}) {
		return nil
	}
	for _, id := range ids {
		a, err := account(tx, op, id)
		if err != nil {
			return err
		}
		if a, err = a.move(e.from, e.to, e.Amounts); err != nil {
			return err
		}
		if err := tx.PutAccount(a); err != nil {
			return err
		}
	}
	return nil
}

func account(tx Tx, op string, id AccountID) (Account, error) {
	a, found, err := tx.Account(id)
	if err != nil {
		return Account{}, err
	}
	if !found {
		return Account{}, fault.New(fault.NotFound, op, "no account %s", id)
	}
	return a, nil
}
