package train

import (
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
)

func TestNewGLMParams(t *testing.T) {
	ok := GLMLiteral{Link: LinkLogit, Rows: 200, LabelCols: 3, HostCols: 4, MaxIter: 10, Tol: 1e-3, Lambda: 1}
	for name, c := range map[string]struct {
		change func(*GLMLiteral)
		want   fault.Code
	}{
		"another link":         {func(l *GLMLiteral) { l.Link = "poisson" }, fault.Unsupported},
		"no link":              {func(l *GLMLiteral) { l.Link = "" }, fault.Unsupported},
		"no rows":              {func(l *GLMLiteral) { l.Rows = 0 }, fault.Invalid},
		"99 rows":              {func(l *GLMLiteral) { l.Rows = MinRows - 1 }, fault.Invalid},
		"fewer than 5 per col": {func(l *GLMLiteral) { l.HostCols, l.Rows = 38, 5*41-1 }, fault.Invalid},
		"too many rows":        {func(l *GLMLiteral) { l.Rows = MaxRows + 1 }, fault.LimitExceeded},
		"no label columns":     {func(l *GLMLiteral) { l.LabelCols = 0 }, fault.Invalid},
		"no host columns":      {func(l *GLMLiteral) { l.HostCols = 0 }, fault.Invalid},
		"negative columns":     {func(l *GLMLiteral) { l.HostCols = -1 }, fault.Invalid},
		"too many columns":     {func(l *GLMLiteral) { l.Rows, l.LabelCols, l.HostCols = 1<<20, 127, 128 }, fault.Precision},
		"columns overflow":     {func(l *GLMLiteral) { l.LabelCols, l.HostCols = math.MaxInt, math.MaxInt }, fault.Precision},
		"negative iterations":  {func(l *GLMLiteral) { l.MaxIter = -1 }, fault.Invalid},
		"too many iterations":  {func(l *GLMLiteral) { l.MaxIter = MaxIterations + 1 }, fault.LimitExceeded},
		"tiny tolerance":       {func(l *GLMLiteral) { l.Tol = MinTol / 2 }, fault.Invalid},
		"large tolerance":      {func(l *GLMLiteral) { l.Tol = 2 }, fault.Invalid},
		"NaN tolerance":        {func(l *GLMLiteral) { l.Tol = math.NaN() }, fault.Invalid},
		"negative penalty":     {func(l *GLMLiteral) { l.Lambda = -1 }, fault.Invalid},
		"NaN penalty":          {func(l *GLMLiteral) { l.Lambda = math.NaN() }, fault.Invalid},
		"large penalty":        {func(l *GLMLiteral) { l.Lambda = 2 * MaxLambda }, fault.Invalid},
		"share's k":            {func(l *GLMLiteral) { l.ShareK = 3 }, fault.Invalid},
	} {
		l := ok
		c.change(&l)
		if _, err := NewGLMParams(l); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if strings.Contains(name, "99") && !strings.Contains(err.Error(), "too-few-rows") {
			t.Errorf("%s: the reason is not too-few-rows: %v", name, err)
		}
	}
	for name, change := range map[string]func(*GLMLiteral){
		"as it is":      func(*GLMLiteral) {},
		"defaults":      func(l *GLMLiteral) { l.MaxIter, l.Tol, l.Lambda = 0, 0, 0 },
		"least rows":    func(l *GLMLiteral) { l.Rows, l.LabelCols, l.HostCols = MinRows, 10, 10 },
		"most columns":  func(l *GLMLiteral) { l.Rows, l.LabelCols, l.HostCols = MinRowsPerCol*MaxCols, 1, MaxCols-1 },
		"most rows":     func(l *GLMLiteral) { l.Rows, l.MaxIter = MaxRows, 50 },
		"most penalty":  func(l *GLMLiteral) { l.Lambda = MaxLambda },
		"most of a job": func(l *GLMLiteral) { l.MaxIter, l.Rows, l.LabelCols, l.HostCols = MaxIterations, 1<<20, 50, 50 },
	} {
		l := ok
		change(&l)
		p, err := NewGLMParams(l)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.scale-penaltyShift < 1 {
			t.Errorf("%s: scale %d", name, p.scale)
		}
		for _, n := range []he.Noise{p.forward.products.labelNoise, p.forward.products.hostNoise, p.backward.labelNoise, p.backward.hostNoise} {
			if n.DistanceBits() > -40 {
				t.Errorf("%s: distance 2^%v", name, n.DistanceBits())
			}
		}
	}
}

