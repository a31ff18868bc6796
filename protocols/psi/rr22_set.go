package psi

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/internal/kernel/okvs"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// shareItems and shareBins are what one goroutine takes at a time: a fraction of a millisecond of hashing, some
// milliseconds of solving.
const (
	shareItems = 1 << 15
	shareBins  = 8
)

// blockSet is one party's items in a run of method rr22. An item enters by its first block; two of 2²⁰ items share it
// with probability 2⁻⁸⁸.
type blockSet struct {
	items []Item
	value []aes.Block // h(item), what the code gives back at the item
	rows  *okvs.Rows
	out   *aes.MMO // the last hash
}

// encodable pads items to the size of the code with random ones, which nobody holds: small sets are encoded as larger
// ones. Without padding it returns items.
func encodable(items []Item, code okvs.Params, rnd io.Reader) ([]Item, error) {
	if len(items) >= code.Items {
		return items, nil
	}
	padded := make([]Item, code.Items)
	n := copy(padded, items)
	return padded, fillPads(rnd, padded[n:])
}

// newBlockSet hashes the items under keys that depend on the session and on R's seed of the code.
func newBlockSet(ctx context.Context, p pool, s protocols.Session, items []Item, seed aes.Block, code okvs.Params) (*blockSet, error) {
	tr := transcript.ForSession("tacit/psi/rr22/v1", s)
	tr.Append("seed", seed[:])
	var rowKey, itemKey, outKey aes.Block
	tr.Expand("row", rowKey[:])
	tr.Expand("item", itemKey[:])
	tr.Expand("out", outKey[:])
	b := &blockSet{
		items: items, value: make([]aes.Block, len(items)),
		rows: okvs.NewRows(len(items), rowKey, code), out: aes.NewMMO(outKey),
	}
	err := p.each(ctx, len(items), shareItems, func(lo, hi int) error {
		firstBlocks(b.value[lo:hi], items[lo:hi])
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = p.each(ctx, b.rows.Chunks(), shareBins, func(lo, hi int) error {
		b.rows.HashChunks(b.value, lo, hi)
		return nil
	})
	if err != nil {
		return nil, err
	}
	h := aes.NewMMO(itemKey)
	return b, p.each(ctx, len(items), shareItems, func(lo, hi int) error {
		h.Blocks(b.value[lo:hi], b.value[lo:hi])
		return nil
	})
}

// firstBlocks copies the first block of every item.
func firstBlocks(dst []aes.Block, items []Item) {
	for i := range items {
		dst[i] = aes.Block(items[i][:blockBytes])
	}
}

// encode is P = Encode(item → h(item)).
//
// Errors: fault.Internal when the system has no solution, with probability at most 2^−ssp.
func (b *blockSet) encode(ctx context.Context, p pool, rnd io.Reader, code okvs.Params) ([]aes.Block, error) {
	e, err := okvs.NewEncoder(b.rows, rnd)
	if err != nil {
		return nil, err
	}
	out, value := make([]aes.Block, code.Slots()), b.value
	b.value = nil // R needs the values only here
	return out, p.each(ctx, code.Bins, shareBins, func(lo, hi int) error { return e.EncodeBins(out, value, lo, hi) })
}

// decode is Decode(vector, item) for every item.
func (b *blockSet) decode(ctx context.Context, p pool, vector []aes.Block, code okvs.Params) ([]aes.Block, error) {
	out := make([]aes.Block, len(b.items))
	return out, p.each(ctx, code.Bins, shareBins, func(lo, hi int) error {
		b.rows.DecodeBins(out, vector, lo, hi)
		return nil
	})
}

// raise adds Δ·h(item) to every decoded value: S's side of the correlation.
func (b *blockSet) raise(ctx context.Context, p pool, v []aes.Block, delta *aes.Block) error {
	return p.each(ctx, len(v), shareItems, func(lo, hi int) error {
		gf128.MulConstAdd(v[lo:hi], b.value[lo:hi], delta)
		return nil
	})
}

// evaluated are F of a party's items, and the blocks that their tags are cut from. In the malicious mode a tag is a hash of
// F, so that F stays with those who hold the item and R can prove with it which matches it reports.
type evaluated struct{ f, tag []aes.Block }

// proof vouches for the items at some positions: SHA-256("tacit/psi/rr22/proof/v1" ‖ binding ‖ F of each, in order).
func (o evaluated) proof(binding [32]byte, position []int32) (sum [32]byte) {
	h := sha256.New()
	h.Write([]byte("tacit/psi/rr22/proof/v1"))
	h.Write(binding[:])
	for _, i := range position {
		h.Write(o.f[i][:])
	}
	h.Sum(sum[:0])
	return sum
}

// finish turns the decoded values into F of the package documentation, in place: H(v), or with w of the malicious mode
// the hash of the item under the key v ⊕ w.
func (b *blockSet) finish(ctx context.Context, p pool, v []aes.Block, w *aes.Block) (evaluated, error) {
	o := evaluated{f: v, tag: v}
	if w != nil {
		o.tag = make([]aes.Block, len(v))
	}
	return o, p.each(ctx, len(v), shareItems, func(lo, hi int) error {
		if w == nil {
			b.out.Blocks(v[lo:hi], v[lo:hi])
			return nil
		}
		for i := lo; i < hi; i++ {
			xorBlock(&v[i], w)
		}
		key := make([]aes.Block, hi-lo)
		firstBlocks(key, b.items[lo:hi])
		aes.HashKeyed(v[lo:hi], v[lo:hi], key)
		b.out.Blocks(o.tag[lo:hi], v[lo:hi])
		return nil
	})
}

// xorBlock adds b to dst.
func xorBlock(dst, b *aes.Block) {
	binary.LittleEndian.PutUint64(dst[:], binary.LittleEndian.Uint64(dst[:])^binary.LittleEndian.Uint64(b[:]))
	binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(dst[8:])^binary.LittleEndian.Uint64(b[8:]))
}
