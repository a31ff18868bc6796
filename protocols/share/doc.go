// Package share lets two organisations compute on numbers that neither of them can see: each holds one random-looking
// half of every number, and only the results the contract names are put together.
//
// # Protocol
//
// A number is the sum of both parties' shares mod 2^64, a bit the XOR of their shares. Sums and products with public
// constants are local; everything else is built from correlated oblivious transfers (package ot), in which either party
// chooses with its own share of a bit. New sets up both directions; an Engine then runs vectorised operations, which
// both parties call in the same order.
//
//	first                                               second
//	New: base transfers of both directions         ◀──▶ New
//	  ── a batch in which second chooses ──
//	                                               ◀──  extension of the transfers (ot.Receiver.Extend)
//	ot.Sender.Extend, payload masked with the pads ──▶  opens the payload of its choice
//
// In a batch of both directions the two pictures share their two flights. MSB, Less and their constant forms: leaves of
// 4 bits (1-of-16 transfers, first chooses), then a tree of ANDs. And, AndTree: one transfer per bit and direction. Mux:
// one transfer of 64 bits in each direction. B2A, Truncate: one transfer, second chooses. Sigmoid: sign, |z|, three
// comparisons, three pieces, reflection; SigmoidPlain is its plain twin. Open and OpenBits put shares together. Not,
// AddConst and Xor are local.
//
// # Security
//
// Trust model 2pc-semihonest: both parties follow the protocol, either may try to learn more from what it saw. What a
// party receives before Open is masked with pads it does not know or with fresh shares; its view can be simulated from
// its shares. A party that sends wrong shares or payloads of the right length changes results without being detected,
// and results so changed may tell it more than the statement says. Malformed lengths, replayed extensions and padding
// bits are detected.
//
// reveals: number of elements of every operation to all
//
// An opened value is an output and belongs in the statement of the step that opens it. Constant-time in shares: masks
// and shifts instead of branches, no address depends on a share. Keys, masks and transfers live in one Engine, for one
// job, step and attempt; after a failed exchange it refuses everything.
//
// # Cost
//
// c is the bytes of one transfer's extension: 4 at k = 4 (default), 2 at k = 8, plus 8 bytes per message and padding to
// 128 transfers. m = ringBits − 1, g = ⌈m/4⌉; per element, for party first:
//
//	operation    flights per block    sent                   received
//	MSB, Less    2 + 2⌈log₂ g⌉        m·c + tree             leaves + tree
//	And          2                    c + 1/8                c + 1/8
//	Mux          2                    c + 8                  c + 8
//	B2A          2                    8                      c
//	Truncate f   2                    ⌈f/8⌉                  c
//	Sigmoid      26                   4 MSB(48) + 5 Mux      4 MSB(48) + 5 Mux
//	Open         1 in all             8 unless to first      8 unless to second
//
// leaves is 4 bytes per digit of 4 bits (2, 1, 1 for a last digit of 3, 2, 1 bits); tree is about (g − 1)·(c + ¼). The
// methods of Params are exact, message by message. A 47-bit comparison (ring 48) takes 47 + 2·11 transfers and 327
// bytes, a Sigmoid 1426 bytes at k = 4 and 854 at k = 8.
//
// CPU: wall time per element with both parties on a 2-core Intel Xeon virtual machine shared with other work, k = 4:
// MSB in a ring of 48 bits 9.5 µs, of 64 bits 14.3 µs, Mux 0.30 µs, Truncate 0.17 µs (2^15 elements); Sigmoid 35 µs,
// 0.84 s for 24,000 rows; at k = 8 it takes 100 to 140 µs (BenchmarkOperations, BenchmarkSigmoid).
//
// # Limits
//
// MaxRows elements per call (2^29): above it fault.LimitExceeded. An operation works on BlockRows elements (196,608; a
// Sigmoid on a third of them) at a time, with less than 64 MB of state besides its input and output. Rings of
// MinRingBits to MaxRingBits; Truncate drops 1 to MaxTruncate bits of values |x| < 2^62 and errs by 0 or 1 unit;
// Sigmoid takes |z| < SigmoidMax at scale 2^32 and differs from the logistic function by at most 0.0153. Ranges are the
// caller's to guarantee: shares cannot be checked, and a value outside them gives a wrong result.
//
// # References
//
// Comparison: CrypTFlow2, ia.cr/2020/1002, algorithms 1 and 2 (radix 16; correlated transfers in place of the 1-of-16
// transfer, two flights per level of the tree). Mux, B2A, truncation: CrypTFlow2 and Cheetah, ia.cr/2022/207;
// deviation: the second party's share is rounded up, so that the error is unbiased and multiples are exact. Local
// truncation (SecureML) is not offered: it fails with probability 2^(bits of the value + 1 − 64).
package share
