package okvs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// chunkKeys is the number of keys that are hashed and sorted together: the hashes before and after sorting are 1 MiB,
// so that the sort stays in second-level cache, and a position in a chunk fits 16 bits.
const chunkKeys = 1 << 15

// Rows are the hashed keys of one party, sorted by bin, 18 bytes per key. They serve one Encoder and any number of
// decodings under the Params they were made for. Different chunks may be filled concurrently; afterwards Rows are
// read-only. There is no zero value.
type Rows struct {
	p     Params
	mmo   *aes.MMO
	hash  []aes.Block // per chunk, by bin: columns and field element of a row
	place []uint16    // of each hash: its key's position in the chunk
	start []uint16    // Bins+1 per chunk: where each bin begins
}

// NewRows returns room for the rows of n keys under a public seed. n may differ from p.Items: a party decodes its own
// keys from the vector of another.
func NewRows(n int, seed aes.Block, p Params) *Rows {
	if !p.valid() {
		panic("kernel/okvs: Params not from NewParams") // columns and bins are used unchecked
	}
	chunks := (n + chunkKeys - 1) / chunkKeys
	return &Rows{
		p:     p,
		mmo:   aes.NewMMO(seed),
		hash:  make([]aes.Block, n),
		place: make([]uint16, n),
		start: make([]uint16, chunks*(p.Bins+1)),
	}
}

// truncate makes the rows those of the first n keys, to be filled again.
func (r *Rows) truncate(n int) {
	r.hash, r.place = r.hash[:n], r.place[:n]
	r.start = r.start[:(n+chunkKeys-1)/chunkKeys*(r.p.Bins+1)]
}

// Len is the number of keys.
func (r *Rows) Len() int { return len(r.hash) }

// Chunks is the number of chunks to fill.
func (r *Rows) Chunks() int { return len(r.start) / (r.p.Bins + 1) }

// HashChunks fills the chunks lo ≤ chunk < hi from key, which holds all Len keys.
func (r *Rows) HashChunks(key []aes.Block, lo, hi int) {
	if len(key) != len(r.hash) {
		panic("kernel/okvs: keys and rows differ in length")
	}
	var w chunkSorter
	if r.p.Bins > 1 && lo < hi {
		w = chunkSorter{make([]aes.Block, min(chunkKeys, len(key))), make([]uint32, r.p.Bins)}
		defer clear(w.hash)
	}
	for c := lo; c < hi; c++ {
		from, to := r.chunk(c)
		if r.p.Bins == 1 {
			r.mmo.Blocks(r.hash[from:to], key[from:to])
			r.startsOf(c)[1] = uint16(to - from)
			for i := range r.place[from:to] {
				r.place[from+i] = uint16(i)
			}
			continue
		}
		hash := w.hash[:to-from]
		r.mmo.Blocks(hash, key[from:to])
		w.sort(r.hash[from:to], r.place[from:to], r.startsOf(c), hash)
	}
}

// chunk returns the keys of chunk c.
func (r *Rows) chunk(c int) (from, to int) {
	return c * chunkKeys, min((c+1)*chunkKeys, len(r.hash))
}

func (r *Rows) startsOf(c int) []uint16 {
	return r.start[c*(r.p.Bins+1) : (c+1)*(r.p.Bins+1)]
}

// segment returns the rows of a bin in chunk c, as indices of hash and place.
func (r *Rows) segment(c, bin int) (from, to int) {
	s := r.start[c*(r.p.Bins+1)+bin:]
	return c*chunkKeys + int(s[0]), c*chunkKeys + int(s[1])
}

// binLen is the number of rows of a bin.
func (r *Rows) binLen(bin int) (n int) {
	for c := range r.Chunks() {
		from, to := r.segment(c, bin)
		n += to - from
	}
	return n
}

// row returns the hash of a bin's row by its number, counted through the chunks.
func (r *Rows) row(bin, number int) *aes.Block {
	for c := range r.Chunks() {
		from, to := r.segment(c, bin)
		if number < to-from {
			return &r.hash[from+number]
		}
		number -= to - from
	}
	panic("kernel/okvs: no such row")
}

// repeated reports whether two rows of a bin have the same hash: for all purposes, two equal keys.
func (r *Rows) repeated(bin int) bool {
	var all []aes.Block
	for c := range r.Chunks() {
		from, to := r.segment(c, bin)
		all = append(all, r.hash[from:to]...)
	}
	defer clear(all)
	slices.SortFunc(all, func(a, b aes.Block) int { return bytes.Compare(a[:], b[:]) })
	return len(slices.Compact(all)) < len(all)
}

// Wipe overwrites the rows. They may not be used afterwards.
func (r *Rows) Wipe() {
	clear(r.hash[:cap(r.hash)])
	clear(r.place[:cap(r.place)])
	clear(r.start[:cap(r.start)])
}

// Format prints the type's name only.
func (r *Rows) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "okvs.Rows") }

// LogValue is the type's name only.
func (r *Rows) LogValue() slog.Value { return slog.StringValue("okvs.Rows") }

// chunkSorter is the scratch of a counting sort of one chunk by bin.
type chunkSorter struct {
	hash []aes.Block
	next []uint32
}

// sort moves hash to dst by bin, writes the position that each had to place, and where each bin begins to start.
func (w *chunkSorter) sort(dst []aes.Block, place, start []uint16, hash []aes.Block) {
	next := w.next
	clear(next)
	bins := uint64(len(next))
	for i := range hash {
		next[binOf(&hash[i], bins)]++
	}
	sum := uint32(0)
	for b, n := range next {
		start[b], next[b] = uint16(sum), sum
		sum += n
	}
	start[len(next)] = uint16(sum)
	for i := range hash {
		n := &next[binOf(&hash[i], bins)]
		dst[*n], place[*n] = hash[i], uint16(i)
		*n++
	}
}

// binOf maps the top word of a hash to a bin, by multiplication and shift.
func binOf(h *aes.Block, bins uint64) int {
	return int(uint64(binary.LittleEndian.Uint32(h[12:])) * bins >> 32)
}
