package vole

import (
	stdaes "crypto/aes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// plainTree is the GGM tree by its definition: leaf i is reached by the bits of i from the root, most significant first,
// the children of x being AES_k(x) ⊕ x for the key of the side.
func plainTree(keys [2]aes.Block, seed aes.Block, depth, leaves int) []aes.Block {
	out := make([]aes.Block, leaves)
	for i := range out {
		x := seed
		for d := depth - 1; d >= 0; d-- {
			k, err := stdaes.NewCipher(keys[i>>d&1][:])
			if err != nil {
				return nil
			}
			var y aes.Block
			k.Encrypt(y[:], x[:])
			x = xorBlock(x, y)
		}
		out[i] = x
	}
	return out
}

// shaped returns parameters for trees of that many leaves.
func shaped(leaves int) Params {
	p := Params{trees: 1, leaves: leaves}
	for 1<<p.depth < leaves {
		p.depth++
	}
	return p
}

func TestTreeIsGGM(t *testing.T) {
	keys := [2]aes.Block{{1}, {2}}
	tree := aes.NewTree(keys[0], keys[1])
	for _, n := range []int{2, 3, 4, 5, 7, 8, 9, 33, 60, 64, 65, 100} {
		p := shaped(n)
		got, sums := make([]aes.Block, p.levelBlocks()), make([]aes.Block, 2*p.depth)
		p.grow(tree, aes.Block{9}, got, sums)
		got = got[:n]
		want := plainTree(keys, aes.Block{9}, p.depth, n)
		if !slices.Equal(got, want) {
			t.Fatalf("%d leaves: another tree", n)
		}
		var left, right aes.Block
		for i, x := range plainTree(keys, aes.Block{9}, p.depth, (n+1)/2*2) {
			if i%2 == 0 {
				left = xorBlock(left, x)
			} else {
				right = xorBlock(right, x)
			}
		}
		if sums[2*p.depth-2] != left || sums[2*p.depth-1] != right {
			t.Errorf("%d leaves: sums of the last level differ", n)
		}
	}
}

// The punctured tree is all leaves but one, which is zero, for every place of trees with full and with cut levels.
func TestPunctureIsAllButOne(t *testing.T) {
	tree := aes.NewTree(aes.Block{1}, aes.Block{2})
	for _, n := range []int{2, 3, 5, 8, 11, 13, 16, 17, 60} {
		for alpha := range n {
			checkPuncture(t, tree, n, alpha)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6000).Draw(t, "leaves")
		checkPuncture(t, tree, n, rapid.IntRange(0, n-1).Draw(t, "alpha"))
	})
}

func checkPuncture(t rapid.TB, tree *aes.Tree, n, alpha int) {
	p := shaped(n)
	want, sums := make([]aes.Block, p.levelBlocks()), make([]aes.Block, 2*p.depth)
	total := p.grow(tree, aes.Block{3}, want, sums)
	got := make([]aes.Block, p.levelBlocks())
	less := p.puncture(tree, orphansOf(tree), uint64(alpha), open(p, sums, alpha), got)
	missing := load(want[alpha][:])
	want[alpha] = aes.Block{}
	if !slices.Equal(got[:n], want[:n]) {
		t.Fatalf("%d leaves without %d: differs", n, alpha)
	}
	if total.add(missing) != less {
		t.Fatalf("%d leaves without %d: wrong total", n, alpha)
	}
}

// open selects the sums that a receiver with these path bits obtains.
func open(p Params, sums []aes.Block, path int) []aes.Block {
	opened := make([]aes.Block, p.depth)
	for d := range opened {
		opened[d] = sums[2*d+1-path>>(p.depth-1-d)&1]
	}
	return opened
}

// A malicious receiver may take a path that ends in no leaf. It then has all leaves, but still not the total.
func TestPathsOutsideTheTreeLackTheTotal(t *testing.T) {
	tree := aes.NewTree(aes.Block{1}, aes.Block{2})
	for _, n := range []int{3, 5, 11, 13, 17, 60, 5129} {
		p := shaped(n)
		want, sums := make([]aes.Block, p.levelBlocks()), make([]aes.Block, 2*p.depth)
		total := p.grow(tree, aes.Block{3}, want, sums)
		for path := n; path < min(1<<p.depth, n+50); path++ {
			got := make([]aes.Block, p.levelBlocks())
			less := p.puncture(tree, orphansOf(tree), uint64(path), open(p, sums, path), got)
			if less == total {
				t.Fatalf("%d leaves, path %d: the total is open", n, path)
			}
		}
	}
}
