package audit

import (
	"bytes"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tacit-data/tacit/api/fault"
)

// VerifyTree re-hashes every leaf of r, recomputes every stored hash and compares the root with the checkpoint want,
// which the caller has opened from a place the database does not reach. visit, unless nil, sees each leaf in order
// after its hashes were found right: a fold needs no second pass.
//
// Errors: fault.Corrupt "leaf N: …" naming the first leaf that, or whose hashes, differ from what was written;
// fault.Corrupt without a leaf when the tree is consistent in itself but has another size or root; those of visit.
func VerifyTree(r Reader, want Checkpoint, visit func(index int64, leaf Leaf) error) error {
	const op = "audit.VerifyTree"
	size, err := r.TreeSize()
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), op, err, "tree size")
	}
	if size < want.Size || size > MaxTreeSize || want.Size < 0 {
		return fault.New(fault.Corrupt, op, "a log of %d leaves, the checkpoint has %d", size, want.Size)
	}
	var rest peaks
	for first := int64(0); first < size; first += tileWidth {
		if err := verifyRange(r, first, min(first+tileWidth, size), want, &rest, visit); err != nil {
			return err
		}
	}
	if want.Size == 0 && want.Root != emptyRoot() {
		return fault.New(fault.Corrupt, op, "the empty tree has another root")
	}
	return nil
}

// verifyRange checks leaves first…end−1. Their stored hashes are read in one call.
func verifyRange(r Reader, first, end int64, want Checkpoint, rest *peaks, visit func(int64, Leaf) error) error {
	const op = "audit.VerifyTree"
	base := tlog.StoredHashIndex(0, first)
	positions := make([]int64, tlog.StoredHashCount(end)-base)
	for i := range positions {
		positions[i] = base + int64(i)
	}
	stored, err := r.Hashes(positions)
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), op, err, "hashes of leaves %d to %d", first, end-1)
	}
	if len(stored) != len(positions) {
		return fault.New(fault.Corrupt, op, "leaf %d: %d hashes stored from there, %d expected", first, len(stored), len(positions))
	}
	for n := first; n < end; n++ {
		b, err := r.Leaf(n)
		if err != nil {
			return fault.Wrap(fault.CodeOf(err), op, err, "leaf %d", n)
		}
		for _, h := range rest.add(tlog.RecordHash(b)) {
			if stored[0] != Hash(h) {
				return fault.New(fault.Corrupt, op, "leaf %d: its bytes or stored hashes were changed", n)
			}
			stored = stored[1:]
		}
		l, err := ParseLeaf(b)
		if err != nil {
			return fault.Wrap(fault.Corrupt, op, err, "leaf %d: not a leaf", n)
		}
		if n+1 == want.Size && Hash(rest.root()) != want.Root {
			return fault.New(fault.Corrupt, op, "the tree of %d leaves does not have the checkpoint's root", want.Size)
		}
		if visit == nil {
			continue
		}
		if err := visit(n, l); err != nil {
			return err
		}
	}
	return nil
}

// peaks holds the roots of the complete subtrees of a growing tree, largest first: all of the tree that later leaves
// need.
type peaks struct {
	n     int64
	roots []tlog.Hash
}

// add appends a leaf hash and returns the hashes that its leaf completes, level 0 first: what Append stored with it.
func (p *peaks) add(h tlog.Hash) []tlog.Hash {
	out := []tlog.Hash{h}
	for m := p.n; m&1 == 1; m >>= 1 {
		h = tlog.NodeHash(p.roots[len(p.roots)-1], h)
		p.roots = p.roots[:len(p.roots)-1]
		out = append(out, h)
	}
	p.roots = append(p.roots, h)
	p.n++
	return out
}

// root is the root of the tree so far, RFC 6962 §2.1.
func (p *peaks) root() tlog.Hash {
	if p.n == 0 {
		return tlog.Hash(emptyRoot())
	}
	h := p.roots[len(p.roots)-1]
	for i := len(p.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(p.roots[i], h)
	}
	return h
}

// sameHash compares a hash with its place in a tile.
func sameHash(tile []byte, i int, h tlog.Hash) bool {
	return bytes.Equal(tile[i*tlog.HashSize:(i+1)*tlog.HashSize], h[:])
}
