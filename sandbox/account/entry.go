package account

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

const (
	// MaxAmount bounds a posting and a balance in absolute value.
	MaxAmount = 1 << 62
	// MaxPostings bounds one entry: every payee of a large agreement, with room.
	MaxPostings = 4096
	// MaxKeyBytes bounds an idempotency key.
	MaxKeyBytes = 128
	// MaxReasonBytes bounds the reason of an entry.
	MaxReasonBytes = 256
	// MaxAgreementBytes bounds the agreement id in a suspense account's code.
	MaxAgreementBytes = 64

	maxMillis = 253_402_300_799_999 // the end of the year 9999
)

// Code is the kind of an account: one of the constants, or Suspense of an agreement.
type Code string

// The codes.
const (
	Receivable Code = "receivable" // what a party is to pay
	Payable    Code = "payable"    // what a party is to be paid
	External   Code = "external"   // the bank outside
	Levy       Code = "levy"       // taxes and duties
	Fee        Code = "fee"        // the platform's share
)

const suspensePrefix = "suspense:"

// Suspense is the account where an agreement's money waits until it can be split into whole units.
func Suspense(agreement string) Code { return Code(suspensePrefix + agreement) }

func (c Code) valid() bool {
	switch c {
	case Receivable, Payable, External, Levy, Fee:
		return true
	}
	agreement, ok := strings.CutPrefix(string(c), suspensePrefix)
	return ok && ValidAgreement(agreement)
}

// ValidAgreement reports whether s is an agreement id, [A-Za-z0-9._:-]{1,64}.
func ValidAgreement(s string) bool {
	if len(s) == 0 || len(s) > MaxAgreementBytes {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

// ValidCurrency reports whether s is three capital letters, as in ISO 4217.
func ValidCurrency(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// Name identifies an account.
type Name struct {
	Party    party.ID
	Code     Code
	Currency string
}

func (n Name) valid() bool {
	return party.Valid(string(n.Party)) && n.Code.valid() && ValidCurrency(n.Currency)
}

// Compare orders names by party, code, currency: the order of postings and of locks.
func (n Name) Compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Party, o.Party), cmp.Compare(n.Code, o.Code), cmp.Compare(n.Currency, o.Currency))
}

// Posting moves Amount minor units onto an account, off it when negative.
type Posting struct {
	Account Name
	Amount  int64
}

// Entry is one transaction of the books. Entries are never changed.
type Entry struct {
	Key      string // idempotency key, unique in the books
	Reason   string
	T        time.Time // UTC, cut to milliseconds
	Postings []Posting // sorted by account, one per account
}

// NewEntry returns a checked entry with its postings sorted.
//
// Errors: fault.Invalid (malformed key, reason, time or account; an amount of 0 or beyond 2^62; an account twice;
// postings that do not sum to 0 per currency), fault.LimitExceeded (more than MaxPostings).
func NewEntry(key, reason string, t time.Time, postings []Posting) (Entry, error) {
	e := Entry{Key: key, Reason: reason, T: time.UnixMilli(t.UnixMilli()).UTC(), Postings: slices.Clone(postings)}
	slices.SortFunc(e.Postings, func(a, b Posting) int { return a.Account.Compare(b.Account) })
	if err := e.check(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// Reverse returns the entry that undoes e.
//
// Errors: as NewEntry for key, reason and t.
func (e Entry) Reverse(key, reason string, t time.Time) (Entry, error) {
	postings := slices.Clone(e.Postings)
	for i := range postings {
		postings[i].Amount = -postings[i].Amount
	}
	return NewEntry(key, reason, t, postings)
}

func (e Entry) check() error {
	const op = "account.NewEntry"
	ms := e.T.UnixMilli()
	switch {
	case len(e.Key) == 0 || len(e.Key) > MaxKeyBytes || !utf8.ValidString(e.Key):
		return fault.New(fault.Invalid, op, "a key is 1 to %d bytes of UTF-8", MaxKeyBytes)
	case len(e.Reason) == 0 || len(e.Reason) > MaxReasonBytes || !utf8.ValidString(e.Reason):
		return fault.New(fault.Invalid, op, "a reason is 1 to %d bytes of UTF-8", MaxReasonBytes)
	case ms < 0 || ms > maxMillis:
		return fault.New(fault.Invalid, op, "a time outside the years 1970 to 9999")
	case len(e.Postings) > MaxPostings:
		return fault.New(fault.LimitExceeded, op, "%d postings, at most %d", len(e.Postings), MaxPostings)
	case len(e.Postings) < 2:
		return fault.New(fault.Invalid, op, "an entry has at least two postings")
	}
	for i, p := range e.Postings {
		switch {
		case !p.Account.valid():
			return fault.New(fault.Invalid, op, "posting %d: malformed account", i)
		case p.Amount == 0 || p.Amount < -MaxAmount || p.Amount > MaxAmount:
			return fault.New(fault.Invalid, op, "posting %d: an amount of 0 or beyond 2^62", i)
		case i > 0 && p.Account.Compare(e.Postings[i-1].Account) <= 0:
			return fault.New(fault.Invalid, op, "an account is posted to twice, or out of order")
		}
	}
	return e.balanced()
}

// balanced checks I10. Sums of 4,096 amounts of 2^62 need more than 64 bits.
func (e Entry) balanced() error {
	sums := map[string]*big.Int{}
	for _, p := range e.Postings {
		if sums[p.Account.Currency] == nil {
			sums[p.Account.Currency] = new(big.Int)
		}
		sums[p.Account.Currency].Add(sums[p.Account.Currency], big.NewInt(p.Amount))
	}
	for _, sum := range sums {
		if sum.Sign() != 0 {
			return fault.New(fault.Invalid, "account.NewEntry", "I10: the postings of a currency do not sum to 0")
		}
	}
	return nil
}
