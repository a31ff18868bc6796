// Package plan compiles a job.Spec into a labelled, costed, deterministic graph of steps.
//
// Build is pure: no I/O, goroutine or clock, and nothing depends on map order. Every node builds the plan from the same
// Spec and the same catalogue answers and compares digests, so nobody has to trust the coordinator. An unlawful job
// fails here, with the column named, before a byte moves.
//
// The passes, in order: resolve names (resolve.go), describe inputs (describe.go), bind types and labels and bound rows
// (bind.go, one table row per op in op.go), choose protocols, cost and leakage (protocol.go), check releases
// (release.go), encode and digest (encode.go, digest.go).
//
// Invariant L1: a label never weakens except by a release; predict opens scores to the label holder by an implied
// release that is listed, decided and leaked like any other. Invariant L2: the owners a release asks are the owners in
// the lineage of what it opens, not its last holder.
package plan
