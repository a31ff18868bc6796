package settle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"math/bits"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/account"
)

const (
	// MaxPayees bounds the payees of one agreement.
	MaxPayees = 256
	// MaxWeight bounds the sum of weights: with amounts of 2^62 products stay within 128 bits.
	MaxWeight = 1_000_000_000
	// maxTotal bounds what an agreement may receive in its life.
	maxTotal = account.MaxAmount
)

// Share is a payee's weight, fixed for the agreement's life.
type Share struct {
	Payee  party.ID
	Weight int64
}

// Split is the state of one agreement's division in one currency. Only New, Receive, Close and DecodeSplit make one.
type Split struct {
	Agreement string
	Keeper    party.ID // whose books hold the suspense account
	Currency  string
	Shares    []Share // sorted by payee
	Total     int64   // received less reversed, 0 to 2^62
	Owed      []int64 // per share: what the payee was paid too much and has not earned back
	Closed    bool
}

// New returns the split of an agreement that has received nothing.
//
// Errors: fault.Invalid (malformed agreement, keeper or currency; no payee, a payee twice; a weight below 1; weights
// above MaxWeight in sum), fault.LimitExceeded (more than MaxPayees).
func New(agreement string, keeper party.ID, currency string, shares []Share) (Split, error) {
	s := Split{
		Agreement: agreement, Keeper: keeper, Currency: currency,
		Shares: slices.Clone(shares), Owed: make([]int64, len(shares)),
	}
	slices.SortFunc(s.Shares, func(a, b Share) int { return cmp.Compare(a.Payee, b.Payee) })
	if err := s.check(); err != nil {
		return Split{}, err
	}
	return s, nil
}

func (s Split) check() error {
	const op = "settle.New"
	switch {
	case !account.ValidAgreement(s.Agreement) || !party.Valid(string(s.Keeper)) || !account.ValidCurrency(s.Currency):
		return fault.New(fault.Invalid, op, "malformed agreement, keeper or currency")
	case len(s.Shares) == 0:
		return fault.New(fault.Invalid, op, "no payee")
	case len(s.Shares) > MaxPayees:
		return fault.New(fault.LimitExceeded, op, "%d payees, at most %d", len(s.Shares), MaxPayees)
	case s.Total < 0 || s.Total > maxTotal || len(s.Owed) != len(s.Shares):
		return fault.New(fault.Invalid, op, "a state that no receipt leads to")
	}
	sum := int64(0)
	for i, w := range s.Shares {
		if !party.Valid(string(w.Payee)) || i > 0 && w.Payee <= s.Shares[i-1].Payee {
			return fault.New(fault.Invalid, op, "payees must be party ids, each once")
		}
		if w.Weight < 1 || w.Weight > MaxWeight-sum {
			return fault.New(fault.Invalid, op, "weights are at least 1 and sum to at most %d", MaxWeight)
		}
		if s.Owed[i] < 0 || s.Owed[i] > maxTotal {
			return fault.New(fault.Invalid, op, "a state that no receipt leads to")
		}
		sum += w.Weight
	}
	return nil
}

// weight is W, the sum of weights.
func (s Split) weight() int64 {
	sum := int64(0)
	for _, w := range s.Shares {
		sum += w.Weight
	}
	return sum
}

// Instalment is money received for a job, negative when it is given back.
type Instalment struct {
	Job      string
	Payer    party.ID
	Amount   int64      // minor units
	Receipts [][32]byte // digests of the receipts that it pays, sorted, without repeats
}

// Receive divides an instalment. It returns the new state, the invoice, and the postings that carry it out, sorted and
// without zeros: none when nothing moves.
//
// Errors: fault.Invalid (malformed instalment, more given back than received, a closed split), fault.LimitExceeded (the
// sum passes 2^62, too many receipts).
//
// Entitlements: E_i = total·w_i/W; due_i = ⌊E_i⌋ after − ⌊E_i⌋ before.
func (s Split) Receive(in Instalment) (Split, Invoice, []account.Posting, error) {
	const op = "settle.Receive"
	switch {
	case s.Closed:
		return Split{}, Invoice{}, nil, fault.New(fault.Invalid, op, "the agreement is closed")
	case in.Amount > 0 && in.Amount > maxTotal-s.Total:
		return Split{}, Invoice{}, nil, fault.New(fault.LimitExceeded, op, "the agreement's receipts pass 2^62")
	case in.Amount < 0 && in.Amount < -s.Total:
		return Split{}, Invoice{}, nil, fault.New(fault.Invalid, op, "more given back than was received")
	}
	next, w := s, s.weight()
	next.Total += in.Amount
	due := make([]int64, len(s.Shares))
	for i, share := range s.Shares {
		before, _ := entitled(s.Total, share.Weight, w)
		after, _ := entitled(next.Total, share.Weight, w)
		due[i] = after - before
	}
	invoice, err := s.invoice(in, due)
	if err != nil {
		return Split{}, Invoice{}, nil, err
	}
	p := postings{}
	p.add(account.Name{Party: in.Payer, Code: account.Receivable, Currency: s.Currency}, -in.Amount)
	p.add(s.suspense(), in.Amount)
	next.Owed = s.pay(&p, due)
	return next, invoice, p.sorted(), nil
}

