package audit

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tacit-data/tacit/api/fault"
)

// Hash is an RFC 6962 node hash: SHA-256.
type Hash = [32]byte

// MaxTreeSize bounds every tree size read from outside. Positions of stored hashes stay below 2⁵³, and x/mod's
// arithmetic, which does not end for sizes above 2⁶², is never reached.
const MaxTreeSize = 1 << 52

// MaxProofHashes bounds an inclusion or consistency proof: a tree has at most 63 levels below its root.
const MaxProofHashes = 63

// Reader reads the log inside one transaction, so that size, hashes and leaves agree.
type Reader interface {
	// TreeSize is the number of leaves.
	TreeSize() (int64, error)
	// Hashes returns the stored hashes at the given positions (tlog.StoredHashIndex), in the order asked.
	Hashes(positions []int64) ([]Hash, error)
	// Leaf returns the bytes of leaf index, 0 ≤ index < TreeSize.
	Leaf(index int64) ([]byte, error)
}

// Tx is the part of the party's database that the log needs. Its writes commit with the state change they describe, or
// not at all.
type Tx interface {
	Reader
	// PutHashes stores hashes at positions first, first+1, …; first is the number of hashes stored so far.
	PutHashes(first int64, hashes []Hash) error
	// PutLeaf stores the bytes of leaf index = TreeSize and makes the tree one larger.
	PutLeaf(index int64, leaf []byte) error
}

// Append adds the canonical bytes of a leaf to the log and returns its index. There is one writer, so that index is
// commit order.
//
// Errors: those of ParseLeaf for bytes that are not a leaf; those of tx.
func Append(tx Tx, leaf []byte) (int64, error) {
	if _, err := ParseLeaf(leaf); err != nil {
		return 0, err
	}
	n, err := tx.TreeSize()
	if err != nil {
		return 0, fault.Wrap(fault.CodeOf(err), "audit.Append", err, "tree size")
	}
	if n < 0 || n >= MaxTreeSize {
		return 0, fault.New(fault.LimitExceeded, "audit.Append", "a log holds at most %d leaves", int64(MaxTreeSize))
	}
	hashes, err := tlog.StoredHashes(n, leaf, reader{tx})
	if err != nil {
		return 0, fault.Wrap(fault.CodeOf(err), "audit.Append", err, "stored hashes of leaf %d", n)
	}
	out := make([]Hash, len(hashes))
	for i, h := range hashes {
		out[i] = Hash(h)
	}
	if err := tx.PutHashes(tlog.StoredHashIndex(0, n), out); err != nil {
		return 0, fault.Wrap(fault.CodeOf(err), "audit.Append", err, "hashes of leaf %d", n)
	}
	if err := tx.PutLeaf(n, leaf); err != nil {
		return 0, fault.Wrap(fault.CodeOf(err), "audit.Append", err, "leaf %d", n)
	}
	return n, nil
}

// Root returns the root of the tree of the first size leaves; the empty tree has SHA-256 of nothing.
//
// Errors: fault.Invalid when size is negative or beyond the log.
func Root(r Reader, size int64) (Hash, error) {
	if err := checkSize(r, size, "audit.Root"); err != nil {
		return Hash{}, err
	}
	h, err := tlog.TreeHash(size, reader{r})
	if err != nil {
		return Hash{}, fault.Wrap(fault.CodeOf(err), "audit.Root", err, "tree of %d leaves", size)
	}
	return Hash(h), nil
}

// ProveInclusion returns the RFC 6962 §2.1.1 path of leaf index in the tree of the first size leaves, from the leaf's
// sibling up.
//
// Errors: fault.Invalid unless 0 ≤ index < size ≤ tree size.
func ProveInclusion(r Reader, size, index int64) ([]Hash, error) {
	if err := checkSize(r, size, "audit.ProveInclusion"); err != nil {
		return nil, err
	}
	if index < 0 || index >= size {
		return nil, fault.New(fault.Invalid, "audit.ProveInclusion", "leaf %d of a tree of %d leaves", index, size)
	}
	p, err := tlog.ProveRecord(size, index, reader{r})
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "audit.ProveInclusion", err, "leaf %d of %d", index, size)
	}
	return fromTlog(p), nil
}

