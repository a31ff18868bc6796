package dp

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func TestCells(t *testing.T) {
	for n, want := range map[int]fault.Code{
		-1: fault.Invalid, 0: fault.Invalid, 1: fault.Internal, MaxCells + 1: fault.LimitExceeded,
	} {
		if _, err := NewCells(n); codeOf(err) != want {
			t.Errorf("NewCells(%d): %v, want %v", n, err, want)
		}
	}
	c, _ := NewCells(2)
	for _, i := range []int{-1, 2} {
		if err := c.Add(i, 1); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Add to cell %d: %v", i, err)
		}
	}
	_ = c.Add(0, 424242)
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%s"} {
		if got := fmt.Sprintf(verb, c); got != "dp.Cells" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if got := c.LogValue().String(); got != "dp.Cells" {
		t.Errorf("logs %q", got)
	}
	n := Noise{Kind: Laplace, Epsilon: One}
	if r, charge, err := Release(c, Sens{1, 1, AddRemove}, n); err != nil || len(r.Values) != 2 || charge.Rho != One/2 {
		t.Errorf("Release = %+v, %+v, %v", r, charge, err)
	}
	if _, charge, err := Release(c, Sens{1, 1, AddRemove}, n); fault.CodeOf(err) != fault.Invalid || charge != (Charge{}) {
		t.Errorf("second Release: %+v, %v", charge, err)
	}
	if err := c.Add(0, 1); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Add after Release: %v", err)
	}
	if _, _, err := Release(nil, Sens{1, 1, AddRemove}, n); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Release of nothing: %v", err)
	}
}

// TestCellsAddExactly compares with big.Int: sums do not depend on order, and saturate only at the end.
func TestCellsAddExactly(t *testing.T) {
	edge := rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1 << 62, -1 << 62, 1<<62 + 1, -1<<62 - 1, -1, 0, 1})
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(edge, rapid.Int64()), 0, 20).Draw(t, "values")
		c, _ := NewCells(1)
		want := new(big.Int)
		for _, v := range values {
			if err := c.Add(0, v); err != nil {
				t.Fatal(err)
			}
			want.Add(want, big.NewInt(v))
		}
		if limit := big.NewInt(saturation); want.CmpAbs(limit) > 0 {
			want.Mul(limit, big.NewInt(int64(want.Sign())))
		}
		if got, _ := c.take(); got[0] != want.Int64() {
			t.Fatalf("sum of %d values is %d, want %d", len(values), got[0], want.Int64())
		}
	})
}

// TestNoiseScale draws 20,000 times. The mean of |X|/b of Laplace noise leaves ±6 % with probability below
// 2·exp(−20000·(0.06−ln 1.06)) < 2e-15 (Chernoff for exponentials); Σ X²/nσ² of Gaussian noise leaves ±8 % with
// probability below 2·exp(−10000·(0.08−ln 1.08)) < 1e-12. Stated false-alarm rate: 1e-9.
func TestNoiseScale(t *testing.T) {
	const draws = 20_000
	if testing.Short() {
		t.Skip("statistical")
	}
	for _, s := range []Sens{{1, 1, AddRemove}, {2, 5, AddRemove}, {2, 5, ReplaceOne}} {
		laplace := Noise{Kind: Laplace, Epsilon: One / 10}
		b := float64(s.l1()) * 10
		// Rounding to integers keeps E|X| at b·x/sinh x with x = 1/2b.
		want := b * (0.5 / b) / math.Sinh(0.5/b)
		if got := meanAbs(draw(t, draws, s, laplace)); math.Abs(got/want-1) > 0.06 {
			t.Errorf("Laplace under %+v: mean |X| = %g, want %g", s, got, want)
		}
	}
	s := Sens{L0: 4, LInf: 1}
	gauss := Noise{Kind: Gauss, Epsilon: One, Delta: 10_000_000}
	sigma := 2 * 3.73063163482 // √4 times the exact σ(1, 1e-5); the library overshoots by at most 1e-3
	want := sigma*sigma + 1.0/12
	if got := meanSquare(draw(t, draws, s, gauss)); math.Abs(got/want-1) > 0.08 {
		t.Errorf("Gauss: mean X² = %g, want %g", got, want)
	}
}

func draw(t *testing.T, n int, s Sens, noise Noise) []int64 {
	t.Helper()
	c, err := NewCells(n)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := Release(c, s, noise)
	if err != nil {
		t.Fatal(err)
	}
	return r.Values
}

func meanAbs(x []int64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	return sum / float64(len(x))
}

func meanSquare(x []int64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(x))
}

// TestExtremes: saturated cells take noise of the widest scale without wrapping.
func TestExtremes(t *testing.T) {
	for _, v := range []int64{math.MaxInt64, math.MinInt64} {
		c, _ := NewCells(50)
		for i := range 50 {
			_ = c.Add(i, v)
			_ = c.Add(i, v)
		}
		r, _, err := Release(c, Sens{1, 1 << 50, AddRemove}, Noise{Kind: Laplace, Epsilon: One})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range r.Values {
			// 2^62 ± 200 scales of 2^50: exceeded with probability e^-200.
			if diff := math.Abs(math.Abs(float64(got)) - saturation); diff > 200*(1<<50) || (got > 0) != (v > 0) {
				t.Errorf("noisy extreme %d", got)
			}
		}
	}
}

// ExampleRelease prices a release before it reads a row, then makes it.
func ExampleRelease() {
	sens, _ := NewSens(1, 1, AddRemove)
	epsilon, _ := ParsePico("0.5")
	n := Noise{Kind: Laplace, Epsilon: epsilon}
	charge, _ := Cost(sens, n)
	width, _ := HalfWidth95(sens, n)
	fmt.Printf("costs ρ = %s, ±%.1f rows\n", charge.Rho, width)

	cells, _ := NewCells(3)
	_ = cells.Add(0, 1)
	result, paid, _ := Release(cells, sens, n)
	fmt.Println(len(result.Values), "noisy cells, paid as quoted:", paid == charge)
	// Output:
	// costs ρ = 0.125, ±6.0 rows
	// 3 noisy cells, paid as quoted: true
}

func BenchmarkRelease(b *testing.B) {
	for _, n := range []Noise{{Kind: Laplace, Epsilon: One}, {Kind: Gauss, Epsilon: One, Delta: 1_000_000}} {
		b.Run(n.Kind.String(), func(b *testing.B) {
			const cells = 1000
			for b.Loop() {
				c, _ := NewCells(cells)
				if _, _, err := Release(c, Sens{1, 1, AddRemove}, n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cells, "ns/cell")
		})
	}
}
