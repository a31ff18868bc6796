package budget

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/invariant"
)

// MaxAccountIDBytes bounds an account id.
const MaxAccountIDBytes = 128

// AccountID names what is capped: a grant, a lineage, a lineage for one grantee, an agreement's money. The form is
// [A-Za-z0-9._:/-]{1,128}.
type AccountID string

func (id AccountID) valid() bool {
	if len(id) == 0 || len(id) > MaxAccountIDBytes {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != ':' && c != '/' && c != '-' {
			return false
		}
	}
	return true
}

// Account is a cap with what has been used of it. It is a value; only the operations of this package change counters.
//
// Invariant I2: Committed + Open + Held ≤ Caps in every dimension that is not Unlimited, and ≤ MaxAmount in all.
type Account struct {
	ID                    AccountID
	Caps                  Amounts // Unlimited, or 0 to MaxAmount; 0 admits nothing
	Committed, Open, Held Amounts
}

// bucket is where an amount stands.
type bucket uint8

const (
	free bucket = iota
	held
	open
	committed
)

// Remaining returns what can still be reserved in dimension d.
func (a Account) Remaining(d Dim) int64 {
	return a.limit(d) - a.Committed[d] - a.Open[d] - a.Held[d]
}

func (a Account) limit(d Dim) int64 {
	if a.Caps[d] == Unlimited {
		return MaxAmount
	}
	return a.Caps[d]
}

// check verifies caps, counters and I2.
func (a Account) check(code fault.Code, op string) error {
	if !a.ID.valid() {
		return fault.New(code, op, "an account id is 1 to 128 of A-Z, a-z, 0-9 and ._:/-")
	}
	for d := range DimCount {
		if a.Caps[d] < Unlimited || a.Caps[d] > MaxAmount {
			return fault.New(code, op, "account %s: cap of %s out of range", a.ID, d)
		}
		left := a.limit(d)
		for _, used := range []int64{a.Committed[d], a.Open[d], a.Held[d]} {
			if used < 0 || used > left {
				return fault.New(code, op, "I2: account %s: %s exceeds its cap", a.ID, d)
			}
			left -= used
		}
	}
	return nil
}

// admit checks that amounts can be set aside. Short for good is fault.BudgetExhausted; short only while others hold is
// fault.Unavailable, which a job answers by waiting.
func (a Account) admit(want Amounts) error {
	const op = "budget.Reserve"
	var waiting error
	for d := range DimCount {
		if want[d] <= a.Remaining(d) {
			continue
		}
		if want[d] > a.limit(d)-a.Committed[d] {
			return fault.New(fault.BudgetExhausted, op, "account %s: %s requested %d, remaining %d",
				a.ID, d, want[d], a.limit(d)-a.Committed[d])
		}
		if waiting == nil {
			waiting = fault.New(fault.Unavailable, op, "account %s: %s requested %d, remaining %d while others hold",
				a.ID, d, want[d], a.Remaining(d))
		}
	}
	return waiting
}

// move shifts amounts between buckets and asserts I2.
func (a Account) move(from, to bucket, amounts Amounts) (Account, error) {
	for d, v := range amounts {
		if from != free {
			a.bucket(from)[d] -= v
		}
		if to != free {
			a.bucket(to)[d] += v
		}
	}
	err := a.check(fault.Internal, "budget.Account")
	return a, invariant.Check(err == nil, "budget.Account", "I2: account %s out of bounds after a move", a.ID)
}

func (a *Account) bucket(b bucket) *Amounts {
	switch b {
	case held:
		return &a.Held
	case open:
		return &a.Open
	}
	return &a.Committed
}

// OpenAccount creates an account with caps and nothing used. Caps are for the account's life: there is no refill. The
// same id with the same caps again changes nothing.
//
// Errors: fault.Invalid (malformed id, cap out of range), fault.Exists (the id has other caps).
func OpenAccount(tx Tx, id AccountID, caps Amounts) error {
	const op = "budget.OpenAccount"
	a := Account{ID: id, Caps: caps}
	if err := a.check(fault.Invalid, op); err != nil {
		return err
	}
	old, found, err := tx.Account(id)
	if err != nil {
		return err
	}
	if found && old.Caps != caps {
		return fault.New(fault.Exists, op, "account %s has other caps", id)
	}
	if found {
		return nil
	}
	return tx.PutAccount(a)
}
