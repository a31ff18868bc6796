// Package okvs is an oblivious key-value store: a vector that gives back a chosen value at each of n keys and looks
// random at every other one, so that whoever reads it cannot tell which keys went in.
//
// A row of key k has three ones in the columns of its bin's sparse part and the powers h, h², …, h^Dense of one field
// element in the dense part; everything comes from one hash of k under a public seed. Encode solves for a vector P with
// ⟨row(k), P⟩ = value for every key; Decode is that inner product. All values are in GF(2^128) (package gf128).
//
//	p, err := NewParams(len(key), ssp)            both parties, from the declared number of items
//	rows := NewRows(len(key), seed, p)            one hash per key, sorted by bin
//	rows.HashChunks(key, 0, rows.Chunks())        chunks are independent: shard them
//	enc, err := NewEncoder(rows, rand)
//	enc.EncodeBins(dst, val, 0, p.Bins)           bins are independent: shard them
//	rows.DecodeBins(out, vector, 0, p.Bins)       the same rows decode any vector of these parameters
//
// Encode and Decode do all of it in one call. No function starts a goroutine, and no result depends on how chunks and
// bins were shared out.
//
// Security. The free slots, a fifth to a quarter of the vector, are random: zeros would show which columns the keys do
// not touch. Encode fails with probability at most 2^−ssp over the seed, which must therefore be chosen after the keys;
// it is public. Solving is not constant-time: branches, addresses and running time depend on the keys. It is meant for
// local use, by the party that owns them, and a failure must not be reported as anything but a failed run. The shape of
// the result depends on Params only.
//
// Cost. One core of a 2-core Intel Xeon virtual machine (model 207, AVX-512), 2^20 items: rows 6 ns per item, encoding
// of rows 30, decoding of rows 12; Encode 45 and Decode 23 in one call (BenchmarkEncode, BenchmarkDecode). The assembly
// needs AVX-512 and VPCLMULQDQ; TACIT_KERNEL=portable in the environment or the tag purego forces the portable twin.
//
// Source: Raghuraman and Rindal, ia.cr/2022/320 (RR22): the clustering in bins, the 3-hash triangulation, the powers of
// one element as dense part, and the fit of the parameters. Deviations: every bin gets ssp + 1 + log2(Bins) bits, so that
// the bound is for the whole vector; Dense is rounded up; small sets have parameters with a computed bound (stopping.go);
// and the rows left over by peeling are solved by rank over the free columns and the dense part (leftover.go), not over the
// dense part alone.
package okvs
