// Package ot lets one party pick one of two secrets of another, millions of times a second, so that the owner does not
// learn which one was picked and the picker learns nothing about the other.
//
// # Protocol
//
// A few public-key transfers (base.go) are expanded by symmetric cryptography into any number of correlated ones: the
// sender holds one random Δ and a block q per transfer, the receiver a choice bit b and t = q ⊕ b·Δ.
//
//	sender (Δ)                                          receiver (b_1, b_2, …)
//	NewSender: 128 base choices ¬Δ
//	                 (R_0,R_1) × 128                ──▶
//	                                                    NewReceiver: keys k_0,k_1; 128/k GGM trees of 2^k leaves
//	                 A, sums of the trees' levels   ◀──
//	Finish: every tree but its leaf Δ_j
//	  ── any number of times ──
//	                                                    Extend: t; u_j = ⊕ leaves of tree j
//	                 index, u_j ⊕ b for each j      ◀──
//	Extend: q
//	Pads: H(q,i), H(q ⊕ Δ,i)                            Pads: H(t,i)
//
// SetupSender and SetupReceiver run the setup of one direction, SetupBoth of both at once. Extend and Pads are local;
// the caller carries their messages, together with the payloads it masks with the pads. Params choose k, the bits of Δ
// per tree: 2, 4 (default) or 8.
//
// # Security
//
// Trust model 2pc-semihonest: both parties follow the protocol, either may try to learn more from what it saw. The base
// transfers need the gap Diffie–Hellman assumption in ristretto255 and random oracles; the expansion needs AES-128 to
// be a pseudorandom function and the pads' hash (fixed-key AES, ia.cr/2019/074) to be tweakable correlation-robust.
//
// By default a malicious receiver that uses different choices in different groups, or a malicious tree holder that sends
// wrong level sums, is not detected and can learn bits of Δ or of the choices. Malformed bytes are detected. With
// Literal.Malicious both are: the tree holder proves that each tree's sums fit all of its leaves, and every extension ends
// with a consistency check of the choices; a failure is fault.Misbehaved and ends the setup. What remains is selective
// failure: a cheater that guesses the digits of Δ which its deviation depends on is not found, with probability 2^-k per
// digit, and learns that they were right. The checks' randomness is hashed from the transcript (random oracle).
//
// reveals: number of transfers to all
//
// Constant-time in Δ and the choice bits: the sender keeps its trees at index x ⊕ Δ, so that no address depends on Δ.
// The group arithmetic is circl's; its decoding works on public points. An index is used once: streams only move
// forward, an extension message names its first index, and a state that met an error refuses everything.
//
// # Cost
//
// Setup of one direction: 2 flights, 8192 bytes from the sender, 32 + (128/k)·(k−1)·32 bytes (3104 at k = 4) from the
// receiver. An extension of n transfers: one flight, 8 + (128/k)·⌈n/128⌉·16 bytes from the receiver: 8, 4 or 2 bytes
// per transfer at k = 2, 4, 8. The malicious mode adds 32·(128/k + 1) bytes to the reply, and to each extension 128
// transfers and 2064 bytes. Params.SetupCost, SetupBothCost and Cost are exact.
//
// CPU per transfer, one thread of a 2-core Intel Xeon virtual machine shared with other work, batches of 2^15, k = 4:
// receiver 28 ns, with pads 51 ns; sender 25 ns, with both pads 82 ns; k = 8 costs about 120 to 150 ns without pads
// (BenchmarkExtend). The pads are crypto/aes one block at a time.
//
// # Limits
//
// MaxExtend transfers (2^16) per Extend, MaxTransfers (2^48) per setup: above them fault.LimitExceeded. A batch uses up
// a multiple of 128 indices. A setup lives for one job, pair and direction and is dropped on restart.
//
// # References
//
// Base transfers: Masny and Rindal, "Endemic Oblivious Transfer", ia.cr/2019/706; one A serves all 128
// transfers, whose index enters both random oracles. Extension: Roy, "SoftSpokenOT", ia.cr/2022/192, over GF(2) with
// GGM trees; checks: Fig. 8 and §5.2. Deviations: every group's correction is sent, since the caller chooses its bits;
// the checks are made non-interactive; one hash covers the commitments of all trees. Pads: Guo, Katz, Wang and
// Yu, ia.cr/2019/074, §7.4 (TMMO). Transposition: Warren, Hacker's Delight, §7-3.
package ot
