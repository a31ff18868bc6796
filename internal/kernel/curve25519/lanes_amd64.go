//go:build amd64 && !purego

package curve25519

// The assembly is generated; go generate in this directory rewrites it.
//
//go:generate go run -C _asm . -out ../lanes_amd64.s

// ladderPair sets (x : z) = k·u lane by lane, in constant time. choice[i] is 0xff where bits 255−i and 254−i of k differ
// and 0 elsewhere; k is clamped (bit 254 set, bits 0 to 2 clear). u is settled, x and z will be.
//
//go:noescape
func ladderPair(x, z, u *pair, choice *[255]uint8)

// mulQuad sets dst = a·b lane by lane, all settled. dst may be a or b.
//
//go:noescape
func mulQuad(dst, a, b *quad)

// squareQuad sets dst = a^(2^n) lane by lane, n ≥ 1, both settled. dst may be a.
//
//go:noescape
func squareQuad(dst, a *quad, n int)

// sha512Lanes compresses one block per lane (FIPS 180-4 §6.4.2); words are the message words as numbers.
//
//go:noescape
func sha512Lanes(state *[8][8]uint64, words *[16][8]uint64)

// ladderFour is ladderPair on four lanes of the AVX2 tier.
//
//go:noescape
func ladderFour(x, z, u *four, choice *[255]uint8)

// mulFours sets dst = a·b lane by lane, all settled. dst may be a or b.
//
//go:noescape
func mulFours(dst, a, b *fours)

// squareFours sets dst = a^(2^n) lane by lane, n ≥ 1, both settled. dst may be a.
//
//go:noescape
func squareFours(dst, a *fours, n int)
