// Package psi lets two organisations find out which of their records have the same key, without showing each other any
// other key.
//
// # Protocol
//
// Method `ecdh`: R (receiver) holds the items x₁ … x_R, S (sender) holds y₁ … y_S; H maps an item to the group; a and
// b are fresh secret scalars. Items are session-bound hashes of canonical keys (ItemOf).
//
//	R                                              S
//	hello ------------------------------------->         open
//	      <------------------------------------- hello   open
//	points: a·H(x), own order ----------------->         mask
//	      <----- points: b·H(y), shuffled by S's CSPRNG  mask, shuffle
//	      <------------- tags: T(b·(a·H(x))), R's order  raise
//	      <-------------------------------------- done   verify
//	T(a·(b·H(y))), join with the tags
//	matches: bitmap over S's stream (`both` only) ->     open
//	done -------------------------------------->         verify
//
// T(P) is the first L bytes of SHA-256("tacit/psi/tag/v1" ‖ Binding ‖ P), L = ⌈(ssp + log₂(n_R·n_S))/8⌉. Positions are
// returned in aligned order: ascending position in S's shuffled stream, which both know and which is random.
//
// Output `receiver`: only R learns the matches. Output `both`: S learns them from the bitmap. Output `cardinality`: S
// answers with R's tags in an order of its own, so that R learns only how many match. Receive and Send play R and S.
//
// Output `sum` (ReceiveSum, SendSum) goes on from `cardinality`: private join and compute. The weight w_j is 1 where
// position j of S's stream matches and 0 elsewhere, v_j is S's value there, and E is encryption under a key of R
// (engine/he, set H2):
//
//	public key, E(w) by 8192 positions; done --->        multiply by v, add up
//	      <------- sealed E(Σ w·v), one per limb; done   seal
//
// A value of 2^19 or more in magnitude goes in two limbs, of which the lower has 18 bits.
//
//	suite          map                                    point     a peer's point is refused when
//	x25519-ell2    curve25519_XMD:SHA-512_ELL2_NU_        u, 32 B   u ≥ p, low order; twist (sampled, or Strict)
//	ristretto255   ristretto255_XMD:SHA-512_R255MAP_RO_   32 B      not canonical, negative, identity
//	p256           P256_XMD:SHA-256_SSWU_RO_              33 B      prefix not 2 or 3, x ≥ p, off the curve
//	sm2            the same recipe with SM3 and Z = −9    33 B      as p256
//
// Method `rr22` (Raghuraman and Rindal), for large sets: a few bytes and less than a microsecond per item. C and A = B +
// Δ·C are a vector OLE over GF(2^128) (protocols/vole) as long as the vector P, which encodes the pairs x → h(x) for R's
// items (internal/kernel/okvs); Decode(P, x) is linear in P.
//
//	R                                              S
//	hello ------------------------------------->         open
//	      <------------------------------------- hello   open
//	      <---------- VOLE: (A, C) to R, (B, Δ) to S ------->
//	seed; P ⊕ C ------------------------------->         B' = B ⊕ Δ·(P ⊕ C)
//	F(x) = H(Decode(A, x))                               F(y) = H(Decode(B', y) ⊕ Δ·h(y))
//	      <------------ tags: F(y), shuffled by S; done  verify
//	join; matches: bitmap (`both` only); done --->       verify
//
// With Malicious the VOLE is checked, S commits to a block w_S first and opens it before its tags, R sends w_R with the
// seed, H is AES keyed by the value plus w_R ⊕ w_S, tags are 16 bytes of a hash of F, and R proves the matches it reports
// by a hash over their F.
//
// Sets above 2²² items (`rr22`: MaxItemsRR22) are cut by their last bytes into 2^k buckets (PlanBuckets), each a run with
// its own session and fresh secrets at ssp + k, padded with random items to a size that all buckets stay below except
// with probability 2^−41.
//
// Lead and Join play three and more parties. Every two of them agree on a key by X25519; s_i(x) is the sum of a pseudorandom
// function of x under party i's keys, so that the s_i(x) add up to zero. Each member runs `rr22` with the leader up to F_i
// and then sends a second vector that gives F_i(y) ⊕ s_i(y) back at its own items y. The leader takes what it decodes at
// its item x, less F_i(x), adds up over the members and with s_0(x): zero when all hold x, random otherwise. With Everyone
// each member gets tags of F_i(x) for the x in common, in one random order for all.
//
// # Security
//
// Trust model `2pc-semihonest`, static corruption of either party. Method `ecdh`: under DDH in the suite's group with H
// and T random oracles. Method `rr22`: under dual LPN with regular noise over GF(2^128) for the ExConv code (an estimate
// of its distance, not a proof: protocols/vole), the assumptions of protocols/ot, and H a random oracle, which fixed-key
// AES stands for. Malicious adds: a cheating S learns nothing and makes R's run fail at most (where it guesses bits of R's
// VOLE choices, a failure confirms the guess); a cheating R learns what an honest R with another set would, of about as
// many items as the vector has slots (1.35 times its set, or its set and 40 to 600 more below 2048), and can leave out
// matches that S would hear of, but not make any up. Three and more parties: augmented semi-honest. A false match has probability at most 2^−ssp. Links are authenticated by the Conn; altered, repeated, lost
// or reordered messages are found by sequence numbers and by the transcript digests in `done`.
//
// The map of x25519-ell2 reaches about half of the points. That suffices: whether a point has a preimage is easy to
// tell, and a preimage easy to sample, so that a reduction draws multiples of its challenge until one has a preimage,
// twice on average, and programs H with it (docs/design/0007). Masked values are uniform on the curve, whatever was
// masked.
//
// With output `receiver`:
//
// reveals: the number of distinct items of each party to all
// reveals: which of its items the sender also holds to receiver
//
// With output `both`:
//
// reveals: the number of distinct items of each party to all
// reveals: which of its items the other party also holds to all
//
// With output `cardinality`:
//
// reveals: the number of distinct items of each party to all
// reveals: how many of its items the sender also holds to receiver
//
// With output `sum`:
//
// reveals: the number of distinct items of each party to all
// reveals: how many of its items the sender also holds to receiver
// reveals: the sum of the sender's values over the items that both hold to receiver
//
// and with these two, where the plan sets MinMatches, which only R's node enforces, on itself:
//
// reveals: a number of matches below the agreed minimum too, which its node promises to discard to receiver
//
// (a node that then reports its step as denied tells S that the minimum was not reached). With Malicious, beside the
// output's lines:
//
// reveals: the same for about as many items as the vector has slots, if it cheats to receiver
//
// Between three and more parties, without Everyone:
//
// reveals: the number of distinct items of each party to all
// reveals: which of its items every other party also holds to leader
// reveals: if members collude with it, which of its items all other members hold to leader
//
// with Everyone:
//
// reveals: the number of distinct items of each party to all
// reveals: which of its items every other party also holds to all
// reveals: if members collude with it, which of its items all other members hold to leader
//
// Nothing else about any two of them is told. Members among themselves learn sizes only.
//
// A run that is cut reveals the declared sizes only. A failed run still reveals the sizes. A malicious party can invent items, R can lie in the bitmap and S can mask
// garbage: nothing here authenticates inputs, and a Malicious plan is refused but for method `rr22`. A number of matches can tell membership
// to whoever asks often with chosen sets, and so can a sum; an R that encrypts other weights reads single values. A
// sum is sealed before it returns, with a statistical distance of 2^−40 (engine/he). Multiplication, maps and scalar
// draws are constant-time as far as the kernel, circl, the standard library and gmsm are; coordinates of p256 and sm2
// pass through math/big, whose encodings depend on leading zero words only. Sorting and joining depend on the data and
// are local. ExchangeMultiplicities, which a caller may
// run afterwards, tells each party how often the other has the matched items; they are the peer's word. With outputs
// `receiver` and `cardinality` R says `done` before it joins, so that its answer time does not
// depend on the intersection; with `both` and `sum` it answers after. Not for keys whose owner must not learn that they are shared, and not against a receiver
// that enumerates a small key domain: bound its items in the plan.
//
// # Cost
//
// Method `ecdh`: four flights, with output `sum` five: hello; points; tags and S's done; matches or weights and R's done; sums. With
// P bytes per point and F(n) = ⌈n/16384⌉ frames, R sends 72 + P·n_R + 9·F(n_R) + 45 bytes, and with output `both`
// ⌈n_S/8⌉ + 9·⌈n_S/2²²⌉ more; it receives 72 + P·n_S + 9·F(n_S) + L·n_R + 9·F(n_R) + 45. Params.Cost is exact. Both
// parties together spend 4 multiplications and 2 maps per pair (x, y): with x25519-ell2 and its assembly 18 to 20 µs
// of one core at n = 2^20, 10 s for both parties on two cores and 77.7 MB (BenchmarkECDH; 2-core Intel Xeon with
// AVX-512 IFMA). The other suites need about 15 times as much. Memory: R holds L·(n_R + n_S) bytes of tags and 8·n_S
// of results, S holds 4·n_S, with outputs `cardinality` and `sum` (L+4)·n_R more; a join takes 32 MiB unless S crafts
// its tags, and 16 frames of tags are in flight. Outputs and received frames are garbage soon: a limit (GOMEMLIMIT)
// keeps the process near these figures.
//
// Method `rr22`: 4 flights and the VOLE's 3, with Malicious one and the check's more. R sends 16 bytes for each of the
// vector's 1.35·n_R slots (at least those of 4096 items), S sends L·n_S or 16·n_S, the VOLE about 0.55 MB: 33.8 MB at n =
// 2^20, 40.0 MB with Malicious. Both parties together take 0.65 µs of one core per pair at 2^20 (same machine; items
// hashed, no TLS) and 9 s for 2^24 on its two cores. Memory: 80 bytes per slot and 40 per item of a bucket, beside the
// items.
//
// Several parties: for each member the same and a second vector of 16 bytes for each of 1.35·n_i slots; MultiParams.Cost.
//
// Output `sum` adds 200737 bytes, 200769·⌈n_S/8192⌉ and, back, 100398 per limb and 45.
//
// # Limits
//
// At most MaxCutItems (2²⁸) items a side, MaxItems (2²⁴) with outputs `cardinality` and `sum`, MaxItemsRR22 between
// several parties, of which there are at most MaxParties (32). 40 ≤ ssp, and L ≤ 16
// bytes. A frame holds at most 16384 items (matches: 2²² bits) and 1 MiB. Beyond: fault.LimitExceeded. Empty sets are
// legal; duplicate items are fault.Invalid. Values of a sum are at most MaxValueBound (2³⁶) in magnitude, so that 2²⁴
// of them cannot wrap; beyond: fault.Precision.
//
// # References
//
// Raghuraman and Rindal, ia.cr/2022/320 (rr22: Figures 4 and 5). Kolesnikov, Matania, Pinkas, Rosulek, Trieu,
// ia.cr/2017/799 (several parties: Figure 8, over the function of rr22; the vectors are whole blocks, and every pair
// including the leader's has a key). Meadows 1986; Huberman, Franklin, Hogg 1999 (the protocol); De Cristofaro, Gasti, Tsudik, ia.cr/2011/141 (the number
// of matches by a shuffled answer); Ion et al., ia.cr/2019/723 (the sum, there with one ciphertext per item). RFC
// 7748, 9380, 9496; SEC 1 §2.3; GB/T 32918.5, GB/T 32905 (suites). H's tag is "tacit-psi-v1-" and the suite's name.
// Deviations: S answers with truncated hashes of points instead of points; S's own stream is shuffled; x25519-ell2
// uses the non-uniform map.
package psi
