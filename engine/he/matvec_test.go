package he

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

// plainProduct is X·v or Xᵀ·v modulo 2^64 by the definition.
func plainProduct(x Matrix, v []uint64, transposed bool) []uint64 {
	out := make([]uint64, x.Rows)
	if transposed {
		out = make([]uint64, x.Cols)
	}
	for j := range x.Cols {
		for i := range x.Rows {
			e := uint64(x.Data[j*x.Rows+i])
			if transposed {
				out[j] += e * v[i]
			} else {
				out[i] += e * v[j]
			}
		}
	}
	return out
}

func randomMatrix(rng *rand.Rand, rows, cols int, extreme bool) Matrix {
	x := Matrix{Rows: rows, Cols: cols, Data: make([]int64, rows*cols)}
	for i := range x.Data {
		x.Data[i] = rng.Int64N(2*XMax+1) - XMax
		if extreme {
			x.Data[i] = XMax * (1 - 2*rng.Int64N(2))
		}
	}
	return x
}

// shapeOf is newProduct at a fixed width, so that properties reach every layout.
func shapeOf(t testing.TB, p Params, rows, cols int, transposed bool, width int) Product {
	t.Helper()
	s, err := newProduct(p, rows, cols, transposed)
	if err != nil {
		t.Fatal(err)
	}
	if width != 0 {
		s.width = width
	}
	return s
}

// run sends one product through all steps and returns opened + share, checking the announced sizes.
func run(t testing.TB, b bench, s Product, x Matrix, v []uint64, cache int64) []uint64 {
	t.Helper()
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	noise, err := s.Noise(XMax, 1000)
	fail(err)
	in, err := s.Encrypt(ctx, b.kits, b.key, v)
	fail(err)
	enc, err := s.Encode(ctx, b.kits, x, cache)
	fail(err)
	if enc.Cached() != (cache >= s.CacheBytes()) {
		t.Fatalf("cached %t with %d of %d bytes", enc.Cached(), cache, s.CacheBytes())
	}
	out, share, err := s.Mul(ctx, b.kits, enc, in, b.pk, noise)
	fail(err)
	got, err := s.Open(ctx, b.kits, b.key, out)
	fail(err)
	inBytes, outBytes := 0, 0
	for _, c := range in {
		inBytes += len(c)
	}
	for o, c := range out {
		outBytes += len(c)
		if len(c) != s.OutputSize(o) {
			t.Fatalf("sealed ciphertext %d has %d bytes, announced %d", o, len(c), s.OutputSize(o))
		}
	}
	if int64(inBytes) != s.InputBytes() || int64(outBytes) != s.OutputBytes() || len(in) != s.Inputs() || len(out) != s.Outputs() {
		t.Fatalf("%d and %d bytes, announced %d and %d", inBytes, outBytes, s.InputBytes(), s.OutputBytes())
	}
	for i := range got {
		got[i] += share[i]
	}
	return got
}

// TestProductsMatchPlain: random dimensions, widths, workers and cache limits against integer matrices modulo 2^64.
func TestProductsMatchPlain(t *testing.T) {
	b := newBench(t, H2, 3)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		transposed := rapid.Bool().Draw(rt, "transposed")
		inner := rapid.IntRange(1, 40).Draw(rt, "inner")
		width := 1 << rapid.IntRange(0, 13).Draw(rt, "log width")
		inner = min(inner*max(1, width/16), 6*width, 9000) // at most 6 inputs
		outs := rapid.IntRange(1, 2*(b.p.N()/width)+1).Draw(rt, "outputs")
		if inner*outs > 300_000 {
			outs = max(1, 300_000/inner)
		}
		rows, cols := outs, inner
		if transposed {
			rows, cols = inner, outs
		}
		if rapid.Bool().Draw(rt, "default width") && inner*outs < 50_000 {
			width = 0
		}
		s := shapeOf(t, b.p, rows, cols, transposed, width)
		x := randomMatrix(rng, rows, cols, rapid.Bool().Draw(rt, "extreme"))
		v := edges(rng, inner)[:inner]
		cache := rapid.SampledFrom([]int64{0, 1 << 40}).Draw(rt, "cache")
		used := b
		used.kits = b.kits[:rapid.IntRange(1, 3).Draw(rt, "workers")]
		if !slices.Equal(run(t, used, s, x, v, cache), plainProduct(x, v, transposed)) {
			rt.Fatalf("%d × %d, transposed %t, width %d: wrong", rows, cols, transposed, s.width)
		}
	})
}

