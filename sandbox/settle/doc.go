// Package settle divides what a job earned among those who contributed, exactly and for ever.
//
// A share of a receipt is rarely a whole number of minor units. Rounding each receipt gives the first names in a list
// more, for ever. Here every payee has an exact entitlement, the money received times its weight over all weights, and
// is paid the whole part of it less what it was paid before. What is left waits in the agreement's suspense account: never
// as much as one unit per payee. The payer's side works alike (Charges), so that many tiny runs do not round to free.
//
// # Properties
//
// After any sequence of instalments and reversals, with n payees: nobody is more than one unit away from its exact
// entitlement; 0 ≤ suspense ≤ n−1; the result depends on neither the order of receipts nor how they are batched nor the
// order of parties; a reversal pulls nothing from a payee but is netted from what it earns next; Close leaves suspense 0.
//
// # Limits
//
// MaxPayees payees with fixed weights summing to at most MaxWeight; sums up to 2^62 minor units; MaxReceipts receipts per
// invoice line. Values are not changed after they are made; operations return new ones. The package posts nothing
// itself: it returns postings for sandbox/account.
package settle
