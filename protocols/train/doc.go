// Package train lets two organisations fit one scoring model on the columns of both, without either of them seeing the
// other's columns, the labels it does not hold, or any intermediate number.
//
// # Protocol
//
// Vertical logistic regression with an L2 penalty: the label holder L (first in package share) has y and columns X_L with
// a constant 1 appended, the host H has X_H, rows in the same order. Every coefficient, score and residual is shared
// modulo 2^64; [[v]] is encrypted under the sender's key, r a fresh mask. A⟨v⟩ is product.apply, the same step forward,
// backward and in package predict: a private matrix times a vector that both share.
//
//	L                                                     H
//	NewPair: tag, public key               ◀──▶           NewPair: tag, public key
//	share.NewWithParams                    ◀──▶           share.NewWithParams
//	A_P = X_PᵀX_P/4 + λD + εnI; X̃_P = ½·A_P⁻¹·X_Pᵀ        the same, local (precondition)
//	  ── iteration t, descent.step ──
//	u = w + β_t·(w − w_prev)               ◀──▶           share.Truncate
//	[[⟨u_H⟩_L]]                            ◀──▶           [[⟨u_L⟩_H]]
//	X_L·⟨u_L⟩_H + r, sealed                ◀──▶           X_H·⟨u_H⟩_L + r, sealed
//	⟨z⟩ = ⟨X_L·u_L⟩ + ⟨X_H·u_H⟩: local, exact
//	⟨p⟩ and the signs of 16 ± u            ◀──▶           share.Sigmoid
//	⟨e⟩ = ⟨p⟩ − y                          ◀──▶           share.Truncate
//	[[⟨e⟩_L, ⟨u_H⟩_L]]                     ◀──▶           [[⟨e⟩_H, ⟨u_L⟩_H]]
//	(X̃_L, ½λA_L⁻¹D)·(e, u_L) + r, sealed   ◀──▶           (X̃_H, ½λA_H⁻¹D)·(e, u_H) + r, sealed
//	w = u − ⟨Δ⟩                            ◀──▶           share.Truncate
//	  ── every fifth iteration and the last, descent.check ──
//	all of |u|, |w| ≤ 16; all |Δw| < tol   ◀──▶           share.MSB, AndTree, OpenBits
//
// The step is a block fixed-Hessian one: XᵀX/4 bounds the Hessian, and half of the blocks' inverse bounds the inverse of
// the whole, so every step descends without a line search; Nesterov's β_t = (t−1)/(t+2) accelerates it. The first false
// bit ends the run as fault.Precision, the second as converged; reaching MaxIter is a result too.
//
// A Model is one party's shares. OwnCoefficients opens to each named party the coefficients of its own columns. Partition
// carries a stratified split, which only the label holder can draw, to the host.
//
// # Security
//
// Trust model 2pc-semihonest: both parties follow the protocol, either may try to learn more from what it saw. Vectors
// travel encrypted under a key of this run (RLWE, engine/he), results masked and sealed: NewGLMParams proves a
// statistical distance of at most 2^-40 over all iterations. Everything else is share's. A peer that sends well-formed
// bytes of wrong content changes the model without being detected, and can break privacy.
//
// A training reveals:
//
// reveals: the number of rows, the columns of each party and the training parameters to all
// reveals: the number of iterations and, at every check, whether all weights are in range and whether training converged to all
//
// OwnCoefficients reveals besides, to those it names:
//
// reveals: the released coefficients of its own columns and the intercept to label holder
// reveals: the released coefficients of its own columns to host
//
// Partition reveals:
//
// reveals: which rows the label holder's stratified draw puts into the test part to host
//
// The draw's order must be secret (feature.Split): a host that could repeat it would learn labels.
//
// The fixed-point scale of X̃ follows from the number of rows and columns alone, not from the data. Time does not depend
// on shares or columns except in float64 arithmetic on a party's own columns. Rows must be five times the columns: a
// model that fits its labels perfectly tells them. Keys, masks and transfers are of one run; a step that has sent a
// message restarts under another Session.
//
// # Cost
//
// Setup: 3 flights, 0.2 MB each way and share's setup. An iteration: forward and backward product 2 flights each, Sigmoid
// 26, truncations 6; a check about 45 more. GLMParams.Cost is exact. With n rows and d_P coefficients of party P, an
// iteration moves in both directions together about
//
//	1426·n bytes for the Sigmoid (854·n at ShareK 8), two thirds of them from L, and 8·n for the truncation of residuals;
//	per product and party 200,760 bytes per encrypted and 100,376 per sealed ciphertext, √(d_P·n/16384) and twice as many.
//
// Wall time per iteration with both parties in one process on a 2-core Intel Xeon virtual machine, a fifth of the setup
// included (BenchmarkGLM): 24,000 rows, 13 + 10 columns: 0.73 s, 42 MB in both directions together; 100,000 rows, 25 + 25
// columns: 3.1 s, 167 MB. Three quarters of the CPU is oblivious transfer inside Sigmoid, an eighth is encryption.
//
// # Limits
//
// Exactly two parties and the logistic link; others are fault.Unsupported. MaxCols columns together, so that |z| < 2^15;
// Clip and WeightCap; MinRows, MinRowsPerCol, MaxRows; MaxIterations; MaxLambda; MinTol to MaxTol. Columns have 14
// fractional bits, coefficients 18, residuals 16, scores 32 and no rounding; truncations err by at most one unit. The
// logistic function is share.Sigmoid's spline, off by at most 0.0153: it trains, it never scores. Memory: 16 bytes per
// value of a party's columns and constant, and up to CacheBytes for each of the two encoded matrices.
//
// # References
//
// Fixed Hessian: Böhning and Lindsay, 1988. Acceleration: Nesterov, 1983. Products: Cheetah, ia.cr/2022/207, §3.1.
// Structure, shared model and masked products: HESS, Chen et al., KDD 2021, arXiv 2008.08753; deviations:
// lattice encryption, exact comparisons for the spline, preconditioned full batches instead of mini-batches.
package train
