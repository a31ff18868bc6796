//go:build amd64 && !purego

package curve25519

// choices is the swap decision of each ladder step: ladderPair takes 0xff where bits 255−i and 254−i of k differ.
func choices(dst *[255]uint8, k *[32]byte) {
	last := uint8(0)
	for i := range dst {
		at := 254 - i
		bit := k[at/8] >> (at % 8) & 1
		dst[i] = -(bit ^ last)
		last = bit
	}
}

// mulBlockLanes is MulBatch for at most one block. The last item fills what is left of the last quad.
func mulBlockLanes(dst, src []U, k *[32]byte) (firstZero int) {
	var x, z [quads]quad
	var choice [255]uint8
	choices(&choice, k)
	n := (len(src) + quadItems - 1) / quadItems
	for i := range n {
		var u quad
		u.read(src, i*quadItems)
		ladderQuad(&x[i], &z[i], &u, &choice, len(src)-i*quadItems)
	}
	clear(choice[:])
	return divideLanes(dst, x[:n], z[:n])
}

// ladderQuad runs the ladder on the first n items of a quad; the second pair stays zero if there is none in it.
func ladderQuad(x, z, u *quad, choice *[255]uint8, n int) {
	ladderPair((*pair)(x[:2]), (*pair)(z[:2]), (*pair)(u[:2]), choice)
	if n > quadItems/2 {
		ladderPair((*pair)(x[2:]), (*pair)(z[2:]), (*pair)(u[2:]), choice)
	}
}

// read loads 32 items from at on, repeating the last one.
func (v *quad) read(src []U, at int) {
	for j := range quadItems {
		v[j/width].set(j%width, (*[32]byte)(&src[min(at+j, len(src)-1)]))
	}
}

// write stores 32 items from at on, as far as dst goes.
func (v *quad) write(dst []U, at int) {
	for j := range min(quadItems, len(dst)-at) {
		v[j/width].bytes(j%width, (*[32]byte)(&dst[at+j]))
	}
}

// divideLanes writes x/z, and 0 where z = 0, with one inversion; it returns the first zero or −1. x and z are overwritten.
func divideLanes(dst []U, x, z []quad) (firstZero int) {
	for i := range z {
		for j := range quadItems {
			none := z[i][j/width].zeroMask(j % width)
			x[i][j/width].put(j%width, 0, none)
			z[i][j/width].put(j%width, 1, none)
		}
	}
	invertQuads(z)
	for i := range x {
		mulQuad(&x[i], &x[i], &z[i])
		x[i].write(dst, i*quadItems)
	}
	clear(z) // x/z is public, z is not
	for i := range dst {
		if dst[i] == (U{}) {
			return i
		}
	}
	return -1
}

// invertQuads inverts every element, none of which is zero; at most one block.
func invertQuads(z []quad) {
	var prefix [quads]quad
	var acc quad
	acc.fill(1)
	for i := range z {
		prefix[i] = acc
		mulQuad(&acc, &acc, &z[i])
	}
	acc.invert(&acc)
	for i := len(z) - 1; i >= 0; i-- {
		mulQuad(&prefix[i], &prefix[i], &acc)
		mulQuad(&acc, &acc, &z[i])
		z[i] = prefix[i]
	}
	clear(prefix[:])
}

// onCurveLanes returns the first index of at most one block whose u³+A·u²+u is not a square, or −1.
func onCurveLanes(src []U) (bad int) {
	var one, a quad
	one.fill(1)
	a.fill(curveA)
	for at := 0; at < len(src); at += quadItems {
		var u, g quad
		u.read(src, at)
		g.combine(1, &u, 1, &a, 0, false)
		mulQuad(&g, &g, &u)
		g.combine(1, &g, 1, &one, 0, false)
		mulQuad(&g, &g, &u)
		for j, twist := range g.nonSquareMasks() {
			if twist != 0 && at+j < len(src) {
				return at + j
			}
		}
	}
	return -1
}

// mapQuads maps at most one block of items to u coordinates; see fractions and elligator in map.go for the algebra.
func mapQuads(u []quad, item [][32]byte, x *xmd) {
	var h laneHash
	h.setup(x)
	var choice [quads][quadItems]uint64
	var square, a quad
	square.fill(curveA * curveA)
	a.fill(curveA)
	for i := range u {
		var r, t, g quad
		for g := range r {
			h.field(&r[g], item, i*quadItems+g*width)
		}
		w := &u[i]
		squareQuad(w, &r, 1)
		w.combine(2, w, 0, w, 1, false)
		squareQuad(&g, w, 1)
		mulQuad(&t, w, &square)
		g.combine(1, &g, 1, &t, curveA*curveA, true)
		mulQuad(&t, w, &a)
		mulQuad(&g, &g, &t)
		choice[i] = g.nonSquareMasks()
	}
	invertQuads(u)
	var zero quad
	for i := range u {
		var t, first quad
		mulQuad(&t, &u[i], &a)
		first.combine(0, &zero, 1, &t, 0, true)
		u[i].combine(1, &t, 1, &a, 0, true)
		for j := range quadItems {
			u[i][j/width].choose(j%width, &first[j/width], ^choice[i][j])
		}
	}
}

// choose overwrites one lane with a where mask is all ones.
func (v *lanes) choose(lane int, a *lanes, mask uint64) {
	lane &= 7
	for i := range v {
		v[i][lane] ^= mask & (v[i][lane] ^ a[i][lane])
	}
}

func mapBlockLanes(dst []U, item [][32]byte, x *xmd) {
	var u [quads]quad
	n := (len(item) + quadItems - 1) / quadItems
	mapQuads(u[:n], item, x)
	for i := range n {
		u[i].write(dst, i*quadItems)
	}
}

func mapMulBlockLanes(dst []U, item [][32]byte, x *xmd, k *[32]byte) {
	var u, px, pz [quads]quad
	var choice [255]uint8
	choices(&choice, k)
	n := (len(item) + quadItems - 1) / quadItems
	mapQuads(u[:n], item, x)
	for i := range n {
		ladderQuad(&px[i], &pz[i], &u[i], &choice, len(item)-i*quadItems)
	}
	clear(choice[:])
	divideLanes(dst, px[:n], pz[:n])
}
