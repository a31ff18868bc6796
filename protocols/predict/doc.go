// Package predict lets two organisations apply a model they trained together to their rows, so that only the named
// receiver learns a score and nobody learns the other's columns or half of the model.
//
// # Protocol
//
// The label holder L and the host H hold the halves of one train.Model and their columns, rows in the same order. Scoring
// is training's forward step (train.Scorer, the same code), then one truncation and one opening. No comparison runs: the
// receiver applies the exact logistic link itself, which carries the same information as the score.
//
//	L                                                     H
//	train.NewPair: tag, public key         ◀──▶           train.NewPair: tag, public key
//	share.NewWithParams                    ◀──▶           share.NewWithParams
//	[[⟨w_H⟩_L]]                            ◀──▶           [[⟨w_L⟩_H]]
//	X_L·⟨w_L⟩_H + r, sealed                ◀──▶           X_H·⟨w_H⟩_L + r, sealed
//	⟨z⟩ to 12 binary places                ◀──▶           share.Truncate
//	z                                      ◀──            ⟨z⟩_H (share.Open)
//
// The tags bind a run to session, parameters and the training run of the halves: halves of two models do not meet.
//
// # Security
//
// Trust model 2pc-semihonest, that of package train: encrypted and sealed vectors under keys of this run, one product per
// run, statistical distance at most 2^-40. The host's part X_H·w_H is never opened. A host that sends a wrong share
// changes scores without being detected unless they leave the possible range. Scores of chosen rows disclose the host's
// coefficients in the end, and scoring the same row again narrows its score below 2^-12, since each run rounds at another
// place: rate and differencing limits are the policy's.
//
// reveals: the number of scored rows and the columns of each party to all
// reveals: the score of every row to 12 binary places to label holder
//
// # Cost
//
// 8 flights. Setup 0.2 MB each way and share's setup; then, with n rows and d_P coefficients of party P, about
// √(d_P·n/16384) encrypted ciphertexts of 0.2 MB and twice as many sealed ones of 0.1 MB per party, 8 bytes per row for the
// truncation and 8 for the opening. Params.Cost is exact. Wall time with both parties in one process on a 2-core Intel
// Xeon virtual machine, setup included, 13 + 10 columns (BenchmarkScore): one row 0.07 s and 1.0 MB in both directions
// together, nearly all of it setup; 24,000 rows 0.14 s, 208 bytes per row.
//
// # Limits
//
// Exactly two parties; the receiver is the label holder. 1 to he.MaxDim (2^24) rows per run, train.MaxCols columns
// together, values within ±train.Clip. A score is off by less than 2^-12 of X·w over the quantised columns and weights.
// Memory: 8 bytes per value of a party's columns; the matrix is encoded on the fly.
//
// # References
//
// See package train. FATE's hetero logistic regression opens the host's partial score to the guest; this does not.
package predict
