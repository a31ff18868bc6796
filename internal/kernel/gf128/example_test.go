package gf128

import (
	"fmt"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// ExampleMul multiplies x^127 by x, and undoes it.
func ExampleMul() {
	x, top := aes.Block{2}, aes.Block{15: 0x80}
	p := Mul(x, top)
	fmt.Printf("%x\n", p)
	fmt.Println(Mul(p, Invert(x)) == top)
	// Output:
	// 87000000000000000000000000000000
	// true
}

// ExamplePowers evaluates 3 + 5·x + 7·x² at a point: the polynomial's constant, and an inner product with powers.
func ExamplePowers() {
	at, powers := aes.Block{2}, make([]aes.Block, 2)
	Powers(powers, at)
	v := InnerProduct([]aes.Block{{5}, {7}}, powers)
	fmt.Println(v[0] ^ 3)
	Horner(powers[:1], []aes.Block{at}, []aes.Block{{5}, {7}}) // the same, without the powers
	fmt.Println(powers[0][0] ^ 3)
	// Output:
	// 21
	// 21
}