func TestLimitsFitTheRings(t *testing.T) {
	if scoreBits != share.SigmoidIn {
		t.Error("scores are not at the sigmoid's scale")
	}
	if worst := int64(MaxCols*valueMax+1<<valueBits) * WeightCap << weightBits; worst >= share.SigmoidMax {
		t.Errorf("the largest score %d exceeds the sigmoid's range %d", worst, int64(share.SigmoidMax))
	}
	if worst := float64(MaxRows)*he.XMax*(1<<residualBits) + MaxCols*he.XMax*WeightCap*(1<<weightBits); worst >= 1<<62 {
		t.Errorf("the largest gradient %g exceeds the truncation's range", worst)
	}
}

// gradientBits bounds every data set of its shape, extreme ones included.
func TestGradientBits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows, cols := rapid.IntRange(MinRows, 150).Draw(rt, "rows"), rapid.IntRange(1, 5).Draw(rt, "columns")
		label := rapid.Bool().Draw(rt, "label")
		lambda := rapid.SampledFrom([]float64{0, 0.01, 1, 1000, MaxLambda}).Draw(rt, "lambda")
		x := he.Matrix{Rows: rows, Cols: blockCols(cols, label), Data: make([]int64, rows*blockCols(cols, label))}
		sparse := rapid.IntRange(1, 40).Draw(rt, "sparsity")
		seed := rapid.IntRange(0, 1000).Draw(rt, "seed")
		for i := range x.Data {
			if (i*7919+seed)%sparse == 0 {
				x.Data[i] = []int64{valueMax, -valueMax}[(i*31+seed)/3%2]
			}
		}
		for i := rows * cols; i < len(x.Data); i++ {
			x.Data[i] = 1 << valueBits
		}
		s := gradientBits(rows, x.Cols, lambda)
		pre, err := precondition(rt.Context(), x, label, lambda, s, 2)
		if err != nil {
			rt.Fatal(err)
		}
		for _, v := range pre.Data {
			if v > he.XMax || v < -he.XMax {
				rt.Fatalf("an entry of %d, at most %d", v, he.XMax)
			}
		}
	})
}

// The preconditioner is the inverse that an oracle finds, whatever the number of workers.
func TestPrecondition(t *testing.T) {
	s := generate(2, 150, 4, 3, 1)
	label, _ := s.inputs()
	x, err := label.fixed(150, 4)
	if err != nil {
		t.Fatal(err)
	}
	bits := gradientBits(150, 5, 2)
	one, err := precondition(t.Context(), x, true, 2, bits, 1)
	if err != nil {
		t.Fatal(err)
	}
	four, err := precondition(t.Context(), x, true, 2, bits, 4)
	if err != nil || !slices.Equal(one.Data, four.Data) {
		t.Errorf("workers change the result: %v", err)
	}
	want := newTwinBlock(s.columns()[0], true, 2, bits)
	for j := range 5 {
		got := one.Data[j*155:][:155]
		for i, v := range append(slices.Clone(want.pre[j]), want.pen[j]...) {
			if d := got[i] - v; d > 1 || d < -1 {
				t.Fatalf("column %d row %d: %d, want %d", j, i, got[i], v)
			}
		}
	}
}

func TestDigest(t *testing.T) {
	l := GLMLiteral{Link: LinkLogit, Rows: 200, LabelCols: 3, HostCols: 4, MaxIter: 10, Tol: 1e-3, Lambda: 1}
	p := mustParams(t, l)
	seen := map[[32]byte]bool{p.Digest(): true}
	for _, change := range []func(*GLMLiteral){
		func(l *GLMLiteral) { l.Rows++ },
		func(l *GLMLiteral) { l.LabelCols++ },
		func(l *GLMLiteral) { l.HostCols++ },
		func(l *GLMLiteral) { l.MaxIter++ },
		func(l *GLMLiteral) { l.Tol *= 2 },
		func(l *GLMLiteral) { l.Lambda *= 2 },
		func(l *GLMLiteral) { l.ShareK = 8 },
	} {
		o := l
		change(&o)
		seen[mustParams(t, o).Digest()] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d digests of 8 literals", len(seen))
	}
	l.CacheBytes = -1
	if mustParams(t, l).Digest() != p.Digest() {
		t.Error("a local setting changes the digest")
	}
}

// The reveals: lines of doc.go are Leaks() and its two companions, word for word.
func TestLeaks(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^// (reveals: .*)$`).FindAllStringSubmatch(string(src), -1) {
		got = append(got, m[1])
	}
	p := mustParams(t, GLMLiteral{Link: LinkLogit, Rows: 100, LabelCols: 1, HostCols: 1})
	for _, l := range slices.Concat(p.Leaks(), CoefficientsLeaks(), PartitionLeaks()) {
		want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
	}
	if !slices.Equal(got, want) {
		t.Errorf("doc.go says %q, Leaks() %q", got, want)
	}
	for _, l := range slices.Concat(p.Leaks(), CoefficientsLeaks(), PartitionLeaks()) {
		if !slices.Contains([]protocols.Role{protocols.All, LabelHolder, Host}, l.To) {
			t.Errorf("unknown role %q", l.To)
		}
	}
}
