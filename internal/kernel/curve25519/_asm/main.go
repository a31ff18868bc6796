// Command _asm writes the AVX-512 and AVX2 kernels of package curve25519. To regenerate, from the repository's root:
//
//	(cd internal/kernel/curve25519/_asm && go run . -out ../lanes_amd64.s)
//
// The output is committed and depends on nothing but these files and the pinned avo. The Go declarations are written by
// hand, in lanes_amd64.go, because they name the package's types.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64,!purego")
	ladder()
	mulQuad()
	squareQuad()
	sha512()
	ladderFour()
	mulFours()
	squareFours()
	Generate()
}
