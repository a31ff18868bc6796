//go:build amd64 && !purego

package curve25519

// four is four field elements in radix 2^25.5, limb by limb: limb i of ten has weight 2^⌈25.5·i⌉. Two limbs together are
// one of fe. Settled (see _asm/four.go): limbs of even index are below 1.0001·2^26, of odd index below 1.0001·2^25.
type four [10][fourItems]uint64

// fours is two groups of four, the unit of field arithmetic; the ladder takes one.
type fours [2]four

const (
	fourItems  = 4
	foursItems = 2 * fourItems
	limb26     = 1<<26 - 1
)

// set puts an element in one lane.
func (v *four) set(lane int, a *fe) {
	lane &= 3
	t := *a
	t.carry()
	for i, l := range t {
		v[2*i][lane] = l & limb26
		v[2*i+1][lane] = l >> 26
	}
}

// get is the element in one lane.
func (v *four) get(lane int) (r fe) {
	lane &= 3
	for i := range r {
		r[i] = v[2*i][lane] + v[2*i+1][lane]<<26
	}
	return r
}

// euler sets v = a^((p−1)/2) lane by lane; see fe.euler and chain250.
func (v *fours) euler(a *fours) {
	var t, six, x10, x20, x50, x100 fours
	squareFours(&t, a, 1)        // 2
	squareFours(&six, &t, 1)     // 4
	mulFours(&six, &six, &t)     // 6
	squareFours(&t, &six, 2)     // 24
	mulFours(&t, &t, &six)       // 30
	mulFours(&t, &t, a)          // 31 = 2^5−1
	squareFours(&x10, &t, 5)     // 2^10−2^5
	mulFours(&x10, &x10, &t)     // 2^10−1
	squareFours(&x20, &x10, 10)  //
	mulFours(&x20, &x20, &x10)   // 2^20−1
	squareFours(&t, &x20, 20)    //
	mulFours(&t, &t, &x20)       // 2^40−1
	squareFours(&x50, &t, 10)    //
	mulFours(&x50, &x50, &x10)   // 2^50−1
	squareFours(&x100, &x50, 50) //
	mulFours(&x100, &x100, &x50) // 2^100−1
	squareFours(&t, &x100, 100)  //
	mulFours(&t, &t, &x100)      // 2^200−1
	squareFours(&t, &t, 50)      //
	mulFours(&t, &t, &x50)       // 2^250−1
	squareFours(&t, &t, 4)       // 2^254−2^4
	mulFours(v, &t, &six)        // 2^254−10
}

// nonSquareMasks is all ones where a is a non-square and zero where it is a square or zero.
func (a *fours) nonSquareMasks() (mask [foursItems]uint64) {
	var t fours
	t.euler(a)
	for i := range mask {
		e := t[i/fourItems].get(i % fourItems)
		mask[i] = e.isMinusOne()
	}
	return mask
}
