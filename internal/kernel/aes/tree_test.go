package aes

import (
	"fmt"
	"testing"
)

// levelWant is the definition of a level, by the standard library.
func levelWant(t *testing.T, left, right Block, nodes []Block, n int) []Block {
	t.Helper()
	want := make([]Block, 2*len(nodes))
	for i, x := range nodes {
		want[2*i] = sum(encrypt(t, left, x), x)
		want[2*i+1] = sum(encrypt(t, right, x), x)
	}
	return want[:n]
}

// TestLevel covers every number of children, whole and truncated, apart and in one buffer.
func TestLevel(t *testing.T) {
	left, right := Block{1}, Block{15: 2}
	tree := NewTree(left, right)
	for n := range 2*maxLen + 1 {
		src := random(byte(n), (n+1)/2)
		want := levelWant(t, left, right, src, n)
		equal(t, "level", guarded(t, n, func(dst []Block) { tree.Level(dst, src) }), want)
		equal(t, "level in one buffer", guarded(t, n, func(dst []Block) {
			copy(dst, src)
			tree.Level(dst, dst[:len(src)])
		}), want)
		equal(t, "level twin", guarded(t, n, func(dst []Block) {
			copy(dst, src)
			levelTwin(newCipher(&left), newCipher(&right), dst, dst[:len(src)])
		}), want)
	}
}

// ExampleTree_Level grows a tree of five leaves in one buffer.
func ExampleTree_Level() {
	tree := NewTree(Block{1}, Block{2})
	leaves := make([]Block, 5)
	leaves[0] = Block{0xaa} // the root
	tree.Level(leaves[:2], leaves[:1])
	tree.Level(leaves[:3], leaves[:2])
	tree.Level(leaves, leaves[:3])
	for _, l := range leaves {
		fmt.Printf("%x\n", l[:4])
	}
	// Output:
	// c0e9d9b3
	// 125c943a
	// 6f72b567
	// 7a1569c6
	// cd0836d5
}
