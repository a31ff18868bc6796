package okvs

import (
	"encoding/binary"
	"unsafe"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
)

// solver is the scratch of one bin; it is reused for the next.
type solver struct {
	peeler
	p     Params
	scale scale
	val   []aes.Block // of each row: its value, later less its dense part
}

func newSolver(p Params) *solver {
	s := &solver{p: p, scale: p.scale(), val: make([]aes.Block, p.BinCap)}
	s.order = make([]step, 0, p.BinCap)
	return s
}

// wipe overwrites what tells keys or values.
func (s *solver) wipe() {
	clear(s.val)
	clear(s.order[:cap(s.order)])
	clear(s.row[:s.p.BinCap])
	clear(s.col[:s.p.Sparse])
	clear(s.queue[:s.p.Sparse+1])
}

// solve sets the slots of one bin, of which the first hold the values of its rows: peel, solve what is left for the dense
// columns, then go back through the peeled rows.
func (s *solver) solve(slots []aes.Block, e *Encoder, bin int) error {
	n := s.load(e.rows, bin)
	s.start(s.p.Sparse)
	s.run()
	val := s.val[:n]
	copy(val, slots)
	fillRandom(slots, *e.fill, bin) // every slot; what is not overwritten below is free
	sparse, dense := slots[:s.p.Sparse], slots[s.p.Sparse:]
	var left *core
	if len(s.order) < n {
		left = s.putAside(n)
		if left == nil || !left.solveDense(dense, val, e.rows, bin) {
			return unsolved(e.rows, bin)
		}
	}
	subtractDense(val, dense, e.rows, bin)
	if left != nil {
		left.solveSparse(sparse, val)
	}
	substitute(sparse, val, s.order)
	return nil
}

// load counts the rows of a bin into their columns and returns their number.
func (s *solver) load(r *Rows, bin int) (n int) {
	s.reset(s.p.Sparse)
	for c := range r.Chunks() {
		from, to := r.segment(c, bin)
		end := n + to - from
		triplesOf(s.row[n:end], r.hash[from:to], &s.scale)
		s.count(n, end)
		n = end
	}
	return n
}

// subtractDense leaves of the values of a bin's rows the sums that their sparse columns must have.
func subtractDense(val, dense []aes.Block, r *Rows, bin int) {
	var part [denseBatch]aes.Block
	for c := range r.Chunks() {
		from, to := r.segment(c, bin)
		for ; from < to; from += denseBatch {
			n := min(denseBatch, to-from)
			denseProducts(part[:n], r.hash[from:from+n], dense)
			gf128.Add(val[:n], val[:n], part[:n])
			val = val[n:]
		}
	}
}

// substitute solves the peeled rows, the last one first: two of its columns are known by then.
func substitute(sparse, val []aes.Block, order []step) {
	for i := len(order) - 1; i >= 0; i-- {
		s := order[i]
		v, x, y := &val[s>>48], &sparse[uint16(s>>16)], &sparse[uint16(s>>32)]
		sum3(&sparse[uint16(s)], v, x, y)
	}
}

// fillRandom overwrites the slots of one bin with its part of the stream of seed.
func fillRandom(slots []aes.Block, seed aes.Block, bin int) {
	var iv aes.Block
	binary.BigEndian.PutUint64(iv[:], uint64(bin)) // the stream counts in the other half
	aes.NewStream(seed, iv).Fill(unsafe.Slice(&slots[0][0], len(slots)*len(iv)))
}

// unsolved names the reason why a bin has no solution.
func unsolved(r *Rows, bin int) error {
	const op = "okvs.Encode"
	if r.repeated(bin) {
		return duplicate(op)
	}
	return fault.New(fault.Internal, op, "the rows of a bin are dependent; a new seed solves it")
}

// sum sets dst = a + b. dst may be a or b.
func sum(dst, a, b *aes.Block) {
	lo := binary.LittleEndian.Uint64(a[0:]) ^ binary.LittleEndian.Uint64(b[0:])
	hi := binary.LittleEndian.Uint64(a[8:]) ^ binary.LittleEndian.Uint64(b[8:])
	binary.LittleEndian.PutUint64(dst[0:], lo)
	binary.LittleEndian.PutUint64(dst[8:], hi)
}

// sum3 sets dst = a + b + c.
func sum3(dst, a, b, c *aes.Block) {
	lo := binary.LittleEndian.Uint64(a[0:]) ^ binary.LittleEndian.Uint64(b[0:]) ^ binary.LittleEndian.Uint64(c[0:])
	hi := binary.LittleEndian.Uint64(a[8:]) ^ binary.LittleEndian.Uint64(b[8:]) ^ binary.LittleEndian.Uint64(c[8:])
	binary.LittleEndian.PutUint64(dst[0:], lo)
	binary.LittleEndian.PutUint64(dst[8:], hi)
}
