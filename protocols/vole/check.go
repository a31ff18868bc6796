package vole

import (
	"crypto/subtle"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// The check of the malicious mode: w = v + Δ·noise on all leaves, tested by one random combination Σχ_k over GF(2^128).
// The coefficients are drawn after the answer is fixed, by hashing it (Fiat–Shamir). R sends X + μ, where X = Σχ·noise and
// μ is the random last value of the base VOLE, of which S holds Q and R holds T = Q + Δ·μ. Then
//
//	Σχ·w + T = Σχ·v + Q + Δ·(X + μ)
//
// and S proves that it knows this value by hashing it. A wrong answer passes with probability about 2^-128, or when R's
// noise places are where S guessed: the usual selective failure, each wrong guess ends the run.
//
// Weng, Yang, Katz and Wang, ia.cr/2020/925, Fig. 7 (consistency check of the single-point VOLE); Boyle et al.,
// ia.cr/2019/1159, §5.2. Deviation: the coefficients come from the transcript instead of a further flight.

// weightsPerFill is how many coefficients one refill serves.
const weightsPerFill = 1024

// weights are the coefficients χ, in the order of the code's inputs.
type weights struct {
	g   *aes.Stream
	buf []byte
	chi []aes.Block
}

// newWeights draws the coefficients by everything in tr.
func newWeights(tr *transcript.Transcript) *weights {
	var seed aes.Block
	tr.Expand("check", seed[:])
	return &weights{
		g: aes.NewStream(seed, aes.Block{}), buf: make([]byte, blockBytes*weightsPerFill), chi: make([]aes.Block, weightsPerFill),
	}
}

// next returns the next n coefficients, n ≤ weightsPerFill. They are valid until the next call.
func (w *weights) next(n int) []aes.Block {
	w.g.Fill(w.buf[:blockBytes*n])
	for i := range w.chi[:n] {
		copy(w.chi[i][:], w.buf[blockBytes*i:])
	}
	return w.chi[:n]
}

// checksum is Σχ·v.
func (l leaves) checksum(w *weights) (sum aes.Block) {
	for _, part := range [][]aes.Block{l.rows, l.parity} {
		for len(part) > 0 {
			n := min(len(part), weightsPerFill)
			sum = xorBlock(sum, gf128.InnerProduct(w.next(n), part[:n]))
			part = part[n:]
		}
	}
	return sum
}

// checksums are Σχ·w and Σχ·noise.
func (l noisyLeaves) checksums(w *weights) (leaf, noise aes.Block) {
	for at := 0; at < len(l.a); at += weightsPerFill {
		end := min(at+weightsPerFill, len(l.a))
		chi := w.next(end - at)
		leaf = xorBlock(leaf, gf128.InnerProduct(chi, l.a[at:end]))
		noise = xorBlock(noise, gf128.InnerProduct(chi, l.c[at:end]))
	}
	a, c := make([]aes.Block, weightsPerFill), make([]aes.Block, weightsPerFill)
	for rest := l.parity; len(rest) > 0; {
		n := min(len(rest)/2, weightsPerFill)
		for i := range n {
			a[i], c[i] = rest[2*i], rest[2*i+1]
		}
		chi := w.next(n)
		leaf = xorBlock(leaf, gf128.InnerProduct(chi, a[:n]))
		noise = xorBlock(noise, gf128.InnerProduct(chi, c[:n]))
		rest = rest[2*n:]
	}
	clear(a)
	clear(c)
	return leaf, noise
}

// proofOf hashes the common value, bound to everything in tr.
func proofOf(tr *transcript.Transcript, value aes.Block) []byte {
	t := tr.Fork()
	t.Append("value", value[:])
	sum := t.Sum()
	return sum[:]
}

// sameProof compares in constant time.
func sameProof(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