// VerifyInclusion checks that leaf is the index-th of the tree of size leaves with that root.
//
// Errors: fault.Misbehaved when it is not, fault.Invalid unless 0 ≤ index < size ≤ MaxTreeSize, fault.LimitExceeded
// for more than MaxProofHashes.
func VerifyInclusion(leaf []byte, index, size int64, root Hash, proof []Hash) error {
	if index < 0 || index >= size || size > MaxTreeSize {
		return fault.New(fault.Invalid, "audit.VerifyInclusion", "leaf %d of a tree of %d leaves", index, size)
	}
	if err := checkProof(proof, "audit.VerifyInclusion"); err != nil {
		return err
	}
	if err := tlog.CheckRecord(toTlog(proof), size, tlog.Hash(root), index, tlog.RecordHash(leaf)); err != nil {
		return fault.Wrap(fault.Misbehaved, "audit.VerifyInclusion", err, "leaf %d is not in the tree of %d leaves", index, size)
	}
	return nil
}

// ProveConsistency returns the RFC 6962 §2.1.2 proof that the tree of old leaves is a prefix of the tree of size
// leaves. The empty tree is a prefix of every tree; its proof is empty.
//
// Errors: fault.Invalid unless 0 ≤ old ≤ size ≤ tree size.
func ProveConsistency(r Reader, size, old int64) ([]Hash, error) {
	if err := checkSize(r, size, "audit.ProveConsistency"); err != nil {
		return nil, err
	}
	if old < 0 || old > size {
		return nil, fault.New(fault.Invalid, "audit.ProveConsistency", "a tree of %d leaves inside one of %d", old, size)
	}
	if old == 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(size, old, reader{r})
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "audit.ProveConsistency", err, "%d leaves inside %d", old, size)
	}
	return fromTlog(p), nil
}

// VerifyConsistency checks that the tree of checkpoint now extends the tree of checkpoint old: nothing was rewritten.
//
// Errors: fault.Misbehaved when it does not (a fork, a shorter tree, another log), fault.Invalid for sizes out of range,
// fault.LimitExceeded for more than MaxProofHashes.
func VerifyConsistency(old, now Checkpoint, proof []Hash) error {
	const op = "audit.VerifyConsistency"
	if old.Size < 0 || now.Size > MaxTreeSize || old.Size > MaxTreeSize || now.Size < 0 {
		return fault.New(fault.Invalid, op, "tree sizes %d and %d", old.Size, now.Size)
	}
	if err := checkProof(proof, op); err != nil {
		return err
	}
	switch {
	case old.Origin != now.Origin:
		return fault.New(fault.Misbehaved, op, "checkpoints of two logs")
	case old.Size > now.Size:
		return fault.New(fault.Misbehaved, op, "a log of %d leaves shrank to %d", old.Size, now.Size)
	case old.Size == 0:
		if len(proof) != 0 || old.Root != emptyRoot() {
			return fault.New(fault.Misbehaved, op, "an empty tree with a proof or another root")
		}
		return nil
	}
	if err := tlog.CheckTree(toTlog(proof), now.Size, tlog.Hash(now.Root), old.Size, tlog.Hash(old.Root)); err != nil {
		return fault.Wrap(fault.Misbehaved, op, err, "the tree of %d leaves does not extend that of %d", now.Size, old.Size)
	}
	return nil
}

func emptyRoot() Hash {
	h, _ := tlog.TreeHash(0, nil) // reads nothing and cannot fail
	return Hash(h)
}

func checkProof(proof []Hash, op string) error {
	if len(proof) > MaxProofHashes {
		return fault.New(fault.LimitExceeded, op, "proof of %d hashes, at most %d", len(proof), MaxProofHashes)
	}
	return nil
}

// checkSize verifies 0 ≤ size ≤ the log's size.
func checkSize(r Reader, size int64, op string) error {
	have, err := r.TreeSize()
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), op, err, "tree size")
	}
	if size < 0 || size > have || have > MaxTreeSize {
		return fault.New(fault.Invalid, op, "a tree of %d leaves in a log of %d", size, have)
	}
	return nil
}

// reader lets x/mod read our stored hashes.
type reader struct{ r Reader }

// ReadHashes implements tlog.HashReader.
func (r reader) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	if len(positions) == 0 {
		return nil, nil
	}
	hashes, err := r.r.Hashes(positions)
	if err != nil {
		return nil, err
	}
	if len(hashes) != len(positions) {
		return nil, fault.New(fault.Corrupt, "audit.Hashes", "%d hashes for %d positions", len(hashes), len(positions))
	}
	return toTlog(hashes), nil
}

func toTlog(in []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(in))
	for i, h := range in {
		out[i] = tlog.Hash(h)
	}
	return out
}

func fromTlog(in []tlog.Hash) []Hash {
	out := make([]Hash, len(in))
	for i, h := range in {
		out[i] = Hash(h)
	}
	return out
}
