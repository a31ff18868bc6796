package vole

import "github.com/tacit-data/tacit/internal/kernel/aes"

// A tree has depth levels below its root; level d has width(d) = ⌈leaves/2^(depth−d)⌉ nodes, those that have a leaf below
// them. Node i of a level has the children 2i and 2i+1 of the next. Where the next width is odd, the last child has no
// leaf below it: it is dropped, but it counts in the level's sums and in the tree's total. So every path of choice bits,
// also one that no honest receiver takes, lacks exactly one summand of the total; otherwise such a path would open the
// total, with it the sender's share of the base VOLE, and with that Δ.

// width is the number of nodes at level d.
func (p Params) width(d int) int {
	shift := p.depth - d
	return (p.leaves + 1<<shift - 1) >> shift
}

// levelBlocks is the room that a tree needs to grow in: its leaves, and one dropped node.
func (p Params) levelBlocks() int { return p.leaves + 1 }

// grow fills buf with the leaves of the tree of seed and sums with the sums of the left and of the right children of each
// level, two per level. It returns the tree's total, the sum of all leaves and dropped nodes.
func (p Params) grow(t *aes.Tree, seed aes.Block, buf, sums []aes.Block) (total word) {
	buf[0] = seed
	for d := 1; d <= p.depth; d++ {
		level := buf[:2*p.width(d-1)]
		t.Level(level, buf[:len(level)/2])
		left, right := sumChildren(level)
		left.store(sums[2*d-2][:])
		right.store(sums[2*d-1][:])
		total = p.addLevel(total, d, level, left.add(right))
	}
	return total
}

// addLevel adds to total what level d, whose nodes sum up to sum, contributes: all nodes of the last level, of the others
// the dropped one.
func (p Params) addLevel(total word, d int, level []aes.Block, sum word) word {
	switch {
	case d == p.depth:
		return total.add(sum)
	case len(level) > p.width(d):
		return total.add(load(level[len(level)-1][:]))
	}
	return total
}

// sumChildren adds up the even and the odd entries of a level.
func sumChildren(level []aes.Block) (left, right word) {
	for len(level) >= 2 {
		left, right = left.add(load(level[0][:])), right.add(load(level[1][:]))
		level = level[2:]
	}
	return left, right
}

// orphans are the children of the zero block. A punctured tree holds zero in place of each node that it lacks, so that
// these are what such a node contributes to the next level and what has to be taken out of it again.
type orphans struct{ left, right word }

func orphansOf(t *aes.Tree) orphans {
	var b [2]aes.Block
	t.Level(b[:], b[:1])
	return orphans{load(b[0][:]), load(b[1][:])}
}

// puncture fills buf with the leaves of a tree except the one at alpha, which becomes zero, and returns the tree's total
// without it. opened[d−1] is the sum of the children of level d on the side that alpha's path does not take.
//
// Constant-time in alpha: every level is read and written whole.
func (p Params) puncture(t *aes.Tree, o orphans, alpha uint64, opened, buf []aes.Block) (total word) {
	buf[0] = aes.Block{}
	for d := 1; d <= p.depth; d++ {
		level := buf[:2*p.width(d-1)]
		t.Level(level, buf[:len(level)/2])
		parent, goesRight := alpha>>(p.depth-d+1), -(alpha >> (p.depth - d) & 1)
		left, right := sumChildren(level)
		left, right = left.add(o.left), right.add(o.right)
		sibling := load(opened[d-1][:]).add(left.and(goesRight)).add(right.and(^goesRight))
		mend(level, parent, o.left.add(sibling.and(goesRight)), o.right.add(sibling.and(^goesRight)))
		total = p.addLevel(total, d, level, left.add(right).add(sibling))
	}
	return total
}

// mend adds left and right to the two children of node parent.
func mend(level []aes.Block, parent uint64, left, right word) {
	for i := uint64(0); len(level) >= 2; i++ {
		m := equal(i, parent)
		load(level[0][:]).add(left.and(m)).store(level[0][:])
		load(level[1][:]).add(right.and(m)).store(level[1][:])
		level = level[2:]
	}
}
