// Package intersect is an intersection on its own: two parties, a file each, one connection, no coordinator.
//
// Run reads a file by streaming, brings its keys to one form (engine/feature), agrees on everything with the peer, runs
// the protocol of protocols/psi bucket by bucket, and writes this party's rows in the order that both share.
//
//	listener                                        connector
//	opening: terms, key rules, nonce  <------------>  opening      a difference ends here: PlanMismatch
//	sizes: distinct keys, memory      <------------>  sizes
//	plan: protocol, buckets           ------------->               checked
//	finished: mark of each bucket     <------------>  finished     what both have is not done again
//	psi.Receive | psi.Send, per bucket <----------->               fresh secrets; then durable at each party
//	final: rows, digest of all marks  <------------>  final        durable
//	ack                               <------------>  ack          the state can go
//
// # Resuming
//
// A bucket's result is durable, in a file of its own, before the next one begins. Its mark is a hash of the attempt that
// made it, so that two parties that were interrupted between each other's writes do not mix two orders: only a bucket of
// the same mark at both counts. A connection that breaks is made anew, and a process that was killed is started again
// with the same command (at most MaxTries times a bucket); what was spilled is made again from the input, whose digest must be the same.
//
// # What a party learns
//
// The number of the other's distinct keys, and what the terms say: which of its own keys the other holds (both, or only
// the party that gets the output), with expand how often the other holds each of those, with left, right and full joins
// the number of the kept party's unmatched rows. Nothing else of the other's rows crosses, no column and no value.
//
// # Limits
//
// MaxRows rows in an input and in an output, in the latter Config.MaxRows where the peer has a say. Keys beyond Config.Memory/2 are on disk, encrypted, in a file without a
// name; matched row numbers are in memory while the output is laid out, eight bytes each.
package intersect
