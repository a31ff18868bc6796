// Package vole deals two organisations long vectors of random numbers that are related by a secret factor, from messages
// far shorter than the vectors: the raw material of the fast private set intersection.
//
// # Protocol
//
// Everything is over GF(2^128). S (sender) obtains Δ and B, R (receiver) A and C with A = B + Δ·C, m entries each. R's
// noise has one random non-zero place α_i with a random value β_i in each of t blocks; both sides expand pseudorandom
// vectors v (S) and w (R) that differ by Δ·β_i at the places α_i only, and compress v, w and the noise with one public
// matrix, which makes the noise a pseudorandom C.
//
//	S                                                    R
//	NewSender: Δ, t tree seeds
//	                 setup: base transfers         ──▶
//	Grow: t GGM trees, v                                 NewReceiver: noise (α_i, β_i)
//	                 reply: transfers of the bits of
//	                 β_i and of the paths to α_i   ◀──
//	Answer: Q_i from the transfers
//	                 answer: masked level sums,
//	                 Σv + Q_i of each tree         ──▶
//	                                                     Open: each tree but α_i; w there is v + Δ·β_i
//	 (malicious) Prove
//	                 masked: Σχ·noise + μ          ◀──
//	                 proof: hash of Σχ·v + Q + Δ·masked
//	                                               ──▶   Verify: it is that of Σχ·w + T
//	Compress: B = H·v                                    Compress: A = H·w, C = H·noise
//
// The 128 correlated transfers of the bits of β_i, whose common offset is Δ, are recombined with the powers of x into
// Q_i at S and Q_i + Δ·β_i at R. The paths' transfers open, at each level, the sum of the side that α_i does not take.
// H is the expand–convolute code of internal/kernel/exconv under a seed that both parties' messages determine. Send and
// Receive run one independent instance; the steps are exported so that a caller can do other work between them.
//
// # Security
//
// Trust model `2pc-semihonest`, with Literal.Malicious `2pc-malicious` with abort; static corruption of either party. S's
// view needs dual LPN over GF(2^128) with regular
// noise and this code, for C to look random; R's view needs the trees' fixed-key AES to be a correlation-robust PRG in
// the ideal-cipher model, and the transfers of protocols/ot.
//
// The number of noise places is t = ⌈128 / −log₂(1−δ)⌉ rounded up to a multiple of 8, for the relative distance δ of the
// code: the chance that noise over a large field misses a test of that weight. δ is estimated by the code's source, not
// proven. Default: expander weight 7, δ = 0.15, t = 552. Conservative: weight 21, δ = 0.20, t = 400. Formulas with
// log₂(1−2δ) are for binary noise and give less than half of t; they are not offered.
//
// reveals: number of entries to all
//
// Constant-time in Δ, seeds, noise places and values: trees and vectors are read and written whole, comparisons are
// masks; the code's indices are public.
//
// In the semi-honest mode nothing detects a malicious party or altered messages of the right length; the correlation is
// then wrong, and a malicious S can learn noise places from whether the result is used. The malicious mode checks the
// transfers (protocols/ot) and, by a random combination of all leaves, that A = B + Δ·C will hold; a failure is
// fault.Misbehaved, and the run is not repeated. What remains is selective failure: S may guess noise places or R digits
// of Δ, and a wrong guess ends the run. A path that ends beside the tree opens nothing more than others (tree.go). R
// speaks last before the code is fixed and could try several seeds: a bad code would uncover only R's own C. R is not
// bound to noise of full weight, nor S to a random Δ.
//
// Links are authenticated by the Conn. Vectors are one-time material: use each entry once.
//
// # Cost
//
// Three flights, five in the malicious mode. With L = ⌈2·max(m, 2^14)/t⌉ leaves a tree and d = ⌈log₂ L⌉, S sends 8192 + t·(32·d + 16) bytes and R
// 3104 + 4·t·(128 + d) bytes, a little more for rounding: 0.56 MB together for m = 1.35·2^20. The malicious mode adds
// 48 bytes and what protocols/ot adds to three messages, 7 KB. Params.Cost is exact. Memory: S holds 2·m blocks of 16
// bytes, R 4·m.
//
// CPU for m = 1.35·2^20, one thread of a 2-core Intel Xeon virtual machine (Sapphire Rapids) with VAES, least of eight
// runs, per item of 2^20: S 92 ns (set-up and answer 14, trees 15, compression 60), R 160 ns (reply 19 to 25, opening 34,
// compression 102). The compression waits for the last-level cache: on a machine whose cache others use it was twice
// that. BenchmarkVOLE20 shows the parts.
//
// # Limits
//
// 1 ≤ m ≤ MaxLength (1.5·2^20), above it fault.LimitExceeded: the code gathers at random from a table of 16·m bytes (R:
// 32·m), which should stay in the last-level cache. Below 2^14 the cost is that of 2^14.
//
// # References
//
// Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal, Scholl, "Efficient Two-Round OT Extension and Silent Non-Interactive
// Secure Computation", ia.cr/2019/1159 (PPRF set-up, silent VOLE). Raghuraman, Rindal, Tanguy, "Expand-Convolute Codes
// for Pseudorandom Correlation Generators from LPN", ia.cr/2023/882. Roy, "SoftSpokenOT", ia.cr/2022/192. Weng, Yang,
// Katz, Wang, "Wolverine", ia.cr/2020/925, Fig. 7 (the check). Deviations:
// the base VOLE recombines correlated transfers of S's Δ (512 bytes per noise place) instead of Gilboa's products (2048);
// trees are cut to L leaves; noise values are chosen by R, not derandomized; t as above.
package vole
