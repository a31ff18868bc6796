package dp

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

// TestMain points the temporary directory at an empty one before anything runs: whatever the library's logger writes
// would land there, and fails the package.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dp-log-")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("TMPDIR", dir)
	code := m.Run()
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range left {
		if strings.Contains(f, ".log.") {
			fmt.Println("the library wrote a log file:", f)
			code = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestParsePico(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Pico
	}{
		{"0", 0},
		{"1", One},
		{"0.5", One / 2},
		{"1e-6", 1_000_000},
		{"2.5E+1", 25 * One},
		{"0.000000000001", 1},
		{"1e-15", 1},
		{"0.0000000000011", 2},
		{"1e999", MaxPico},
		{"9223372.036854775807", MaxPico},
		{"1e-999", 1},
		{"0.1", 100_000_000_000},
	} {
		got, err := ParsePico(c.in)
		if err != nil || got != c.want {
			t.Errorf("ParsePico(%q) = %d, %v, want %d", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{
		"", ".", "-1", "+1", "1.", ".5", "1e", "1e+", "1e1000", "1/3", "0x10", "1_0", " 1", "NaN", "Inf", "1e-",
		strings.Repeat("1", 65),
	} {
		if _, err := ParsePico(in); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("ParsePico(%q): %v, want Invalid", in, err)
		}
	}
}

func TestPicoFromFloat(t *testing.T) {
	for _, c := range []struct {
		in   float64
		want Pico
	}{
		{0, 0},
		{math.Copysign(0, -1), 0},
		{5e-324, 1},
		{1, One},
		{0.5, One / 2},
		{0.1, 100_000_000_001},
		{1e300, MaxPico},
		{20, 20 * One},
	} {
		got, err := PicoFromFloat(c.in)
		if err != nil || got != c.want {
			t.Errorf("PicoFromFloat(%g) = %d, %v, want %d", c.in, got, err, c.want)
		}
	}
	for _, in := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1), -5e-324} {
		if _, err := PicoFromFloat(in); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("PicoFromFloat(%g): %v, want Invalid", in, err)
		}
	}
}

func TestPicoNeverRoundsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0, 9e6).Draw(t, "x")
		p, err := PicoFromFloat(x)
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).SetFloat64(x)
		got := big.NewRat(int64(p), int64(One))
		if got.Cmp(exact) < 0 {
			t.Fatalf("%d pico is less than %g", p, x)
		}
		if below := big.NewRat(int64(p)-1, int64(One)); p > 0 && below.Cmp(exact) >= 0 {
			t.Fatalf("%d pico is not the smallest above %g", p, x)
		}
		if f := floatBelow(p); p > 0 && p <= MaxEpsilon && new(big.Rat).SetFloat64(f).Cmp(got) >= 0 {
			t.Fatalf("floatBelow(%d) is not below", p)
		}
	})
}

func TestSensBounds(t *testing.T) {
	for _, c := range []struct {
		l0, lInf int64
		rel      Neighbour
		want     fault.Code // Internal: no error
	}{
		{1, 1, AddRemove, fault.Internal},
		{1, MaxProduct, AddRemove, fault.Internal},
		{1, MaxProduct + 1, AddRemove, fault.LimitExceeded},
		{1, MaxProduct/2 + 1, ReplaceOne, fault.LimitExceeded},
		{1, MaxProduct / 2, ReplaceOne, fault.Internal},
		{0, 1, AddRemove, fault.Invalid},
		{1, 0, AddRemove, fault.Invalid},
		{-1, -1, AddRemove, fault.Invalid},
		{1, 1, ReplaceOne + 1, fault.Invalid},
		{math.MaxInt64, math.MaxInt64, AddRemove, fault.LimitExceeded},
		// The library multiplies these unchecked: the first product wraps to 2 and gives noise of scale 2, the second
		// never returns.
		{3, 6148914691236517206, AddRemove, fault.LimitExceeded},
		{4, 1 << 62, AddRemove, fault.LimitExceeded},
	} {
		s, err := NewSens(c.l0, c.lInf, c.rel)
		if got := codeOf(err); got != c.want {
			t.Errorf("NewSens(%d, %d, %d): %v, want %v", c.l0, c.lInf, c.rel, err, c.want)
		}
		// A literal that never saw NewSens is refused just the same, and its cells stay unread.
		cells, _ := NewCells(1)
		_, _, err = Release(cells, s, Noise{Kind: Laplace, Epsilon: 20 * One})
		if c.want != fault.Internal && codeOf(err) != c.want {
			t.Errorf("Release under Sens(%d, %d, %d): %v, want %v", c.l0, c.lInf, c.rel, err, c.want)
		}
		if c.want != fault.Internal && cells.raw == nil {
			t.Error("refused cells were consumed")
		}
	}
}

