package okvs

import (
	"math/bits"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// maxAside is the most rows that are put aside: a bit of a word each. With the parameters of NewParams even one is rare.
const maxAside = 64

// core holds what peeling left over: rows put aside so that all others peel, each as an equation from which the columns
// of the peeled rows were eliminated.
//
// Equation j is the sum of the rows whose set holds j. It reads: the free columns whose set holds j, plus the dense part
// of those rows, is the sum of their values.
type core struct {
	equations int
	row       []set // of each row: the equations that it is part of
	col       []set // of each sparse column: the equations that it occurs in
	pivot     [maxAside]uint16
	pivoted   set // equations that are solved for a free column, their pivot; the others have no column left
}

// set is a set of equations.
type set uint64

// putAside takes rows out until the rest peels, and eliminates. It returns nil when that would be too many. n is the
// number of rows.
func (s *solver) putAside(n int) *core {
	c := &core{row: make([]set, n), col: make([]set, s.p.Sparse)}
	peeled, marked := make([]bool, n), 0
	for len(s.order)+c.equations < n {
		for ; marked < len(s.order); marked++ {
			peeled[s.order[marked]>>48] = true
		}
		if c.equations == maxAside {
			return nil
		}
		id := s.mostShared(peeled)
		peeled[id] = true
		c.take(id, s.row[id])
		s.tail = s.remove(s.row[id], id, s.tail)
		s.run()
	}
	c.eliminatePeeled(s.order)
	c.eliminateFree()
	return c
}

// mostShared picks the unpeeled row with the most columns of degree 2: each gives a column to peel once the row is gone.
func (p *peeler) mostShared(peeled []bool) (id uint16) {
	best := -1
	for i, done := range peeled {
		if done {
			continue
		}
		n, t := 0, p.row[uint16(i)]
		for range 3 {
			if p.col[uint16(t)]>>16 == 2 {
				n++
			}
			t >>= 16
		}
		if n > best {
			best, id = n, uint16(i)
		}
	}
	return id
}

// take makes an equation of a row.
func (c *core) take(id uint16, t triple) {
	j := set(1) << c.equations
	c.equations++
	c.row[id] = j
	for range 3 {
		c.col[uint16(t)] |= j
		t >>= 16
	}
}

// eliminatePeeled adds to each equation the peeled rows that remove their columns from it. A row's pivot occurs in no
// row peeled later, so that one pass does it.
func (c *core) eliminatePeeled(order []step) {
	for _, s := range order {
		in := c.col[uint16(s)]
		c.row[s>>48] = in
		c.col[uint16(s)] = 0
		c.col[uint16(s>>16)] ^= in
		c.col[uint16(s>>32)] ^= in
	}
}

// eliminateFree is Gauss–Jordan elimination over the free columns.
func (c *core) eliminateFree() {
	for f := range c.col {
		open := c.col[f] &^ c.pivoted
		if open == 0 {
			continue
		}
		j := open & -open
		others := c.col[f] &^ j
		c.pivoted |= j
		c.pivot[bits.TrailingZeros64(uint64(j))] = uint16(f)
		addEquation(c.col, j, others)
		addEquation(c.row, j, others)
	}
}

// addEquation adds equation j to the others.
func addEquation(in []set, j, others set) {
	for i, s := range in {
		if s&j != 0 {
			in[i] = s ^ others
		}
	}
}

// solveDense solves the equations without a sparse column for dense slots, and leaves the other dense slots as they are.
// It reports whether there is a solution.
func (c *core) solveDense(dense, val []aes.Block, r *Rows, bin int) bool {
	var lines []line
	for j := range c.equations {
		if c.pivoted>>j&1 == 0 {
			if len(lines) == len(dense) {
				return false
			}
			lines = append(lines, c.line(j, len(dense), val, r, bin))
		}
	}
	return solveLines(lines, dense)
}

// line is equation j over the dense columns: the sum of its rows' powers, and of their values.
func (c *core) line(j, columns int, val []aes.Block, r *Rows, bin int) line {
	l := newLine(columns)
	for i, s := range c.row {
		if s>>j&1 != 0 {
			l.addRow(r.row(bin, i), &val[i])
		}
	}
	return l
}

// solveSparse sets the pivots of the other equations. val has the rows' values less their dense part.
func (c *core) solveSparse(sparse, val []aes.Block) {
	for j := range c.equations {
		if c.pivoted>>j&1 == 0 {
			continue
		}
		var v aes.Block
		for i, s := range c.row {
			if s>>j&1 != 0 {
				sum(&v, &v, &val[i])
			}
		}
		for f, s := range c.col {
			if s>>j&1 != 0 && uint16(f) != c.pivot[j] {
				sum(&v, &v, &sparse[f])
			}
		}
		sparse[c.pivot[j]] = v
	}
}
