// Package he is packed RLWE: exact integer products of a private matrix and an encrypted vector, results sealed before
// they return. It is the engine's only door to Lattigo, of which it uses the number-theoretic transform and the limb
// arithmetic; keys, encryption, encoding, sealing and the wire format are its own.
//
// # Story
//
// The key holder has a vector v, a share modulo 2^64; the evaluator has a private integer matrix X. Both compute the
// same Product from the dimensions.
//
//	key holder                                   evaluator
//	NewSecret, NewKits, Kit.PublicKey   ──pk──▶  DecodePublicKey (seed of c1 from the transcript, never the peer's)
//	Product.Encrypt                     ──v̂──▶  Product.Encode (once), Product.Mul: multiply, mask, seal
//	Product.Open: y + r                 ◀─────   its own share: −r
//
// Plaintexts are coefficients modulo T, encoded m ↦ ⌊Q·m/T⌉ and decoded x ↦ ⌊T·x/Q⌉ mod T: no slots, no rotations, no
// relinearisation. A product with small integers is exact modulo T while |noise| < Q/2T. Kits carry scratch memory and
// randomness, one per worker, and nothing else is written by two goroutines.
//
// # Parameters
//
//	id          N      Q          P    log QP / max  T     for
//	H1 agg      4096   2 × 49     –    98 / 101      2^30  sums, products with public numbers; cannot seal
//	H2 dot      8192   4 × 49     –    196 / 202     2^64  products with private matrices
//	H3 depth2   8192   3 × 49     49   196 / 202     –     reserved: fault.Unsupported
//	H4 deep     16384  49 + 7×40  49   378 / 411     –     reserved: fault.Unsupported
//
// Secrets are ternary, P(0) = 1/3. Errors are centred binomial of parameter 21 (σ = 3.24, |e| ≤ 21) from AES-CTR. The
// maximum is the 128-bit quantum column of the homomorphicencryption.org standard v1.1; Lookup enforces it, since
// Lattigo accepts any modulus. Primes are literal, below 2^49 and 1 modulo 2N.
//
// # Sealing
//
// The key holder knows the c1 it sent. Were a product returned as it is, c1' / c1 would be X. Kit.Seal therefore masks
// the result with r, adds a fresh public-key encryption of zero (c1 becomes pseudorandom even to the key holder), adds
// flooding noise uniform in [−2^128, 2^128) to c0 (the noise no longer tells X), rescales exactly to two limbs, and
// sends c1 whole but c0 at the result coefficients only: the other coefficients hold partial sums. Mask and flooding are
// added at the kept coefficients only; elsewhere c0 never leaves and c1 is not touched by either, so adding them there
// would change no byte of the message. The additions run after the inverse transform, in another order than they are
// listed here; they commute.
//
// NoiseBound proves correctness and a statistical distance of at most 2^-40 over a whole job; Seal takes that proof and
// refuses what exceeds it.
//
// # Wire format
//
// A ciphertext is a 24-byte header (version, set, kind, limbs, degree, flags: u8; reserved u16; stride, offset, log2 T,
// reserved: u32; big-endian) and 49-bit coefficients, packed as one little-endian bit string. At H2: seeded 200,760 B,
// full 401,432 B, public key 200,728 B, sealed 100,376 + ⌈98K/8⌉ B for K kept values. A decoder is told kind and
// pattern, compares length and every header byte before it allocates, and refuses a coefficient not below its prime and
// any padding bit; all are fault.Misbehaved. A public seed of 32 bytes is an AES-128 key and an initial counter block;
// residues are the low 49 bits of successive little-endian 64-bit words, rejected when too large, limb after limb.
//
// # Security
//
// Keys are per job and step; the adversary is semi-honest. A peer that sends well-formed ciphertexts with excessive
// noise can break correctness and its own privacy; we reject ill-formed bytes only. Encryption is IND-CPA: never report
// to a peer how a decryption failed. Sampling of errors, encoding, decoding and rescaling have no secret-dependent
// branch in source; Lattigo's transform and Montgomery products end in a conditional subtraction that the compiler may
// turn into a branch. Ternary sampling takes a number of trials that is independent of the values kept.
//
// # Limits
//
// Entries |x| ≤ XMax = 2^19 (fault.Precision); rows and columns ≤ MaxDim = 2^24 and kits ≤ MaxWorkers = 1024
// (fault.LimitExceeded); inputs of a product ≤ MaxInputs = 4096 by the choice of width, each 512 KiB decoded; products
// are one level deep. Dimensions need not be multiples of anything. An encoded matrix takes CacheBytes, 32 bytes per
// entry plus padding, or is encoded anew per product.
//
// # References
//
// Packing and its layout follow coefficient encoding as in Cheetah (ia.cr/2022/207, §3.1); flooding is the standard
// smudging lemma. Lattigo v5.0.7 defects that this package avoids by not using its upper layers: unmarshalling recurses
// without end on truncated input, believes any limb count or length, and accepts coefficients not below their prime;
// parameters of any insecurity are accepted; LogQ picks primes on both sides of a power of two; smudging at the sizes
// needed here is silently wrong; evaluators, encoders and encryptors share scratch between goroutines;
// DivRoundByLastModulus overwrites its input.
package he
