//go:build amd64 && !purego

package curve25519

import (
	"math/big"
	"testing"
)

// value is the integer that one settled lane stands for, mod p.
func (v *lanes) value(lane int) *big.Int {
	sum := new(big.Int).SetUint64(v[4][lane])
	for i := 3; i >= 0; i-- {
		sum.Lsh(sum, 52).Add(sum, new(big.Int).SetUint64(v[i][lane]&limb52))
	}
	return sum.Mod(sum, prime())
}

func checkSettled(t *testing.T, what string, v *quad) {
	t.Helper()
	for i := range quadItems {
		if l := v[i/width][4][i%width]; l >= 1<<47+1<<11 {
			t.Fatalf("%s: limb 4 is %#x, not below 2^47 + 2^11", what, l)
		}
	}
}

// laneOperands fills quads with the sample and with limbs at their bounds: all ones in the bits that count, and in the
// bits that do not.
func laneOperands() (out []quad) {
	var all []lanesLane
	for _, v := range sample(30) {
		b := encode(v)
		var l lanes
		l.set(0, &b)
		all = append(all, lanesLane{l[0][0], l[1][0], l[2][0], l[3][0], l[4][0]})
	}
	const ones, top = ^uint64(0), uint64(1<<47 + 1<<11 - 1)
	for bits := range 32 {
		var l lanesLane
		for i := range 5 {
			if bits>>i&1 == 1 {
				l[i] = ones
				if i == 4 {
					l[i] = top
				}
			}
		}
		all = append(all, l)
	}
	for len(all)%quadItems != 0 {
		all = append(all, lanesLane{1})
	}
	for at := 0; at < len(all); at += quadItems {
		var p quad
		for j := range quadItems {
			for i := range 5 {
				p[j/width][i][j%width] = all[at+j][i]
			}
		}
		out = append(out, p)
	}
	return out
}

type lanesLane [5]uint64

// rotate moves every lane on by n, so that operands meet in all combinations.
func (v *quad) rotate(n int) (out quad) {
	for j := range quadItems {
		k := (j + n) % quadItems
		for i := range 5 {
			out[k/width][i][k%width] = v[j/width][i][j%width]
		}
	}
	return out
}

func skipWithoutLanes(t *testing.T) {
	t.Helper()
	if fastest() < tierLanes {
		t.Skip("no AVX-512 IFMA")
	}
}

func TestLanesAgainstBig(t *testing.T) {
	skipWithoutLanes(t)
	p := prime()
	ops := laneOperands()
	for i := range ops {
		for j := range ops {
			for n := range quadItems {
				a, b := ops[i], ops[j].rotate(n)
				var product quad
				mulQuad(&product, &a, &b)
				checkSettled(t, "mulQuad", &product)
				for l := range quadItems {
					want := new(big.Int).Mul(a[l/width].value(l%width), b[l/width].value(l%width))
					if product[l/width].value(l%width).Cmp(want.Mod(want, p)) != 0 {
						t.Fatalf("mulQuad %d %d %d, lane %d", i, j, n, l)
					}
				}
			}
		}
	}
}

func TestLanesSquares(t *testing.T) {
	skipWithoutLanes(t)
	p := prime()
	for i, a := range laneOperands() {
		for _, n := range []int{1, 2, 3, 10} {
			var power quad
			squareQuad(&power, &a, n)
			checkSettled(t, "squareQuad", &power)
			e := new(big.Int).Lsh(big.NewInt(1), uint(n))
			for l := range quadItems {
				want := new(big.Int).Exp(a[l/width].value(l%width), e, p)
				if power[l/width].value(l%width).Cmp(want) != 0 {
					t.Fatalf("squareQuad %d, n = %d, lane %d", i, n, l)
				}
			}
		}
	}
}

