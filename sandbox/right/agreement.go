// Package right holds what parties allowed each other: agreements, which all parties sign, and grants, by which one
// owner opens one dataset version to named parties for one purpose. Nothing is granted by absence: the zero value of
// every type here permits nothing.
package right

import (
	"cmp"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/account"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// Bounds. Beyond them a record is refused with fault.LimitExceeded.
const (
	MaxParties = 32      // as many as a job may have
	MaxAssets  = 64      // as many as a job may have inputs
	MaxWeight  = 1e9     // Σ of the share weights: parts per 10⁹ are exact
	MaxMinor   = 1 << 62 // of a price, in minor units (fen, cents): sums of two stay inside int64
)

// Agreement is what the parties sign: who may be asked for which data, for which purpose and time, at which price and
// how the price is shared. It is addressed by content, see ID. Resolved to names: no wildcard, no role, no "latest".
type Agreement struct {
	Parties   []party.ID // all sign; at least two
	Assets    []Asset    // what it is about
	Purpose   string     // `[a-z][a-z0-9-]{0,62}`
	Price     Price      // per run
	Payer     party.ID   // one of Parties
	Shares    []Share    // how a price splits; empty only when the price is zero
	NotBefore int64      // UTC milliseconds, first instant
	NotAfter  int64      // UTC milliseconds, last instant
	Text      [32]byte   // SHA-256 of the contract text that people read; zero when there is none
}

// Asset is a dataset version of one party.
type Asset struct {
	Owner party.ID
	ID    string // "loans@1"
}

// Price is an exact amount of minor units; the zero value is free.
type Price struct {
	Currency string // three upper-case letters; empty only when Minor is 0
	Minor    int64  // 0 ≤ Minor ≤ MaxMinor
}

// Share gives a party Weight parts of the sum of all weights.
type Share struct {
	Party  party.ID
	Weight int64 // ≥ 1
}

// Normal returns a with its sets sorted and without repeats: the form that is encoded and signed.
func (a Agreement) Normal() Agreement {
	a.Parties = party.Sorted(a.Parties)
	a.Assets = slices.Clone(a.Assets)
	slices.SortFunc(a.Assets, func(x, y Asset) int { return cmp.Or(cmp.Compare(x.Owner, y.Owner), cmp.Compare(x.ID, y.ID)) })
	a.Assets = slices.Compact(a.Assets)
	a.Shares = slices.Clone(a.Shares)
	slices.SortFunc(a.Shares, func(x, y Share) int { return cmp.Or(cmp.Compare(x.Party, y.Party), cmp.Compare(x.Weight, y.Weight)) })
	return a
}

// Check verifies every field; the order of sets does not matter.
//
// Errors: fault.Invalid (a name, time, price or share out of its range, an asset or share of an outsider, a share
// twice), fault.LimitExceeded (MaxParties, MaxAssets, MaxWeight, MaxMinor).
func (a Agreement) Check() error {
	const op = "right.Agreement"
	switch {
	case len(a.Parties) > MaxParties || len(a.Assets) > MaxAssets || len(a.Shares) > MaxParties:
		return fault.New(fault.LimitExceeded, op, "%d parties, %d assets, %d shares; at most %d, %d, %d", len(a.Parties), len(a.Assets), len(a.Shares), MaxParties, MaxAssets, MaxParties)
	case len(party.Sorted(a.Parties)) < 2:
		return fault.New(fault.Invalid, op, "an agreement has at least two parties")
	case len(a.Assets) == 0:
		return fault.New(fault.Invalid, op, "an agreement is about at least one asset")
	case !party.Valid(a.Purpose):
		return fault.New(fault.Invalid, op, "a purpose is 1 to 63 of a-z, 0-9 and '-', first a letter")
	case a.NotBefore < 0 || a.NotAfter < a.NotBefore:
		return fault.New(fault.Invalid, op, "the term ends before it begins")
	}
	for _, p := range a.Parties {
		if !party.Valid(string(p)) {
			return fault.New(fault.Invalid, op, "a party of the agreement is not a party id")
		}
	}
	for _, asset := range a.Assets {
		if _, _, err := catalog.ParseID(asset.ID); err != nil {
			return err
		}
		if !slices.Contains(a.Parties, asset.Owner) {
			return fault.New(fault.Invalid, op, "the owner of %s is not a party of the agreement", asset.ID)
		}
	}
	return a.checkMoney()
}

func (a Agreement) checkMoney() error {
	const op = "right.Agreement"
	switch {
	case !slices.Contains(a.Parties, a.Payer):
		return fault.New(fault.Invalid, op, "the payer is not a party of the agreement")
	case a.Price.Minor < 0:
		return fault.New(fault.Invalid, op, "a negative price")
	case a.Price.Minor > MaxMinor:
		return fault.New(fault.LimitExceeded, op, "a price of more than 2^62 minor units")
	case a.Price.Minor > 0 && len(a.Shares) == 0:
		return fault.New(fault.Invalid, op, "a price and nobody to receive it")
	case !account.ValidCurrency(a.Price.Currency) && a.Price != Price{}:
		return fault.New(fault.Invalid, op, "a currency is three upper-case letters")
	}
	sum, seen := int64(0), make(map[party.ID]bool)
	for _, s := range a.Shares {
		if !slices.Contains(a.Parties, s.Party) || seen[s.Party] || s.Weight < 1 {
			return fault.New(fault.Invalid, op, "a share without weight, of an outsider, or a second one of %s", s.Party)
		}
		if seen[s.Party] = true; s.Weight > MaxWeight-sum {
			return fault.New(fault.LimitExceeded, op, "share weights of more than %d in sum", int64(MaxWeight))
		}
		sum += s.Weight
	}
	return nil
}

// Covers verifies that grant g stays inside a: its owner opens an asset of the agreement, to parties of it, for its
// purpose, within its term.
//
// Errors: fault.Denied naming the rule agreement/asset, agreement/grantee, agreement/purpose, agreement/term or
// agreement/id.
func (a Agreement) Covers(g Grant) error {
	const op = "right.Covers"
	id, err := a.ID()
	switch {
	case err != nil:
		return err
	case g.Agreement != id:
		return fault.New(fault.Denied, op, "rule agreement/id: grant %s cites another agreement", g.ID)
	case !slices.Contains(a.Assets, Asset{g.Owner, g.Asset}):
		return fault.New(fault.Denied, op, "rule agreement/asset: %s of %s is not in the agreement", g.Asset, g.Owner)
	case g.Purpose != a.Purpose:
		return fault.New(fault.Denied, op, "rule agreement/purpose: have %s, need %s", a.Purpose, g.Purpose)
	case g.NotBefore < a.NotBefore || g.NotAfter > a.NotAfter:
		return fault.New(fault.Denied, op, "rule agreement/term: grant %s is longer than the agreement", g.ID)
	}
	for _, p := range g.Grantees {
		if !slices.Contains(a.Parties, p) {
			return fault.New(fault.Denied, op, "rule agreement/grantee: %s is not a party of the agreement", p)
		}
	}
	return nil
}
