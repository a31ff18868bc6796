package okvs

// peeler finds an order in which the rows of one bin can be solved, each for a column of its own. It is reused from bin
// to bin; the arrays are as large as 16-bit indices reach, so that the loops need no bounds checks, and only as much as
// a bin uses is ever touched.
type peeler struct {
	row   [maxSparse]triple
	col   [maxSparse]degree
	queue [maxSparse + 1]uint16 // columns that had degree 1 when they were appended; each comes once
	head  int
	tail  int
	order []step // capacity: rows of a bin
}

// degree is the number of unpeeled rows that hit a column, in the high half, and the exclusive or of their numbers in
// the low one: of a column of degree 1, the row.
type degree uint32

const oneRow degree = 1 << 16

// step says that a row is solved for a column when the row's other two are known: pivot, the others, row, 16 bits each,
// the first lowest.
type step uint64

func newStep(t triple, pivot, row uint16) step {
	a, b, c := uint16(t), uint16(t>>16), uint16(t>>32)
	x, y := a, c
	if a == pivot {
		x = b
	}
	if c == pivot {
		y = b
	}
	return step(pivot) | step(x)<<16 | step(y)<<32 | step(row)<<48
}

// reset forgets the last bin.
func (p *peeler) reset(columns int) {
	clear(p.col[:columns])
	p.head, p.tail = 0, 0
	p.order = p.order[:0]
}

// count counts the rows lo ≤ row < hi in their columns.
func (p *peeler) count(lo, hi int) {
	for i, t := range p.row[lo:hi] {
		id := degree(lo + i)
		for range 3 {
			c := &p.col[uint16(t)]
			*c = (*c + oneRow) ^ id
			t >>= 16
		}
	}
}

// start puts the columns of degree 1 in the queue.
func (p *peeler) start(columns int) {
	tail := 0
	for c, d := range p.col[:columns] {
		p.queue[tail] = uint16(c)
		if d>>16 == 1 {
			tail++
		}
	}
	p.tail = tail
}

// run peels until no column of degree 1 is left. The queue is first in, first out: consecutive steps seldom depend on
// each other, so that their cache misses overlap.
func (p *peeler) run() {
	head, tail := p.head, p.tail
	order := p.order
	for ; head < tail; head++ {
		c := p.queue[head]
		d := p.col[c]
		if d>>16 != 1 {
			continue // its row was peeled for another column
		}
		id := uint16(d)
		t := p.row[id]
		order = append(order, newStep(t, c, id))
		tail = p.remove(t, id, tail)
	}
	p.head, p.tail, p.order = head, tail, order
}

// remove takes a row out of its columns, and appends those that are left with degree 1 at tail.
func (p *peeler) remove(t triple, id uint16, tail int) int {
	for range 3 {
		c := uint16(t)
		d := (p.col[c] - oneRow) ^ degree(id)
		p.col[c] = d
		p.queue[tail] = c
		if d>>16 == 1 {
			tail++
		}
		t >>= 16
	}
	return tail
}
