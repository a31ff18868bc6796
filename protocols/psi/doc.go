// Package psi lets two organisations find out which of their records have the same key, without showing each other any
// other key.
//
// # Protocol
//
// Method `ecdh`: R (receiver) holds the items x₁ … x_R, S (sender) holds y₁ … y_S; H maps an item to the group; a and b
// are fresh secret scalars. Items are session-bound hashes of canonical keys (ItemOf).
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
// Output `receiver`: only R learns the matches. Output `both`: S learns them from the bitmap. Receive and Send play R
// and S. Suite `ristretto255`; `x25519-ell2`, `p256` and `sm2` are named but not built.
//
// # Security
//
// Trust model `2pc-semihonest`, static corruption of either party, under DDH in ristretto255 with H and T random
// oracles. A false match has probability at most 2^−ssp. Links are authenticated by the Conn; altered, repeated, lost or
// reordered messages are found by sequence numbers and by the transcript digests in `done`.
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
// A failed run still reveals the sizes. A malicious party can invent items, R can lie in the bitmap and S can mask
// garbage: nothing here authenticates inputs. Masking, multiplication and the scalar draw are constant-time as far as
// circl's ristretto255 is; sorting and joining depend on the data and are local. With output `receiver` R says `done`
// before it joins, so that its answer time does not depend on the intersection. Not for keys whose owner must not learn
// that they are shared, and not against a receiver that enumerates a small key domain: bound its items in the plan.
//
// # Cost
//
// Four flights: hello; points; tags and S's done; matches and R's done. With F(n) = ⌈n/16384⌉ frames, R sends
// 72 + 32·n_R + 9·F(n_R) + 45 bytes, and with output `both` ⌈n_S/8⌉ + 9·⌈n_S/2²²⌉ more; it receives
// 72 + 32·n_S + 9·F(n_S) + L·n_R + 9·F(n_R) + 45. Params.Cost is exact. Both parties together spend 4 multiplications
// and 2 maps per pair (x, y); BenchmarkECDH measures them. Memory: R holds L·n_R + L·n_S bytes of tags and 32 bytes of
// sort entries per item, S holds 4·n_S; frames are bounded by 16 in flight.
//
// # Limits
//
// At most MaxItems (2²⁴) items a side; larger sets are cut into buckets before they come here. 40 ≤ ssp, and L ≤ 16
// bytes. A frame holds at most 16384 items (matches: 2²² bits) and 1 MiB. Beyond: fault.LimitExceeded. Empty sets are
// legal; duplicate items are fault.Invalid.
//
// # References
//
// Meadows 1986; Huberman, Franklin, Hogg 1999 (the protocol). RFC 9496 (ristretto255). RFC 9380 §5.3.1 and Appendix B
// (H is ristretto255_XMD:SHA-512_R255MAP_RO_ under the tag "tacit-psi-v1-ristretto255"). Deviations: S answers with
// truncated hashes of points instead of points, in R's order; S's own stream is shuffled.
package psi
