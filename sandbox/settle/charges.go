package settle

import (
	"math/big"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/sandbox/account"
)

// maxDenominatorBytes bounds the exact sum: thousands of unlike prices would grow it without end.
const maxDenominatorBytes = 512

// maxExactBytes bounds the numerator: a sum of 2^62 over the largest denominator.
const maxExactBytes = maxDenominatorBytes + 8

// Price is Num/Den minor units per unit.
type Price struct{ Num, Den int64 }

// Charges accumulate what one payer owes under one agreement, exactly. The zero value owes nothing.
type Charges struct{ exact *big.Rat } // nil is 0; never changed once set

// Add returns the charges after units more at price, and what is now to be charged: the whole part of the exact sum less
// what was charged before. Negative units take back.
//
// Errors: fault.Invalid (Num below 0, Den below 1, more taken back than charged), fault.LimitExceeded (units or sum beyond
// 2^62, or prices with too many different denominators).
func (c Charges) Add(price Price, units int64) (next Charges, due int64, err error) {
	const op = "settle.Charges"
	switch {
	case price.Num < 0 || price.Den < 1:
		return c, 0, fault.New(fault.Invalid, op, "a price is not negative, over a positive number of units")
	case units > account.MaxAmount || units < -account.MaxAmount:
		return c, 0, fault.New(fault.LimitExceeded, op, "units beyond 2^62")
	}
	sum := new(big.Rat).Mul(big.NewRat(price.Num, price.Den), new(big.Rat).SetInt64(units))
	sum.Add(sum, c.rat())
	switch {
	case sum.Sign() < 0:
		return c, 0, fault.New(fault.Invalid, op, "more taken back than was charged")
	case !fits(sum):
		return c, 0, fault.New(fault.LimitExceeded, op, "the exact sum passes 2^62 or its denominator 2^%d", 8*maxDenominatorBytes)
	}
	return Charges{sum}, floor(sum) - c.Charged(), nil
}

// Charged is what has been charged in all: the whole part of the exact sum.
func (c Charges) Charged() int64 { return floor(c.rat()) }

func (c Charges) rat() *big.Rat {
	if c.exact == nil {
		return new(big.Rat)
	}
	return c.exact
}

func fits(r *big.Rat) bool {
	return r.Denom().BitLen() <= 8*maxDenominatorBytes && r.Cmp(new(big.Rat).SetInt64(account.MaxAmount)) <= 0
}

// floor returns ⌊r⌋ for 0 ≤ r ≤ 2^62.
func floor(r *big.Rat) int64 { return new(big.Int).Quo(r.Num(), r.Denom()).Int64() }

// Encode returns the canonical bytes of c: numerator and denominator in lowest terms, without leading zeros.
func (c Charges) Encode() []byte {
	e := wire.Encoder{}
	e.U8(version)
	e.Bytes(c.rat().Num().Bytes())
	e.Bytes(c.rat().Denom().Bytes())
	return e.B
}

// DecodeCharges reads what Encode wrote.
//
// Errors: fault.Unsupported (newer version), fault.Corrupt (anything else).
func DecodeCharges(b []byte) (Charges, error) {
	const op = "settle.DecodeCharges"
	d := wire.NewDecoder(b, op)
	d.Version(version)
	num := new(big.Int).SetBytes(d.Bytes(maxExactBytes))
	den := new(big.Int).SetBytes(d.Bytes(maxDenominatorBytes))
	if err := d.Done(); err != nil {
		return Charges{}, wire.Stored(op, err)
	}
	if den.Sign() == 0 {
		return Charges{}, fault.New(fault.Corrupt, op, "a denominator of 0")
	}
	c := Charges{new(big.Rat).SetFrac(num, den)}
	if !fits(c.exact) || string(c.Encode()) != string(b) {
		return Charges{}, fault.New(fault.Corrupt, op, "not in lowest terms, or out of range")
	}
	return c, nil
}
