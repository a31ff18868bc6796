//go:build amd64 && !purego

package curve25519

import (
	"math/big"
	"testing"
)

func skipWithoutFours(t *testing.T) {
	t.Helper()
	if fastest() < tierFours {
		t.Skip("no AVX2")
	}
}

// value is the integer that one lane stands for, mod p.
func (v *four) value(lane int) *big.Int {
	sum := new(big.Int)
	for i := 9; i >= 0; i-- {
		sum.Lsh(sum, uint(26-i%2)).Add(sum, new(big.Int).SetUint64(v[i][lane]))
	}
	return sum.Mod(sum, prime())
}

// fourBound is the largest limb of a settled element.
func fourBound(i int) uint64 {
	if i%2 == 0 {
		return 1<<26 + 1<<12
	}
	return 1<<25 + 1<<11
}

func checkFours(t *testing.T, what string, v []four) {
	t.Helper()
	for g := range v {
		for i := range v[g] {
			for lane, l := range v[g][i] {
				if l > fourBound(i) {
					t.Fatalf("%s: limb %d of lane %d is %#x, not settled", what, i, lane, l)
				}
			}
		}
	}
}

// fourOperands fills groups with the sample and with limbs that are zero or at their bounds.
func fourOperands() (out []fours) {
	var all [][10]uint64
	for _, e := range operands(30) {
		var v four
		v.set(0, &e)
		all = append(all, column(&v, 0))
	}
	for _, bits := range []int{0x3ff, 0x155, 0x2aa, 0x200, 0x001, 0x300, 0x01f, 0x3e0, 0x3fe, 0x1ff} {
		var l [10]uint64
		for i := range l {
			if bits>>i&1 == 1 {
				l[i] = fourBound(i)
			}
		}
		all = append(all, l)
	}
	for len(all)%foursItems != 0 {
		all = append(all, [10]uint64{1})
	}
	for at := 0; at < len(all); at += foursItems {
		var f fours
		for j := range foursItems {
			for i := range 10 {
				f[j/fourItems][i][j%fourItems] = all[at+j][i]
			}
		}
		out = append(out, f)
	}
	return out
}

func column(v *four, lane int) (l [10]uint64) {
	for i := range l {
		l[i] = v[i][lane]
	}
	return l
}

// rotate moves every lane on by n, so that operands meet in all combinations.
func (v *fours) rotate(n int) (out fours) {
	for j := range foursItems {
		k := (j + n) % foursItems
		for i := range 10 {
			out[k/fourItems][i][k%fourItems] = v[j/fourItems][i][j%fourItems]
		}
	}
	return out
}

func TestFoursAgainstBig(t *testing.T) {
	skipWithoutFours(t)
	ops := fourOperands()
	for i := range ops {
		for j := range ops {
			for n := range foursItems {
				a, b := ops[i], ops[j].rotate(n)
				var product fours
				mulFours(&product, &a, &b)
				checkFours(t, "mulFours", product[:])
				for l := range foursItems {
					want := new(big.Int).Mul(a[l/fourItems].value(l%fourItems), b[l/fourItems].value(l%fourItems))
					if product[l/fourItems].value(l%fourItems).Cmp(want.Mod(want, prime())) != 0 {
						t.Fatalf("mulFours %d %d %d, lane %d", i, j, n, l)
					}
				}
			}
		}
	}
}

func TestFoursSquares(t *testing.T) {
	skipWithoutFours(t)
	for i, a := range fourOperands() {
		for _, n := range []int{1, 2, 3, 10} {
			power := a
			squareFours(&power, &power, n)
			checkFours(t, "squareFours", power[:])
			e := new(big.Int).Lsh(big.NewInt(1), uint(n))
			for l := range foursItems {
				want := new(big.Int).Exp(a[l/fourItems].value(l%fourItems), e, prime())
				if power[l/fourItems].value(l%fourItems).Cmp(want) != 0 {
					t.Fatalf("squareFours %d, n = %d, lane %d", i, n, l)
				}
			}
		}
	}
}

// TestFoursLadderLimbs runs the ladder on u whose limbs are at their bounds, against the twin.
func TestFoursLadderLimbs(t *testing.T) {
	skipWithoutFours(t)
	k := randomScalar(t, source(41))
	var choice [255]uint8
	choices(&choice, k.bytes())
	for _, group := range fourOperands() {
		for _, u := range group {
			var x, z four
			ladderFour(&x, &z, &u, &choice)
			checkFours(t, "ladder", []four{x, z})
			for l := range fourItems {
				b := encode(u.value(l))
				var e, px, pz fe
				e.setBytes(&b)
				ladder(&px, &pz, &e, k.bytes())
				// x·pz = px·z
				left := new(big.Int).Mul(x.value(l), pz.value())
				right := new(big.Int).Mul(px.value(), z.value(l))
				if left.Sub(left, right).Mod(left, prime()).Sign() != 0 {
					t.Fatalf("u = %x: the ladder differs from the twin", decode(b))
				}
			}
		}
	}
}

func TestFoursConversion(t *testing.T) {
	for _, e := range operands(20) {
		var v four
		v.set(2, &e)
		checkFours(t, "set", []four{v})
		back := v.get(2)
		if v.value(2).Cmp(e.value()) != 0 || back.value().Cmp(e.value()) != 0 {
			t.Errorf("%x becomes %x, and %x again", e.value(), v.value(2), back.value())
		}
		for i, l := range back {
			if l >= 1<<52 {
				t.Errorf("limb %d comes back as %#x, not below 2^52", i, l)
			}
		}
	}
}
