// Package exconv is the expand–convolute linear code of Raghuraman, Rindal and Tanguy (CRYPTO 2023, ia.cr/2023/882): the
// public matrix that compresses the regular noise of a silent VOLE.
//
// A code has Rows outputs and, beside as many systematic inputs, Parity inputs. It maps (s, x) to s + B·A·x over any
// field of characteristic 2; here the entries are blocks, since the matrix is binary.
//
//   - A is the convolution, taken twice: x_i += x_{i−25} + Σ a_{ij}·x_{i−j} over the distances j = 1 … 24, i ascending,
//     with random bits a_{ij}. What the last 25 entries add beyond the end wraps around to the beginning, so that the
//     second pass carries every input into every output. Without the wrap both passes would be lower triangular, and
//     rows that the expander concentrates at the beginning would have little weight.
//   - B is the expander: each row adds up Weight entries, the first ⌈Weight/2⌉ of them one in each of as many equal
//     regions, the rest anywhere.
//
// Both follow the parameters of libOTe's ExConvCode (accumulator 24, regular expander, systematic, accumulated twice),
// from a generator of our own: AES-128 in counter mode under the code's seed, so that rows can be made in any order. The
// minimum distance δ of such codes is an estimate by the source, not a theorem: 0.15 for weight 7, 0.20 for weight 21.
//
// The convolution has two forms with equal results: assembly for CPUs with AVX2 and BMI2, and a portable twin. The choice
// is made once, at start; TACIT_KERNEL=portable in the environment or the build tag purego forces the twin.
//
// The matrix is public: memory is read at indices that depend on the seed only, never on the blocks.
package exconv

import "github.com/tacit-data/tacit/internal/kernel/aes"

const (
	// Width is the number of random taps of the convolution; one more, at distance Width+1, is always set.
	Width = 24
	// MaxWeight bounds the entries that one row adds up.
	MaxWeight = 21
	// MinParity is the least number of parity inputs: entries that wrap around must not be taps of each other.
	MinParity = 4 * (Width + 1)
	// MaxParity bounds the parity inputs: indices are drawn with 32 bits, whose bias is at most MaxParity/2^32.
	MaxParity = 1 << 24
)

// Accelerated reports whether the vector kernel runs in this process.
func Accelerated() bool { return accelerated }

// The uses of the seed, the first byte of the counter block. The two passes are usePass and usePass+1.
const (
	usePass   = 1
	useExpand = 3
)

// Shape says how large a code is.
type Shape struct {
	Parity int // entries of x, MinParity to MaxParity
	Weight int // entries that one output adds up, 1 to MaxWeight; 7, or 21 for the larger distance
}

// Code is one matrix. It is immutable and safe for concurrent use.
type Code struct {
	seed    aes.Block
	shape   Shape
	regions [MaxWeight]region // of each pick of a row
}

// New returns the code of that shape under a public seed.
func New(seed aes.Block, s Shape) *Code {
	if s.Parity < MinParity || s.Parity > MaxParity || s.Weight < 1 || s.Weight > MaxWeight {
		panic("kernel/exconv: shape out of bounds")
	}
	c := &Code{seed: seed, shape: s}
	equal := (s.Weight + 1) / 2
	for j := range s.Weight {
		c.regions[j] = region{size: uint32(s.Parity)}
		if j < equal {
			lo, hi := j*s.Parity/equal, (j+1)*s.Parity/equal
			c.regions[j] = region{uint32(lo), uint32(hi - lo)}
		}
	}
	return c
}

// stream is the generator of one use, from block first on.
func (c *Code) stream(use byte, first uint64) *aes.Stream {
	iv := aes.Block{0: use}
	for i := range 8 {
		iv[15-i] = byte(first >> (8 * i))
	}
	return aes.NewStream(c.seed, iv)
}

// checkVector asserts that x holds Parity entries of one or two lanes.
func (c *Code) checkVector(x []aes.Block, lanes int) {
	if lanes < 1 || lanes > 2 || len(x) != lanes*c.shape.Parity {
		panic("kernel/exconv: vector of another length than the code's")
	}
}
