package curve25519

// block is the unit of work: so many items share one field inversion, and the scratch of one block (60 KiB) stays on
// the stack and within L2.
const block = 512

// ladder sets (x : z) = k·u, RFC 7748 §5, for any 255-bit k. The differential addition treats its two inputs alike up
// to the sign of a value that is squared, so only the inputs of the doubling are chosen by the swap bit.
func ladder(x, z, u *fe, k *[32]byte) {
	a2, b2 := fe{1}, fe{1}
	a2.add(&a2, &fe{}) // x2 + z2 for (1 : 0)
	b2.add(&b2, &fe{}) // x2 − z2
	var a3, b3 fe
	a3.add(u, &fe{1})
	b3.sub(u, &fe{1})
	swap := uint64(0)
	for i := 254; i >= 0; i-- {
		bit := uint64(k[i/8]>>(i%8)) & 1
		step(x, z, &a2, &b2, &a3, &b3, u, -(swap ^ bit))
		swap = bit
	}
	// x, z hold the doubling's result, a3 and b3 the sum and difference of the other one: undo the swap.
	// x3 = (a3+b3)/2, z3 = (a3−b3)/2; the factor 2 is common to both coordinates.
	a3.carry()
	b3.carry()
	var x3, z3 fe
	x3.add(&a3, &b3)
	z3.sub(&a3, &b3)
	x.choose(&x3, x, -swap)
	z.choose(&z3, z, -swap)
}

// step is one step of the ladder on sums and differences, uncarried: (a2, b2) = (x2+z2, x2−z2), (a3, b3) likewise. With
// choice all ones the second pair is doubled instead of the first. (x, z) is left as the doubled point.
func step(x, z, a2, b2, a3, b3, u *fe, choice uint64) {
	var a, b, aa, bb, da, cb, e, f fe
	a.choose(a3, a2, choice)
	b.choose(b3, b2, choice)
	aa.square(&a)
	bb.square(&b)
	da.mul(b3, a2)
	cb.mul(a3, b2)
	e.difference(&aa, &bb)
	f.mulSmall(&e, a24)
	f.sum(&f, &bb)
	x.mul(&aa, &bb)
	z.mul(&e, &f)
	a2.sum(x, z)
	b2.difference(x, z)
	var x3, z3 fe
	x3.sum(&da, &cb)
	x3.square(&x3)
	z3.difference(&da, &cb)
	z3.square(&z3)
	z3.mul(&z3, u)
	a3.sum(&x3, &z3)
	b3.difference(&x3, &z3)
}

// mulBlockPortable is MulBatch for at most one block.
func mulBlockPortable(dst, src []U, k *[32]byte) (firstZero int) {
	var x, z [block]fe
	for i := range src {
		var u fe
		u.setBytes((*[32]byte)(&src[i]))
		ladder(&x[i], &z[i], &u, k)
	}
	return divide(dst, x[:len(dst)], z[:len(dst)])
}

// divide writes x/z, and 0 where z = 0, with one inversion (Montgomery's trick); it returns the first zero or −1.
// x and z are overwritten.
func divide(dst []U, x, z []fe) (firstZero int) {
	for i := range z {
		none := z[i].zeroMask()
		x[i].choose(&fe{}, &x[i], none)
		z[i].choose(&fe{1}, &z[i], none)
	}
	invertAll(z)
	firstZero = -1
	for i := range dst {
		x[i].mul(&x[i], &z[i])
		x[i].bytes((*[32]byte)(&dst[i]))
		if dst[i] == (U{}) && firstZero < 0 {
			firstZero = i
		}
	}
	clear(z) // x/z is public, z is not
	return firstZero
}

// invertAll inverts every element of z, none of which is zero; at most one block.
func invertAll(z []fe) {
	var prefix [block]fe
	acc := fe{1}
	for i := range z {
		prefix[i] = acc
		acc.mul(&acc, &z[i])
	}
	acc.invert(&acc)
	for i := len(z) - 1; i >= 0; i-- {
		prefix[i].mul(&prefix[i], &acc)
		acc.mul(&acc, &z[i])
		z[i] = prefix[i]
	}
	clear(prefix[:])
}

// onCurvePortable returns the first index whose u³+A·u²+u is not a square, or −1.
func onCurvePortable(src []U) (bad int) {
	for i := range src {
		var u, g fe
		u.setBytes((*[32]byte)(&src[i]))
		g.rightSide(&u)
		if g.nonSquareMask() != 0 {
			return i
		}
	}
	return -1
}

// rightSide sets v = u³ + A·u² + u.
func (v *fe) rightSide(u *fe) {
	var t fe
	t.add(u, &fe{curveA})
	t.mul(&t, u)
	t.add(&t, &fe{1})
	v.mul(&t, u)
}
