package account

import (
	"github.com/tacit-data/tacit/api/fault"
)

// Account is a balance under a name. It is a value; only Post changes balances.
type Account struct {
	Name
	NoOverdraft bool // the balance never goes below 0
	Balance     int64
}

// Tx is one serialisable transaction of the party's store. Reads see this transaction's writes. Entries are never
// changed or removed.
type Tx interface {
	Account(n Name) (a Account, found bool, err error)
	PutAccount(a Account) error
	Entry(key string) (e Entry, found bool, err error)
	AppendEntry(e Entry) error
	// Leaf appends an audit leaf about the entry.
	Leaf(kind, key string) error
}

// Open creates an account with a balance of 0. The same account again changes nothing.
//
// Errors: fault.Invalid (malformed name), fault.Exists (it is open with the other overdraft rule).
func Open(tx Tx, n Name, noOverdraft bool) error {
	const op = "account.Open"
	if !n.valid() {
		return fault.New(fault.Invalid, op, "malformed party, code or currency")
	}
	old, found, err := tx.Account(n)
	if err != nil {
		return err
	}
	if found && old.NoOverdraft != noOverdraft {
		return fault.New(fault.Exists, op, "%s of %s is open with another overdraft rule", n.Code, n.Party)
	}
	if found {
		return nil
	}
	return tx.PutAccount(Account{Name: n, NoOverdraft: noOverdraft})
}

// Post appends e and moves its money. The same entry again changes nothing.
//
// Errors: fault.Invalid, fault.LimitExceeded (malformed, as NewEntry), fault.Exists (the key has another body),
// fault.NotFound (an account is not open), fault.BudgetExhausted (an account that forbids it would go below 0),
// fault.LimitExceeded (a balance beyond 2^62).
func Post(tx Tx, e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	old, found, err := tx.Entry(e.Key)
	if err != nil {
		return err
	}
	if found && !old.equal(e) {
		return fault.New(fault.Exists, "account.Post", "the key has another body")
	}
	if found {
		return nil
	}
	for _, p := range e.Postings {
		if err := post(tx, p); err != nil {
			return err
		}
	}
	if err := tx.AppendEntry(e); err != nil {
		return err
	}
	return tx.Leaf("account.posted", e.Key)
}

func post(tx Tx, p Posting) error {
	const op = "account.Post"
	a, found, err := tx.Account(p.Account)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, op, "%s of %s in %s is not open", p.Account.Code, p.Account.Party, p.Account.Currency)
	}
	a.Balance += p.Amount // |balance| and |amount| are at most 2^62: no wrap
	if a.Balance > MaxAmount || a.Balance < -MaxAmount {
		return fault.New(fault.LimitExceeded, op, "%s of %s would pass 2^62", a.Code, a.Party)
	}
	if a.NoOverdraft && a.Balance < 0 {
		return fault.New(fault.BudgetExhausted, op, "%s of %s would go below 0", a.Code, a.Party)
	}
	return tx.PutAccount(a)
}

// equal compares bodies. The time of a repetition may differ: it is the first one's that counts.
func (e Entry) equal(o Entry) bool {
	if e.Reason != o.Reason || len(e.Postings) != len(o.Postings) {
		return false
	}
	for i, p := range e.Postings {
		if p != o.Postings[i] {
			return false
		}
	}
	return true
}
