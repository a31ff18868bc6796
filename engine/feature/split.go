package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// Split parts n positions into train and test, each ascending. The test part is ⌈n·testFraction⌉ positions, the first of
// an order drawn by AES-128-CTR under SHA-256("tacit/split/v1" ‖ seed): whoever knows n, fraction and seed computes the
// same parts, so parties that are aligned agree without a message.
//
// With strata (one small number per position, for example the label) each stratum is parted in the same proportion.
// Strata are private: only their holder can compute that split, and it then tells the others which positions are test.
// seed must then be secret and fresh: whoever can repeat the order sees in the parts where a stratum had its share, and
// so the strata of the positions after it. With a secret seed the parts tell no position's stratum.
//
// Errors: fault.Invalid (n < 2, a fraction not inside (0, 1), strata of another length, a part or a stratum's part that
// would be empty), fault.LimitExceeded (MaxRows).
func Split(n int, testFraction float64, seed []byte, strata []uint8) (train, test []int32, err error) {
	const op = "feature.Split"
	switch {
	case n < 2:
		return nil, nil, fault.New(fault.Invalid, op, "too-few-rows: %d rows, at least 2 are parted", n)
	case n > MaxRows:
		return nil, nil, fault.New(fault.LimitExceeded, op, "MaxRows: %d rows, at most %d", n, MaxRows)
	case !(testFraction > 0 && testFraction < 1):
		return nil, nil, fault.New(fault.Invalid, op, "the test fraction is not between 0 and 1")
	case strata != nil && len(strata) != n:
		return nil, nil, fault.New(fault.Invalid, op, "%d strata for %d rows", len(strata), n)
	}
	order := permutation(n, seed)
	inTest := make([]bool, n)
	if strata == nil {
		strata = make([]uint8, n)
	}
	size := counts(strata)
	quota := shares(size, testFraction)
	for _, i := range order {
		if c := strata[i]; quota[c] > 0 {
			quota[c]--
			inTest[i] = true
		}
	}
	for i, in := range inTest {
		if in {
			test = append(test, int32(i))
			size[strata[i]]--
		} else {
			train = append(train, int32(i))
		}
	}
	for i := range inTest {
		if size[strata[i]] == 0 {
			return nil, nil, fault.New(fault.Invalid, op, "too-few-rows: a stratum leaves no row to train on")
		}
	}
	if len(test) == 0 || len(train) == 0 {
		return nil, nil, fault.New(fault.Invalid, op, "too-few-rows: %d rows leave a part empty", n)
	}
	return train, test, nil
}

func counts(strata []uint8) (size [256]int) {
	for _, c := range strata {
		size[c]++
	}
	return size
}

// shares gives every stratum its part of the ⌈n·f⌉ test rows: the floor of its own n_c·f, and one of those left over to
// the largest remainders, lower strata first among equals.
func shares(size [256]int, f float64) (quota [256]int) {
	n, given := 0, 0
	var order [256]int
	var rest [256]float64
	for c, k := range size {
		n += k
		exact := float64(k) * f
		quota[c] = int(exact)
		rest[c] = exact - float64(quota[c])
		given += quota[c]
		order[c] = c
	}
	slices.SortStableFunc(order[:], func(a, b int) int {
		switch {
		case rest[a] > rest[b]:
			return -1
		case rest[a] < rest[b]:
			return 1
		}
		return 0
	})
	for _, c := range order {
		if given < int(math.Ceil(float64(n)*f)) && quota[c] < size[c] {
			quota[c]++
			given++
		}
	}
	return quota
}

// permutation is the Fisher–Yates order of 0..n−1 under the generator of Split.
func permutation(n int, seed []byte) []int32 {
	key := sha256.Sum256(append([]byte("tacit/split/v1"), seed...))
	g := &drawer{stream: aes.NewStream(aes.Block(key[:16]), aes.Block(key[16:]))}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := g.below(uint64(i) + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// drawer draws uniform numbers from a stream.
type drawer struct {
	stream *aes.Stream
	buf    [4096]byte
	left   []byte
}

func (g *drawer) next() uint64 {
	if len(g.left) == 0 {
		g.stream.Fill(g.buf[:])
		g.left = g.buf[:]
	}
	v := binary.LittleEndian.Uint64(g.left)
	g.left = g.left[8:]
	return v
}

// below returns a uniform number in [0, n), by Lemire's multiplication with rejection (arXiv 1805.10941, algorithm 5).
func (g *drawer) below(n uint64) uint64 {
	hi, lo := bits.Mul64(g.next(), n)
	if lo < n {
		for threshold := -n % n; lo < threshold; {
			hi, lo = bits.Mul64(g.next(), n)
		}
	}
	return hi
}
