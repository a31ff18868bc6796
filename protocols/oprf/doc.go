// Package oprf lets a client look its records up in a much larger set of a server, many times, without showing the server
// which records it asks for and without receiving the set.
//
// # Protocol
//
// F is the oblivious pseudorandom function of RFC 9497 in mode VOPRF under the server's key k. T(F) is the first L bytes
// of SHA-256("tacit/oprf/tag/v1" ‖ F), L = ⌈(ssp + ⌈log₂ n⌉ + ⌈log₂ Q⌉)/8⌉, for n declared server items and Q queries in
// the key's life. An input of F is SHA-256("tacit/psi/item/v1" ‖ epoch ‖ digest of the canonical key).
//
// Once per epoch the server makes a tag file, the sorted tags of its set, and every client stores it:
//
//	client                                         server
//	                                               T(F(y)) for every y, sorted            BuildTags
//	      <------------ offer, chunks of the file  SendTags
//	ReceiveTags, then OpenTags
//
// Then, as often as the plan allows, with fresh blinds r:
//
//	hello, request: r·H(x) per query ------------>                                        Query, blind
//	      <-------------------------------- hello                                         Serve
//	      <---------- answer: k·(r·H(x)), one proof per batch                             blindEvaluate, prove
//	verify, F(x) from r⁻¹·(k·r·H(x)), T(F(x)) in the file?                                finalize, find
//
// A frame of at most 16384 queries is one batch with one proof. Batches flow at once in both directions. Labelled variant
// (ValueBytes > 0): beside its tag a record holds the value, sealed under a key derived from F(y) and the file's salt, and
// the client opens the values of its matches. Blind, Key.BlindEvaluate, Blinded.Finalize and Key.Evaluate are the bare
// OPRF in modes OPRF and VOPRF. Suites `ristretto255-SHA512` and `P256-SHA256`.
//
// # Security
//
// Trust model `2pc-semihonest` for the result; the server learns nothing about items even if malicious, and the proofs
// keep it from answering under another key than the committed one, which would tell clients apart. Assumptions: RFC 9497
// §7.2 (one-more gap computational Diffie–Hellman in the group, hashes as random oracles); Q answers under one key cost
// log₂(Q)/2 bits. A false match, over the key's whole life, has probability at most 2^−ssp. A malicious server can still
// put tags of anything into the file; a malicious client can ask for any items it can name, so that small key domains are
// protected by quotas only: SessionQueries and Queries here, per client and across runs by the caller.
//
// Without values:
//
// reveals: the number of queries of each run to server
// reveals: the number of distinct items of the server in each tag file to client
// reveals: which of its queries the server also holds to client
//
// With values:
//
// reveals: the number of queries of each run to server
// reveals: the number of distinct items of the server in each tag file to client
// reveals: which of its queries the server also holds, and their values to client
//
// A client keeps what it learned: within an epoch it can test an earlier query against every later file, and open later
// values of it. Rotate key and epoch where that matters. A failed run still reveals the sizes. Sessions and messages are
// bound by hello, sequence numbers and proofs; a file by its digest. Blinding, evaluation and scalar draws are
// constant-time as far as circl's ristretto255 is. With P256-SHA256 they are not: circl's scalar products and inversions
// go through math/big, at the client over blinds and at the server over the key and the proof's nonce (one product per
// proof). Sums for proofs depend on public values only. Lookups depend on the matches, are local, and happen after the
// last message. Not for sets that the server must be able to withdraw from clients: a file stays.
//
// # Cost
//
// File: 190 + L·n bytes (labelled: (L + 16 + ValueBytes)·n), once per epoch; one flight, 91 bytes and 9 per chunk of
// 1048567 bytes on top. Run of q queries: two flights; with F = ⌈q/16384⌉ and E = 32 (P-256: 33) the client sends
// 184 + E·q + 9·F bytes and receives 184 + E·q + 73·F. Params.Cost and Params.TransferCost are exact.
//
// Measured on 2 cores of an AVX-512 Xeon virtual machine (BenchmarkBuildTags, BenchmarkQuery, BenchmarkLookup): offline
// 66 µs of CPU per server item (P-256: 139), which is 10⁷ items in 5.6 minutes on both cores; a query 211 µs of CPU for
// both parties together (P-256: 461), of which 165 are the three multiplications; a lookup among 10⁶ tags 0.5 µs. A run of
// 10⁵ queries against 10⁷ records (BenchmarkTenMillion), both parties on the two cores: 10.9 s, 211 MB at the peak.
//
// # Limits
//
// MaxSessionQueries 2²⁴ a run, MaxQueries 2³² a key, MaxTagBuffer 1 GiB of records (97 million bare ones of 11 bytes),
// MaxValueBytes 1024, MaxBatch 65535 for the bare OPRF, L ≤ 16, 40 ≤ ssp. Beyond: fault.LimitExceeded. Empty sets and
// runs are legal. Repeated queries are answered each; repeated server rows collapse, labelled ones are fault.Invalid.
//
// # References
//
// RFC 9497 (OPRF, VOPRF, batched proofs), RFC 9496 (ristretto255), RFC 9380 (hashing to groups). Kiss, Liu, Schneider,
// Asokan, Pinkas, "Private Set Intersection for Unequal Set Sizes with Mobile Applications", PoPETs 2017(4) (precomputed
// server side). Deviations: all blinds of a batch are inverted with one inversion; composites are summed with Pippenger's
// buckets; scalars are drawn by rejection; canonical encodings only.
package oprf
