package ot

import (
	"crypto/subtle"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// maskColumns is the number of transfers that the check of an extension uses up: as many as its answer about the choices
// has bits, so that this answer is uniform whatever the choices are.
const maskColumns = 128

// check is the consistency check of the extensions of one setup, at either side.
//
// SoftSpokenOT, ia.cr/2022/192, Fig. 8: the sender's rows are w = v + Δ·u, and the receiver has to know one u that fits all
// of them. Both hash every row with one linear function; the receiver sends the hashes of u and of each v, the sender
// compares. The function is drawn after the corrections are fixed, by hashing them (Fiat–Shamir) rather than in a further
// flight. It is linear over GF(2) and acts on each row alone: Σ χ_b·row_b over blocks in GF(2^128), with χ = 1 for the
// last one, the mask columns.
type check struct {
	tr    *transcript.Transcript
	coeff []aes.Block
	row   []aes.Block
}

// newCheck continues the setup's transcript, or returns nil when p has no check.
func newCheck(tr *transcript.Transcript, p Params) *check {
	if !p.malicious {
		return nil
	}
	return &check{tr: tr}
}

// prove writes the receiver's hashes to dst: of the choices, then of each row.
func (c *check) prove(corrections, choices []byte, rows *matrix, dst []byte) {
	n := rows.columns()
	c.draw(corrections, n)
	h := c.hash(choices)
	copy(dst, h[:])
	for i := range Kappa {
		h = c.hash(rows.row(i, n))
		copy(dst[(1+i)*blockBytes:], h[:])
	}
}

// verify compares the sender's hashes with the receiver's, in constant time.
func (c *check) verify(corrections []byte, delta *aes.Block, rows *matrix, claim []byte) bool {
	n := rows.columns()
	c.draw(corrections, n)
	var bad byte
	for i := range Kappa {
		h := c.hash(rows.row(i, n))
		m := -bit(delta, i)
		for b := range h {
			bad |= h[b] ^ claim[(1+i)*blockBytes+b] ^ claim[b]&m
		}
	}
	return bad == 0
}

// draw fixes the hash function for n columns by everything sent so far.
func (c *check) draw(corrections []byte, n int) {
	c.tr.Append("corrections", corrections)
	var seed aes.Block
	c.tr.Expand("check", seed[:])
	c.coeff = resize(c.coeff, n/128-1)
	c.row = resize(c.row, n/128)
	g := aes.NewStream(seed, aes.Block{})
	for i := range c.coeff {
		g.Fill(c.coeff[i][:])
	}
}

// hash is Σ χ_b·row_b.
func (c *check) hash(row []byte) aes.Block {
	for b := range c.row {
		copy(c.row[b][:], row[b*blockBytes:])
	}
	last := len(c.row) - 1
	return xorBlock(gf128.InnerProduct(c.coeff, c.row[:last]), c.row[last])
}

func resize(b []aes.Block, n int) []aes.Block {
	if cap(b) < n {
		return make([]aes.Block, n)
	}
	return b[:n]
}

// commitmentBytes is the length of a leaf's commitment, twice the security parameter: two leaves that commit alike are a
// collision.
const commitmentBytes = 32

type commitment [commitmentBytes]byte

// commitments expands each leaf once more.
func commitments(leaves []aes.Block) []commitment {
	out := make([]commitment, len(leaves))
	for x, leaf := range leaves {
		aes.NewStream(leaf, ivCommit).Fill(out[x][:])
	}
	return out
}

// recommit is commitments at the holder of Δ, who lacks one leaf and takes its commitment from the claimed sum of all.
// leaves are at index x ⊕ Δ's digit; the result is at index x, moved there without a branch on Δ.
func recommit(leaves []aes.Block, delta *aes.Block, j, k int, sum []byte) []commitment {
	out := commitments(leaves)
	copy(out[0][:], sum)
	for _, c := range out[1:] {
		subtle.XORBytes(out[0][:], out[0][:], c[:])
	}
	for b := range k {
		m := -bit(delta, j*k+b)
		for y := range out {
			if y>>b&1 == 0 {
				swap(&out[y], &out[y|1<<b], m)
			}
		}
	}
	return out
}

// swap exchanges a and b under a mask of ones.
func swap(a, b *commitment, mask byte) {
	for i := range a {
		t := (a[i] ^ b[i]) & mask
		a[i], b[i] = a[i]^t, b[i]^t
	}
}

// treeProof shows that the trees' corrections fit all leaves: the sum of each tree's commitments, and a hash of them all.
//
// SoftSpokenOT, ia.cr/2022/192, §5.2: consistency of the punctured PRF. Deviation: one hash over all trees.
type treeProof struct {
	tr   *transcript.Transcript
	sums []byte
}

func newTreeProof(tr *transcript.Transcript) *treeProof { return &treeProof{tr: tr.Fork()} }

// add includes the next tree.
func (p *treeProof) add(tree []commitment) {
	var sum commitment
	for _, c := range tree {
		p.tr.Append("leaf", c[:])
		subtle.XORBytes(sum[:], sum[:], c[:])
	}
	p.sums = append(p.sums, sum[:]...)
}

// append adds the proof to the reply.
func (p *treeProof) append(reply []byte) []byte {
	digest := p.tr.Sum()
	return append(append(reply, p.sums...), digest[:]...)
}

// matches compares the proof with the claimed one.
func (p *treeProof) matches(claim []byte) bool {
	return subtle.ConstantTimeCompare(p.append(nil), claim) == 1
}
