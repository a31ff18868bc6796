// Package budget keeps an owner's caps: what may still be used, read, spent or leaked, and what is set aside for jobs
// that are about to run. Nothing exceeds its cap, ever.
//
// # Two phases across owners
//
// Reserve sets amounts aside on all accounts of a step, or on none, and answers with a vote. When every owner has voted,
// Begin opens the hold at each of them; only then may anything that depends on data leave. Use marks the first secret
// sent. Commit books what was consumed before the answer leaves; Abort settles a step that ended without one; Capture
// books the money once receipts have decided it. Release and Expire give back what was never used.
//
//	        Begin        Use, Commit
//	held ─────────▶ open ───────────▶ committed ── Capture (money)
//	 │  │             │
//	 │  └─▶ expired   └─▶ released   only while unused
//	 └────▶ released
//
// An open hold never expires and never refunds by itself. Hold.Next is that machine: pure, total, without a clock.
//
// # Invariants
//
// I2: committed + open + held ≤ cap, per account and dimension, after every operation. An operation either returns nil
// and has written everything, or returns an error and its transaction must be rolled back. Every operation may be
// repeated: a lost reply costs nothing twice.
//
// # Limits
//
// Amounts are integers up to MaxAmount in the dimension's unit (Dim); MaxAccounts accounts per hold; MaxOwners votes.
// The package never sees floats, queries or data. Values are not safe for concurrent mutation; Tx serialises.
package budget