// TestLanesLadderLimbs runs the ladder on u whose limbs are at their bounds, against the twin.
func TestLanesLadderLimbs(t *testing.T) {
	skipWithoutLanes(t)
	k := randomScalar(t, source(40))
	var choice [255]uint8
	choices(&choice, k.bytes())
	for _, u := range laneOperands() {
		var x, z quad
		ladderQuad(&x, &z, &u, &choice, quadItems)
		checkSettled(t, "ladder", &x)
		checkSettled(t, "ladder", &z)
		for l := range quadItems {
			b := encode(u[l/width].value(l % width))
			var e, px, pz fe
			e.setBytes(&b)
			ladder(&px, &pz, &e, k.bytes())
			// x·pz = px·z
			left := new(big.Int).Mul(x[l/width].value(l%width), pz.value())
			right := new(big.Int).Mul(px.value(), z[l/width].value(l%width))
			if left.Sub(left, right).Mod(left, prime()).Sign() != 0 {
				t.Fatalf("u = %x: the ladder differs from the twin", decode(b))
			}
		}
	}
}

func TestLanesCombine(t *testing.T) {
	skipWithoutLanes(t)
	ops := laneOperands()
	for _, c := range []struct {
		m, n, c uint64
		minus   bool
	}{{1, 1, 0, false}, {2, 0, 1, false}, {1, 1, curveA * curveA, true}, {0, 1, 0, true}, {511, 511, 1<<50 - 1, true}, {511, 511, 0, false}} {
		for i := range ops {
			for n := range quadItems {
				a, b := ops[i], ops[(i+1)%len(ops)].rotate(n)
				var got quad
				got.combine(c.m, &a, c.n, &b, c.c, c.minus)
				checkSettled(t, "combine", &got)
				for l := range quadItems {
					x := new(big.Int).Mul(a[l/width].value(l%width), new(big.Int).SetUint64(c.m))
					y := new(big.Int).Mul(b[l/width].value(l%width), new(big.Int).SetUint64(c.n))
					if c.minus {
						y.Neg(y)
					}
					x.Add(x, y).Add(x, new(big.Int).SetUint64(c.c)).Mod(x, prime())
					if got[l/width].value(l%width).Cmp(x) != 0 {
						t.Fatalf("combine %+v, lane %d", c, l)
					}
				}
			}
		}
	}
}

func TestLanesEncoding(t *testing.T) {
	skipWithoutLanes(t)
	for _, a := range laneOperands() {
		for l := range quadItems {
			var b [32]byte
			a[l/width].bytes(l%width, &b)
			want := a[l/width].value(l % width)
			if decode(b).Cmp(want) != 0 {
				t.Errorf("encoding of %x is %x", want, b)
			}
			if zero := a[l/width].zeroMask(l%width) != 0; zero != (want.Sign() == 0) {
				t.Errorf("zeroMask(%x) is %v", want, zero)
			}
		}
	}
}

// TestLanesHash: eight items at once, and every number of blocks that a tag can lead to, against the twin.
func TestLanesHash(t *testing.T) {
	skipWithoutLanes(t)
	for n := 1; n <= maxDST; n++ {
		tag := make([]byte, n)
		_, _ = source(byte(n)).Read(tag)
		item := randomItems(byte(n), 5)
		var x xmd
		var h laneHash
		var r lanes
		x.setup(tag)
		h.setup(&x)
		for range 2 {
			h.field(&r, item, 1)
			for lane := range width {
				want := hashToField(item[min(1+lane, 4)][:], tag)
				if r.value(lane).Cmp(want) != 0 {
					t.Fatalf("tag of %d bytes, lane %d: got %x, want %x", n, lane, r.value(lane), want)
				}
			}
		}
	}
}

func TestLanesWideReduction(t *testing.T) {
	for _, fill := range []uint64{0, 1, 1 << 63, 1<<63 - 1, ^uint64(0)} {
		var s [8][8]uint64
		want := new(big.Int)
		for i := range 6 {
			s[i][3] = fill
			want.Lsh(want, 64).Add(want, new(big.Int).SetUint64(fill))
		}
		var r lanes
		r.setWide(3, &s)
		if r.value(3).Cmp(want.Mod(want, prime())) != 0 || r[4][3] > 1<<47 {
			t.Errorf("six words of %#x reduce to %x", fill, r.value(3))
		}
	}
}
