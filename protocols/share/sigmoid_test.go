package share

import (
	"math"
	"testing"
)

// logistic is the function the spline approximates.
func logistic(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// The spline differs from the logistic function by at most 0.0153 (the jump at the last knot), is odd about ½, never
// decreases and reaches exactly 0 and 1.
func TestSigmoidPlain(t *testing.T) {
	const one = int64(1) << SigmoidOut
	last := int64(0)
	for z := -12.0; z <= 12; z += 1.0 / 512 {
		x := int64(z * (1 << SigmoidIn))
		got := SigmoidPlain(x)
		if d := math.Abs(float64(got)/float64(one) - logistic(z)); d > 0.0153 {
			t.Fatalf("z = %.4f is off by %.5f", z, d)
		}
		if got+SigmoidPlain(-x) != one {
			t.Fatalf("z = %.4f is not odd about ½", z)
		}
		if got < last {
			t.Fatalf("decreases at z = %.4f", z)
		}
		last = got
	}
	for z, want := range map[int64]int64{
		0: one / 2, SigmoidMax - 1: one, -(SigmoidMax - 1): 0, 17897128722: one, -17897128722: 0,
		1: one/2 + 911, -1: one/2 - 911,
	} {
		if got := SigmoidPlain(z); got != want {
			t.Errorf("z = %d: %d, want %d", z, got, want)
		}
	}
}

// The constants are what their comment says: recomputed here from the knots in floating point.
func TestSigmoidConstants(t *testing.T) {
	const scale = 1 << SigmoidIn
	a := []float64{0, 1.233, 2.333, 4.167}
	slope := []int64{sigmoidFirstSlope}
	for _, p := range sigmoidPieces {
		slope = append(slope, slope[len(slope)-1]+p.change)
	}
	for i := 1; i < len(a); i++ {
		if want := uint64(math.Round(a[i] * scale)); sigmoidPieces[i-1].knot != want {
			t.Errorf("knot %d is %d, want %d", i, sigmoidPieces[i-1].knot, want)
		}
		want := math.Round(4096 * (logistic(a[i]) - logistic(a[i-1])) / (a[i] - a[i-1]))
		if float64(slope[i-1]) != want {
			t.Errorf("slope %d is %d, want %.0f", i, slope[i-1], want)
		}
	}
	if slope[3] != 0 {
		t.Errorf("slope %d after the last knot", slope[3])
	}
}

func checkSigmoid(t *testing.T, q *pair, z, extra []int64) {
	t.Helper()
	sz, se := split(seeded(30), z), split(seeded(31), extra)
	var p [2][]uint64
	var signs [2]Bits
	c := q.cost(func(i int, e *Engine) (err error) {
		p[i], signs[i], err = e.Sigmoid(q.ctx, sz[i], se[i])
		return err
	})
	if want := q.e[0].Params().SigmoidCost(len(z), len(extra)); c != want {
		t.Fatalf("n %d, extra %d: counted %+v, Cost %+v", len(z), len(extra), c, want)
	}
	if len(p[0]) != len(z) || signs[0].Len() != len(extra) {
		t.Fatalf("%d values and %d signs", len(p[0]), signs[0].Len())
	}
	for i, v := range sum(p) {
		if v != SigmoidPlain(z[i]) {
			t.Fatalf("n %d: σ of element %d differs from the plain twin", len(z), i)
		}
	}
	for i, neg := range xor(t, signs) {
		if neg != (extra[i] < 0) {
			t.Fatalf("sign of extra %d is %v", i, neg)
		}
	}
}

func TestSigmoid(t *testing.T) {
	q := newPair(t, Default(), 2)
	edge := []int64{0, 1, -1, SigmoidMax - 1, -(SigmoidMax - 1)}
	for _, p := range sigmoidPieces {
		k := int64(p.knot)
		edge = append(edge, k, k-1, k+1, -k, -k-1, -k+1)
	}
	checkSigmoid(t, q, edge, []int64{0, -1, 1<<47 - 1, -1 << 47})
	r := seeded(32)
	for _, n := range lengths {
		z := make([]int64, n)
		for i := range z {
			z[i] = int64(r.NormFloat64() * 2.5 * (1 << SigmoidIn))
		}
		checkSigmoid(t, q, z, make([]int64, n%3))
	}
	checkSigmoid(t, q, nil, []int64{-5})
}

func TestSigmoidBlockEdge(t *testing.T) {
	if testing.Short() {
		t.Skip("65,537 rows")
	}
	z := make([]int64, sigmoidRows+1)
	for i := range z {
		z[i] = int64(i-1000) << 20
	}
	checkSigmoid(t, newPair(t, Default(), 1), z, []int64{-1, 1})
}

func BenchmarkSigmoid(b *testing.B) {
	const n = 24_000
	for name, k := range map[string]int{"k=4": 4, "k=8": 8} {
		p, err := NewParams(Literal{K: k})
		if err != nil {
			b.Fatal(err)
		}
		q := newPair(b, p, 1)
		s := split(seeded(33), make([]int64, n))
		c := p.SigmoidCost(n, 0)
		benchmarkOp(b, q, name+"/n=24000", n, float64(c.SentBytes+c.RecvBytes), func(i int, e *Engine) error {
			_, _, err := e.Sigmoid(q.ctx, s[i], nil)
			return err
		})
	}
}

func BenchmarkOperations(b *testing.B) {
	const n = 1 << 15
	q := newPair(b, Default(), 1)
	p := Default()
	x, bit := split(seeded(34), make([]int64, n)), splitBits(seeded(35), make([]bool, n))
	for _, o := range []struct {
		name  string
		bytes int64
		run   func(i int, e *Engine) error
	}{
		{"msb48", p.MSBCost(n, 48).SentBytes + p.MSBCost(n, 48).RecvBytes, func(i int, e *Engine) error {
			_, err := e.MSB(q.ctx, x[i], 48)
			return err
		}},
		{"msb64", p.MSBCost(n, 64).SentBytes + p.MSBCost(n, 64).RecvBytes, func(i int, e *Engine) error {
			_, err := e.MSB(q.ctx, x[i], 64)
			return err
		}},
		{"mux", p.MuxCost(n).SentBytes + p.MuxCost(n).RecvBytes, func(i int, e *Engine) error {
			_, err := e.Mux(q.ctx, bit[i], x[i])
			return err
		}},
		{"truncate28", p.TruncateCost(n, 28).SentBytes + p.TruncateCost(n, 28).RecvBytes, func(i int, e *Engine) error {
			_, err := e.Truncate(q.ctx, x[i], 28)
			return err
		}},
	} {
		benchmarkOp(b, q, o.name, n, float64(o.bytes), o.run)
	}
}

func benchmarkOp(b *testing.B, q *pair, name string, n int, bytes float64, run func(i int, e *Engine) error) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			q.both(run)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		b.ReportMetric(bytes/float64(n), "B/row")
	})
}