// TestProductsAtBounds are the shapes on either side of a polynomial's end.
func TestProductsAtBounds(t *testing.T) {
	b := newBench(t, H2, 2)
	rng := rand.New(rand.NewPCG(5, 5))
	n := b.p.N()
	for _, d := range [][2]int{{1, 1}, {1, 7}, {7, 1}, {n, 1}, {1, n}, {n + 1, 2}, {n - 1, 3}, {2, n + 1}, {3, n - 1}, {2*n + 1, 3}, {101, 99}} {
		if testing.Short() && d[0]*d[1] > 2*n {
			continue
		}
		for _, transposed := range []bool{false, true} {
			s := shapeOf(t, b.p, d[0], d[1], transposed, 0)
			x := randomMatrix(rng, d[0], d[1], true)
			v := edges(rng, s.InputLen())[:s.InputLen()]
			if !slices.Equal(run(t, b, s, x, v, 0), plainProduct(x, v, transposed)) {
				t.Errorf("%d × %d, transposed %t: wrong", d[0], d[1], transposed)
			}
		}
	}
}

// TestWorkersDoNotMatter: one kit per worker, many ciphertexts at once; with shared scratch most results are wrong.
func TestWorkersDoNotMatter(t *testing.T) {
	b := newBench(t, H2, 8)
	rng := rand.New(rand.NewPCG(6, 6))
	s := shapeOf(t, b.p, 2000, 24, false, 8) // 3 inputs, 2 outputs
	s2 := shapeOf(t, b.p, 300, 24, true, 1024)
	for _, s := range []Product{s, s2} {
		x := randomMatrix(rng, s.rows, s.cols, false)
		v := edges(rng, s.InputLen())
		for _, workers := range []int{1, 8} {
			used := b
			used.kits = b.kits[:workers]
			if !slices.Equal(run(t, used, s, x, v, 1<<40), plainProduct(x, v, s.transposed)) {
				t.Errorf("%d workers: wrong", workers)
			}
		}
	}
}

// TestWidthIsCheapest compares the choice with every width by its definition.
func TestWidthIsCheapest(t *testing.T) {
	p, _ := Lookup(H2)
	for _, d := range [][2]int{{1, 1}, {100_000, 50}, {1_000_000, 100}, {1_000_000, 1}, {8192, 8192}, {1, 1 << 20}, {MaxDim, 3}} {
		for _, transposed := range []bool{false, true} {
			s := shapeOf(t, p, d[0], d[1], transposed, 0)
			for w := 1; w <= p.N(); w *= 2 {
				o := s
				o.width = w
				if o.Inputs() <= MaxInputs && o.InputBytes()+o.OutputBytes() < s.InputBytes()+s.OutputBytes() {
					t.Errorf("%v: width %d is cheaper than %d", d, w, s.Width())
				}
			}
		}
	}
	// The figures of a full batch of 1M rows × 50 columns: 50 seeded and 123 sealed whole; 123 seeded and 50 sealed.
	f, g := shapeOf(t, p, 1_000_000, 50, false, 0), shapeOf(t, p, 1_000_000, 50, true, 0)
	if f.Inputs() != 50 || f.Outputs() != 123 || g.Inputs() != 123 || g.Outputs() != 50 {
		t.Errorf("%d→%d and %d→%d ciphertexts", f.Inputs(), f.Outputs(), g.Inputs(), g.Outputs())
	}
}

