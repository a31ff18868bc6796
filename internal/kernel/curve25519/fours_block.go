//go:build amd64 && !purego

package curve25519

// The AVX2 tier runs what costs most in four lanes, the ladder and Euler's criterion, and the rest of a block in the
// twin's field: inversion, hashing, encoding.

// mulBlockFours is MulBatch for at most one block.
func mulBlockFours(dst, src []U, k *[32]byte) (firstZero int) {
	var u, x, z [block]fe
	for i := range src {
		u[i].setBytes((*[32]byte)(&src[i]))
	}
	ladderFours(x[:len(src)], z[:len(src)], u[:len(src)], k)
	return divide(dst, x[:len(dst)], z[:len(dst)])
}

// ladderFours sets (x[i] : z[i]) = k·u[i]. The last item fills what is left of the last group.
func ladderFours(x, z, u []fe, k *[32]byte) {
	var choice [255]uint8
	choices(&choice, k)
	var px, pz, pu four
	for at := 0; at < len(u); at += fourItems {
		for lane := range fourItems {
			pu.set(lane, &u[min(at+lane, len(u)-1)])
		}
		ladderFour(&px, &pz, &pu, &choice)
		for lane := range min(fourItems, len(u)-at) {
			x[at+lane], z[at+lane] = px.get(lane), pz.get(lane)
		}
	}
	clear(choice[:])
	pz = four{} // x/z is public, z is not
}

// nonSquares sets mask[i] to all ones where a[i] is a non-square and to zero elsewhere.
func nonSquares(mask []uint64, a []fe) {
	for at := 0; at < len(a); at += foursItems {
		var t fours
		for j := range foursItems {
			t[j/fourItems].set(j%fourItems, &a[min(at+j, len(a)-1)])
		}
		m := t.nonSquareMasks()
		copy(mask[at:len(a)], m[:])
	}
}

// onCurveFours returns the first index of at most one block whose u³+A·u²+u is not a square, or −1.
func onCurveFours(src []U) (bad int) {
	var g [block]fe
	var twist [block]uint64
	for i := range src {
		var u fe
		u.setBytes((*[32]byte)(&src[i]))
		g[i].rightSide(&u)
	}
	nonSquares(twist[:], g[:len(src)])
	for i := range src {
		if twist[i] != 0 {
			return i
		}
	}
	return -1
}

// mapFours maps at most one block of items to u coordinates.
func mapFours(u []fe, item [][32]byte, x *xmd) {
	var w, g [block]fe
	var choice [block]uint64
	for i := range item {
		var r fe
		x.field(&r, &item[i])
		g[i] = w[i].denominator(&r)
	}
	nonSquares(choice[:], g[:len(item)])
	elligatorAll(u, w[:len(item)], choice[:])
}

func mapBlockFours(dst []U, item [][32]byte, x *xmd) {
	var u [block]fe
	mapFours(u[:], item, x)
	writeAll(dst, u[:])
}

func mapMulBlockFours(dst []U, item [][32]byte, x *xmd, k *[32]byte) {
	var u, px, pz [block]fe
	mapFours(u[:], item, x)
	n := len(item)
	ladderFours(px[:n], pz[:n], u[:n], k)
	divide(dst, px[:n], pz[:n])
}