func TestNoiseBounds(t *testing.T) {
	one := Sens{L0: 1, LInf: 1}
	for _, c := range []struct {
		s    Sens
		n    Noise
		want fault.Code
	}{
		{one, Noise{}, fault.Invalid}, // the zero kind: the library would take nil and skip its checks
		{one, Noise{Kind: Gauss + 1, Epsilon: One}, fault.Invalid},
		{one, Noise{Kind: Laplace}, fault.Invalid},
		{one, Noise{Kind: Laplace, Epsilon: -1}, fault.Invalid},
		{one, Noise{Kind: Laplace, Epsilon: minEpsilon - 1}, fault.Invalid},
		{one, Noise{Kind: Laplace, Epsilon: minEpsilon}, fault.Internal},
		{one, Noise{Kind: Laplace, Epsilon: MaxEpsilon}, fault.Internal},
		{one, Noise{Kind: Laplace, Epsilon: MaxEpsilon + 1}, fault.Invalid},
		{one, Noise{Kind: Laplace, Epsilon: One, Delta: 1}, fault.Invalid},
		{one, Noise{Kind: Gauss, Epsilon: One}, fault.Invalid},
		{one, Noise{Kind: Gauss, Epsilon: One, Delta: 1}, fault.Internal},
		{one, Noise{Kind: Gauss, Epsilon: One, Delta: One/2 - 1}, fault.Internal},
		{one, Noise{Kind: Gauss, Epsilon: One, Delta: One / 2}, fault.Invalid},
		{Sens{1, 1 << 50, AddRemove}, Noise{Kind: Laplace, Epsilon: One}, fault.Internal},
		{Sens{1, 1<<50 + 1, AddRemove}, Noise{Kind: Laplace, Epsilon: One}, fault.LimitExceeded},
		{Sens{1, 1 << 50, AddRemove}, Noise{Kind: Gauss, Epsilon: One, Delta: 1}, fault.LimitExceeded},
		{Sens{1, 1, 7}, Noise{Kind: Laplace, Epsilon: One}, fault.Invalid},
	} {
		cells, _ := NewCells(1)
		_, _, err := Release(cells, c.s, c.n)
		if got := codeOf(err); got != c.want {
			t.Errorf("Release(%+v, %+v): %v, want %v", c.s, c.n, err, c.want)
		}
		if _, err := HalfWidth95(c.s, c.n); codeOf(err) != c.want {
			t.Errorf("HalfWidth95(%+v, %+v): %v, want %v", c.s, c.n, err, c.want)
		}
	}
}

// codeOf maps nil to Internal, which no check of this package returns.
func codeOf(err error) fault.Code {
	if err == nil {
		return fault.Internal
	}
	return fault.CodeOf(err)
}

func TestCharge(t *testing.T) {
	one := Sens{L0: 1, LInf: 1}
	for _, c := range []struct {
		s    Sens
		n    Noise
		want Charge
	}{
		{one, Noise{Kind: Laplace, Epsilon: One}, Charge{Rho: One / 2}},
		{one, Noise{Kind: Laplace, Epsilon: 3 * One}, Charge{Rho: 9 * One / 2}},
		{one, Noise{Kind: Laplace, Epsilon: One + 1}, Charge{Rho: One/2 + 2}}, // (1+2e-12+1e-24)/2, up
		{one, Noise{Kind: Laplace, Epsilon: minEpsilon}, Charge{Rho: 1}},      // 4.3e-19 is still one pico
	} {
		if got, err := Cost(c.s, c.n); err != nil || got != c.want {
			t.Errorf("Cost(%+v) = %+v, %v, want %+v", c.n, got, err, c.want)
		}
	}
	// Exact σ(ε,δ) of the Gaussian mechanism (dp_accounting): the library overshoots by at most 1e-3, so ρ = 1/2σ² is at
	// most that of the exact σ and within 0.3 %.
	for _, c := range []struct {
		epsilon, delta string
		sigma          float64
	}{
		{"1", "1e-5", 3.73063163482},
		{"0.5", "1e-6", 8.05761848073},
		{"1", "1e-6", 4.22467888933},
		{"8", "1e-5", .600229072199},
		{"0.1", "1e-8", 45.937360185},
	} {
		n := Noise{Kind: Gauss, Epsilon: pico(t, c.epsilon), Delta: pico(t, c.delta)}
		got, err := Cost(one, n)
		if err != nil {
			t.Fatal(err)
		}
		exact := 1 / (2 * c.sigma * c.sigma)
		if r := float64(got.Rho) / float64(One); r > exact*(1+1e-9) || r < exact*0.997 || got.Delta != 1 {
			t.Errorf("Cost(gauss %s, %s) = %+v, want ρ just below %g", c.epsilon, c.delta, got, exact)
		}
	}
}