func TestProductContracts(t *testing.T) {
	b, h1 := newBench(t, H2, 1), newBench(t, H1, 1)
	ctx := context.Background()
	for _, c := range []struct {
		p          Params
		rows, cols int
		code       fault.Code
	}{
		{b.p, 0, 1, fault.Invalid},
		{b.p, 1, 0, fault.Invalid},
		{b.p, -1, 1, fault.Invalid},
		{b.p, MaxDim + 1, 1, fault.LimitExceeded},
		{b.p, 1, MaxDim + 1, fault.LimitExceeded},
		{h1.p, 1, 1, fault.Unsupported},
		{Params{}, 1, 1, fault.Invalid},
	} {
		_, err := NewMatVec(c.p, c.rows, c.cols)
		wantCode(t, err, c.code)
		_, err = NewMatTVec(c.p, c.rows, c.cols)
		wantCode(t, err, c.code)
	}
	s, err := NewMatVec(b.p, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	noise, err := s.Noise(XMax, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Noise(XMax, 1<<62)
	wantCode(t, err, fault.Precision)
	_, err = Product{}.Noise(1, 1)
	wantCode(t, err, fault.Invalid)

	_, err = s.Encrypt(ctx, b.kits, b.key, make([]uint64, 3))
	wantCode(t, err, fault.Invalid)
	_, err = s.Encrypt(ctx, b.kits, h1.key, make([]uint64, 2))
	wantCode(t, err, fault.Invalid)
	_, err = s.Encrypt(ctx, nil, b.key, make([]uint64, 2))
	wantCode(t, err, fault.Invalid)
	in, err := s.Encrypt(ctx, b.kits, b.key, make([]uint64, 2))
	if err != nil {
		t.Fatal(err)
	}

	for _, x := range []Matrix{{}, {Rows: 2, Cols: 3, Data: make([]int64, 6)}, {Rows: 3, Cols: 2, Data: make([]int64, 5)}} {
		_, err = s.Encode(ctx, b.kits, x, 0)
		wantCode(t, err, fault.Invalid)
	}
	for _, v := range []int64{XMax + 1, -XMax - 1, -1 << 63} {
		_, err = s.Encode(ctx, b.kits, Matrix{3, 2, []int64{0, 0, 0, 0, 0, v}}, 0)
		wantCode(t, err, fault.Precision)
	}
	x, err := s.Encode(ctx, b.kits, Matrix{3, 2, []int64{1, 2, 3, 4, 5, -XMax}}, 0)
	if err != nil || x.XMax() != XMax {
		t.Fatal(x.XMax(), err)
	}

	_, _, err = s.Mul(ctx, nil, x, in, b.pk, noise)
	wantCode(t, err, fault.Invalid)
	_, _, err = s.Mul(ctx, b.kits, nil, in, b.pk, noise)
	wantCode(t, err, fault.Invalid)
	_, _, err = s.Mul(ctx, b.kits, x, in, h1.pk, noise)
	wantCode(t, err, fault.Invalid)
	_, _, err = s.Mul(ctx, b.kits, x, in, b.pk, Noise{})
	wantCode(t, err, fault.Precision)
	_, err = s.MulMasked(ctx, b.kits, x, in, b.pk, noise, nil)
	wantCode(t, err, fault.Invalid)
	weak, err := s.Noise(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Mul(ctx, b.kits, x, in, b.pk, weak)
	wantCode(t, err, fault.Precision)
	for _, bad := range [][][]byte{nil, {nil}, {in[0], in[0]}, {in[0][:99]}} {
		_, _, err = s.Mul(ctx, b.kits, x, bad, b.pk, noise)
		wantCode(t, err, fault.Misbehaved)
		_, err = s.Open(ctx, b.kits, b.key, bad)
		wantCode(t, err, fault.Misbehaved)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err = s.Mul(canceled, b.kits, x, in, b.pk, noise)
	wantCode(t, err, fault.Canceled)
	_, err = Product{}.Open(ctx, b.kits, b.key, nil)
	wantCode(t, err, fault.Invalid)
}

// TestMulMaskedUsesTheMask: two key holders opened with opposite masks sum to twice the product.
func TestMulMaskedUsesTheMask(t *testing.T) {
	b := newBench(t, H2, 1)
	ctx := context.Background()
	s := shapeOf(t, b.p, 2, 1, false, 0)
	noise, _ := s.Noise(XMax, 2)
	x, err := s.Encode(ctx, b.kits, Matrix{2, 1, []int64{5, -7}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Encrypt(ctx, b.kits, b.key, []uint64{1 << 63})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.MulMasked(ctx, b.kits, x, in, b.pk, noise, []uint64{3, 4})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Open(ctx, b.kits, b.key, out)
	if err != nil || got[0] != 1<<63+3 || got[1] != 1<<63+4 {
		t.Fatalf("opened values differ: %v", err)
	}
}

// TestMulDrawsFreshMasks: the evaluator's share is uniform, so what opens is independent of the product: high bits of
// 8192 shares are balanced (σ = 45, 6.7σ fails once in 10^10 runs) and two runs share no value (2^-38).
func TestMulDrawsFreshMasks(t *testing.T) {
	b := newBench(t, H2, 1)
	ctx := context.Background()
	s := shapeOf(t, b.p, 8192, 1, false, 0)
	noise, _ := s.Noise(XMax, 2)
	x, err := s.Encode(ctx, b.kits, Matrix{8192, 1, make([]int64, 8192)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Encrypt(ctx, b.kits, b.key, []uint64{1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for range 2 {
		_, share, err := s.Mul(ctx, b.kits, x, in, b.pk, noise)
		if err != nil {
			t.Fatal(err)
		}
		ones := 0
		for _, v := range share {
			if seen[v] {
				t.Fatal("a mask occurs twice")
			}
			seen[v] = true
			ones += int(v >> 63)
		}
		if ones < 4096-300 || ones > 4096+300 {
			t.Errorf("%d of 8192 high bits set", ones)
		}
	}
}

func ExampleProduct() {
	ctx := context.Background()
	rand := testRand("example") // crypto/rand.Reader outside tests

	// Both parties agree on the shape, and so on every byte count.
	p, _ := Lookup(H2)
	shape, _ := NewMatVec(p, 3, 2)

	// The key holder encrypts v = (10, −1) modulo 2^64.
	key, _ := NewSecret(p, rand)
	kits, _ := NewKits(p, rand, 2)
	seed := [SeedBytes]byte{1} // from the transcript
	pk, _ := kits[0].PublicKey(key, seed)
	minusOne := ^uint64(0)
	inputs, _ := shape.Encrypt(ctx, kits, key, []uint64{10, minusOne})

	// The evaluator multiplies with its private matrix (columns 1 2 3 and 4 5 6) and keeps a share.
	theirs, _ := NewKits(p, rand, 2)
	noise, _ := shape.Noise(XMax, shape.Outputs())
	x, _ := shape.Encode(ctx, theirs, Matrix{Rows: 3, Cols: 2, Data: []int64{1, 2, 3, 4, 5, 6}}, 1<<30)
	sealed, share, err := shape.Mul(ctx, theirs, x, inputs, pk, noise)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The key holder opens its own share; the two add up to X·v.
	mine, _ := shape.Open(ctx, kits, key, sealed)
	for i := range mine {
		fmt.Println(int64(mine[i] + share[i]))
	}
	fmt.Println(shape.InputBytes(), shape.OutputBytes())
	// Output:
	// 6
	// 15
	// 24
	// 200760 100413
}
