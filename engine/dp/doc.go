// Package dp is noise and its price: the one door through which an exact count or sum becomes a differentially private
// one, and the arithmetic that says what that costs.
//
// # Shape
//
// Exact values live in Cells, which nothing but Release can read. Release draws one noise value per cell and returns the
// noisy integers with their Charge, the loss in zero-concentrated differential privacy (zCDP). Aggregate is the operator
// for counts, sums and rates over declared keys; it makes its own Cells and releases them once.
//
// # Guarantee
//
// The unit of protection is one row: the owner declares that one person is one row of the table. Under Laplace noise a
// release is ε-differentially private, under Gaussian noise (ε,δ). Every declared key gets noise, empty ones too, and
// the size of everything that is returned depends on the declared keys only. No error, length or preview depends on a
// row: a data-dependent refusal would itself be a release.
//
// # Accounting
//
// ε, δ and ρ are integers of 1e-12 (Pico), always rounded up where they are spent. Pure ε costs ρ = ε²/2, Gaussian noise
// ρ = Δ₂²/2σ². ρ adds and δ adds, also when each query is chosen after seeing the answers to the earlier ones
// (Whitehouse et al., ICML 2023), so two counters per account are a sound budget.
//
// # What is protected
//
// Neighbours differ by one row more or less. Where something else discloses who is in the table, as a plain set
// intersection does, presence is no longer hidden and what remains is a row's attributes: changing the group of a row
// moves two cells of each histogram, hence 2ε in all, and changing only its label moves one cell of the sums, hence the
// part of ε that the sums get.
//
// # Limits
//
// At most MaxCells cells, keys of at most MaxKeyBytes bytes; sensitivity product up to 2^53; ε between 2^-30 and
// MaxEpsilon; noise scale up to 2^50; exact values saturate at ±2^62 before noise. An Aggregate or Cells belongs to one
// goroutine. Randomness is the library's own (crypto/rand behind a mutex) and cannot be injected. The time of a Laplace
// draw depends on the value drawn, by about 8 %: do not give an adversary a clock on single draws.
//
// # The library and its log
//
// google.go is the only file that imports google/differential-privacy. The library logs through glog, whose default is
// files in the temporary directory; the checks here keep every call on paths that do not log, which a test asserts. Who
// owns main still sets the flag `logtostderr` to true (flag.Set on the standard flag set) before the first release: glog
// ends the process with a message when the system runs out of randomness.
//
// # References
//
// Bun, Steinke: Concentrated Differential Privacy (ia.cr/2016/816). Canonne, Kamath, Steinke: The Discrete Gaussian
// (arXiv 2004.00010), Proposition 12: conversion of ρ to (ε,δ). Balle, Wang (arXiv 1805.06530), Theorem 8: σ of the
// Gaussian mechanism.
package dp