// Close gives the units left in suspense to the largest fractions, ties by hash of agreement and payee, and ends the
// split. Closing again changes nothing.
func (s Split) Close() (Split, []account.Posting) {
	if s.Closed {
		return s, nil
	}
	left, w := s.Suspense(), s.weight()
	order := make([]remainder, len(s.Shares))
	for i, share := range s.Shares {
		_, rest := entitled(s.Total, share.Weight, w)
		order[i] = remainder{index: i, rest: rest, tie: s.tie(share.Payee)}
	}
	slices.SortFunc(order, func(a, b remainder) int {
		return cmp.Or(cmp.Compare(b.rest, a.rest), bytes.Compare(a.tie[:], b.tie[:]))
	})
	due := make([]int64, len(s.Shares))
	for _, r := range order[:left] {
		due[r.index] = 1
	}
	next, p := s, postings{}
	next.Closed = true
	next.Owed = s.pay(&p, due)
	return next, p.sorted()
}

// remainder is the fraction of a payee's entitlement, in units of 1/W.
type remainder struct {
	index int
	rest  uint64
	tie   [32]byte
}

func (s Split) tie(p party.ID) [32]byte {
	e := wire.Encoder{}
	e.String("tacit/settle/tie/v1")
	e.String(s.Agreement)
	e.String(string(p))
	return sha256.Sum256(e.B)
}

// Suspense is what waits to become whole units: 0 to len(Shares)−1, and 0 once closed.
func (s Split) Suspense() int64 {
	if s.Closed {
		return 0
	}
	left, w := s.Total, s.weight()
	for _, share := range s.Shares {
		whole, _ := entitled(s.Total, share.Weight, w)
		left -= whole
	}
	return left
}

// entitled returns ⌊total·weight/sum⌋ and the remainder in units of 1/sum, exactly: total ≤ 2^62, weight ≤ sum.
func entitled(total, weight, sum int64) (whole int64, rest uint64) {
	hi, lo := bits.Mul64(uint64(total), uint64(weight))
	q, r := bits.Div64(hi, lo, uint64(sum))
	return int64(q), r
}

// pay moves due from suspense to the payees and returns what they owe afterwards. A negative due becomes a debt; a
// positive one settles the debt first. Nothing is pulled from a payee.
func (s Split) pay(p *postings, due []int64) []int64 {
	owed := slices.Clone(s.Owed)
	for i, share := range s.Shares {
		debt := account.Name{Party: share.Payee, Code: account.Receivable, Currency: s.Currency}
		earned := account.Name{Party: share.Payee, Code: account.Payable, Currency: s.Currency}
		back := due[i]
		if due[i] > 0 {
			back = min(due[i], owed[i])
		}
		owed[i] -= back
		p.add(debt, back)
		p.add(earned, due[i]-back)
		p.add(s.suspense(), -due[i])
	}
	return owed
}

func (s Split) suspense() account.Name {
	return account.Name{Party: s.Keeper, Code: account.Suspense(s.Agreement), Currency: s.Currency}
}

// postings adds up amounts per account: the payer may be a payee.
type postings []account.Posting

func (p *postings) add(n account.Name, amount int64) {
	if amount == 0 {
		return
	}
	for i := range *p {
		if (*p)[i].Account == n {
			(*p)[i].Amount += amount
			return
		}
	}
	*p = append(*p, account.Posting{Account: n, Amount: amount})
}

func (p postings) sorted() []account.Posting {
	out := slices.DeleteFunc(p, func(x account.Posting) bool { return x.Amount == 0 })
	slices.SortFunc(out, func(a, b account.Posting) int { return a.Account.Compare(b.Account) })
	return out
}
