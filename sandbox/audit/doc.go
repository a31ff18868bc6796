// Package audit is a party's append-only log: who did what, when, under which right, in a form that outsiders can
// check without trusting the party.
//
// A Leaf is one line of canonical JSON. Append hashes it into an RFC 6962 Merkle tree inside the transaction that
// changes the state it speaks of, so that a state change and its leaf commit together (Invariant I7). A Checkpoint is
// the signed root; a Receipt proves one leaf offline; Export writes the tree as static files that public tools read.
//
// # Formats
//
//   - leaf: RFC 8785 restricted to strings, integers of magnitude below 2⁵³, booleans, arrays and objects; see json.go
//   - tree: RFC 6962 §2.1, SHA-256
//   - checkpoint: C2SP tlog-checkpoint, three lines, no extension lines, one Ed25519 signed note
//   - tiles: C2SP tlog-tiles, height 8
//   - receipt: C2SP tlog-proof v1, the leaf in the `extra` line
//
// # Invariants
//
//   - I7: fold(log) = state: the last RowChange per row equals the stored row; Fold and Folded.Match.
//   - I12: no row value and no personal datum in a leaf. What identifies somebody enters as a Commit, whose salt is kept
//     apart: erasing the salt erases the value for ever. A bare hash of a telephone number is a telephone number.
//
// # Limits
//
// MaxLeafBytes, MaxDepth, MaxRows, MaxTreeSize, MaxProofHashes, MaxCheckpointBytes, MaxReceiptBytes. Beyond them every function
// answers fault.LimitExceeded. Tree size shows how busy a party is; entries show who works with whom. Hence checkpoints
// go to every partner, entries to auditors only, and a partner gets receipts for the leaves that name it.
package audit
