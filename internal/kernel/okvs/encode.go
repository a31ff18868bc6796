package okvs

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// Encode sets dst to a vector from which Decode returns val[i] for key[i], and random values for other keys. rand fills
// the free slots; it is read for 16 bytes, which are expanded with AES-128.
//
// Shape: key and val have p.Items entries, dst has p.Slots(); key and val are borrowed.
// Errors: fault.Invalid (two keys are equal), fault.Internal (unsolvable or a bin overflows, probability at most 2^−ssp
// over the seed; rand fails). After an error dst holds no vector.
func Encode(dst, key, val []aes.Block, seed aes.Block, p Params, rand io.Reader) error {
	if len(key) != p.Items || len(val) != p.Items {
		panic("kernel/okvs: keys or values differ from Params.Items")
	}
	rows := NewRows(len(key), seed, p)
	defer rows.Wipe()
	rows.HashChunks(key, 0, rows.Chunks())
	e, err := NewEncoder(rows, rand)
	if err != nil {
		return err
	}
	defer e.Wipe()
	return e.EncodeBins(dst, val, 0, p.Bins)
}

// Encoder solves the bins of one vector, each once: two vectors with the same free slots would show by their difference
// which slots are free. EncodeBins may be called concurrently for different bins. There is no zero value.
type Encoder struct {
	rows  *Rows
	fill  *aes.Block // seed of the free slots
	spent []bool     // per bin
}

// NewEncoder checks that the rows, complete, fit the bins, and draws the seed of the free slots.
//
// Errors: fault.Invalid (two keys are equal), fault.Internal (a bin overflows, rand fails).
func NewEncoder(rows *Rows, rand io.Reader) (*Encoder, error) {
	const op = "okvs.NewEncoder"
	if rows.Len() != rows.p.Items {
		panic("kernel/okvs: rows differ from Params.Items")
	}
	for bin := range rows.p.Bins {
		if n := rows.binLen(bin); n > rows.p.BinCap {
			if rows.repeated(bin) {
				return nil, duplicate(op)
			}
			return nil, fault.New(fault.Internal, op, "a bin of %d rows, at most %d", n, rows.p.BinCap)
		}
	}
	e := &Encoder{rows: rows, fill: new(aes.Block), spent: make([]bool, rows.p.Bins)}
	if _, err := io.ReadFull(rand, e.fill[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "no randomness for the free slots")
	}
	return e, nil
}

func duplicate(op string) error { return fault.New(fault.Invalid, op, "two keys are equal") }

// EncodeBins solves the bins lo ≤ bin < hi: it overwrites their slots of dst, which is the whole vector, for the values
// in val, in the order of the keys. It allocates 1.3 MB of scratch per call, so give it ranges.
//
// Errors: as Encode, and fault.Internal for a bin's second time.
func (e *Encoder) EncodeBins(dst, val []aes.Block, lo, hi int) error {
	p := e.rows.p
	if len(dst) != p.Slots() || len(val) != p.Items {
		panic("kernel/okvs: vector or values differ from Params")
	}
	if lo >= hi {
		return nil
	}
	for bin := lo; bin < hi; bin++ {
		if e.spent[bin] {
			return fault.New(fault.Internal, "okvs.EncodeBins", "bin %d was encoded before", bin)
		}
		e.spent[bin] = true
	}
	e.sortValues(dst, val, lo, hi)
	s := newSolver(p)
	defer s.wipe()
	for bin := lo; bin < hi; bin++ {
		slots := dst[bin*p.stride() : (bin+1)*p.stride()]
		if err := s.solve(slots, e, bin); err != nil {
			clear(dst[lo*p.stride() : hi*p.stride()]) // the next bins still hold values
			return err
		}
	}
	return nil
}

// sortValues puts the values of each bin's rows, in their order, where its slots will be. Chunk by chunk, so that a line
// of values is fetched once for all bins and not once for each.
func (e *Encoder) sortValues(dst, val []aes.Block, lo, hi int) {
	r := e.rows
	next := make([]int, hi-lo)
	for i := range next {
		next[i] = (lo + i) * r.p.stride()
	}
	for c := range r.Chunks() {
		in := val[c*chunkKeys:]
		for i := range next {
			from, to := r.segment(c, lo+i)
			out := dst[next[i]:]
			for j, at := range r.place[from:to] {
				out[j] = in[at]
			}
			next[i] += to - from
		}
	}
}

// Wipe overwrites the seed of the free slots. The encoder may not be used afterwards.
func (e *Encoder) Wipe() {
	clear(e.fill[:])
	e.fill = nil
}

// Format prints the type's name only.
func (e *Encoder) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "okvs.Encoder") }

// LogValue is the type's name only.
func (e *Encoder) LogValue() slog.Value { return slog.StringValue("okvs.Encoder") }