func TestChargeScalesWithSensitivity(t *testing.T) {
	n := Noise{Kind: Gauss, Epsilon: One, Delta: 10_000_000}
	base, _ := Cost(Sens{1, 1, AddRemove}, n)
	for _, s := range []Sens{{4, 1, AddRemove}, {1, 1000, AddRemove}, {1, 1, ReplaceOne}, {9, 7, ReplaceOne}} {
		got, err := Cost(s, n) // the same promise costs the same, whatever the sensitivity; σ grows instead
		if err != nil || math.Abs(float64(got.Rho)/float64(base.Rho)-1) > 3e-3 {
			t.Errorf("Cost(%+v) = %+v, %v, want ρ near %d", s, got, err, base.Rho)
		}
	}
	wide, _ := HalfWidth95(Sens{1, 1, ReplaceOne}, n)
	narrow, _ := HalfWidth95(Sens{1, 1, AddRemove}, n)
	if math.Abs(wide/narrow-2) > 5e-3 {
		t.Errorf("ReplaceOne doubles the noise: %g against %g", wide, narrow)
	}
}

func TestComposition(t *testing.T) {
	part := rapid.Custom(func(t *rapid.T) Charge {
		return Charge{Rho: Pico(rapid.Int64Min(0).Draw(t, "rho")), Delta: Pico(rapid.Int64Min(0).Draw(t, "delta"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := part.Draw(t, "a"), part.Draw(t, "b"), part.Draw(t, "c")
		if a.Plus(b) != b.Plus(a) || a.Plus(b).Plus(c) != a.Plus(b.Plus(c)) {
			t.Fatal("the order of adding matters")
		}
		if s := a.Plus(b); s.Rho < a.Rho || s.Delta < b.Delta {
			t.Fatal("composition is not monotone")
		}
	})
}

// TestConversion: vectors computed numerically, ±1e-7.
func TestConversion(t *testing.T) {
	for _, c := range []struct {
		rho, delta string
		want       float64
	}{
		{"0.5", "1e-6", 5.22153444},
		{"0.1", "1e-6", 2.1419389},
		{"0.01", "1e-8", .7523259},
		{"1", "1e-5", 7.0771967},
	} {
		got, err := EpsilonFor(pico(t, c.rho), pico(t, c.delta))
		if err != nil || math.Abs(float64(got)/float64(One)-c.want) > 1.5e-7 {
			t.Errorf("EpsilonFor(%s, %s) = %s, %v, want %.8f", c.rho, c.delta, got, err, c.want)
		}
	}
	for _, c := range []struct {
		epsilon, delta string
		want           float64
	}{
		{"1", "1e-6", .0243559},
		{"2", "1e-6", .0881526},
		{"4", "1e-8", .2325943},
		{"8", "1e-8", .8156632},
	} {
		got, err := RhoCap(pico(t, c.epsilon), pico(t, c.delta))
		if err != nil || math.Abs(float64(got)/float64(One)-c.want) > 1.5e-7 {
			t.Errorf("RhoCap(%s, %s) = %s, %v, want %.7f", c.epsilon, c.delta, got, err, c.want)
		}
	}
	for _, bad := range [][2]Pico{{-1, 1}, {1, 0}, {1, One}, {1, -1}} {
		if _, err := EpsilonFor(bad[0], bad[1]); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("EpsilonFor(%d, %d): %v", bad[0], bad[1], err)
		}
		if _, err := RhoCap(bad[0], bad[1]); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("RhoCap(%d, %d): %v", bad[0], bad[1], err)
		}
	}
}

func TestConversionIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rho := Pico(rapid.Int64Range(0, int64(1000*One)).Draw(t, "rho"))
		delta := Pico(rapid.Int64Range(1, int64(One)-1).Draw(t, "delta"))
		epsilon := epsilonFor(rho, delta)
		if more := epsilonFor(rho+One/1000, delta); more < epsilon {
			t.Fatalf("ε falls from %s to %s as ρ grows", epsilon, more)
		}
		limit, err := RhoCap(epsilon, delta)
		if err != nil || limit < rho {
			t.Fatalf("RhoCap(EpsilonFor(%s)) = %s, %v", rho, limit, err)
		}
		if back := epsilonFor(limit, delta); back > epsilon {
			t.Fatalf("the cap %s spends %s of %s", limit, back, epsilon)
		}
	})
}

func pico(t *testing.T, s string) Pico {
	t.Helper()
	p, err := ParsePico(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func FuzzParsePico(f *testing.F) {
	for _, s := range []string{"0", "0.5", "1e-6", "1e999", "NaN", "1/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePico(s)
		if (err == nil) != (p >= 0 && decimal(s) && len(s) <= maxDecimalBytes) || p < 0 {
			t.Errorf("ParsePico = %d, %v", p, err)
		}
	})
}
