// Package account is the double-entry books of a party: append-only entries whose postings sum to zero.
//
// A positive balance is what the books owe the account's party, a negative one what the party owes. Money moves only by
// Post: once per idempotency key, all postings or none, no account that forbids it ever below zero. A mistake is
// corrected by a new entry (Reverse), never by a change.
//
// # Invariants
//
// I10: the postings of an entry sum to 0 in each currency, hence so do all balances of a currency, after every entry.
//
// # Limits
//
// Amounts are integers of minor currency units, at most 2^62 in absolute value, and so are balances; MaxPostings
// postings per entry. An operation either returns nil and has written everything, or returns an error and its
// transaction must be rolled back.
package account
