package intersect

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// place is a row of the input and where it goes in the output, packed so that places sort by row.
type place uint64

func placeOf(row uint32, at int64) place { return place(uint64(row)<<32 | uint64(at)) }

func (p place) row() int64 { return int64(p >> 32) }
func (p place) at() int64  { return int64(p & 0xffffffff) }

// matchedRows calls f with the rows of each bucket in aligned order.
func (r *runner) matchedRows(f func(rows []uint32, keys uint32)) error {
	for i := range r.cut.Count() {
		b, err := r.state.loadBucket(i, r.planDigest())
		if err != nil {
			return err
		}
		if (b.mark == mark{}) {
			return fault.New(fault.Corrupt, "intersect.matchedRows", "bucket %d is gone from %s: remove the directory, at both parties, to start anew", i, r.state.dir)
		}
		f(b.rows, b.keys)
	}
	return nil
}

// bitset has a bit per row.
type bitset []uint64

func newBitset(n int64) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i uint32)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i uint32) bool { return b[i/64]>>(i%64)&1 == 1 }

// summary is what this party says at the end. Where only one party gets an output, nothing is said.
func (r *runner) summary() (final, error) {
	if r.cfg.OutputTo != ToBoth {
		return final{}, nil
	}
	var out final
	seen := newBitset(r.keys.Rows)
	distinct := int64(0)
	err := r.matchedRows(func(rows []uint32, _ uint32) {
		out.matched += int64(len(rows))
		for _, row := range rows {
			if !seen.has(row) {
				seen.set(row)
				distinct++
			}
		}
	})
	if r.cfg.keeps(r.cfg.Side) {
		out.kept = r.keys.Rows - distinct
	}
	if err == nil && out.matched > MaxRows {
		err = fault.New(fault.LimitExceeded, "intersect.summary", "MaxRows: the output has %d matched rows, at most %d", out.matched, int64(MaxRows))
	}
	return out, err
}

// layout is the output: which row of this party is where.
type layout struct {
	places  []place // sorted
	total   int64   // rows
	matched int64   // rows of the first block
}

// layOut derives the layout from the finished buckets.
//
// Errors: fault.LimitExceeded (MaxRows), fault.Corrupt (a bucket file).
func (r *runner) layOut() (layout, error) {
	var out layout
	own := r.cfg.keeps(r.cfg.Side)
	seen := newBitset(r.keys.Rows)
	r.result.Matched = 0
	var at int64
	var bad bool
	err := r.matchedRows(func(rows []uint32, keys uint32) {
		r.result.Matched += int64(keys)
		for _, row := range rows {
			if int64(row) >= r.keys.Rows {
				bad = true
				return
			}
			seen.set(row)
			if r.cfg.Join != Difference {
				out.places = append(out.places, placeOf(row, at))
				at++
			}
		}
	})
	if err != nil {
		return layout{}, err
	}
	if bad {
		return layout{}, fault.New(fault.Corrupt, "intersect.layOut", "a bucket names rows beyond the input")
	}
	out.matched = at
	if r.cfg.Side == Connector && r.cfg.keeps(Listener) {
		at += r.state.peer.kept
		r.result.Padding = r.state.peer.kept
	}
	if own {
		rest, err := r.unmatched(seen)
		if err != nil {
			return layout{}, err
		}
		for _, row := range rest {
			out.places = append(out.places, placeOf(row, at))
			at++
		}
		r.result.Unmatched = int64(len(rest))
	}
	if r.cfg.Side == Listener && r.cfg.keeps(Connector) {
		at += r.state.peer.kept
		r.result.Padding = r.state.peer.kept
	}
	if at > MaxRows {
		return layout{}, fault.New(fault.LimitExceeded, "intersect.layOut", "MaxRows: an output of %d rows, at most %d", at, int64(MaxRows))
	}
	out.total = at
	slices.Sort(out.places)
	return out, nil
}

// unmatched lists the rows that are not in seen, shuffled: the order of the input is nobody else's business.
func (r *runner) unmatched(seen bitset) ([]uint32, error) {
	var out []uint32
	for row := range uint32(r.keys.Rows) {
		if !seen.has(row) {
			out = append(out, row)
		}
	}
	return out, shuffle(out, r.cfg.Rand)
}

// shuffle permutes rows uniformly: Fisher–Yates over AES-256-CTR, unbiased draws.
func shuffle(rows []uint32, rand io.Reader) error {
	const op = "intersect.shuffle"
	var key [32]byte
	defer clear(key[:])
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "AES-256 is not available")
	}
	stream := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	var buf [4096]byte
	left := 0
	for i := len(rows) - 1; i > 0; i-- {
		n := uint32(i) + 1
		for threshold := -n % n; ; { // 2³² mod n; Lemire's multiplication with rejection
			if left == 0 {
				clear(buf[:])
				stream.XORKeyStream(buf[:], buf[:])
				left = len(buf)
			}
			m := uint64(binary.LittleEndian.Uint32(buf[len(buf)-left:])) * uint64(n)
			left -= 4
			if uint32(m) >= threshold {
				j := m >> 32
				rows[i], rows[j] = rows[j], rows[i]
				break
			}
		}
	}
	return nil
}
